"""A token that was looked up is taken for good for a second, and for no longer than it is; what is short does not wait
for what takes long."""

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from judgebench import services
from judgebench.server import state as states
from judgebench.server.state import ServerState
from judgebench.services.access import Policy, Role
from judgebench.services.tokens import BadToken, create, revoke
from judgebench.store.database import Database
from tests.filling import judged
from tests.server.serving import Api, serving
from tests.server.submitted import submit


@pytest.fixture
def api_alone(database: Database) -> Iterator[Api]:
    """A server of its own, on a benchmark that is judged."""
    judged(database)
    with serving(database, ServerState(database, lambda: Policy(False))) as running:
        yield running


def test_a_revoked_token_is_none_once_its_second_is_over(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states, "_KNOWN_S", 0.0)
    secret = create(database, "ci", Role.VIEWER).secret

    async def asked() -> None:
        state = ServerState(database, lambda: Policy(False))
        assert (await state.bearer(secret)).token == "ci"
        revoke(database, "ci")
        with pytest.raises(BadToken):
            await state.bearer(secret)

    asyncio.run(asked())


def test_what_somebody_does_is_theirs_in_the_log(database: Database) -> None:
    async def acting() -> str:
        state = ServerState(database, lambda: Policy(False))
        return state.acting(await state.bearer(create(database, "ci", Role.VIEWER).secret)).actor

    assert asyncio.run(acting()) == "token ci"
    assert database.actor != "token ci"


def test_who_asks_whether_it_lives_does_not_wait_for_those_at_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many requests as there are threads take long; further ones wait for these, health and tokens do not."""
    at_work, over = threading.Semaphore(0), threading.Event()

    def slow(*_: object, **__: object) -> list[object]:
        at_work.release()
        over.wait(60)
        return []

    monkeypatch.setattr(services.benchmarks, "benchmarks", slow)
    with closing(Database(str(tmp_path / "judgebench.db"), create=True)) as database:
        late = create(database, "late", Role.VIEWER).secret
        with (
            serving(database, ServerState(database, lambda: Policy(False))) as api,
            ThreadPoolExecutor(states.THREADS + 1) as clients,
        ):
            try:
                waiting = [clients.submit(api.ask, "GET", "/benchmarks", "viewer") for _ in range(states.THREADS + 1)]
                for _ in range(states.THREADS):
                    assert at_work.acquire(timeout=120)
                assert [api.ask("GET", "/health").status for _ in range(3)] == [200] * 3
                assert api.ask("GET", "/me", late).json["name"] == "token late"
                assert api.ask("GET", "/me", "jb_none").status == 401
                assert not any(client.done() for client in waiting)
            finally:
                over.set()
            assert [client.result(60).status for client in waiting] == [200] * (states.THREADS + 1)


def test_who_reads_does_not_wait_for_those_who_write(api_alone: Api) -> None:
    """As many requests write as there are threads to read in, and somebody else has the database to write to."""
    with ThreadPoolExecutor(states.THREADS) as clients:
        with api_alone.database.write():
            waiting = [
                clients.submit(submit, api_alone, f"m{number}", ("submitter", "admin")[number % 2])
                for number in range(states.THREADS)
            ]
            time.sleep(0.5)
            for path in ("/benchmarks", "/leaderboard?benchmark=bench", "/jobs", "/me"):
                assert api_alone.ask("GET", path, "viewer").status == 200
            assert not any(client.done() for client in waiting)
        assert [client.result(60).status for client in waiting] == [201] * states.THREADS
