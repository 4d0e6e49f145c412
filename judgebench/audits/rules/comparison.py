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

import numpy as np
from numpy.typing import NDArray

from judgebench.audits.findings import LEVEL, Finding, FindingRule, Severity, mean_estimate
from judgebench.audits.reading import Hashes, Sequences, frequent, is_in, read
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
    from scipy.special import bdtr  # it takes long to load; only what asks for this pays

    ordered = np.sort(np.asarray(values, dtype=np.float64))
    reach = int(np.searchsorted(bdtr(np.arange(len(ordered) + 1), len(ordered), 0.5), (1 - level) / 2))
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
    """Nothing with fewer than three others, and nothing of models with too few outputs, which are not read."""
    if len(submissions.by_model) < 4:
        return
    usual, looked_at = (
        [model for model in models if len(submissions.by_model[model]) >= _LEAST]
        for models in (sorted(submissions.by_model)[: _USUAL + 1], chosen)
    )
    overlaps = {model: overlap(submissions, submissions.by_model[model]) for model in sorted({*usual, *looked_at})}
    for model in looked_at:
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
    """What the outputs to ``keys`` (a sample of all where None) share with others'; without other models, with the
    instruction's words, what is quoted from it left aside."""
    chosen = _sample(submissions, submission) if keys is None else _thinned(keys)
    count = len(chosen)
    references = _references(submissions, submission, chosen)
    words = _own_words(submissions, submission, chosen, quoted=len(submissions.by_model) > 1)
    common = frequent(words.hashes, max(1.0, _COMMON * sum(key in submission.texts for key in chosen)))
    spoken = Sequences(words.numbers[~is_in(words.hashes, common)], count)
    sizes = np.maximum(spoken.sizes, 1)
    shift = (spoken.owners + count // 2) % max(1, count)
    own, elsewhere = (
        np.bincount(spoken.owners, is_in(spoken.owned_by(owners), references), minlength=count) / sizes
        for owners in (spoken.owners, shift)
    )
    long = spoken.sizes >= _LEAST_WORDS
    return SharedWords(own[long], elsewhere[long])


def _own_words(
    submissions: SubmissionSet, submission: ModelOutputs, keys: tuple[str, ...], *, quoted: bool
) -> Sequences:
    """Outputs' words: without the instruction's, or (not ``quoted``) without what is quoted from it only."""
    if not quoted:
        texts = [submission.texts.get(key, "").replace(submissions.instructions[key], " ") for key in keys]
        return read(texts).sequences(1)
    return submission.words(keys).without(submissions.asked.words(keys))


def _references(submissions: SubmissionSet, submission: ModelOutputs, keys: tuple[str, ...]) -> Hashes:
    """The words of six models, those that answered most, or, without others, of the instruction; with the places of
    the instructions."""
    others = submissions.others(submission.model)
    others.sort(key=lambda other: -sum(key in other.texts for key in keys))
    if not others:
        return submissions.asked.words(keys).numbers
    return np.concatenate([other.words(keys).numbers for other in others[:_REFERENCES]])


def _sample(submissions: SubmissionSet, submission: ModelOutputs) -> tuple[str, ...]:
    """The same instructions for every model that answered most of them: their outputs are read once."""
    if len(submission) < len(submissions.instructions) / 2:
        return _thinned(list(submission.texts))
    return _thinned(list(submissions.instructions))


def _thinned(keys: Sequence[str]) -> tuple[str, ...]:
    ordered = sorted(keys)
    return tuple(ordered[:: max(1, -(-len(ordered) // _SAMPLE))])
