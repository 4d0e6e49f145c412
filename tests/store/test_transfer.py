"""Whole databases are copied and backed up without a loss."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from judgebench import store
from judgebench.errors import Conflict, InputError
from judgebench.store import schema as tables
from judgebench.store.database import Database
from judgebench.store.transfer import backup, check, copy
from tests.factories import ok, result, trial
from tests.filling import filled


def test_a_copy_holds_the_same_rows_and_goes_on(database: Database, tmp_path: Path, postgres_server: str) -> None:
    verdicts = filled(database)
    with database.write() as connection:
        verdicts.add(connection, [result(trial(n), ok(1.0)) for n in range(3)])
    target = str(tmp_path / "copy.db")
    counts = copy(database, target)
    assert counts == check(database).rows
    copied = Database(target)
    with database.read() as one, copied.read() as other:
        for table in tables.metadata.sorted_tables:
            query = sa.select(table).order_by(*table.primary_key)
            assert [tuple(row) for row in one.execute(query)] == [tuple(row) for row in other.execute(query)]
    with pytest.raises(Conflict, match="not empty"):
        copy(copied, target)
    with copied.write() as connection:
        assert store.benchmarks.add_benchmark(connection, "another") > 1


def test_from_sqlite_to_postgresql_and_back(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    from tests.conftest import _fresh_postgres

    source = Database(str(tmp_path / "one.db"), create=True)
    verdicts = filled(source)
    with source.write() as connection:
        verdicts.add(connection, [result(trial(0), ok(0.25))])
    there = _fresh_postgres(request.getfixturevalue("postgres_server"))
    assert copy(source, there) == check(source).rows
    middle = Database(there)
    assert copy(middle, str(tmp_path / "two.db")) == check(source).rows
    with middle.write() as connection:
        assert store.benchmarks.add_benchmark(connection, "new") == 2
    backup(middle, tmp_path / "three.db")
    assert check(Database(str(tmp_path / "three.db"))).problems == ()


def test_a_backup_never_overwrites(tmp_path: Path) -> None:
    source = Database(str(tmp_path / "one.db"), create=True)
    filled(source)
    backup(source, tmp_path / "saved.db")
    assert check(Database(str(tmp_path / "saved.db"))) == check(source)
    with pytest.raises(InputError, match="exists"):
        backup(source, tmp_path / "saved.db")


def test_the_version_moves_with_every_write_and_a_digest_with_every_row(database: Database) -> None:
    def state() -> tuple[tuple[int, ...], str]:
        with database.read() as connection:
            return store.transfer.version(connection), store.transfer.digests(connection)["verdicts"]

    verdicts = filled(database)
    before = state()
    assert state() == before
    with database.write() as connection:
        verdicts.add(connection, [result(trial(0), ok(1.0))])
    assert state()[0] != before[0]
    assert state()[1] != before[1]
