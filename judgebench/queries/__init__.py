"""The read side, as the command line, the app and Python use it: what is there, who leads, what was said and why."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import sqlalchemy as sa

from judgebench.errors import InputError, UnknownName
from judgebench.leaderboard import Choices, Leaderboard, build, build_from_scores
from judgebench.queries.abstention import Allowed, HumanQueue, human_queue
from judgebench.queries.analyses import (
    Pilot,
    board_separability,
    matrix,
    multiverse,
    other_answers,
    pilot,
    quality,
    stored_table,
)
from judgebench.queries.audits import audits, board_gate, with_gate
from judgebench.queries.battles import Battle, BattleFilter, BattleOrder, BattleSummary, ShownVerdict, battle, battles
from judgebench.queries.card import card
from judgebench.queries.contamination import Contamination, Found, Places, Searched, contamination
from judgebench.queries.controlled import Anchor, Control, Controls, controlled_leaderboard
from judgebench.queries.labels import PairToLabel, annotators, human_labels, to_label
from judgebench.queries.moves import Scope, Without, moves
from judgebench.queries.runs import RunSummary, runs
from judgebench.queries.tallies import Tally, languages, tallies
from judgebench.queries.trust import agreement, bias
from judgebench.queries.voting import Progress, next_pair
from judgebench.queries.voting import progress as voting_progress
from judgebench.records import Judge, Model
from judgebench.store import reader
from judgebench.store import tables as t
from judgebench.store import tallies as store_tallies
from judgebench.store.audit_log import StoredAudit
from judgebench.store.database import Database
from judgebench.store.score_reader import score_table

__all__ = [
    "Allowed",
    "Anchor",
    "Battle",
    "BattleFilter",
    "BattleOrder",
    "BattleSummary",
    "BenchmarkSummary",
    "Contamination",
    "Control",
    "Controls",
    "Found",
    "HumanQueue",
    "PairToLabel",
    "Pilot",
    "Places",
    "Progress",
    "RunSummary",
    "Scope",
    "Searched",
    "ShownVerdict",
    "StoredAudit",
    "Tally",
    "Without",
    "agreement",
    "annotators",
    "audits",
    "battle",
    "battles",
    "benchmark",
    "benchmarks",
    "bias",
    "board_gate",
    "board_separability",
    "card",
    "contamination",
    "controlled_leaderboard",
    "human_labels",
    "human_queue",
    "judges",
    "languages",
    "leaderboard",
    "leaderboard_document",
    "matrix",
    "models",
    "moves",
    "multiverse",
    "next_pair",
    "other_answers",
    "pilot",
    "quality",
    "runs",
    "tallies",
    "to_label",
    "version",
    "voting_progress",
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


def version(database: Database) -> tuple[int, ...]:
    """Numbers that change whenever anything is stored: the newest id of every table, and how many runs have ended.

    What was computed from a database may be kept as long as its version stays.
    """
    tables = (t.benchmarks, t.instructions, t.models, t.outputs, t.judges, t.runs, t.verdicts, t.human_labels, t.audits)
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


def generated(database: Database) -> dict[str, dict[str, Any]]:
    """How the models were asked whose outputs we collected: served_model, system, settings. By model."""
    g = t.generators.c
    query = sa.select(t.models.c.name, g.served_model, g.system, g.settings).join(t.models, t.models.c.id == g.model_id)
    with database.read() as connection:
        rows = connection.execute(query).all()
    return {
        row.name: {"served_model": row.served_model, "system": row.system, "settings": json.loads(row.settings)}
        for row in rows
    }


def judges(database: Database) -> list[Judge]:
    with database.read() as connection:
        return reader.judges(connection)


def leaderboard(
    database: Database,
    benchmark: str,
    *,
    judges: Sequence[str] = (),
    category: str | None = None,
    language: str | None = None,
    choices: Choices | None = None,
) -> Leaderboard:
    """The benchmark's leaderboard, by all its judges where none is named, marked by what audits found.

    ``language`` as ``languages`` guesses it.

    Raises UnknownName for any name that is not there, and StatisticsError when there is nothing to rank by.
    """
    wanted = choices or Choices()
    if language is not None:
        stored = _in_language(database, benchmark, language, judges=judges, category=category)
        return with_gate(database, benchmark, build(stored.table, wanted, left_out=stored.left_out))
    return _board(database, version(database), benchmark, tuple(judges), category, wanted)


@lru_cache(maxsize=32)
def _board(
    database: Database,
    _version: tuple[int, ...],  # a board is kept as long as nothing is stored
    benchmark: str,
    judges: tuple[str, ...],
    category: str | None,
    choices: Choices,
) -> Leaderboard:
    if choices.baseline is not None:
        with database.read() as connection:
            reader.check_model(connection, choices.baseline)
    if choices.method == "score" or choices.margin is not None:
        return with_gate(database, benchmark, _score_board(database, benchmark, judges, category, choices))
    stored = stored_table(database, benchmark, judges, category)
    return with_gate(database, benchmark, build(stored.table, choices, left_out=stored.left_out))


def leaderboard_document(benchmark: str, board: Leaderboard) -> dict[str, Any]:
    """The leaderboard as plain values, as ``--format json`` prints it."""
    document = asdict(board)
    document["left_out"] = {str(status): count for status, count in sorted(board.left_out.items())}
    return {"benchmark": benchmark, **document, "judges": list(board.judges), "notes": list(board.notes)}


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
        verdicts=connection.scalar(count.where(_v.instruction_id.in_(within), *reader.in_force(connection))) or 0,
    )
