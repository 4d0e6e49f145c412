"""A submission beside the others of its benchmark: how long its outputs are, and whose they are.

Two models with the same outputs are both named, because texts do not tell who copied, or whether one model was entered
under two names; so a copy is never more than a medium finding. Length is no offence either: a length outlier tells
readers what a win rate rests on.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from judgebench.audits.findings import LEVEL, Finding, Rule, Severity, share_finding, span
from judgebench.audits.submission_set import LONG, SKETCH, Field, Hashes, Submission, sketch

COPY = Rule(
    "copied-output",
    f"Share of outputs that have {LONG} characters or more and are nearly the output of one other model to the same "
    "instruction: at least 9 of 10 sequences of five words are common to both, as sketches of 32 estimate it.",
    low=0.05,
    medium=0.15,
)


LENGTH = Rule(
    "length-outlier",
    "Median over instructions of the output's length over the median length of the other models' outputs, at least "
    "three others. Low beyond a factor of 4, medium beyond 10, by the end of the interval that is nearer to 1.",
)


RULES = (COPY, LENGTH)


_SAME = 29  # of 32 entries of a sketch


_OTHERS = 3


_LOW_FACTOR, _MEDIUM_FACTOR = 4.0, 10.0


def findings(field: Field) -> Iterator[Finding]:
    """What the rules of this module find among all submissions."""
    yield from _copies(field)
    yield from _lengths(field)


def _copies(field: Field) -> Iterator[Finding]:
    keys = sorted(field.instructions)
    sketches = {model: _sketches(submission, keys) for model, submission in field.submissions.items()}
    shared: dict[str, list[str]] = {}  # model -> instructions on which it agrees with the model nearest to it
    for one, other in combinations(sorted(sketches), 2):
        same = (sketches[one] == sketches[other]).sum(axis=0) >= _SAME
        for model in (one, other):
            if same.sum() > len(shared.get(model, [])):
                shared[model] = [keys[place] for place in np.flatnonzero(same)]
    for model, keys in sorted(shared.items()):
        submission = field.submissions[model]
        evidence = [span(key, submission.texts[key], 0, len(submission.texts[key])) for key in keys]
        finding = share_finding(COPY, model, evidence, len(submission))
        if finding is not None:
            yield finding


def _sketches(submission: Submission, keys: Sequence[str]) -> Hashes:
    """(32, n) the sketches of the long outputs to ``keys``; what is missing is like nothing, not even what another
    model lacks."""
    found = np.zeros((SKETCH, len(keys)), dtype=np.uint64)
    found[:] = crc32(submission.model.encode())
    for place, key in enumerate(keys):
        if key in submission.shingles:
            found[:, place] = sketch(submission.shingles[key])
    return found


def _lengths(field: Field) -> Iterator[Finding]:
    models, lengths = _lengths_of(field)
    for place, model in enumerate(models):
        ratios = _ratios(lengths[place], np.delete(lengths, place, axis=0))
        if not len(ratios):
            continue
        value, lower, upper = median_interval(ratios)
        nearer = max(lower, 1 / upper if upper else np.inf, 0.0)
        severity = _length_severity(nearer)
        if severity is not None:
            shown = list(field.submissions[model].texts.items())[:1]
            evidence = tuple(span(key, text, 0, len(text)) for key, text in shown)
            yield Finding(model, severity, LENGTH.name, evidence, value, lower, upper)


def _length_severity(factor: float) -> Severity | None:
    if factor < _LOW_FACTOR:
        return None
    return Severity.MEDIUM if factor >= _MEDIUM_FACTOR else Severity.LOW


def _lengths_of(field: Field) -> tuple[list[str], NDArray[np.float64]]:
    """Models, and (models, instructions) their outputs' characters; NaN where there is none, 1 for an empty one."""
    models, keys = sorted(field.submissions), sorted(field.instructions)
    rows = [
        [max(1, len(texts[key])) if key in texts else np.nan for key in keys]
        for texts in (field.submissions[model].texts for model in models)
    ]
    return models, np.array(rows, dtype=np.float64).reshape(len(models), len(keys))


def _ratios(own: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """One an instruction that the model and at least three others answered."""
    usual = (~np.isnan(own)) & ((~np.isnan(others)).sum(axis=0) >= _OTHERS)
    return np.asarray(own[usual] / np.nanmedian(others[:, usual], axis=0)) if usual.any() else np.empty(0)


def median_interval(values: Sequence[float] | NDArray[np.float64], level: float = LEVEL) -> tuple[float, float, float]:
    """The median with the order statistics between which it lies at ``level`` (sign test), the outermost where there
    are too few values for that."""
    from scipy import stats  # it takes longer to load than all else; only what asks for this pays

    ordered = np.sort(np.asarray(values, dtype=np.float64))
    reach = int(stats.binom.ppf((1 - level) / 2, len(ordered), 0.5))
    below = max(reach - 1, 0)
    return float(np.median(ordered)), float(ordered[below]), float(ordered[len(ordered) - 1 - below])
