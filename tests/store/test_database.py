"""A database is opened, or there is one clear error."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from judgebench import store
from judgebench.errors import DatabaseError, InputError
from judgebench.store.benchmarks import output_of
from judgebench.store.database import Database, parse_address
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


def test_a_password_is_in_no_message() -> None:
    with pytest.raises(DatabaseError) as caught:
        Database("postgresql://me:s3cret@127.0.0.1:1/none")
    assert "s3cret" not in str(caught.value)


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


@pytest.mark.parametrize("revision", ["", "later", "1"])
def test_a_schema_that_nobody_made_is_one_clear_error(address: str, revision: str) -> None:
    Database(address, create=True).close()
    engine = sa.create_engine(parse_address(address))
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
    engine.dispose()
    with pytest.raises(DatabaseError, match="which no judgebench made"):
        Database(address)


@pytest.mark.parametrize("damage", ["{", "[]", "5", '{"segments": [[1]]}'])
def test_damaged_messages_are_one_clear_error(damage: str) -> None:
    with pytest.raises(DatabaseError, match="judgebench db check"):
        output_of("", "", "", None, damage, 0)
