"""What is counted beside a leaderboard: by model, trials without a verdict and cost; by language, instructions."""

from collections import Counter
from dataclasses import dataclass

from judgebench.queries.moves import EVERYTHING, Scope
from judgebench.store import reader
from judgebench.store import tallies as stored
from judgebench.store.database import Database


@dataclass(frozen=True, slots=True)
class Tally:
    """Of one model."""

    failures: int  # trials with it that ended without a verdict
    cost_usd: float | None  # of all replies about it, None where no price was known


def tallies(database: Database, benchmark: str, *, scope: Scope = EVERYTHING) -> dict[str, Tally]:
    """By model, for all that have outputs. Raises UnknownName."""
    with database.read() as connection:
        benchmark_id = reader.chosen_benchmark(connection, benchmark, scope.judges, scope.category)
        names = [model.name for model in reader.models(connection, benchmark_id)]
        failed = stored.failures(connection, benchmark_id, judges=scope.judges, category=scope.category)
        costs = stored.costs(connection, benchmark_id, judges=scope.judges, category=scope.category)
    counts = Counter(model for failure in failed for model in failure.models)
    return {name: Tally(counts[name], costs.get(name)) for name in names}


def languages(database: Database, benchmark: str) -> list[str]:
    """The languages that the benchmark's instructions seem to be in, the commonest first. Raises UnknownName."""
    with database.read() as connection:
        found = Counter(stored.languages(connection, reader.benchmark_id(connection, benchmark)).values())
    return [language for language, _ in found.most_common()]
