"""A server of its own for each file of tests."""

from collections.abc import Iterator
from contextlib import closing

import pytest

pytest.importorskip("fastapi", reason="the server needs the extra server")

from judgebench.server.state import BODY_BYTES, ServerLimits, ServerState
from judgebench.services.access import KNOWN_HOSTS, Policy
from judgebench.store.database import Database
from judgebench.web.bodies import BodyLimits
from tests.filling import judged
from tests.server.serving import Api, serving

HOSTS = ("127.0.0.1", "localhost")
LIMITS = ServerLimits(10_000, BodyLimits(1 << 20, 1.0, 3.0), BodyLimits(BODY_BYTES, 1.0, 3.0))


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """On a database with the benchmark ``bench``, judged."""
    path = tmp_path_factory.mktemp("server") / "judgebench.db"
    with closing(Database(str(path), create=True)) as database:
        judged(database)
        policy = Policy(False, {}, (*KNOWN_HOSTS, "judge.example.org:8000"))
        with serving(database, ServerState(database, lambda: policy, hosts=HOSTS, limits=LIMITS)) as running:
            yield running
