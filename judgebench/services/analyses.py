"""What verdicts say beyond one ranking: every reasonable ranking, other answers, what a benchmark can tell apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from judgebench import services, store
from judgebench.errors import InputError
from judgebench.leaderboard import Choices, Leaderboard
from judgebench.leaderboard.multiverse import ManyRankings, many_rankings
from judgebench.stats.planning import (
    PlannedComparison,
    RankingQuality,
    RankingWithIntervals,
    detectable_difference,
    instructions_needed,
    power,
    ranking_quality,
    separability,
    separability_by_instructions,
)
from judgebench.stats.social_choice import Consensus, consensus
from judgebench.stats.win_rate import PairRates, pair_rates, win_rates
from judgebench.store.database import Database


@dataclass(frozen=True, slots=True)
class Pilot:
    """What a plan can learn from verdicts that are there."""

    instructions: int  # with a verdict
    sd: float  # of a model's preference over instructions, the mean over models
    separability: Mapping[int, float]  # expected share of pairs told apart, by number of instructions


@dataclass(frozen=True, slots=True)
class SamplePlan:
    """How many instructions a comparison takes, and what a number of them can tell."""

    comparison: PlannedComparison
    instructions_needed: int
    instructions: int | None  # the number asked about; None: none was
    power: float | None  # with that number, in [0, 1]
    detectable_difference: float | None  # of two win rates, with that number
    pilot: Pilot | None  # what the verdicts so far tell


@dataclass(frozen=True, slots=True)
class BoardQuality:
    """How much a leaderboard tells apart, and how well it foretells another."""

    separability: float  # share of pairs whose intervals do not overlap, in [0, 1]
    level: float  # of the intervals
    against: RankingQuality | None  # the other leaderboard, where there is one


def stored_table(
    database: Database, benchmark: str, judges: Sequence[str], category: str | None
) -> store.arrays.StoredTable:
    """Raises UnknownName for any name that is not there."""
    with database.read() as connection:
        benchmark_id = store.benchmarks.chosen_benchmark(connection, benchmark, judges, category)
        return store.arrays.verdict_table(connection, benchmark_id, judges=judges, category=category)


def matrix(database: Database, benchmark: str, *, judges: Sequence[str] = (), category: str | None = None) -> PairRates:
    """How often each model was preferred to each other one. Raises UnknownName, as ``leaderboard`` does."""
    return pair_rates(stored_table(database, benchmark, judges, category).table)


def multiverse(
    database: Database, benchmark: str, *, judges: Sequence[str] = (), category: str | None = None, seed: int = 0
) -> ManyRankings:
    """The ranking under every reasonable choice. Raises UnknownName; StatisticsError where nothing was judged."""
    return many_rankings(stored_table(database, benchmark, judges, category).table, seed=seed)


def other_answers(
    database: Database,
    benchmark: str,
    *,
    judges: Sequence[str] = (),
    category: str | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Consensus:
    """Lottery, Borda, Kemeny, cycles. Raises UnknownName; StatisticsError where nothing was judged."""
    stored = stored_table(database, benchmark, judges, category)
    return consensus(stored.table, stored.categories, resamples=resamples, seed=seed)


def board_quality(
    database: Database,
    benchmark: str,
    *,
    judges: Sequence[str] = (),
    against: str | None = None,
    against_judges: Sequence[str] = (),
    choices: Choices | None = None,
) -> BoardQuality:
    """Of the leaderboard; held against another benchmark's, or other judges', where one of the two is named.

    Raises UnknownName, StatisticsError for fewer than two models, InputError where the two share fewer than two.
    """
    board = services.leaderboards.leaderboard(database, benchmark, judges=judges, choices=choices)
    other = None
    if against is not None or against_judges:
        other = services.leaderboards.leaderboard(
            database, against or benchmark, judges=against_judges, choices=choices
        )
    return BoardQuality(_separability(board), board.level, None if other is None else _foretold(board, other))


def sample_plan(
    comparison: PlannedComparison, *, instructions: int | None = None, learned: Pilot | None = None
) -> SamplePlan:
    """What ``comparison`` needs. Raises StatisticsError for a number out of its range."""
    return SamplePlan(
        comparison=comparison,
        instructions_needed=instructions_needed(comparison),
        instructions=instructions,
        power=None if instructions is None else power(instructions, comparison),
        detectable_difference=None if instructions is None else detectable_difference(instructions, comparison),
        pilot=learned,
    )


def _separability(board: Leaderboard) -> float:
    """Share of pairs of models whose intervals do not overlap. Raises StatisticsError for fewer than two models."""
    found = _ranking(board, [row.model for row in board.rows if row.lower is not None])
    return separability(found.lower, found.upper)


def _foretold(board: Leaderboard, other: Leaderboard) -> RankingQuality:
    """How well ``board`` foretells ``other``, over the models in both with an interval.

    Raises InputError when those are fewer than two.
    """
    known = [{row.model for row in each.rows if row.lower is not None} for each in (board, other)]
    models = sorted(known[0] & known[1])
    if len(models) < 2:
        raise InputError("the two leaderboards share fewer than two models with intervals: there is nothing to compare")
    return ranking_quality(_ranking(board, models), _ranking(other, models))


def pilot(
    database: Database,
    benchmark: str,
    *,
    judges: Sequence[str] = (),
    planned: Sequence[int] = (),
    level: float = 0.95,
) -> Pilot:
    """Raises UnknownName; StatisticsError for fewer than two models or instructions with verdicts."""
    table = stored_table(database, benchmark, judges, None).table
    rates = win_rates(table)
    instructions = len(np.unique(table.instruction))
    met = np.isfinite(rates.rate) & np.isfinite(np.diag(rates.covariance))
    covariance = rates.covariance[np.ix_(met, met)]
    numbers = list(planned) or [instructions * times for times in (1, 2, 4, 8)]
    shares = separability_by_instructions(
        rates.rate[met], covariance, instructions, np.array(numbers, dtype=np.float64), level=level
    )
    sd = float(np.sqrt(np.diag(covariance) * instructions).mean())
    return Pilot(instructions, sd, dict(zip(numbers, shares.tolist(), strict=True)))


def _ranking(board: Leaderboard, models: Sequence[str]) -> RankingWithIntervals:
    rows = {row.model: row for row in board.rows}

    def column(name: str) -> np.ndarray:
        return np.array([getattr(rows[model], name) for model in models], dtype=np.float64)

    return RankingWithIntervals(column("rating"), column("standard_error"), column("lower"), column("upper"))
