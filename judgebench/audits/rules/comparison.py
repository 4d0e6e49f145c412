"""A submission beside the others of its benchmark: how long its outputs are, and whether they depend on their
instruction.

Length is no offence: a length outlier tells readers what a win rate rests on.

A model that answers shares words with others who answer the same; one whose outputs were exchanged, or made without
reading, shares no more with them than with outputs to anything else. Words that the instruction holds, and those in a
tenth of the model's own outputs, do not count. Outputs in another language share none with either, so nothing is said
of them. The idea is that of the permutation test of Zheng et al. 2025, on texts instead of win rates.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from judgebench.audits.findings import LEVEL, Finding, FindingRule, Severity, mean_estimate
from judgebench.audits.reading import Hashes, read
from judgebench.audits.submission_set import ModelOutputs, SubmissionSet
from judgebench.estimate import Estimate
from judgebench.stats.verdict_table import Floats

LENGTH = FindingRule(
    "length-outlier",
    "Median over instructions of the output's length over the median length of the other models' outputs, at least "
    "three others. Low beyond a factor of 4, medium beyond 10, by the end of the interval that is nearer to 1.",
)
UNRELATED = FindingRule(
    "unrelated-output",
    "How much more of the output's words stand in other models' outputs to the same instruction than in those to "
    "another one, over the same for the median of the other models: 1 is usual, 0 means that outputs have nothing to "
    "do with their instructions. Medium where the interval lies below 0.25, high below 0.1; from 50 instructions and "
    "three other models on, where words are shared at all.",
)
RULES = (LENGTH, UNRELATED)
_OTHERS = 3
_LOW_FACTOR, _MEDIUM_FACTOR = 4.0, 10.0
_SAMPLE = 200  # instructions that are looked at
_REFERENCES = 6  # models whose words are taken together
_USUAL = 20  # models that tell what is usual
_LEAST_WORDS, _LEAST = 3, 50
_COMMON = 0.1  # share of a model's outputs from which a word says nothing
_CLEAR = 4.0  # standard errors


def findings(submissions: SubmissionSet, chosen: Sequence[str]) -> Iterator[Finding]:
    """What the rules of this module find in the ``chosen`` models beside all."""
    yield from _lengths(submissions, chosen)
    yield from _unrelated(submissions, chosen)


def _lengths(submissions: SubmissionSet, chosen: Sequence[str]) -> Iterator[Finding]:
    models, lengths = _lengths_of(submissions)
    for place, model in enumerate(models):
        if model not in chosen:
            continue
        ratios = _ratios(lengths[place], np.delete(lengths, place, axis=0))
        if not len(ratios):
            continue
        ratio = median_estimate(ratios)
        lower, upper = ratio.ends
        nearer = max(lower, 1 / upper if upper else np.inf, 0.0)
        severity = _length_severity(nearer)
        if severity is not None:
            yield Finding(model, severity, LENGTH.name, submissions.by_model[model].first, ratio)


def _length_severity(factor: float) -> Severity | None:
    if factor < _LOW_FACTOR:
        return None
    return Severity.MEDIUM if factor >= _MEDIUM_FACTOR else Severity.LOW


def _lengths_of(submissions: SubmissionSet) -> tuple[list[str], NDArray[np.float64]]:
    """Models, and (models, instructions) their outputs' characters; NaN where there is none, 1 for an empty one."""
    models, keys = sorted(submissions.by_model), sorted(submissions.instructions)
    rows = [
        [max(1, len(texts[key])) if key in texts else np.nan for key in keys]
        for texts in (submissions.by_model[model].texts for model in models)
    ]
    return models, np.array(rows, dtype=np.float64).reshape(len(models), len(keys))


def _ratios(own: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """One an instruction that the model and at least three others answered."""
    usual = (~np.isnan(own)) & ((~np.isnan(others)).sum(axis=0) >= _OTHERS)
    return np.asarray(own[usual] / np.nanmedian(others[:, usual], axis=0)) if usual.any() else np.empty(0)


def median_estimate(values: Sequence[float] | NDArray[np.float64], level: float = LEVEL) -> Estimate:
    """The median with the order statistics between which it lies at ``level`` (sign test), the outermost where there
    are too few values for that."""
    from scipy import stats  # it takes longer to load than all else; only what asks for this pays

    ordered = np.sort(np.asarray(values, dtype=np.float64))
    reach = int(stats.binom.ppf((1 - level) / 2, len(ordered), 0.5))
    below = max(reach - 1, 0)
    lower, upper = float(ordered[below]), float(ordered[len(ordered) - 1 - below])
    return Estimate(float(np.median(ordered)), lower, upper, level, "order statistics", len(ordered))


@dataclass(frozen=True, slots=True, eq=False)
class SharedWords:
    """Shares of an output's words, one row an instruction."""

    own: Floats  # in others' outputs to the same instruction
    elsewhere: Floats  # in those to another

    @property
    def gain(self) -> Floats:
        return self.own - self.elsewhere

    @property
    def clear(self) -> bool:
        """Whether the outputs depend on their instructions beyond doubt."""
        if len(self.gain) < 2:
            return False
        error = float(self.gain.std(ddof=1)) / np.sqrt(len(self.gain))
        return bool(self.gain.mean() > _CLEAR * error)


def _unrelated(submissions: SubmissionSet, chosen: Sequence[str]) -> Iterator[Finding]:
    """Nothing with fewer than three others."""
    if len(submissions.by_model) < 4:
        return
    usual = sorted(submissions.by_model)[: _USUAL + 1]
    overlaps = {model: overlap(submissions, submissions.by_model[model]) for model in sorted({*usual, *chosen})}
    for model in chosen:
        others = [overlaps[name] for name in usual if name != model and len(overlaps[name].gain) >= _LEAST]
        gain = _relative_gain(overlaps[model], others)
        if gain is None or gain.value is None:
            continue
        most = gain.value if gain.upper is None else gain.upper  # no end: it never varied, over all these instructions
        if most < 0.25:
            severity = Severity.HIGH if most < 0.1 else Severity.MEDIUM
            yield Finding(model, severity, UNRELATED.name, submissions.by_model[model].first, gain)


def _relative_gain(mine: SharedWords, others: Sequence[SharedWords]) -> Estimate | None:
    """The model's gain over the usual one; None with too few others or instructions, or where words are not shared."""
    if len(others) < 3 or len(mine.gain) < _LEAST:
        return None
    usual = float(np.median([words.gain.mean() for words in others]))
    shared = float(np.median([words.elsewhere.mean() for words in others]))
    if usual <= 0 or mine.elsewhere.mean() < shared / 2:
        return None
    return mean_estimate(mine.gain).mapped(lambda gain: gain / usual)


def overlap(submissions: SubmissionSet, submission: ModelOutputs, keys: Sequence[str] | None = None) -> SharedWords:
    """What the outputs to ``keys`` (all where None) share with others'; without other models, with the instruction's
    words, what is quoted from it left aside."""
    chosen = _sample(list(submission.texts) if keys is None else list(keys))
    others = submissions.others(submission.model)
    references = _references(submissions, others, chosen)
    words = _own_words(submissions, submission, chosen, quoted=bool(others))
    seen, counts = np.unique(np.concatenate([*words.values(), np.empty(0, dtype=np.uint64)]), return_counts=True)
    common = seen[counts > max(1.0, _COMMON * len(chosen))]
    own, elsewhere = [], []
    for place, key in enumerate(chosen):
        spoken = np.setdiff1d(words[key], common, assume_unique=True)
        if len(spoken) < _LEAST_WORDS:
            continue
        other = chosen[(place + len(chosen) // 2) % len(chosen)]
        own.append(float(np.isin(spoken, references[key]).mean()))
        elsewhere.append(float(np.isin(spoken, references[other]).mean()))
    return SharedWords(np.array(own, dtype=np.float64), np.array(elsewhere, dtype=np.float64))


def _own_words(
    submissions: SubmissionSet, submission: ModelOutputs, keys: Sequence[str], *, quoted: bool
) -> dict[str, Hashes]:
    """Outputs' words: without the instruction's, or (not ``quoted``) without what is quoted from it only."""
    if not quoted:
        texts = [submission.texts[key].replace(submissions.instructions[key], " ") for key in keys]
        return dict(zip(keys, read(texts).sequences(1), strict=True))
    words, theirs = submission.words(keys), submissions.asked.words
    return {key: np.setdiff1d(words[key], theirs[key], assume_unique=True) for key in keys}


def _references(submissions: SubmissionSet, others: Sequence[ModelOutputs], keys: Sequence[str]) -> dict[str, Hashes]:
    """The words of the first six models that answered, or, without others, of the instruction."""
    if not others:
        return {key: submissions.asked.words[key] for key in keys}
    references = {}
    for key in keys:
        first = islice((other for other in others if key in other.texts), _REFERENCES)
        words = [other.words(keys)[key] for other in first]
        references[key] = np.unique(np.concatenate([*words, np.empty(0, dtype=np.uint64)]))
    return references


def _sample(keys: Sequence[str]) -> list[str]:
    ordered = sorted(keys)
    return ordered[:: max(1, -(-len(ordered) // _SAMPLE))]
