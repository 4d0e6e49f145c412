"""How preferences, or scores, spread: of every model of a leaderboard, over the battles or outputs that it counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from judgebench import services
from judgebench.leaderboard import Choices, Leaderboard
from judgebench.services.part_rates import compared_by_board
from judgebench.services.scope import EVERYTHING, Scope, scoped_scores
from judgebench.stats.scores import ScoreTable
from judgebench.stats.verdict_table import Floats, VerdictTable, average_battles
from judgebench.store.database import Database

_MOST_VALUES = 12  # that scores have, for each to be counted by itself
_STEPS = 10  # of a range that is cut


@dataclass(frozen=True, slots=True)
class Bin:
    """Values that are counted together, both ends included."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Distributions:
    """How often each model had which value: a preference for it in [0, 1], the mean over a battle's verdicts, or a
    score."""

    board: Leaderboard
    bins: tuple[Bin, ...]  # from the lowest on
    counts: Mapping[str, tuple[int, ...]]  # by model in the order of the leaderboard, aligned to ``bins``


def distributions(
    database: Database, benchmark: str, *, scope: Scope = EVERYTHING, choices: Choices | None = None
) -> Distributions:
    """With a baseline of preferences to it, and of itself to all others. Raises as ``leaderboard`` does."""
    chosen = choices or Choices()
    board = services.leaderboards.leaderboard(database, benchmark, scope=scope, choices=chosen)
    models = [row.model for row in board.rows]
    with database.read() as connection:
        if board.scale == "score":
            return _of_scores(board, scoped_scores(connection, benchmark, scope, chosen).table, models)
        compared = compared_by_board(connection, benchmark, scope, chosen, models)
    counts = {model: shares for table, of in compared for model, shares in _of_preferences(board, table, of).items()}
    return Distributions(board, _shares(), {model: counts[model] for model in models})


def _of_scores(board: Leaderboard, table: ScoreTable, models: list[str]) -> Distributions:
    values = np.unique(table.score)
    if len(values) <= _MOST_VALUES:
        bins = tuple(Bin(float(value), float(value)) for value in values)
        codes = np.searchsorted(values, table.score)
    else:
        edges = np.linspace(values[0], values[-1], _STEPS + 1)
        bins = tuple(Bin(float(low), float(high)) for low, high in pairwise(edges))
        codes = np.searchsorted(edges[1:-1], table.score, side="right")
    counts = {
        model: tuple(np.bincount(codes[table.model == table.models.index(model)], minlength=len(bins)).tolist())
        for model in models
    }
    return Distributions(board, bins, counts)


def _shares() -> tuple[Bin, ...]:
    """With their middles at 0, 0.1 and so on to 1, so that a tie and both ends stand in bins of their own."""
    half = 0.5 / _STEPS
    middles = (at / _STEPS for at in range(_STEPS + 1))
    return tuple(Bin(max(middle - half, 0.0), min(middle + half, 1.0)) for middle in middles)


def _of_preferences(board: Leaderboard, table: VerdictTable, models: list[str]) -> dict[str, tuple[int, ...]]:
    against, everything = (_by_model(rows) for rows in (table.against(board.baseline), table))
    counts = {}
    for model in models:
        shares = (everything if model == board.baseline else against)[table.models.index(model)]
        codes = np.floor(shares * _STEPS + 0.5).astype(np.int64)
        counts[model] = tuple(np.bincount(codes, minlength=_STEPS + 1).tolist())
    return counts


def _by_model(table: VerdictTable) -> list[Floats]:
    """The preferences for each of the table's models, a battle one number."""
    battles = average_battles(table)
    model = np.concatenate([battles.first, battles.second])
    share = np.concatenate([battles.preference, 1.0 - battles.preference])
    order = np.argsort(model, kind="stable")
    ends = np.searchsorted(model[order], np.arange(len(table.models) + 1))
    return [share[order[start:end]] for start, end in pairwise(ends)]
