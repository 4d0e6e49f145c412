"""A database of any earlier revision becomes one of this code's, with every row, or stays what it was."""

import sqlite3
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import pytest
import sqlalchemy as sa

from judgebench import store
from judgebench.errors import DatabaseError, DatabaseUpgraded
from judgebench.store import blocks
from judgebench.store import database as opening
from judgebench.store import schema as tables
from judgebench.store.database import Database
from judgebench.store.schema import SCHEMA_REVISION
from judgebench.store.transfer import check, refresh
from tests.filling import every_column
from tests.store.old_database import REVISIONS, Rows, build, engine_of, read

pytestmark = [
    pytest.mark.usefixtures("migrating"),
    pytest.mark.filterwarnings("ignore::judgebench.errors.DatabaseUpgraded"),
]


def _revision(address: str) -> str:
    engine = engine_of(address)
    with engine.connect() as connection:
        revision = str(connection.scalar(sa.text("SELECT version_num FROM alembic_version")))
    engine.dispose()
    return revision


def _as_before(database: Database, before: Rows) -> None:
    with database.read() as connection:
        assert read(connection, {name: list(rows[0]) for name, rows in before.items() if rows}) == {
            name: rows for name, rows in before.items() if rows
        }


@pytest.mark.slow
@pytest.mark.parametrize("revision", REVISIONS)
def test_every_row_of_every_revision_is_kept(empty_address: str, revision: str) -> None:
    before = build(empty_address, revision)
    database = Database(empty_address)
    assert database.revision() == tables.SCHEMA_REVISION
    _as_before(database, before)
    assert check(database).problems == ()
    with pytest.raises(DatabaseError, match="refused"), database.write() as connection:
        connection.execute(sa.insert(tables.outputs).values(instruction_id=1, model_id=99, text="", length_chars=0))
    with database.write() as connection:
        assert store.benchmarks.add_benchmark(connection, "another") == 3
    twice = before["verdicts"][0] | {"id": 99}
    with pytest.raises(DatabaseError, match="refused"), database.write() as connection:
        connection.execute(sa.insert(tables.verdicts).values(twice))
    database.close()


def test_old_runs_of_jobs_are_marked_as_theirs(empty_address: str) -> None:
    """By the judge, the benchmark and when they began, as was told before."""
    before = build(empty_address, "0013")
    run = before["runs"][0] | {"kind": "run", "started_at": "2026-01-02T00:00:00+00:00"}
    engine = engine_of(empty_address)
    with engine.begin() as connection:
        [judge] = [row["name"] for row in before["judges"] if row["id"] == run["judge_id"]]
        at = {"created_at": "2026-01-01T00:00:00+00:00", "finished_at": "2026-01-03T00:00:00+00:00"}
        job = {
            **{"kind": "run", "benchmark_id": run["benchmark_id"], "subject": judge, "specification": "{}"},
            **{"variables": "[]", "work_key": "0" * 32, "actor": "ann", "planned": 1, "answered": 0, "attempts": 1},
            **{"after_run": 100, "state": "done", "is_stopping": False, "message": "", "losses": 0, **at},
        }
        jobs = sa.table("jobs", *map(sa.column, (*job, "id")))
        connection.execute(sa.insert(jobs).values(job | {"id": 7}))
        runs = sa.table("runs", *map(sa.column, run))
        late = {"started_at": "2026-01-04T00:00:00+00:00"}
        for row in ({"id": 100}, {"id": 101}, {"id": 102} | late, {"id": 103, "kind": "import"}):
            connection.execute(sa.insert(runs).values(run | row))
    engine.dispose()
    database = Database(empty_address)
    with database.read() as connection:
        marked = {row.id: row.job_id for row in connection.execute(sa.select(tables.runs.c.id, tables.runs.c.job_id))}
    database.close()
    assert {number: marked[number] for number in (100, 101, 102, 103)} == {100: None, 101: 7, 102: None, 103: None}


def test_what_old_outputs_lack_is_counted_by_an_upgrade(empty_address: str) -> None:
    before = build(empty_address, "0007")
    database = Database(empty_address)
    o = tables.outputs.c
    counted = sa.select(o.headers, o.lists, o.bold, o.code).order_by(o.id)
    with database.read() as connection:
        assert set(connection.execute(counted)) == {(None, None, None, None)}
        style = store.arrays.style_counts(connection, 1, models=["model 1"], instructions=["1" * 32, "2" * 32])
    refresh(database)
    _as_before(database, before)
    with database.read() as connection:
        assert {row[:3] for row in connection.execute(counted)} == {(1, 1, 1)}
    database.close()
    again = Database(empty_address)
    with again.read() as connection:
        stored = store.arrays.style_counts(connection, 1, models=["model 1"], instructions=["1" * 32, "2" * 32])
    assert {name: values.tolist() for name, values in stored.items()} == {
        name: values.tolist() for name, values in style.items()
    }
    again.close()


def test_old_blocks_are_read_as_they_are(empty_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 2)
    build(empty_address, "0007")
    engine = engine_of(empty_address)
    with engine.begin() as connection:
        blocks.reseal(connection)
        old = [(number, blocks._packed(blocks._block(connection, number), 1)) for number in range(3)]
        for number, columns in old:
            of_number = sa.update(tables.verdict_blocks).where(tables.verdict_blocks.c.id == number)
            connection.execute(of_number.values(format=1, columns=columns))
        sealed = connection.execute(sa.text("SELECT id, format, columns FROM verdict_blocks ORDER BY id")).all()
    engine.dispose()
    database = Database(empty_address)
    with database.read() as connection:
        assert connection.execute(sa.select(tables.verdict_blocks).order_by("id")).all() == sealed
        assert every_column(connection)["id"].tolist() == [2, 4, 6]
    assert [row.format for row in sealed] == [1, 1, 1]
    assert check(database).problems == ()
    database.close()


@pytest.mark.slow
def test_what_dies_within_a_migration_leaves_the_old_revision(empty_address: str) -> None:
    before = build(empty_address, "0007")
    dies = (
        "import os; from judgebench.store import database as d; whole = d.migrate; "
        f"d.migrate = lambda connection: (whole(connection), os._exit(9)); d.Database({empty_address!r})"
    )
    assert subprocess.run([sys.executable, "-c", dies], check=False).returncode == 9
    assert _revision(empty_address) == "0007"
    database = Database(empty_address)
    _as_before(database, before)
    assert check(database).problems == ()
    database.close()


@pytest.mark.slow
def test_an_interrupt_leaves_the_old_revision_and_keys_that_hold(
    empty_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = build(empty_address, "0007")
    whole = opening.migrate

    def interrupted(connection: sa.Connection) -> None:
        whole(connection)
        raise KeyboardInterrupt

    monkeypatch.setattr(opening, "migrate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Database(empty_address)
    assert _revision(empty_address) == "0007"
    monkeypatch.setattr(opening, "migrate", whole)
    database = Database(empty_address)
    _as_before(database, before)
    database.close()


def test_an_interrupt_within_a_statement_is_an_interrupt(empty_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    build(empty_address, "0007")
    whole = opening.migrate

    def interrupted(connection: sa.Connection) -> None:
        def stop(*_: object) -> None:
            raise KeyboardInterrupt

        sa.event.listen(connection.engine, "do_execute", stop, once=True)
        whole(connection)

    monkeypatch.setattr(opening, "migrate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Database(empty_address)
    assert _revision(empty_address) == "0007"


def test_rows_that_referred_to_none_before_do_not_stop_an_upgrade(tmp_path: Path) -> None:
    address = str(tmp_path / "a.db")
    build(address, "0007")
    with sqlite3.connect(address) as connection:  # keys of others are off by default
        connection.execute("DELETE FROM human_labels")
        connection.execute("DELETE FROM completions")
        connection.execute("DELETE FROM models WHERE id = 1")
    connection.close()
    database = Database(address)
    assert database.revision() == SCHEMA_REVISION
    assert any("refers to a missing row of models" in line for line in check(database).problems)
    database.close()


def test_of_those_that_open_an_old_database_at_once_one_upgrades_and_says_so(empty_address: str) -> None:
    before = build(empty_address, "0007")
    failures: list[Exception] = []

    def opened() -> None:
        try:
            Database(empty_address).close()
        except Exception as error:  # noqa: BLE001  # whatever it is, the test shows it
            failures.append(error)

    threads = [threading.Thread(target=opened) for _ in range(4)]
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", DatabaseUpgraded)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
    assert sum(one.category is DatabaseUpgraded for one in told) == 1
    database = Database(empty_address)
    _as_before(database, before)
    database.close()


def test_a_migration_leaves_no_free_space_behind(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("old") / "old.db"
    build(str(path), "0007")
    engine = engine_of(str(path))
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE outputs SET text = :text"), {"text": "text " * 40_000})
    engine.dispose()
    before = path.stat().st_size
    Database(str(path)).close()
    assert path.stat().st_size < 1.05 * before + 300_000
