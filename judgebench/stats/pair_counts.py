"""Verdicts counted by pair of models: all that a Bradley-Terry fit needs to know of them.

Three (k, k) matrices instead of n rows. Which instruction a verdict belongs to is lost here, so intervals from counts
alone treat verdicts as independent; bradley_terry.fit_bradley_terry keeps the instructions.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from judgebench.errors import StatisticsError
from judgebench.stats.table import Floats, VerdictTable


@dataclass(frozen=True, slots=True, eq=False)
class PairCounts:
    """Sums over verdicts between the row's and the column's model; diagonals are 0."""

    models: tuple[str, ...]
    wins: Floats  # (k, k) summed preference for the row's model: a win 1, a tie 1/2
    squares: Floats  # (k, k) summed squares of that preference
    verdicts: Floats  # (k, k) symmetric

    @classmethod
    def of(cls, table: VerdictTable) -> "PairCounts":
        k = len(table.models)
        cell = table.model_a.astype(np.int64) * k + table.model_b
        n, y, yy = (
            np.bincount(cell, weights=weights, minlength=k * k).reshape(k, k).astype(np.float64)
            for weights in (None, table.preference, table.preference**2)
        )
        return cls(table.models, y + (n - y).T, yy + (n - 2 * y + yy).T, n + n.T)

    @classmethod
    def of_outcomes(cls, models: tuple[str, ...], counts: NDArray[np.integer] | Floats) -> "PairCounts":
        """From (k, k, 3) numbers of verdicts that the row's model won, lost and tied against the column's.

        Each verdict stands in one cell, under whichever of its models was called A.
        Raises StatisticsError for another shape, a negative or non-finite count, or a model against itself.
        """
        k = len(models)
        cells = np.asarray(counts, dtype=np.float64)
        if cells.shape != (k, k, 3):
            raise StatisticsError(f"counts for {k} models must have shape {(k, k, 3)}, not {cells.shape}")
        if not np.isfinite(cells).all() or (cells < 0).any() or cells[np.arange(k), np.arange(k)].any():
            raise StatisticsError("counts must be finite, not negative, and 0 for a model against itself")
        won = cells[:, :, 0] + cells[:, :, 1].T
        tied = cells[:, :, 2] + cells[:, :, 2].T
        return cls(models, won + tied / 2, won + tied / 4, won + won.T + tied)
