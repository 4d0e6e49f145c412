"""What a judge said of pairs of outputs of which it is known which is better, and the items that a benchmark scores."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from judgebench.stats.verdict_table import Codes, Floats

Subsets = NDArray[np.object_]


class Outcome(IntEnum):
    """What one reading of a pair came to, beside its label."""

    WRONG = -1
    TIED = 0  # the judge said so, and the label does not
    RIGHT = 1
    FAILED = 2  # no verdict: unreadable, refused, truncated or never answered
    UNREAD = 3  # nobody asked


@dataclass(frozen=True, slots=True, eq=False)
class JudgedPairs:
    """n labelled pairs as one judge read them."""

    instruction: Codes  # (n,)
    subset: Subsets  # (n,) of the benchmark, "" where it is in none
    first: Codes  # (n,) outputs, each with a code of its own
    second: Codes  # (n,)
    label: Floats  # (n,) the known preference for the first, in [0, 1]; 0.5 is a tie
    # (n, 2) the judge's mean preference for the first, by whether the first or the second was shown first; NaN: none.
    # Of a judge that scores outputs both are the sign of the difference.
    readings: Floats
    failed: NDArray[np.bool_]  # (n, 2) asked in this order, and never with a verdict
    scores: Floats | None = None  # (outputs,) mean score, NaN: none; None: the judge compares
    ids: Mapping[int, tuple[str, ...]] = field(default_factory=dict)  # what others call instructions, by code

    def __len__(self) -> int:
        return len(self.label)

    @property
    def outcomes(self) -> NDArray[np.int8]:
        """(n, 2) of the two orders."""
        truth, told = np.sign(self.label - 0.5)[:, None], np.sign(self.readings - 0.5)
        outcome = np.where(told == truth, Outcome.RIGHT, np.where(told == 0, Outcome.TIED, Outcome.WRONG))
        without = np.where(self.failed, Outcome.FAILED, Outcome.UNREAD)
        return np.where(np.isfinite(self.readings), outcome, without).astype(np.int8)

    @property
    def judged(self) -> NDArray[np.bool_]:
        """(n,) whether it was asked about the pair at all."""
        return np.asarray((self.outcomes != Outcome.UNREAD).any(axis=1))

    def groups(self) -> Iterator[NDArray[np.intp]]:
        """The rows of each instruction and subset."""
        subset = np.unique(self.subset.astype(str), return_inverse=True)[1]
        cell = self.instruction.astype(np.int64) * (int(subset.max(initial=0)) + 1) + subset
        order = np.argsort(cell, kind="stable")
        yield from np.split(order, np.flatnonzero(np.diff(cell[order])) + 1) if len(order) else ()


@dataclass(frozen=True, slots=True, eq=False)
class ScoredItems:
    """m items, pairs or sets of outputs, that a benchmark takes the mean of."""

    value: Floats  # (m,) in [0, 1]
    cluster: Codes  # (m,) what items share: an instruction, or an id of two
    subset: Subsets  # (m,)
    without: Mapping[str, str] = field(default_factory=dict)  # why subsets have no items

    def __len__(self) -> int:
        return len(self.value)

    def select(self, rows: NDArray[np.bool_]) -> "ScoredItems":
        """These of them."""
        return ScoredItems(self.value[rows], self.cluster[rows], self.subset[rows], self.without)
