"""Several judges as one: a view of their verdicts, never a stored one, since a verdict names the judge that gave it.

``majority``: each judge votes for a side or a tie (by its mean preference over repeats); a side that more than half of
them name wins, anything else is a tie, as the panels of Verga et al. 2024 vote. ``mean``: the mean of their
preferences, for soft verdicts. The order shown is kept apart, so that position bias stays visible. A battle counts
where every judge of the jury has a verdict on it in that order: otherwise who was absent would decide.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from judgebench.errors import StatisticsError
from judgebench.stats.table import Floats, VerdictTable

Rule = Literal["majority", "mean"]


@dataclass(frozen=True, slots=True, eq=False)
class Jury:
    """The jury's verdicts as those of one judge."""

    table: VerdictTable
    members: tuple[str, ...]
    incomplete: int  # battles, in an order, that some member has no verdict on: left out


def convene(table: VerdictTable, rule: Rule) -> Jury:
    """Raises StatisticsError with fewer than two judges, or where no battle has a verdict of each."""
    codes, judge = np.unique(table.judge, return_inverse=True)
    if len(codes) < 2:
        raise StatisticsError("a jury needs the verdicts of two judges or more: run another judge, or leave --jury out")
    case, first_row = _cases(table)
    votes, given = _by_judge(case, judge, table.preference, (len(first_row), len(codes)))
    complete = given.all(axis=1)
    if not complete.any():
        raise StatisticsError("no battle has a verdict of every judge in the jury: name judges that read the same ones")
    kept = table.select(first_row[complete])
    preference = _majority(votes[complete]) if rule == "majority" else votes[complete].mean(axis=1)
    members = tuple(table.judges[code] for code in codes)
    named = f"{rule} of {', '.join(members)}"
    judged = replace(kept, preference=preference, judges=(named,), judge=np.zeros(len(kept), dtype=np.int32))
    return Jury(judged, members, int((~complete).sum()))


def _cases(table: VerdictTable) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The battle and order of each row as a number, and a row of each."""
    columns = np.stack([table.instruction, table.model_a, table.model_b, table.order.astype(np.int32)])
    _, first_row, case = np.unique(columns, axis=1, return_index=True, return_inverse=True)
    return case.reshape(-1), first_row


def _by_judge(
    case: NDArray[np.intp], judge: NDArray[np.intp], preference: Floats, shape: tuple[int, int]
) -> tuple[Floats, NDArray[np.bool_]]:
    """Mean preference of each judge in each case (NaN without), and whether there is one."""
    cell, cells = case * shape[1] + judge, shape[0] * shape[1]
    counts = np.bincount(cell, minlength=cells)
    with np.errstate(invalid="ignore"):
        means = np.bincount(cell, preference, minlength=cells) / counts
    return means.reshape(shape), (counts > 0).reshape(shape)


def _majority(votes: Floats) -> Floats:
    half = votes.shape[1] / 2
    wins, losses = (votes > 0.5).sum(axis=1) > half, (votes < 0.5).sum(axis=1) > half
    return np.where(wins, 1.0, np.where(losses, 0.0, 0.5))
