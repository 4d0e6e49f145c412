"""What models did on a category, or against an opponent: rates and mean scores of parts of the verdicts."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from judgebench import services, store
from judgebench.errors import UnknownName
from judgebench.estimate import Estimate
from judgebench.leaderboard import Choices, Leaderboard
from judgebench.records import Instruction
from judgebench.services.scope import EVERYTHING, Scope, scoped_scores, scoped_verdicts
from judgebench.stats.scores import ScoreTable, score_preferences
from judgebench.stats.scores import estimates as score_estimates
from judgebench.stats.verdict_table import VerdictTable, judged_cells, occurring
from judgebench.stats.win_rate import win_rates
from judgebench.store.database import Connection, Database

Mask = NDArray[np.bool_]
_METHOD = "Agresti-Coull with t, clustered by instruction"


@dataclass(frozen=True, slots=True)
class PartRate:
    """What a model did on a category, or against an opponent."""

    name: str  # of the category or the opponent; empty: instructions without a category
    estimate: Estimate  # win rate in [0, 1]; of scores their mean
    battles: int  # of scores, outputs judged
    wins: int  # of scores 0, as are the two below
    ties: int
    instructions: int  # judged

    @property
    def losses(self) -> int:
        return self.battles - self.wins - self.ties


@dataclass(frozen=True, slots=True)
class CategoryRates:
    """What every model of a leaderboard did on every category."""

    board: Leaderboard
    # In which any model was judged: by name, an empty one for instructions without; none where no instruction has any.
    categories: tuple[str, ...]
    rates: Mapping[str, tuple[PartRate, ...]]  # by model, in the order of the leaderboard; where it was judged


def category_rates(
    database: Database,
    benchmark: str,
    *,
    scope: Scope = EVERYTHING,
    choices: Choices | None = None,
    models: Collection[str] = (),
) -> CategoryRates:
    """Of these ``models``, of all where none is named; the numbers are those of their profiles.

    Raises as ``leaderboard`` does, and UnknownName for a model that is not on it.
    """
    chosen = choices or Choices()
    board = services.leaderboards.leaderboard(database, benchmark, scope=scope, choices=chosen)
    ranked = [row.model for row in board.rows]
    for model in models:
        if model not in ranked:
            raise UnknownName("model of this leaderboard", model, ranked)
    shown = [model for model in ranked if not models or model in models]
    with database.read() as connection:
        instructions = instructions_by_key(connection, benchmark)
        if board.scale == "score":
            scores = scoped_scores(connection, benchmark, scope, chosen).table
            rates = {model: _score_parts(scores, model, instructions, board.level) for model in shown}
            judged = categories_of(scores, instructions)
        else:
            compared = compared_by_board(connection, benchmark, scope, chosen, shown)
            parts = [_of_verdicts(table, instructions, board, models) for table, models in compared]
            rates = {model: of[model] for model in shown for of in parts if model in of}
            judged = categories_of(compared[0][0], instructions)
    names = {*judged, *(part.name for parts in rates.values() for part in parts)}
    return CategoryRates(board, tuple(sorted(names)) if any(names) else (), rates)


def compared_by_board(
    connection: Connection, benchmark: str, scope: Scope, choices: Choices, models: Collection[str]
) -> list[tuple[VerdictTable, list[str]]]:
    """The verdicts behind the rows of these ``models``, with the models that they are for: those that count share
    theirs, and one that is flagged has those on it and all that count, as it is nobody's opponent."""
    if choices.margin is None:
        verdicts = scoped_verdicts(connection, benchmark, scope, choices)
        table, counting = verdicts.table, verdicts.counting
    else:
        scores = scoped_scores(connection, benchmark, scope, choices)
        table, counting = score_preferences(scores.table, margin=choices.margin), scores.counting
    alone = [(table.among({*counting, model}), [model]) for model in models if model not in counting]
    return [(table.among(counting), [model for model in models if model in counting]), *alone]


def _score_parts(
    scores: ScoreTable, model: str, instructions: Mapping[str, Instruction], level: float
) -> tuple[PartRate, ...]:
    mine = scores.select(scores.model == scores.models.index(model))
    return tuple(score_part(name, mine.select(rows), model, level) for name, rows in by_category(mine, instructions))


def _of_verdicts(
    table: VerdictTable, instructions: Mapping[str, Instruction], board: Leaderboard, models: Collection[str]
) -> dict[str, tuple[PartRate, ...]]:
    """With a baseline by the battles with it, and of itself by all."""
    rates: dict[str, list[PartRate]] = {model: [] for model in models}
    others = [model for model in models if model != board.baseline]
    itself = [model for model in models if model == board.baseline]
    table = table.about(models)
    for rows, of in ((table.against(board.baseline), others), (table, itself)):
        for name, mask in by_category(rows, instructions) if of else ():
            for model, part in verdict_parts(name, rows.select(mask), of, board.level).items():
                rates[model].append(part)
    return {model: tuple(parts) for model, parts in rates.items()}


def by_category(
    table: VerdictTable | ScoreTable, instructions: Mapping[str, Instruction]
) -> Iterator[tuple[str, Mask]]:
    """Each category with its rows, by name; nothing where no instruction has a category."""
    names = categories_of(table, instructions)
    if any(names):
        place = {name: code for code, name in enumerate(names)}
        of_codes = np.array([place.get(instructions[key].category or "", -1) for key in table.instructions])
        of_rows = of_codes[table.instruction]
        yield from ((name, of_rows == code) for name, code in place.items())


def categories_of(table: VerdictTable | ScoreTable, instructions: Mapping[str, Instruction]) -> list[str]:
    """The categories of the rows, by name, an empty one for instructions without."""
    judged = occurring(table.instruction)
    return sorted({instructions[table.instructions[code]].category or "" for code in judged})


def verdict_parts(name: str, table: VerdictTable, models: Collection[str], level: float) -> dict[str, PartRate]:
    """Of those ``models`` that have a battle in ``table``."""
    table = table.met()
    rates = win_rates(table)
    lower, upper = rates.sums.ends(level)
    instructions = judged_cells(table).sum(axis=0)
    parts = {}
    for model in (name for name in models if name in table.models):
        at = table.models.index(model)
        battles, wins, ties = (int(counts[at]) for counts in (rates.battles, rates.wins, rates.ties))
        known = _estimate((rates.rate[at], lower[at], upper[at]), level, battles, _METHOD)
        parts[model] = PartRate(name, known, battles, wins, ties, int(instructions[at]))
    return parts


def score_part(name: str, table: ScoreTable, model: str, level: float) -> PartRate:
    """``table``: the model's own scores."""
    means = score_estimates(table, Choices(level=level), None, np.random.default_rng(0))
    at = table.models.index(model)
    ends = means.value[at], means.lower[at], means.upper[at]
    outputs = len(np.unique(table.instruction))
    return PartRate(name, _estimate(ends, level, outputs, means.method), outputs, 0, 0, outputs)


def instructions_by_key(connection: Connection, benchmark: str) -> dict[str, Instruction]:
    """Raises UnknownName."""
    return store.benchmarks.instructions_by_key(connection, store.benchmarks.benchmark_id(connection, benchmark))


def _estimate(ends: tuple[float, float, float], level: float, n: int, method: str) -> Estimate:
    value, lower, upper = (None if np.isnan(end) else float(end) for end in ends)
    reason = "" if lower is not None else "fewer than two instructions"
    return Estimate(value, lower, upper, level, method, n, reason)
