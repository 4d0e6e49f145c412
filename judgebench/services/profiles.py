"""A model by itself, and two beside each other: by category, by opponent and by instruction.

Whose verdicts count, and of which models, is what the leaderboard of the same scope says.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from judgebench import services, store
from judgebench.coverage import Coverage
from judgebench.errors import InputError, StatisticsError, UnknownName
from judgebench.leaderboard import Choices, Leaderboard, Row
from judgebench.records import Instruction
from judgebench.services.lineage import Relatives, relatives
from judgebench.services.part_rates import (
    PartRate,
    by_category,
    compared_by_board,
    instructions_by_key,
    score_part,
    verdict_parts,
)
from judgebench.services.scope import EVERYTHING, Scope, Scoped, Table, scoped_scores, scoped_verdicts
from judgebench.services.styles import StyleLine, styles
from judgebench.services.versions import USUAL_VERSIONS, ByVersions, ModelChange, change, evident
from judgebench.stats.scores import ScoreTable
from judgebench.stats.verdict_table import Codes, Floats, VerdictTable, average_battles
from judgebench.store.database import Connection, Database

Mask = NDArray[np.bool_]
_LISTED = 10  # best and worst instructions


@dataclass(frozen=True, slots=True)
class OnInstruction:
    """What a model did on one instruction."""

    key: str
    text: str  # ``Instruction.brief``
    category: str | None
    value: float  # mean preference for the model in [0, 1]; of scores their mean
    opponent: str | None  # whom it met there; None: several, or nobody


@dataclass(frozen=True, slots=True)
class Profile:
    """One model on one benchmark."""

    model: str
    board: Leaderboard  # that it stands on
    row: Row  # its own
    categories: tuple[PartRate, ...]  # by name; empty where no instruction has a category
    opponents: tuple[PartRate, ...]  # by name; of scores empty
    instructions: tuple[OnInstruction, ...]  # that it was judged on, the best first
    style: tuple[StyleLine, ...]  # of its outputs, beside the field's; none where nobody asked
    relatives: Relatives  # among the models of the leaderboard

    @property
    def best(self) -> tuple[OnInstruction, ...]:
        """A few, the best first; none where it did equally well on all."""
        return self.instructions[: self._few]

    @property
    def worst(self) -> tuple[OnInstruction, ...]:
        """As many, the worst first; none of them is one of the best."""
        last = max(self._few, len(self.instructions) - self._few) if self._few else len(self.instructions)
        return tuple(reversed(self.instructions[last:]))

    @property
    def _few(self) -> int:
        alike = len({one.value for one in self.instructions}) < 2
        return 0 if alike else min(_LISTED, (len(self.instructions) + 1) // 2)


# What a model did by category, by opponent, and on each instruction.
_Results = tuple[tuple[PartRate, ...], tuple[PartRate, ...], tuple[OnInstruction, ...]]


def profile(
    database: Database,
    benchmark: str,
    model: str,
    *,
    scope: Scope = EVERYTHING,
    choices: Choices | None = None,
    styled: bool = True,
) -> Profile:
    """``styled``: with the style of its outputs, for which all outputs of the benchmark are read.

    Raises UnknownName for a model that is not on the leaderboard, else as ``leaderboard`` does.
    """
    chosen = choices or Choices()
    board = services.leaderboards.leaderboard(database, benchmark, scope=scope, choices=chosen)
    row = next((row for row in board.rows if row.model == model), None)
    if row is None:
        raise UnknownName("model of this leaderboard", model, [row.model for row in board.rows])
    with database.read() as connection:
        instructions = instructions_by_key(connection, benchmark)
        if board.scale == "score":
            scores = scoped_scores(connection, benchmark, scope, chosen).table
            mine = scores.select(scores.model == scores.models.index(model))
            results = _of_scores(board, row, mine, instructions)
        else:
            tables = compared_by_board(connection, benchmark, scope, chosen, [model])
            compared = next(table for table, models in tables if model in models)
            results = _of_verdicts(board, row, compared.against(model), instructions)
    style = styles(database, benchmark, model, category=scope.category, level=board.level) if styled else ()
    related = relatives(database, model, [row.model for row in board.rows])
    return Profile(model, board, row, *results, style, related)


def _of_scores(board: Leaderboard, row: Row, table: ScoreTable, instructions: Mapping[str, Instruction]) -> _Results:
    parts = by_category(table, instructions)
    categories = tuple(score_part(name, table.select(rows), row.model, board.level) for name, rows in parts)
    value: Floats = np.bincount(table.instruction, weights=table.score, minlength=len(table.instructions)).astype(float)
    counts = np.bincount(table.instruction, minlength=len(table.instructions))
    return categories, (), _listed(table.instructions, value, counts, {}, instructions)


def _of_verdicts(
    board: Leaderboard, row: Row, table: VerdictTable, instructions: Mapping[str, Instruction]
) -> _Results:
    """``table``: the model's battles. With a baseline rates are those against it, as on the leaderboard."""
    against = table if board.baseline in (None, row.model) else table.against(board.baseline)
    code = table.models.index(row.model)

    def part(name: str, rows: VerdictTable) -> PartRate:
        return verdict_parts(name, rows, [row.model], board.level)[row.model]

    categories = tuple(part(name, against.select(rows)) for name, rows in by_category(against, instructions))
    battles = average_battles(against)
    won = np.where(battles.first == code, battles.preference, 1 - battles.preference)
    size = len(table.instructions)
    value: Floats = np.bincount(battles.instruction, weights=won, minlength=size).astype(float)
    counts = np.bincount(battles.instruction, minlength=size)
    met_at: dict[int, set[int]] = {}
    for at, first, second in zip(battles.instruction, battles.first, battles.second, strict=True):
        met_at.setdefault(int(at), set()).add(int(second if first == code else first))
    alone = {at: table.models[next(iter(met))] for at, met in met_at.items() if len(met) == 1}
    opponents = tuple(_opponents(table, row.model, board.level))
    return categories, opponents, _listed(table.instructions, value, counts, alone, instructions)


def _opponents(table: VerdictTable, model: str, level: float) -> Iterator[PartRate]:
    """What the model did against each other one, which is what is left of their rates: all battles are with it."""
    for name, theirs in verdict_parts("", table, table.models, level).items():
        if name != model:
            value, lower, upper = (
                None if end is None else 1 - end
                for end in (theirs.estimate.value, theirs.estimate.upper, theirs.estimate.lower)
            )
            mine = replace(theirs.estimate, value=value, lower=lower, upper=upper)
            yield replace(theirs, name=name, estimate=mine, wins=theirs.losses)


def _listed(
    keys: Sequence[str],
    value: Floats,
    counts: NDArray[np.int64],
    alone: Mapping[int, str],
    instructions: Mapping[str, Instruction],
) -> tuple[OnInstruction, ...]:
    """From the best to the worst; equal ones by key. ``value``: sums, of so many ``counts``."""
    places = sorted(np.flatnonzero(counts).tolist(), key=lambda at: (-value[at] / counts[at], keys[at]))
    return tuple(
        OnInstruction(
            keys[at],
            instructions[keys[at]].brief,
            instructions[keys[at]].category,
            float(value[at] / counts[at]),
            alone.get(at),
        )
        for at in places
    )


@dataclass(frozen=True, slots=True)
class BattleOfTwo:
    """Two models on one instruction."""

    key: str
    text: str  # ``Instruction.brief``
    category: str | None
    preference: float  # for the first model, in [0, 1], the mean over verdicts
    shown_first: float | None  # the same where the first model was shown first; None: it never was, as far as is known
    shown_second: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models beside each other."""

    first: str
    second: str
    whole: PartRate  # of the first against the second
    categories: tuple[PartRate, ...]
    battles: tuple[BattleOfTwo, ...]  # those that the first won most surely come first
    change: ModelChange  # from the first to the second, as from one version to the next
    coverage: Coverage

    @property
    def met(self) -> bool:
        """Whether they were compared with each other; else ``whole``, ``categories`` and ``battles`` are made of what
        each did by itself or against a baseline, an instruction each."""
        return self.change.evidence == "battles"


def compare(
    database: Database,
    benchmark: str,
    first: str,
    second: str,
    *,
    scope: Scope = EVERYTHING,
    by: ByVersions = USUAL_VERSIONS,
    level: float = 0.95,
) -> Comparison:
    """Raises UnknownName for a model that is not there, StatisticsError where nothing is said of both, or they are one,
    and InputError for choices that do not fit the verdicts."""
    if first == second:
        raise StatisticsError(f"a model is compared with another one, not {first!r} with itself")
    with database.read() as connection:
        instructions = instructions_by_key(connection, benchmark)
        for name in (first, second):
            store.models.check_model(connection, name)
        between = evident(connection, benchmark, (first, second), scope, by)
    if between is None:
        raise StatisticsError(
            f"{first!r} and {second!r} never met by the verdicts that count: run a judge on both, or choose others"
        )
    table = between.table

    def part(name: str, rows: VerdictTable) -> PartRate:
        return verdict_parts(name, rows, [first], level)[first]

    categories = tuple(part(name, table.select(rows)) for name, rows in by_category(table, instructions))
    battles = sorted(_battles(table, first, instructions), key=lambda battle: (-battle.preference, battle.key))
    changed = change(between, instructions, by, level)
    return Comparison(first, second, part("", table), categories, tuple(battles), changed, between.coverage)


@dataclass(frozen=True, slots=True)
class MeanVerdict:
    """What verdicts say of a model's output to one instruction."""

    value: float  # mean preference for it in [0, 1]; of scores their mean
    verdicts: int
    is_score: bool = False


def on_instruction(
    database: Database, benchmark: str, instruction: str, *, scope: Scope = EVERYTHING
) -> dict[str, MeanVerdict]:
    """Of every model with a verdict on the instruction with this key. Raises as ``leaderboard`` does."""
    with database.read() as connection:
        try:
            table = _on(scoped_verdicts(connection, benchmark, scope).table, instruction)
        except StatisticsError as error:
            scores = _on(_scores_else(error, connection, benchmark, scope).table, instruction)
            judged = _judged(scores.models, [(scores.model, scores.score)])
            return {name: replace(mean, is_score=True) for name, mean in judged.items()}
    sides = [(table.model_a, table.preference), (table.model_b, 1 - table.preference)]
    return _judged(table.models, sides)


def _on(table: Table, instruction: str) -> Table:
    """The rows on an instruction, of which there may be none."""
    at = table.instructions.index(instruction) if instruction in table.instructions else -1
    return table.select(table.instruction == at)


def _judged(models: Sequence[str], sides: Sequence[tuple[Codes, Floats]]) -> dict[str, MeanVerdict]:
    codes, values = (np.concatenate(columns) for columns in zip(*sides, strict=True))
    known = np.unique(codes).tolist()
    return {
        models[code]: MeanVerdict(float(values[codes == code].mean()), int((codes == code).sum())) for code in known
    }


def _scores_else(error: StatisticsError, connection: Connection, benchmark: str, scope: Scope) -> Scoped[ScoreTable]:
    """The scores where no outputs were compared. Raises what was wrong with comparing them where there are none."""
    try:
        return scoped_scores(connection, benchmark, scope)
    except (InputError, StatisticsError):
        raise error from None


def _battles(table: VerdictTable, first: str, instructions: Mapping[str, Instruction]) -> Iterable[BattleOfTwo]:
    is_a = table.model_a == table.models.index(first)
    toward = np.where(is_a, table.preference, 1 - table.preference)
    known = table.order >= 0
    leads = known & (is_a == (table.order == 0))
    means = [_means(table, toward, rows) for rows in (np.ones(len(table), dtype=bool), leads, known & ~leads)]
    for at, preference in means[0].items():
        row = instructions[table.instructions[at]]
        yield BattleOfTwo(row.key, row.brief, row.category, preference, means[1].get(at), means[2].get(at))


def _means(table: VerdictTable, values: Floats, rows: Mask) -> dict[int, float]:
    """Of these rows, by the code of the instruction."""
    codes, inverse, counts = np.unique(table.instruction[rows], return_inverse=True, return_counts=True)
    sums = np.bincount(inverse, weights=values[rows], minlength=len(codes))
    return dict(zip(codes.tolist(), (sums / counts).tolist(), strict=True))
