"""Win rates, overall and pair by pair, with standard errors that know which verdicts share an instruction.

The mean preference for a model, ties half: against one baseline, or against whomever it met. It controls for nothing;
see length_control and bradley_terry for that. With a baseline this is AlpacaEval's win rate, and with one verdict an
instruction its standard error too (sample standard deviation over the root of n; alpaca_eval/metrics/winrate.py).

Every interval is ``intervals.bounded_ends``, over the field, against a baseline or between two models: clustered by
instruction, it never collapses, however few and alike the verdicts are. It holds one by one, not for all at once.

Which rates differ is told with one imagined instruction that a model won and one that it lost, independently of other
models' (of two models the one won what the other lost): after three instructions a difference that never varied is no
certainty. Of a model and the baseline, or of two models alone, it is known besides how often equal ones would differ as
much (``sign_flips``), however few and coarse their battles are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from judgebench.coverage import Coverage
from judgebench.errors import UnknownName
from judgebench.stats.intervals import (
    FEWEST_RESAMPLED,
    Bootstrap,
    ClusterSums,
    bounded_ends,
    instruction_weights,
    summarise,
)
from judgebench.stats.method import Choices, Compared, Estimates
from judgebench.stats.pair_sums import PairSums, dense
from judgebench.stats.sign_flips import chance_of_difference
from judgebench.stats.verdict_table import Battles, Floats, VerdictTable, average_battles

__all__ = ["PairRates", "WinRates", "bootstrap_win_rates", "pair_rates", "win_rates"]
Counts = NDArray[np.int64]
_METHOD = "Agresti-Coull with t, clustered by instruction"


@dataclass(frozen=True, slots=True, eq=False)
class WinRates:
    """Aligned to ``models``; a model without a battle has rate NaN and counts 0."""

    models: tuple[str, ...]
    rate: Floats  # (k,) in [0, 1]
    battles: Counts  # (k,)
    wins: Counts  # (k,) battles whose mean preference for the model exceeds 1/2
    ties: Counts  # (k,) battles whose mean preference is exactly 1/2
    baseline: str | None
    sums: "InstructionSums"  # that all of it follows from

    @property
    def covariance(self) -> Floats:
        """(k, k) clustered by instruction; NaN where a model has fewer than two instructions."""
        return _covariance(self.sums, self.rate)

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
    squared: Floats | None = None  # (k,) summed squares of battles' preferences; None: each is 0 or 1

    def rates(self, weights: Floats) -> Floats:
        """Win rates (..., k) under instruction weights (..., instructions); NaN where nothing has weight."""
        with np.errstate(invalid="ignore"):
            rates: Floats = (weights @ self.won) / (weights @ self.battles)
        if self.fixed is not None:
            rates[..., self.fixed] = 0.5
        return rates

    @property
    def clustered(self) -> ClusterSums:
        """Of k rates, by instruction."""
        return ClusterSums.of(self.won, self.battles, self.squared)

    def ends(self, level: float) -> tuple[Floats, Floats]:
        """(k,) ends of the rates' intervals, NaN below two instructions; the baseline's are its rate.

        Raises StatisticsError for a level outside (0, 1).
        """
        ends = bounded_ends(self.clustered, level=level)
        if self.fixed is not None:
            ends[0][self.fixed] = ends[1][self.fixed] = 0.5
        return ends

    def compared(self) -> Compared:
        """The rates as they are told apart: with one imagined instruction won and one lost a model."""
        sums = self.clustered
        one = sums.rows_of_one()
        size = np.where(sums.clusters > 1, sums.rows + 2 * one, np.nan)
        rate = (sums.total + one) / size
        influence = np.where(self.battles > 0, self.won - rate * self.battles, 0.0) / size
        degrees = sums.degrees
        if self.fixed is not None:
            rate[self.fixed], influence[:, self.fixed], degrees[self.fixed] = 0.5, 0.0, np.inf
        imagined = np.diag(self.doubt)
        if self.two is not None:
            imagined[self.two, self.two[::-1]] = -self.doubt[self.two]
        return Compared(rate, influence.T @ influence + imagined, degrees, self.chance())

    @property
    def two(self) -> NDArray[np.intp] | None:
        """The codes of the only models with a battle, where these are two and their rates sum to 1."""
        playing = np.flatnonzero((self.battles > 0).any(axis=0))
        return playing if self.fixed is None and len(playing) == 2 else None

    def chance(self) -> Floats:
        """(k, k) of as large a difference between equal models, by the battles of the pairs whose rates are of these
        alone: with the baseline, or of two models; NaN for others."""
        chance = np.full((len(self.models), len(self.models)), np.nan)
        first = self.fixed if self.two is None else int(self.two[0])
        if first is None:
            return chance
        for other in range(len(self.models)) if self.two is None else self.two[1:].tolist():
            if other != first and self.battles[:, other].any():
                known = chance_of_difference(self.won[:, other] - self.battles[:, other] / 2)
                chance[first, other] = chance[other, first] = known
        return chance

    @property
    def doubt(self) -> Floats:
        """(k,) variance that the two imagined instructions by themselves add to a rate's; no rate is surer."""
        sums = self.clustered
        one = sums.rows_of_one()
        size = np.where(sums.clusters > 1, sums.rows + 2 * one, np.nan)
        rate = (sums.total + one) / size
        doubt: Floats = one**2 * (rate**2 + (1 - rate) ** 2) / size**2
        if self.fixed is not None:
            doubt[self.fixed] = 0.0
        return doubt


def win_rates(table: VerdictTable, *, baseline: str | None = None) -> WinRates:
    """Mean preference for each model, against ``baseline`` alone or against everyone it met.

    Without a baseline a battle counts once for each of its sides. The baseline itself has rate 1/2 and error 0.
    Raises UnknownName for a baseline that is not in the table.
    """
    _check_baseline(table.models, baseline)
    return rates_of(PairSums.of(table.against(baseline)), baseline=baseline)


def rates_of(sums: PairSums, *, baseline: str | None = None) -> WinRates:
    """The same from sums of all battles, of which only those with the ``baseline`` count. Raises UnknownName."""
    _check_baseline(sums.models, baseline)
    counted = _Counted.of(sums, baseline)
    totals = InstructionSums(sums.models, counted.won, counted.battles, counted.fixed, counted.squared)
    rate = totals.rates(np.ones(sums.instructions))
    numbers = counted.battles.sum(axis=0).astype(np.int64)
    return WinRates(sums.models, rate, numbers, counted.wins, counted.ties, baseline, totals)


def instruction_sums(table: VerdictTable, *, baseline: str | None = None) -> InstructionSums:
    """Per-instruction totals, for win rates under other weights (bootstrap, categories).

    Raises UnknownName for a baseline that is not in the table.
    """
    return win_rates(table, baseline=baseline).sums


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
    lower, upper = rates.sums.ends(level)
    method = _METHOD
    if choices.interval == "bootstrap":
        drawn = bootstrap_win_rates(table, baseline=baseline, level=level, resamples=choices.resamples, rng=rng)
        enough = rates.sums.clustered.clusters >= FEWEST_RESAMPLED
        lower, upper, method = *drawn.where(enough, lower, upper), drawn.method
    return Estimates(
        value=rates.rate,
        lower=lower,
        upper=upper,
        covariance=rates.covariance,
        flags=[""] * len(table.models),
        method=method,
        scale="rate",
        compared=rates.sums.compared(),
        rates=rates,
    )


def _check_baseline(models: Sequence[str], baseline: str | None) -> None:
    if baseline is not None and baseline not in models:
        raise UnknownName("baseline", baseline, models)


@dataclass(frozen=True, slots=True, eq=False)
class _Counted:
    """Battles, each seen from either side: the mean of its verdicts is what it was to a model."""

    fixed: int | None  # the baseline's code
    won: Floats  # (instructions, k) summed preference for the model
    battles: Floats  # (instructions, k)
    squared: Floats  # (k,) summed squares of preferences
    wins: Counts  # (k,)
    ties: Counts  # (k,)

    @classmethod
    def of(cls, sums: PairSums, baseline: str | None) -> "_Counted":
        k, pairs = len(sums.models), len(sums.first)
        won, battles = np.zeros((2, sums.instructions, k))
        by_pair = np.zeros((5, pairs))  # battles, preferences for the first, their squares, won by the first, lost
        fixed = None if baseline is None else sums.models.index(baseline)
        counts = (sums.first == fixed) | (sums.second == fixed) | (fixed is None)
        for cells in sums.cells():
            there = (cells.met > 0) & cells.spread(counts)
            for_first = np.divide(cells.won, cells.met, out=np.zeros_like(cells.won), where=there)
            for side, preference in ((0, for_first), (1, there - for_first)):
                won[cells.rows] += dense(cells.by_model(side, preference))
                battles[cells.rows] += dense(cells.by_model(side, there))
            columns = there, for_first, for_first**2, for_first > 0.5, there & (for_first < 0.5)
            by_pair += [cells.by_pair(column) for column in columns]
        met, first, squares, wins, losses = by_pair
        squared, all_wins, ties = (
            (np.bincount(sums.first, of_first, k) + np.bincount(sums.second, of_second, k)).astype(np.float64)
            for of_first, of_second in (
                (squares, met - 2 * first + squares),
                (wins, losses),
                (met - wins - losses, met - wins - losses),
            )
        )
        return cls(fixed, won, battles, squared, all_wins.astype(np.int64), ties.astype(np.int64))


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
    lower: Floats  # NaN below two instructions too
    upper: Floats
    battles: NDArray[np.int64]  # symmetric, 0 where they never met
    level: float
    method: str
    coverage: Coverage | None = None  # what of a benchmark it counts; None: it is of a table that nobody chose

    def pairs(self, models: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
        """One row a direction of every pair of ``models`` (all where None) that met, in that order; rates in [0, 1]."""
        codes = range(len(self.models)) if models is None else [self.models.index(model) for model in models]
        for a, b in product(codes, codes):
            if self.battles[a, b]:
                yield {
                    "model": self.models[a],
                    "opponent": self.models[b],
                    "win_rate": float(self.rate[a, b]),
                    "lower": _number(self.lower[a, b]),
                    "upper": _number(self.upper[a, b]),
                    "battles": int(self.battles[a, b]),
                }


def _number(end: float) -> float | None:
    return float(end) if isfinite(end) else None


def pair_rates(table: VerdictTable, *, level: float = 0.95) -> PairRates:
    """Raises StatisticsError when the level is not strictly between 0 and 1."""
    met, k = average_battles(table), len(table.models)
    won = _by_pair(met, met.preference, k)
    battles, lost = _by_pair(met, None, k), _by_pair(met, 1 - met.preference, k).T
    both, total = battles + battles.T, won + lost
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = total / both
    squares = _by_pair(met, met.preference**2, k) + _by_pair(met, (1 - met.preference) ** 2, k).T
    sums = ClusterSums(
        both, rows=both, total=total, squares=squares, crossed=total, rows_squared=both, values_squared=squares
    )
    lower, upper = bounded_ends(sums, level=level)
    return PairRates(table.models, rate, lower, upper, both.astype(np.int64), level, _METHOD)


def _by_pair(met: Battles, weights: Floats | None, k: int) -> Floats:
    """(k, k) sums over battles, in the row of the first model; a pair has one battle an instruction."""
    cell = met.first.astype(np.int64) * k + met.second
    return np.bincount(cell, weights=weights, minlength=k * k).astype(np.float64).reshape(k, k)
