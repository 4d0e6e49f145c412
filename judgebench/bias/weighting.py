"""Boards with less say for judges that are related to a model they judge.

Left out: their verdicts on battles with a relative are removed. Down-weighted: in such a battle a related judge's
preference becomes weight * its own + (1 - weight) * the mean of unrelated judges' on the same battle, so the battle
keeps its place in the board and the judge loses its say; where no unrelated judge judged it, nothing can take the
verdict's place and it is left out.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from judgebench.errors import InputError
from judgebench.stats.table import VerdictTable


@dataclass(frozen=True, slots=True)
class Weighted:
    """A table with less say for related judges."""

    table: VerdictTable
    related: int  # verdicts by a judge related to one of the two models
    removed: int  # of those, left out

    @property
    def words(self) -> str:
        """What became of them."""
        kept = self.related - self.removed
        return f"{self.removed} left out" + (f", {kept} given less weight" if kept else "")


def without_related(table: VerdictTable, related: NDArray[np.bool_], *, weight: float = 0.0) -> Weighted:
    """``related`` (judges, models): whether the judge is a relative. ``weight``: 0 leaves out, 1 does nothing.

    Raises InputError for a weight outside [0, 1].
    """
    if not 0 <= weight <= 1:
        raise InputError(f"the weight of related judges must lie in [0, 1], not {weight!r}")
    touched = related[table.judge, table.model_a] | related[table.judge, table.model_b]
    count = int(touched.sum())
    if weight == 0:
        return Weighted(table.select(~touched), count, count)
    others = _unrelated_mean(table, touched)
    mixed = np.where(touched, weight * table.preference + (1 - weight) * others, table.preference)
    kept = np.isfinite(mixed)
    found = replace(table, preference=np.where(kept, mixed, 0.5)).select(kept)
    return Weighted(found, count, int((~kept).sum()))


def _unrelated_mean(table: VerdictTable, touched: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(n,) mean preference for A of unrelated judges on each verdict's battle; NaN where there is none."""
    k = max(len(table.models), 1)
    low, high = np.minimum(table.model_a, table.model_b), np.maximum(table.model_a, table.model_b)
    _, battle = np.unique((table.instruction.astype(np.int64) * k + low) * k + high, return_inverse=True)
    toward = np.where(table.model_a < table.model_b, table.preference, 1 - table.preference)
    free = ~touched
    size = int(battle.max(initial=-1)) + 1
    count = np.bincount(battle[free], minlength=size)
    total = np.bincount(battle[free], weights=toward[free], minlength=size)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)[battle]
    return np.asarray(np.where(table.model_a < table.model_b, mean, 1 - mean))
