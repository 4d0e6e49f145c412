"""May this judge replace one of the annotators? The alternative annotator test.

Each annotator in turn is left out, and on each item the judge and the one left out are compared by how well they agree
with the others. Calderon, Reichart and Dror (2025, arXiv 2501.10970), procedure of section 3: one-sided t-tests that
the annotator's advantage is below epsilon, false discoveries held by Benjamini and Yekutieli (2001). Items are taken as
independent, one an instruction.
"""

from dataclasses import dataclass

import numpy as np

from judgebench.errors import InputError
from judgebench.stats.verdict_table import Floats

_LEAST = 30  # items that an annotator must share with another: below that a t-test says little


@dataclass(frozen=True, slots=True)
class AnnotatorTest:
    """The judge passes with a winning rate of at least one half."""

    passes: bool | None  # None: fewer than two annotators could be compared
    winning_rate: float | None  # share of compared annotators to whom the judge is not inferior by epsilon
    advantage: float | None  # mean probability that the judge agrees with the others at least as well as one of them
    compared: int  # annotators with enough items
    left_out: int  # annotators with too few
    epsilon: float


def annotator_test(
    judge: Floats, people: Floats, *, epsilon: float = 0.2, false_discovery: float = 0.05, least: int = _LEAST
) -> AnnotatorTest:
    """From categories of the judge (items,) and of people (items, annotators), NaN where silent.

    ``epsilon`` is what the judge's cheapness is worth: 0.2 beside experts, 0.1 beside a crowd.
    Raises InputError when the two are not aligned.
    """
    if people.ndim != 2 or judge.shape != people.shape[:1]:
        raise InputError(f"the judge's {judge.shape} labels must match people's (items, annotators) {people.shape}")
    compared = [_compared(judge, people, one) for one in range(people.shape[1])]
    kept = [pair for pair in compared if len(pair[0]) >= max(least, 2)]
    left_out = len(compared) - len(kept)
    if len(kept) < 2:
        return AnnotatorTest(None, None, None, len(kept), left_out, epsilon)
    p_values = np.array([_p_value(theirs - ours, epsilon) for ours, theirs in kept])
    rate = float(_discoveries(p_values, false_discovery).mean())
    advantage = float(np.mean([ours.mean() for ours, _ in kept]))
    return AnnotatorTest(rate >= 0.5, rate, advantage, len(kept), left_out, epsilon)


def _compared(judge: Floats, people: Floats, one: int) -> tuple[Floats, Floats]:
    """Per item that the judge, this annotator and another labelled: who agrees with the others at least as well."""
    others = np.delete(people, one, axis=1)
    present = np.isfinite(others)
    usable = np.isfinite(judge) & np.isfinite(people[:, one]) & present.any(axis=1)
    others, present = others[usable], present[usable]
    ours, theirs = (
        ((others == label[usable, None]) & present).sum(axis=1) / present.sum(axis=1)
        for label in (judge, people[:, one])
    )
    return (ours >= theirs) * 1.0, (theirs >= ours) * 1.0


def _p_value(difference: Floats, epsilon: float) -> float:
    """One-sided, against a mean of at least ``epsilon``; where all items agree the mean decides."""
    from scipy import stats  # it takes longer to load than all else; only what asks for this pays

    if np.ptp(difference) == 0:
        return 0.0 if difference[0] < epsilon else 1.0
    return float(stats.ttest_1samp(difference, epsilon, alternative="less").pvalue)


def _discoveries(p_values: Floats, rate: float) -> Floats:
    """(m,) 1 where the hypothesis is rejected, at any dependence between the tests (Benjamini and Yekutieli 2001)."""
    from scipy import stats  # it takes longer to load than all else; only what asks for this pays

    adjusted: Floats = stats.false_discovery_control(p_values, method="by")
    return (adjusted <= rate).astype(np.float64)
