"""A submission beside the others of its benchmark: how long its outputs are, and whose they are.

Two models with the same outputs are both named, because texts do not tell who copied, or whether one model was entered
under two names; so a copy is never more than a medium finding. Length is no offence either: a length outlier tells
readers what a win rate rests on.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from judgebench.audits.field import LONG, Field
from judgebench.audits.findings import LEVEL, Finding, Rule, Severity, share_finding, span
from judgebench.audits.shingles import Hashes, sketch

COPY = Rule(
    "copied-output",
    f"Share of outputs that have {LONG} characters or more and are nearly the output of one other model to the same "
    "instruction: at least 9 of 10 sequences of five words are common to both, as sketches of 32 estimate it.",
    low=0.05,
    medium=0.2,
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
    sketches = {
        model: {key: sketch(found) for key, found in submission.shingles.items()}
        for model, submission in field.submissions.items()
    }
    shared: dict[str, list[str]] = {}  # model -> instructions on which it agrees with the model nearest to it
    for one, other in combinations(sorted(sketches), 2):
        keys = _same(sketches[one], sketches[other])
        for model in (one, other):
            shared[model] = max(shared.get(model, []), keys, key=len)
    for model, keys in sorted(shared.items()):
        submission = field.submissions[model]
        evidence = [span(key, submission.texts[key], 0, len(submission.texts[key])) for key in keys]
        finding = share_finding(COPY, model, evidence, len(submission))
        if finding is not None:
            yield finding


def _same(one: dict[str, Hashes], other: dict[str, Hashes]) -> list[str]:
    keys = [key for key in one if key in other]
    if not keys:
        return []
    equal = (np.stack([one[key] for key in keys]) == np.stack([other[key] for key in keys])).sum(axis=1)
    return [key for key, count in zip(keys, equal, strict=True) if count >= _SAME]


def _lengths(field: Field) -> Iterator[Finding]:
    for model, submission in sorted(field.submissions.items()):
        ratios = _length_ratios(field, model)
        if not len(ratios):
            continue
        value, lower, upper = median_interval(ratios)
        nearer = max(lower, 1 / upper if upper else np.inf, 0.0)
        severity = _length_severity(nearer)
        if severity is not None:
            shown = list(submission.texts.items())[:1]
            evidence = tuple(span(key, text, 0, len(text)) for key, text in shown)
            yield Finding(model, severity, LENGTH.name, evidence, value, lower, upper)


def _length_severity(factor: float) -> Severity | None:
    if factor < _LOW_FACTOR:
        return None
    return Severity.MEDIUM if factor >= _MEDIUM_FACTOR else Severity.LOW


def _length_ratios(field: Field, model: str) -> NDArray[np.float64]:
    """One an instruction that at least three others answered; an empty output counts as one character."""
    ratios = []
    for key, text in field.submissions[model].texts.items():
        others = [
            max(1, len(s.texts[key])) for name, s in field.submissions.items() if name != model and key in s.texts
        ]
        if len(others) >= _OTHERS:
            ratios.append(max(1, len(text)) / float(np.median(others)))
    return np.array(ratios)


def median_interval(values: Sequence[float] | NDArray[np.float64], level: float = LEVEL) -> tuple[float, float, float]:
    """The median with the order statistics between which it lies at ``level`` (sign test), the outermost where there
    are too few values for that."""
    from scipy import stats  # it takes longer to load than all else; only what asks for this pays

    ordered = np.sort(np.asarray(values, dtype=np.float64))
    reach = int(stats.binom.ppf((1 - level) / 2, len(ordered), 0.5))
    below = max(reach - 1, 0)
    return float(np.median(ordered)), float(ordered[below]), float(ordered[len(ordered) - 1 - below])
