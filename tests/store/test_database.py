"""A database is opened, or there is one clear error."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from judgebench import store
from judgebench.errors import DatabaseError, InputError
from judgebench.store.benchmarks import output_of
from judgebench.store.database import Database, parse_address, without_password
from judgebench.store.transfer import check
from tests import postgres
from tests.factories import instruction
from tests.filling import filled


def test_a_database_newer_than_the_code_is_refused(address: str) -> None:
    database = Database(address, create=True)
    with database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    with pytest.raises(DatabaseError, match="newer"):
        Database(address)


def test_reading_what_is_not_there_creates_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no database"):
        Database(str(tmp_path / "none.db"))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match="folder"):
        Database(str(tmp_path / "no" / "folder.db"), create=True)


def test_a_file_that_is_no_database_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("hello " * 1000)
    with pytest.raises(DatabaseError, match=r"text\.db"):
        Database(str(tmp_path / "text.db"))


@pytest.mark.parametrize(
    "address", ["postgresql://me:s3cret@127.0.0.1:1/none", "postgresql://127.0.0.1:1/none?user=me&password=s3cret"]
)
def test_a_password_is_in_no_message(address: str) -> None:
    with pytest.raises(DatabaseError) as caught:
        Database(address)
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in without_password(parse_address(address))


def test_a_database_shows_its_address(database: Database) -> None:
    assert repr(database) == f"Database({database.name!r})"


def test_a_reader_sees_one_snapshot_whatever_is_written_meanwhile(database: Database) -> None:
    with database.read() as connection:
        assert store.benchmarks.benchmark_names(connection) == []
        filled(database)
        assert store.benchmarks.benchmark_names(connection) == []
    with database.read() as connection:
        assert store.benchmarks.benchmark_names(connection) == ["bench"]


def test_many_values_are_asked_for_in_parts(database: Database) -> None:
    filled(database)
    keys = [instruction(number).key for number in range(2000)]
    with database.read() as connection:
        assert len(store.benchmarks.stored_outputs(connection, 1, keys)) == 3


@pytest.mark.parametrize("value", ["\udcff", 10**30])
def test_a_value_that_no_driver_sends_is_one_clear_error(database: Database, value: object) -> None:
    kind = sa.String if isinstance(value, str) else sa.BigInteger
    with pytest.raises((InputError, DatabaseError)), database.read() as connection:
        connection.execute(sa.select(sa.cast(sa.bindparam("value", value, kind), kind)))


@pytest.mark.parametrize("revision", ["", "later", "1", "0000"])
def test_a_schema_that_nobody_made_is_one_clear_error(address: str, revision: str) -> None:
    Database(address, create=True).close()
    engine = sa.create_engine(parse_address(address))
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
    engine.dispose()
    with pytest.raises(DatabaseError, match="which no judgebench made"):
        Database(address)


def test_what_a_newer_program_changed_meanwhile_is_told_as_that(database: Database) -> None:
    with database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9998'"))
        connection.execute(sa.text("ALTER TABLE events RENAME TO happened"))
    for work in (database.read, database.write):
        with (
            pytest.raises(DatabaseError, match=r"upgraded meanwhile \(schema 9998\) .*: upgrade judgebench"),
            work() as rows,
        ):
            rows.execute(sa.text("SELECT * FROM events"))


@pytest.mark.parametrize("damage", ["{", "[]", "5", '{"segments": [[1]]}'])
def test_damaged_messages_are_one_clear_error(damage: str) -> None:
    with pytest.raises(DatabaseError, match="judgebench db check"):
        output_of("", "", "", None, damage, 0)


@contextmanager
def protected(folder: Path) -> Iterator[None]:
    """A folder that the user of the moment cannot write to, nor any file in it; root becomes nobody for it."""
    modes = {path: path.stat().st_mode for path in (folder, *folder.iterdir())}
    root = os.geteuid() == 0
    for parent in folder.parents:
        if root and parent.stat().st_uid == 0 and not parent.stat().st_mode & 0o005:
            parent.chmod(parent.stat().st_mode | 0o055)
    for path, mode in modes.items():
        path.chmod(mode & ~0o222 | 0o444 | (0o111 if path == folder else 0))
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        for path, mode in modes.items():
            path.chmod(mode)


def test_a_damaged_schema_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "judgebench.db"
    Database(str(path), create=True).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute("UPDATE sqlite_master SET name = CAST(X'B3B3' AS TEXT), sql = 'x' WHERE name = 'verdicts'")
        connection.commit()
    with pytest.raises(DatabaseError, match=r"judgebench\.db cannot be used: its file is damaged, restore a backup"):
        Database(str(path))


def test_a_database_that_cannot_be_written_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "a folder? 50%#"
    folder.mkdir()
    with closing(Database(str(folder / "judgebench.db"), create=True)) as database, database.write() as connection:
        store.benchmarks.add_benchmark(connection, "bench")
    with protected(folder), closing(Database(str(folder / "judgebench.db"))) as database:
        assert database.read_only
        with database.read() as connection:
            assert store.benchmarks.benchmark_id(connection, "bench")
        with pytest.raises(DatabaseError, match="can only be read, its file"), database.write():
            pass
        assert check(database).problems == ()


def test_what_another_process_has_not_yet_put_in_place_is_read_too(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    with closing(Database(str(folder / "judgebench.db"), create=True)) as writer:
        with writer.write() as connection:
            store.benchmarks.add_benchmark(connection, "bench")
        assert (folder / "judgebench.db-wal").stat().st_size
        address = str(folder / "judgebench.db")
        with protected(folder), closing(Database(address)) as database, database.read() as connection:
            assert store.benchmarks.benchmark_id(connection, "bench")


def test_an_old_schema_that_cannot_be_upgraded_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    path = folder / "judgebench.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('0001')")
        connection.commit()
    with protected(folder), pytest.raises(DatabaseError, match="can only be read"):
        Database(str(path))


@pytest.mark.slow
@pytest.mark.parametrize("sizes", ["pool_size=2&max_overflow=1", "max_overflow=1&pool_size=2"])
def test_an_address_says_how_many_connections_a_process_takes(postgres_server: str, sizes: str) -> None:
    plain = postgres.fresh(postgres_server)
    database = Database(f"{plain}&{sizes}", create=True)
    try:
        pool = database.engine.pool
        assert isinstance(pool, sa.pool.QueuePool)
        assert (pool.size(), pool._max_overflow) == (2, 1)
        assert database.name == Database(plain).name  # what is kept beside a database is found by its name
    finally:
        database.close()


@pytest.mark.parametrize("address", ["postgresql://h/n?pool_size=0", "postgresql://h/n?max_overflow=-1"])
def test_a_number_of_connections_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(InputError, match="write a number from"):
        Database(address)


def test_an_sqlite_database_has_no_connections_to_count(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="leave it out"):
        Database(f"sqlite:///{tmp_path}/a.db?pool_size=5", create=True)


@pytest.mark.parametrize("name", ["zero \0 byte", "lone \ud800"])
def test_a_name_that_a_database_cannot_hold_is_a_wrong_name_and_no_failure(database: Database, name: str) -> None:
    with pytest.raises(InputError), database.read() as connection:
        store.benchmarks.benchmark_id(connection, name)
    with database.read() as connection:
        assert store.benchmarks.benchmark_names(connection) == []


def test_a_number_that_a_database_cannot_hold_is_a_wrong_number(database: Database) -> None:
    with pytest.raises(InputError, match="cannot hold"), database.read() as connection:
        store.jobs.job(connection, 10**30)
