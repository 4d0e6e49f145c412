"""Win rates, overall and pair by pair, with standard errors that know which verdicts share an instruction.

The mean preference for a model, ties half: against one baseline, or against whomever it met. It controls for nothing;
see length_control and bradley_terry for that. With a baseline this is AlpacaEval's win rate, and with one verdict an
instruction its standard error too (sample standard deviation over the root of n; alpaca_eval/metrics/winrate.py).

Between two models the interval is Wilson's score interval (1927) at the mean preference of their battles: no preference
in [0, 1] varies more than a yes or no with the same mean, so for graded preferences it is too wide rather than too
narrow, and it never collapses at 0 or 1. It holds pair by pair, not for all pairs at once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from judgebench.errors import UnknownName
from judgebench.stats.intervals import Bootstrap, critical_value, instruction_weights, rate_estimate, summarise
from judgebench.stats.method import Choices, Estimates
from judgebench.stats.verdict_table import Floats, VerdictTable, average_battles

__all__ = ["PairRates", "WinRates", "bootstrap_win_rates", "pair_rates", "win_rates"]
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class WinRates:
    """Aligned to ``models``; a model without a battle has rate NaN and counts 0."""

    models: tuple[str, ...]
    rate: Floats  # (k,) in [0, 1]
    covariance: Floats  # (k, k) clustered by instruction; NaN where a model has fewer than two instructions
    battles: Counts  # (k,)
    wins: Counts  # (k,) battles whose mean preference for the model exceeds 1/2
    ties: Counts  # (k,) battles whose mean preference is exactly 1/2
    baseline: str | None

    @property
    def standard_error(self) -> Floats:
        """(k,)"""
        return np.sqrt(np.diag(self.covariance))


@dataclass(frozen=True, slots=True, eq=False)
class InstructionSums:
    """What win rates need of the data, one row an instruction: any reweighting of instructions is a product."""

    models: tuple[str, ...]
    won: Floats  # (instructions, k) summed preference for the model
    battles: Floats  # (instructions, k)
    fixed: int | None  # the baseline's code: its rate is 1/2 by definition

    def rates(self, weights: Floats) -> Floats:
        """Win rates (..., k) under instruction weights (..., instructions); NaN where nothing has weight."""
        with np.errstate(invalid="ignore"):
            rates: Floats = (weights @ self.won) / (weights @ self.battles)
        if self.fixed is not None:
            rates[..., self.fixed] = 0.5
        return rates


def win_rates(table: VerdictTable, *, baseline: str | None = None) -> WinRates:
    """Mean preference for each model, against ``baseline`` alone or against everyone it met.

    Without a baseline a battle counts once for each of its sides. The baseline itself has rate 1/2 and error 0.
    Raises UnknownName for a baseline that is not in the table.
    """
    sides = _sides(table, baseline)
    sums = _sums(table, sides)
    rate = sums.rates(np.ones(len(table.instructions)))
    covariance = _covariance(sums, rate)
    battles, wins, ties = (np.bincount(sides.model[rows], minlength=len(table.models)) for rows in sides.outcomes())
    return WinRates(table.models, rate, covariance, battles, wins, ties, baseline)


def instruction_sums(table: VerdictTable, *, baseline: str | None = None) -> InstructionSums:
    """Per-instruction totals, for win rates under other weights (bootstrap, categories).

    Raises UnknownName for a baseline that is not in the table.
    """
    return _sums(table, _sides(table, baseline))


def bootstrap_win_rates(
    table: VerdictTable,
    *,
    baseline: str | None = None,
    level: float = 0.95,
    resamples: int = 1000,
    rng: np.random.Generator,
) -> Bootstrap:
    """Win rates as in win_rate.win_rates under ``resamples`` reweightings of the instructions.

    Raises StatisticsError for fewer than two resamples, UnknownName for an unknown baseline.
    """
    sums = instruction_sums(table, baseline=baseline)
    draws = [sums.rates(weights) for weights in instruction_weights(len(table.instructions), resamples, rng)]
    return summarise(table.models, np.concatenate(draws), level)


def estimates(table: VerdictTable, choices: Choices, baseline: str | None, rng: np.random.Generator) -> Estimates:
    """The leaderboard's method "win-rate". Raises as ``win_rates`` and ``bootstrap_win_rates`` do."""
    rates, level = win_rates(table, baseline=baseline), choices.level
    if choices.interval == "bootstrap":
        drawn = bootstrap_win_rates(table, baseline=baseline, level=level, resamples=choices.resamples, rng=rng)
        lower, upper, method = drawn.lower, drawn.upper, drawn.method
    else:
        columns = (rates.rate, rates.standard_error, rates.battles.tolist())
        spans = [rate_estimate(rate, se, units, level) for rate, se, units in zip(*columns, strict=True)]
        lower, upper = np.array([(span.lower, span.upper) for span in spans], dtype=np.float64).reshape(-1, 2).T
        method = "Wilson, clustered by instruction"
    return Estimates(
        value=rates.rate,
        lower=lower,
        upper=upper,
        covariance=rates.covariance,
        flags=[""] * len(table.models),
        method=method,
        scale="rate",
        rates=rates,
    )


def _sums(table: VerdictTable, sides: "_Sides") -> InstructionSums:
    shape = (len(table.instructions), len(table.models))
    cell = sides.instruction.astype(np.int64) * shape[1] + sides.model
    won, battles = (
        np.bincount(cell, weights=weights, minlength=shape[0] * shape[1]).astype(np.float64).reshape(shape)
        for weights in (sides.preference, None)
    )
    return InstructionSums(table.models, won, battles, sides.fixed)


@dataclass(frozen=True, slots=True, eq=False)
class _Sides:
    """Each battle twice, once as seen by either model."""

    instruction: NDArray[np.int32]
    model: NDArray[np.int32]
    preference: Floats  # for ``model``
    fixed: int | None

    def outcomes(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
        """Masks: any battle, won, tied."""
        return np.ones(len(self.model), dtype=bool), self.preference > 0.5, self.preference == 0.5


def _sides(table: VerdictTable, baseline: str | None) -> _Sides:
    if baseline is not None and baseline not in table.models:
        raise UnknownName("baseline", baseline, table.models)
    fixed = None if baseline is None else table.model_code(baseline)
    if fixed is not None:
        table = table.select((table.model_a == fixed) | (table.model_b == fixed))
    battles = average_battles(table)
    return _Sides(
        np.concatenate([battles.instruction, battles.instruction]),
        np.concatenate([battles.first, battles.second]),
        np.concatenate([battles.preference, 1.0 - battles.preference]),
        fixed,
    )


def _covariance(sums: InstructionSums, rate: Floats) -> Floats:
    """Of ratios of instruction totals, linearised; the factor makes it exact for one battle an instruction."""
    clusters = (sums.battles > 0).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        influence = sums.won - np.where(sums.battles > 0, rate * sums.battles, 0.0)
        influence *= np.sqrt(np.where(clusters > 1, clusters / (clusters - 1.0), np.nan)) / sums.battles.sum(axis=0)
    if sums.fixed is not None:
        influence[:, sums.fixed] = 0.0
    covariance: Floats = influence.T @ influence
    return covariance


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
