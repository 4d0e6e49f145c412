"""The read side, as the command line, the app and Python use it: what is there, who leads, what was said and why."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import sqlalchemy as sa

from judgebench.errors import InputError, UnknownName
from judgebench.leaderboard import Choices, Leaderboard, build, build_from_scores
from judgebench.queries.controls import Control, Scope, moves
from judgebench.queries.tallies import Tally, languages, tallies
from judgebench.records import Completion, Instruction, Judge, Model, Order, Status, Verdict
from judgebench.stats.pair_rates import PairRates, pair_rates
from judgebench.store import battle_reader, reader
from judgebench.store import tables as t
from judgebench.store import tallies as store_tallies
from judgebench.store.database import Database
from judgebench.store.score_reader import score_table

__all__ = [
    "Battle",
    "BattleFilter",
    "BattleSummary",
    "BenchmarkSummary",
    "Control",
    "RunSummary",
    "Scope",
    "ShownVerdict",
    "Tally",
    "battle",
    "battles",
    "benchmark",
    "benchmarks",
    "judges",
    "languages",
    "leaderboard",
    "leaderboard_document",
    "matrix",
    "models",
    "moves",
    "runs",
    "tallies",
    "version",
]

_v = t.verdicts.c


@dataclass(frozen=True, slots=True)
class BenchmarkSummary:
    """A benchmark in numbers."""

    name: str
    instructions: int
    categories: tuple[str, ...]
    models: tuple[str, ...]
    judges: tuple[str, ...]
    verdicts: int  # in force, failures included


@dataclass(frozen=True, slots=True)
class BattleFilter:
    """Which battles to list; None and empty let everything pass."""

    judge: str | None = None
    category: str | None = None
    models: tuple[str, ...] = ()  # one: its battles; two: the battles between them
    inconsistent: bool = False  # only those in which verdicts name different winners
    without_verdict: bool = False  # only those with a trial that has no preference
    text: str = ""  # found in the instruction


@dataclass(frozen=True, slots=True)
class BattleSummary:
    """A battle in a list."""

    instruction: str  # key
    text: str  # of the instruction
    category: str | None
    model_a: str
    model_b: str
    preference: float | None  # mean over verdicts, for A
    lowest: float | None
    highest: float | None
    trials: int
    with_preference: int

    @property
    def consistent(self) -> bool | None:
        """Whether all verdicts name the same winner, or a tie; None with fewer than two."""
        if self.with_preference < 2 or self.lowest is None or self.highest is None:
            return None
        return not self.lowest < 0.5 < self.highest


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One execution of a study, or one import."""

    id: int
    benchmark: str
    judge: str
    kind: str  # "run" or "import"
    started_at: str  # ISO 8601, UTC
    finished_at: str | None  # None while it runs, or when it was stopped
    ended: Mapping[Status, int]  # trials that it stored, by status
    cost_usd: float | None  # of its replies; None where no price was known


@dataclass(frozen=True, slots=True)
class ShownVerdict:
    """One judge's verdict on a battle, with what it replied."""

    judge: str
    order: Order | None
    repeat: int
    verdict: Verdict
    completion: Completion | None


@dataclass(frozen=True, slots=True)
class Battle:
    """A battle with everything that was said about it."""

    instruction: Instruction
    model_a: str
    model_b: str
    output_a: str
    output_b: str
    verdicts: tuple[ShownVerdict, ...]


def version(database: Database) -> tuple[int, ...]:
    """Numbers that change whenever anything is stored: the newest id of every table, and how many runs have ended.

    What was computed from a database may be kept as long as its version stays.
    """
    tables = (t.benchmarks, t.instructions, t.models, t.outputs, t.judges, t.runs, t.verdicts)
    newest = [sa.select(sa.func.coalesce(sa.func.max(table.c.id), 0)).scalar_subquery() for table in tables]
    ended = sa.select(sa.func.count(t.runs.c.finished_at)).scalar_subquery()
    with database.read() as connection:
        return tuple(connection.execute(sa.select(*newest, ended)).one())


def benchmarks(database: Database) -> list[BenchmarkSummary]:
    with database.read() as connection:
        names = reader.benchmark_names(connection)
        return [_summary(connection, name) for name in names]


def benchmark(database: Database, name: str) -> BenchmarkSummary:
    """Raises UnknownName."""
    with database.read() as connection:
        return _summary(connection, name)


def models(database: Database, benchmark: str) -> list[Model]:
    """Models with outputs in the benchmark. Raises UnknownName."""
    with database.read() as connection:
        return reader.models(connection, reader.benchmark_id(connection, benchmark))


def judges(database: Database) -> list[Judge]:
    with database.read() as connection:
        return reader.judges(connection)


def runs(database: Database) -> list[RunSummary]:
    """All runs, the newest first."""
    r, cost = t.runs.c, t.completions.c.cost_usd
    named = (
        sa.select(r.id, r.kind, r.started_at, r.finished_at, t.benchmarks.c.name, t.judges.c.name.label("judge"))
        .join(t.benchmarks, t.benchmarks.c.id == r.benchmark_id)
        .join(t.judges, t.judges.c.id == r.judge_id)
        .order_by(r.id.desc())
    )
    counted = (
        sa.select(_v.run_id, _v.status, sa.func.count().label("trials"), sa.func.sum(cost).label("cost"))
        .outerjoin(t.completions, t.completions.c.id == _v.completion_id)
        .group_by(_v.run_id, _v.status)
    )
    with database.read() as connection:
        rows = connection.execute(named).all()
        counts = connection.execute(counted).all()
    ended: dict[int, dict[Status, int]] = {row.id: {} for row in rows}
    costs: dict[int, list[float]] = {row.id: [] for row in rows}
    for run_id, status, trials, spent in counts:
        ended[run_id][Status(status)] = trials
        costs[run_id] += [] if spent is None else [spent]
    return [
        RunSummary(
            id=row.id,
            benchmark=row.name,
            judge=row.judge,
            kind=row.kind,
            started_at=row.started_at,
            finished_at=row.finished_at,
            ended=ended[row.id],
            cost_usd=sum(costs[row.id]) if costs[row.id] else None,
        )
        for row in rows
    ]


def leaderboard(
    database: Database,
    benchmark: str,
    *,
    judges: Sequence[str] = (),
    category: str | None = None,
    language: str | None = None,
    choices: Choices | None = None,
) -> Leaderboard:
    """The benchmark's leaderboard, by all its judges where none is named; ``language`` as ``languages`` guesses it.

    Raises UnknownName for any name that is not there, and StatisticsError when there is nothing to rank by.
    """
    choices = choices or Choices()
    if choices.baseline is not None:
        with database.read() as connection:
            reader.check_model(connection, choices.baseline)
    if choices.method == "score" or choices.margin is not None:
        return _score_board(database, benchmark, judges, category, choices)
    if language is not None:
        stored = _in_language(database, benchmark, language, judges=judges, category=category)
    else:
        stored = _stored(database, benchmark, judges, category)
    return build(stored.table, choices, left_out=stored.left_out)


def matrix(database: Database, benchmark: str, *, judges: Sequence[str] = (), category: str | None = None) -> PairRates:
    """How often each model was preferred to each other one. Raises UnknownName, as ``leaderboard`` does."""
    return pair_rates(_stored(database, benchmark, judges, category).table)


def leaderboard_document(benchmark: str, board: Leaderboard) -> dict[str, Any]:
    """The leaderboard as plain values, as ``--format json`` prints it."""
    document = asdict(board)
    document["left_out"] = {str(status): count for status, count in sorted(board.left_out.items())}
    return {"benchmark": benchmark, **document, "judges": list(board.judges), "notes": list(board.notes)}


def battles(
    database: Database, benchmark: str, chosen: BattleFilter, *, limit: int = 50, offset: int = 0
) -> tuple[list[BattleSummary], int]:
    """A page of the battles that pass, in the order of their instructions, and how many pass in all."""
    with database.read() as connection:
        query = _battle_query(reader.benchmark_id(connection, benchmark), chosen)
        total = connection.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0
        rows = connection.execute(query.limit(limit).offset(offset)).all()
    return [_battle_summary(row) for row in rows], total


def battle(database: Database, benchmark: str, instruction: str, model_a: str, model_b: str) -> Battle:
    """The battle of two models on the instruction with this key. Raises UnknownName when there is no verdict on it."""
    first, second = sorted((model_a, model_b))
    with database.read() as connection:
        reader.benchmark_id(connection, benchmark)
        a, b = (battle_reader.output_id(benchmark, instruction, name) for name in (first, second))
        rows = list(battle_reader.battle_rows(connection, [_v.output_a_id == a, _v.output_b_id == b]))
    if not rows:
        raise UnknownName("battle", f"{first} against {second} on {instruction}", [])
    found = rows[0]
    shown = tuple(
        ShownVerdict(
            judge=row.judge,
            order=None if row.order is None else Order(row.order),
            repeat=row.repeat,
            verdict=battle_reader.verdict(row),
            completion=None if row.completion_id is None else battle_reader.completion(row),
        )
        for row in rows
    )
    return Battle(reader.instruction(found), first, second, found.text_a, found.text_b, shown)


def _stored(database: Database, benchmark: str, judges: Sequence[str], category: str | None) -> reader.StoredTable:
    with database.read() as connection:
        benchmark_id = reader.chosen_benchmark(connection, benchmark, judges, category)
        return reader.verdict_table(connection, benchmark_id, judges=judges, category=category)


def _in_language(
    database: Database, benchmark: str, language: str, *, judges: Sequence[str], category: str | None
) -> reader.StoredTable:
    with database.read() as connection:
        benchmark_id = reader.chosen_benchmark(connection, benchmark, judges, category)
        spoken = store_tallies.languages(connection, benchmark_id)
        if language not in spoken.values():
            raise UnknownName("language", language, sorted(set(spoken.values())))
        whole = reader.verdict_table(connection, benchmark_id, judges=judges, category=category)
        failed = store_tallies.failures(connection, benchmark_id, judges=judges, category=category)
    mine = np.array([spoken[key] == language for key in whole.table.instructions], dtype=bool)
    left_out = Counter(failure.status for failure in failed if spoken[failure.instruction] == language)
    return replace(whole, table=whole.table.select(mine[whole.table.instruction]), left_out=left_out)


def _score_board(
    database: Database, benchmark: str, judges: Sequence[str], category: str | None, choices: Choices
) -> Leaderboard:
    with database.read() as connection:
        benchmark_id = reader.chosen_benchmark(connection, benchmark, judges, category)
        scores = score_table(connection, benchmark_id, judges=judges, category=category)
    if choices.margin is None and len(scores.templates) > 1:
        names = ", ".join(scores.table.judges)
        raise InputError(
            f"the scores of {names} are on different scales, so have no common mean: choose one by --judge"
        )
    return build_from_scores(scores.table, choices, left_out=scores.left_out)


def _summary(connection: sa.Connection, name: str) -> BenchmarkSummary:
    benchmark_id = reader.benchmark_id(connection, name)
    within = sa.select(t.instructions.c.id).where(t.instructions.c.benchmark_id == benchmark_id)
    count = sa.select(sa.func.count())
    return BenchmarkSummary(
        name=name,
        instructions=connection.scalar(count.select_from(within.subquery())) or 0,
        categories=tuple(reader.categories(connection, benchmark_id)),
        models=tuple(model.name for model in reader.models(connection, benchmark_id)),
        judges=tuple(judge.name for judge in reader.judges(connection, benchmark_id)),
        verdicts=connection.scalar(count.where(_v.instruction_id.in_(within), reader.IN_FORCE)) or 0,
    )


def _battle_query(benchmark_id: int, chosen: BattleFilter) -> sa.Select[Any]:
    a, b = t.outputs.alias("output_a"), t.outputs.alias("output_b")
    model_a, model_b = t.models.alias("of_a"), t.models.alias("of_b")
    i = t.instructions.c
    trials, answered = sa.func.count(), sa.func.count(_v.preference)
    query = (
        sa.select(
            *(i.key, i.turns, i.category, model_a.c.name.label("model_a"), model_b.c.name.label("model_b")),
            sa.func.avg(_v.preference).label("preference"),
            sa.func.min(_v.preference).label("lowest"),
            sa.func.max(_v.preference).label("highest"),
            *(trials.label("trials"), answered.label("with_preference")),
        )
        .select_from(t.verdicts)
        .join(t.instructions, i.id == _v.instruction_id)
        .join(a, a.c.id == _v.output_a_id)
        .join(b, b.c.id == _v.output_b_id)
        .join(model_a, model_a.c.id == a.c.model_id)
        .join(model_b, model_b.c.id == b.c.model_id)
        .where(i.benchmark_id == benchmark_id, reader.IN_FORCE)
        .group_by(i.id, i.key, i.turns, i.category, model_a.c.name, model_b.c.name)
        .order_by(i.id, model_a.c.name, model_b.c.name)
    )
    if chosen.judge is not None:
        query = query.join(t.judges, t.judges.c.id == _v.judge_id).where(t.judges.c.name == chosen.judge)
    if chosen.category is not None:
        query = query.where(i.category == chosen.category)
    for name in chosen.models:
        query = query.where((model_a.c.name == name) | (model_b.c.name == name))
    if chosen.text:
        query = query.where(i.turns.icontains(chosen.text, autoescape=True))
    if chosen.inconsistent:
        query = query.having(sa.func.min(_v.preference) < 0.5, sa.func.max(_v.preference) > 0.5)
    if chosen.without_verdict:
        query = query.having(answered < trials)
    return query


def _battle_summary(row: sa.Row[Any]) -> BattleSummary:
    return BattleSummary(
        instruction=row.key,
        text="\n\n".join(json.loads(row.turns)),
        category=row.category,
        model_a=row.model_a,
        model_b=row.model_b,
        preference=row.preference,
        lowest=row.lowest,
        highest=row.highest,
        trials=row.trials,
        with_preference=row.with_preference,
    )
