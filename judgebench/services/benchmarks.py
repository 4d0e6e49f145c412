"""The read side, as the command line, the app and Python use it: what is there, who leads, what was said and why."""

import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from judgebench import store
from judgebench.records import Model
from judgebench.store import schema as t
from judgebench.store.database import Connection, Database

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
        names = store.benchmarks.benchmark_names(connection)
        return [_summary(connection, name) for name in names]


def benchmark(database: Database, name: str) -> BenchmarkSummary:
    """Raises UnknownName."""
    with database.read() as connection:
        return _summary(connection, name)


def models(database: Database, benchmark: str) -> list[Model]:
    """Models with outputs in the benchmark. Raises UnknownName."""
    with database.read() as connection:
        return store.models.models(connection, store.benchmarks.benchmark_id(connection, benchmark))


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


def _summary(connection: Connection, name: str) -> BenchmarkSummary:
    benchmark_id = store.benchmarks.benchmark_id(connection, name)
    within = sa.select(t.instructions.c.id).where(t.instructions.c.benchmark_id == benchmark_id)
    count = sa.select(sa.func.count())
    return BenchmarkSummary(
        name=name,
        instructions=connection.scalar(count.select_from(within.subquery())) or 0,
        categories=tuple(store.benchmarks.categories(connection, benchmark_id)),
        models=tuple(model.name for model in store.models.models(connection, benchmark_id)),
        judges=tuple(judge.name for judge in store.judges.judges(connection, benchmark_id)),
        verdicts=connection.scalar(count.where(_v.instruction_id.in_(within), *store.verdicts.in_force(connection)))
        or 0,
    )
