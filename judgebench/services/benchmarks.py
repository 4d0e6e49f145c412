"""Benchmarks, models and runs in numbers, and whether anything was stored since."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from judgebench import store
from judgebench.errors import UnknownName
from judgebench.records import Model
from judgebench.store.database import Connection, Database
from judgebench.store.runs import RunSummary

__all__ = [
    "BenchmarkSummary", "RunSummary", "benchmark", "benchmarks", "check", "check_models", "generated",
    "has_conversations", "models", "runs", "usual", "version",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class BenchmarkSummary:
    """A benchmark in numbers."""

    name: str
    instructions: int
    categories: tuple[str, ...]
    models: tuple[str, ...]
    judges: tuple[str, ...]  # that have a verdict; one of whom only a batch was written is not among them
    verdicts: int  # in force, failures included


def version(database: Database) -> tuple[int, ...]:
    """Numbers that change whenever anything is stored; what was computed before may be kept as long as they stay."""
    with database.read() as connection:
        return store.transfer.version(connection)


def usual(summaries: Iterable[BenchmarkSummary]) -> BenchmarkSummary:
    """The one that is meant where none is named: of those with most verdicts the first by name. At least one is
    needed. A benchmark that somebody submits has no verdicts, so it does not become this one."""
    return min(summaries, key=lambda summary: (-summary.verdicts, summary.name))


def benchmarks(database: Database) -> list[BenchmarkSummary]:
    with database.read() as connection:
        names = store.benchmarks.benchmark_names(connection)
        return [_summary(connection, name) for name in names]


def benchmark(database: Database, name: str) -> BenchmarkSummary:
    """Raises UnknownName."""
    with database.read() as connection:
        return _summary(connection, name)


def has_conversations(database: Database, name: str) -> bool:
    """Whether any instruction, or output to one, is stored as messages, which not every judge can be shown.

    Raises UnknownName.
    """
    with database.read() as connection:
        return store.benchmarks.has_conversations(connection, store.benchmarks.benchmark_id(connection, name))


def check(database: Database, name: str) -> None:
    """Raises UnknownName for a benchmark that is not there."""
    with database.read() as connection:
        store.benchmarks.benchmark_id(connection, name)


def check_models(database: Database, benchmark: str, names: Iterable[str]) -> None:
    """Raises UnknownName for a model without outputs in the benchmark."""
    with database.read() as connection:
        present = store.benchmarks.model_names(connection, store.benchmarks.benchmark_id(connection, benchmark))
    for name in names:
        if name not in present:
            raise UnknownName("model", name, present)


def models(database: Database, benchmark: str) -> list[Model]:
    """Models with outputs in the benchmark. Raises UnknownName."""
    with database.read() as connection:
        present = store.benchmarks.model_names(connection, store.benchmarks.benchmark_id(connection, benchmark))
        return [model for model in store.models.models(connection) if model.name in present]


def generated(database: Database) -> dict[str, dict[str, Any]]:
    """How the models were asked whose outputs we collected: served_model, system, settings. By model."""
    with database.read() as connection:
        return {model: asdict(generator) for model, generator in store.models.generators(connection).items()}


def runs(database: Database) -> list[RunSummary]:
    """What every run stored and what it cost, the newest first."""
    with database.read() as connection:
        return store.runs.runs(connection)


def _summary(connection: Connection, name: str) -> BenchmarkSummary:
    benchmark_id = store.benchmarks.benchmark_id(connection, name)
    return BenchmarkSummary(
        name=name,
        instructions=store.benchmarks.count(connection, benchmark_id),
        categories=tuple(store.benchmarks.categories(connection, benchmark_id)),
        models=tuple(store.benchmarks.model_names(connection, benchmark_id)),
        judges=tuple(store.verdicts.judge_names(connection, benchmark_id)),
        verdicts=store.verdicts.count(connection, benchmark_id),
    )
