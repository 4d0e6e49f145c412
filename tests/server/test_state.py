"""A token that was looked up is taken for good for a second, and for no longer than it is; what is short does not wait
for what takes long."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from judgebench import services
from judgebench.server import boards
from judgebench.server import state as states
from judgebench.server.__main__ import policy
from judgebench.server.state import ServerState
from judgebench.services.access import Forbidden, Policy, Role
from judgebench.services.tokens import BadToken, create, revoke
from judgebench.store.database import Database
from tests.filling import judged
from tests.server.serving import Answer, Api, serving
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


class Slow:
    """Work that goes on until it is let end."""

    def __init__(self) -> None:
        self.begun, self.over = threading.Semaphore(0), threading.Event()

    def __call__(self, *_: object, **__: object) -> list[object]:
        self.begun.release()
        self.over.wait(60)
        return []

    def wait(self, times: int) -> None:
        for _ in range(times):
            assert self.begun.acquire(timeout=120)


@contextmanager
def asking(slow: Slow, *asks: Callable[[], Answer]) -> Iterator[list[Future[Answer]]]:
    """These all at once; at the end of the block none is answered, and after it all are well."""
    with ThreadPoolExecutor(len(asks)) as clients:
        try:
            waiting = [clients.submit(ask) for ask in asks]
            yield waiting
            assert not any(client.done() for client in waiting)
        finally:
            slow.over.set()
        assert {client.result(60).status for client in waiting} <= {200, 201}


def test_who_asks_whether_it_lives_does_not_wait_for_those_at_work(
    api_alone: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many requests as there are threads take long; further ones wait for these, health and tokens do not."""
    late, slow = create(api_alone.database, "late", Role.VIEWER).secret, Slow()
    monkeypatch.setattr(services.benchmarks, "benchmarks", slow)
    crowd = [create(api_alone.database, f"one of {at}", Role.VIEWER).secret for at in range(states.THREADS + 1)]
    with asking(slow, *(partial(api_alone.ask, "GET", "/benchmarks", one) for one in crowd)):
        slow.wait(states.THREADS)
        assert [api_alone.ask("GET", "/health").status for _ in range(3)] == [200] * 3
        assert api_alone.ask("GET", "/me", late).json["name"] == "token late"
        assert api_alone.ask("GET", "/me", "jb_none").status == 401


def test_one_caller_takes_no_more_than_its_share_of_what_reads(api_alone: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many heavy boards one asks for, another's is made meanwhile; the one's own further ones wait."""
    slow = Slow()
    monkeypatch.setattr(boards, "board", slow)
    heavy = partial(api_alone.ask, "GET", "/leaderboard?benchmark=bench", "viewer")
    with asking(slow, *[heavy] * states.THREADS):
        slow.wait(states.READS_OF_ONE)
        assert api_alone.ask("GET", "/battles?benchmark=bench", "admin").status == 200
        assert api_alone.ask("GET", "/me", "viewer").status == 200
        assert not slow.begun.acquire(timeout=0.5)


@pytest.mark.slow
def test_one_caller_takes_no_more_than_its_share_of_what_writes(
    api_alone: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, prepare = Slow(), services.submissions.prepare

    def slowed(*args: Any, **how: Any) -> Any:
        if how["model"].startswith("slow"):
            slow()
        return prepare(*args, **how)

    monkeypatch.setattr(services.submissions, "prepare", slowed)
    with asking(slow, *(partial(submit, api_alone, f"slow{at}") for at in range(states.WRITERS))):
        slow.wait(states.WRITES_OF_ONE)
        assert submit(api_alone, "quick", who="admin").status == 201
        assert not slow.begun.acquire(timeout=0.5)


def test_nothing_is_kept_of_callers_who_ask_nothing() -> None:
    """Whether their work ended well, failed, or was not waited for."""
    threads, slow = states.Shared(2, 1), Slow()

    async def asked() -> None:
        first = asyncio.create_task(threads.run("one", slow))
        second = asyncio.create_task(threads.run("one", list))
        await asyncio.to_thread(slow.wait, 1)
        second.cancel()
        with pytest.raises(ZeroDivisionError):
            await threads.run("another", lambda: 1 // 0)
        assert set(threads._turns) == {"one"}
        slow.over.set()
        assert await first == []
        assert (threads._turns, threads._here) == ({}, {})

    asyncio.run(asked())


def test_who_does_not_read_what_was_answered_is_answered_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states, "UNREAD_OF_ONE", 10)
    threads = states.Shared(2, 2)

    async def asked() -> None:
        async with threads.answering("one", 6), threads.answering("another", 9):
            assert await threads.run("one", list) == []
            async with threads.answering("one", 4):
                waiting = [asyncio.create_task(threads.run("one", list)) for _ in range(9)]
                assert await threads.run("another", list) == []
                assert not any(task.done() for task in waiting)
            assert await asyncio.gather(*waiting) == [[]] * 9
        assert not threads._unread

    asyncio.run(asked())


@pytest.mark.slow
def test_of_answers_that_are_not_read_a_caller_gets_few(api_alone: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others are answered meanwhile, and the caller's own go on once it reads, or is gone."""
    board, begun = "x" * (20 << 20), threading.Semaphore(0)

    def made(*_: object, **__: object) -> str:
        begun.release()
        return board

    monkeypatch.setattr(boards, "board", made)
    monkeypatch.setattr(states, "UNREAD_OF_ONE", 10 << 20)
    path, token = "/leaderboard?benchmark=bench&format=csv", api_alone.tokens["viewer"]
    ask = f"GET /api/v1{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n"
    with ExitStack() as opened:
        for _ in range(states.READS_OF_ONE + 3):
            opened.enter_context(socket.create_connection(("127.0.0.1", api_alone.port))).sendall(ask.encode())
        assert begun.acquire(timeout=60)
        times = 1
        while begun.acquire(timeout=0.5):
            times += 1
        assert times <= states.READS_OF_ONE
        assert api_alone.ask("GET", path, "admin").body == board.encode()
    assert api_alone.ask("GET", path, "viewer").body == board.encode()


@pytest.mark.slow
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


def test_a_judge_that_may_not_be_asked_is_told_with_what_lists_it_on_a_server(tmp_path: Path) -> None:
    access = tmp_path / "access.toml"
    access.write_text('[auth]\nredirect_uri = "https://judge.example.org/x"\n[roles]\nadmin = ["*"]\n')
    for path, words in (("", "judgebench serve --judge-host gpu.example.org'"), (str(access), r"under \[judges\]")):
        with pytest.raises(Forbidden, match=words):
            policy(path, ("other.example.org",)).check_judge("http://gpu.example.org/v1", None)
