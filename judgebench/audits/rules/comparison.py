"""A submission beside the others of its benchmark: how long its outputs are, whose they are, and whether they depend on
their instruction.

Two models with the same outputs are both named, because texts do not tell who copied, or whether one model was entered
under two names; so a copy is never more than a medium finding. Length is no offence either: a length outlier tells
readers what a win rate rests on.

A model that answers shares words with others who answer the same; one whose outputs were exchanged, or made without
reading, shares no more with them than with outputs to anything else. Words that the instruction holds, and those in a
tenth of the model's own outputs, do not count. Outputs in another language share none with either, so nothing is said
of them. The idea is that of the permutation test of Zheng et al. 2025, on texts instead of win rates.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from judgebench.audits.findings import LEVEL, Finding, FindingRule, Severity, mean_estimate, share_finding
from judgebench.audits.submission_set import LONG, SKETCH, Hashes, ModelOutputs, SubmissionSet, shingles, sketch
from judgebench.estimate import Estimate
from judgebench.stats.verdict_table import Floats

COPY = FindingRule(
    "copied-output",
    f"Share of outputs that have {LONG} characters or more and are nearly the output of one other model to the same "
    "instruction: at least 9 of 10 sequences of five words are common to both, as sketches of 32 estimate it.",
    low=0.05,
    medium=0.15,
)
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
RULES = (COPY, LENGTH, UNRELATED)
_SAME = 29  # of 32 entries of a sketch
_OTHERS = 3
_LOW_FACTOR, _MEDIUM_FACTOR = 4.0, 10.0
_SAMPLE = 200  # instructions that are looked at
_REFERENCES = 6  # models whose words are taken together
_LEAST_WORDS, _LEAST = 3, 50
_COMMON = 0.1  # share of a model's outputs from which a word says nothing
_CLEAR = 4.0  # standard errors


def findings(submissions: SubmissionSet) -> Iterator[Finding]:
    """What the rules of this module find among all submissions."""
    yield from _copies(submissions)
    yield from _lengths(submissions)
    yield from _unrelated(submissions)


def _copies(submissions: SubmissionSet) -> Iterator[Finding]:
    keys = sorted(submissions.instructions)
    sketches = {model: _sketches(submission, keys) for model, submission in submissions.by_model.items()}
    shared: dict[str, list[str]] = {}  # model -> instructions on which it agrees with the model nearest to it
    for one, other in combinations(sorted(sketches), 2):
        same = (sketches[one] == sketches[other]).sum(axis=0) >= _SAME
        for model in (one, other):
            if same.sum() > len(shared.get(model, [])):
                shared[model] = [keys[place] for place in np.flatnonzero(same)]
    for model, keys in sorted(shared.items()):
        submission = submissions.by_model[model]
        finding = share_finding(COPY, model, submission.openings(keys), len(submission))
        if finding is not None:
            yield finding


def _sketches(submission: ModelOutputs, keys: Sequence[str]) -> Hashes:
    """(32, n) the sketches of the long outputs to ``keys``; what is missing is like nothing, not even what another
    model lacks."""
    sketches = np.zeros((SKETCH, len(keys)), dtype=np.uint64)
    sketches[:] = crc32(submission.model.encode())
    for place, key in enumerate(keys):
        if key in submission.shingles:
            sketches[:, place] = sketch(submission.shingles[key])
    return sketches


def _lengths(submissions: SubmissionSet) -> Iterator[Finding]:
    models, lengths = _lengths_of(submissions)
    for place, model in enumerate(models):
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


def _unrelated(submissions: SubmissionSet) -> Iterator[Finding]:
    """Nothing with fewer than three others."""
    if len(submissions.by_model) < 4:
        return
    overlaps = {model: overlap(submissions, outputs) for model, outputs in sorted(submissions.by_model.items())}
    for model, mine in overlaps.items():
        others = [words for name, words in overlaps.items() if name != model and len(words.gain) >= _LEAST]
        gain = _relative_gain(mine, others)
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
    references = {key: _reference(submissions, others, key) for key in chosen}
    words = {key: _own_words(submissions, submission, key, quoted=bool(others)) for key in chosen}
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


def _own_words(submissions: SubmissionSet, submission: ModelOutputs, key: str, *, quoted: bool) -> Hashes:
    """An output's words: without the instruction's, or (not ``quoted``) without what is quoted from it only."""
    instruction = submissions.instructions[key]
    if not quoted:
        return shingles(submission.texts[key].replace(instruction, " "), 1)
    return np.setdiff1d(submission.words(key), shingles(instruction, 1), assume_unique=True)


def _reference(submissions: SubmissionSet, others: Sequence[ModelOutputs], key: str) -> Hashes:
    if not others:
        return shingles(submissions.instructions[key], 1)
    words = (other.words(key) for other in others if key in other.texts)
    return np.unique(np.concatenate([*islice(words, _REFERENCES), np.empty(0, dtype=np.uint64)]))


def _sample(keys: Sequence[str]) -> list[str]:
    ordered = sorted(keys)
    return ordered[:: max(1, -(-len(ordered) // _SAMPLE))]
