"""Win rates of each model against each other one, with intervals: what a ranking condenses, uncondensed.

Verdicts are averaged into battles first, so a pair has one number an instruction and its battles are independent. The
interval is Wilson's score interval (1927) at the mean preference: no preference in [0, 1] varies more than a yes or no
with the same mean, so for graded preferences it is too wide rather than too narrow, and it never collapses at 0 or 1.
Intervals hold pair by pair, not for all pairs at once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from judgebench.stats.intervals import critical_value
from judgebench.stats.verdict_table import Floats, VerdictTable, average_battles


@dataclass(frozen=True, slots=True, eq=False)
class PairRates:
    """(k, k) matrices; NaN where the row's and the column's model never met, and on the diagonal."""

    models: tuple[str, ...]
    rate: Floats  # mean preference for the row's model, in [0, 1]; rate + rate.T is 1
    lower: Floats
    upper: Floats
    battles: NDArray[np.int64]  # symmetric, 0 where they never met
    level: float
    method: str

    def pairs(self, models: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
        """One row a direction of every pair of ``models`` (all where None) that met, in that order; rates in [0, 1]."""
        codes = range(len(self.models)) if models is None else [self.models.index(model) for model in models]
        for a, b in product(codes, codes):
            if self.battles[a, b]:
                yield {
                    "model": self.models[a],
                    "opponent": self.models[b],
                    "win_rate": float(self.rate[a, b]),
                    "lower": float(self.lower[a, b]),
                    "upper": float(self.upper[a, b]),
                    "battles": int(self.battles[a, b]),
                }


def pair_rates(table: VerdictTable, *, level: float = 0.95) -> PairRates:
    """Raises StatisticsError when the level is not strictly between 0 and 1."""
    met = average_battles(table)
    k = len(table.models)
    cell = met.first.astype(np.int64) * k + met.second
    once, won = (np.bincount(cell, weights=w, minlength=k * k).reshape(k, k) for w in (None, met.preference))
    battles = (once + once.T).astype(np.int64)
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = (won + (once - won).T) / battles
        lower, upper = _wilson(rate, battles, critical_value(level))
    return PairRates(table.models, rate, lower, upper, battles, level, "Wilson score, pair by pair")


def _wilson(rate: Floats, n: NDArray[np.int64], z: float) -> tuple[Floats, Floats]:
    scale = 1 + z**2 / n
    centre = (rate + z**2 / (2 * n)) / scale
    half = z / scale * np.sqrt(np.maximum(rate * (1 - rate), 0) / n + z**2 / (4.0 * n**2))
    return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)
