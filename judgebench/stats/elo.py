"""Elo ratings updated one verdict at a time, for compatibility with boards that show them.

This is a tracking rule for players whose strength changes. Models do not change between verdicts, so the result depends
on the order of the rows, and on K: it is no estimate of strength, and has no interval. Use bradley_terry for those.
FastChat's arena notebook (Chiang et al. 2024) uses K = 4, scale 400, base 10, start 1000; evalica K = 30.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from judgebench.errors import StatisticsError
from judgebench.stats.method import Choices, Estimates
from judgebench.stats.verdict_table import Floats, VerdictTable

__all__ = ["EloRatings", "EloRule", "shuffled_elo"]


@dataclass(frozen=True, slots=True)
class EloRule:
    """How far one verdict moves a rating, and the scale on which ratings are shown."""

    k: float = 4.0
    scale: float = 400.0  # points by which odds grow ``base``-fold
    base: float = 10.0
    start: float = 1000.0


@dataclass(frozen=True, slots=True, eq=False)
class EloRatings:
    """In Elo points; a model without a verdict stays at the start."""

    models: tuple[str, ...]
    rating: Floats  # (k,)
    lower: Floats  # (k,) smallest over the orders tried: what the order alone does, no confidence interval
    upper: Floats  # (k,) largest
    orders: int
    rule: EloRule


def shuffled_elo(
    table: VerdictTable, *, rule: EloRule | None = None, orders: int = 100, rng: np.random.Generator
) -> EloRatings:
    """The median of ratings over random orders of the rows.

    Raises StatisticsError for fewer than one order.
    """
    if orders < 1:
        raise StatisticsError(f"a median over orders needs at least one, not {orders}")
    rule = rule or EloRule()
    runs = np.array([_run(table, rng.permutation(len(table)), rule) for _ in range(orders)])
    return EloRatings(table.models, np.median(runs, axis=0), runs.min(axis=0), runs.max(axis=0), orders, rule)


def estimates(table: VerdictTable, choices: Choices, baseline: str | None, rng: np.random.Generator) -> Estimates:
    """The leaderboard's method "elo"; models without a verdict have none."""
    shuffled = shuffled_elo(table, rng=rng)
    k = len(table.models)
    met = np.isin(np.arange(k), np.concatenate([table.model_a, table.model_b]))
    moved = shuffled.upper > shuffled.lower  # where no order changes anything, that is no certainty
    return Estimates(
        value=np.where(met, shuffled.rating, np.nan),
        lower=np.where(moved, shuffled.lower, np.nan),
        upper=np.where(moved, shuffled.upper, np.nan),
        covariance=np.full((k, k), np.nan),
        flags=[""] * k,
        method=f"smallest and largest over {shuffled.orders:,} orders of the verdicts: no confidence interval",
        scale="elo",
        notes=(
            "online Elo depends on the order of verdicts and on K: all ranks are left open; "
            "other instructions would move it further than other orders do",
        ),
    )


def _run(table: VerdictTable, order: NDArray[np.intp], rule: EloRule) -> Floats:
    ratings = [rule.start] * len(table.models)
    columns = (table.model_a[order].tolist(), table.model_b[order].tolist(), table.preference[order].tolist())
    for a, b, preference in zip(*columns, strict=True):
        change = rule.k * (preference - 1.0 / (1.0 + rule.base ** ((ratings[b] - ratings[a]) / rule.scale)))
        ratings[a] += change
        ratings[b] -= change
    return np.array(ratings)
