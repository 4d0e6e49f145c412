"""A file of addresses that changes while questions are asked: who joins was checked, who left is asked no more, and a
state of the file that cannot be taken changes nothing."""

import asyncio
import random
import warnings
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.clients.base import Client
from judgebench.clients.pool import Followed, Pool, Steady
from judgebench.clients.retry import RetryingClient
from judgebench.errors import AddressesChanged, JudgeError, JudgeUnreachable
from judgebench.spec.addresses import AddressFile
from tests.clients.asking import EAGER, PROMPT, client_of
from tests.clients.test_pool import PATIENT, serves
from tests.fault_server import FaultServer, Reply, Request, Script

LIMIT = 16
OURS = serves("judge")

PATIENCE_S = 120.0  # on a busy machine; waiting ends as soon as what is awaited holds


class Asking:
    """Questions that are asked of a file's servers, one after the other, 16 at a time, while ``steps`` are done."""

    def __init__(self, path: Path) -> None:
        self.path = path
        file = AddressFile(path)

        def opened(url: str) -> Client:
            return client_of(url, timeouts=PATIENT)

        followed = Followed(str(path), file.read_again, opened, every_s=0.02)
        clients = {url: client_of(url, timeouts=PATIENT) for url in file.urls}
        self.pool = Pool(clients, LIMIT, followed=followed, first_rest_s=0.02, patience_s=2.0)
        self.failures: list[BaseException] = []
        self.answers = 0

    def write(self, *servers: FaultServer | str) -> None:
        """As editors do: the file that was read is another."""
        new = self.path.with_suffix(".new")
        new.write_text("".join(f"{server if isinstance(server, str) else server.url}\n" for server in servers))
        new.replace(self.path)

    async def until(self, holds: Callable[[], bool]) -> None:
        end = monotonic() + PATIENCE_S
        while not holds():
            assert monotonic() < end, self.pool.changed({})
            await asyncio.sleep(0.01)

    def run(self, steps: Callable[["Asking"], Coroutine[Any, Any, None]]) -> list[str]:
        """What was told."""

        async def ask(client: RetryingClient) -> None:
            while True:
                try:
                    assert (await client.complete(PROMPT, {})).text == "A"
                    self.answers += 1
                except (JudgeError, AssertionError) as error:
                    self.failures.append(error)
                    return

        async def run() -> None:
            client = RetryingClient(self.pool, EAGER, rng=random.Random(1))
            await self.pool.check()
            asking = [asyncio.create_task(ask(client)) for _ in range(LIMIT)]
            try:
                await steps(self)
            finally:
                for task in asking:
                    task.cancel()
                await asyncio.gather(*asking, return_exceptions=True)
                await client.close()

        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            asyncio.run(run())
        assert not self.failures
        assert self.pool.in_flight == 0
        return [str(warning.message) for warning in told if warning.category is AddressesChanged]


def questions(server: FaultServer) -> int:
    return sum(request.method == "POST" for request in server.requests)


@pytest.fixture
def servers() -> Iterator[Callable[..., FaultServer]]:
    with ExitStack() as stack:
        yield lambda script=OURS: stack.enter_context(FaultServer(script))


def asking(folder: Path, *servers: FaultServer) -> Asking:
    path = folder / "judges.txt"
    path.write_text("".join(f"{server.url}\n" for server in servers))
    return Asking(path)


Servers = Callable[..., FaultServer]


class Late:
    """What a server says that is the judge's once it is up."""

    is_up = False

    def __call__(self, index: int, request: Request) -> Reply:
        return OURS(index, request) if self.is_up else Reply.error(503)


def test_an_address_that_is_added_is_asked_and_one_that_is_removed_is_not(tmp_path: Path, servers: Servers) -> None:
    first, second = servers(), servers()
    at_removal = 0

    async def steps(run: Asking) -> None:
        nonlocal at_removal
        run.write(first, second)
        await run.until(lambda: questions(second) > 50)
        run.write(second)
        await run.until(lambda: any("no longer" in change for change in run.pool.changed({})))
        at_removal = questions(first)
        before = questions(second)
        await run.until(lambda: questions(second) > before + 200)

    run = asking(tmp_path, first)
    told = run.run(steps)
    assert second.requests[0].method == "GET"  # checked before it was asked
    assert questions(first) <= at_removal + LIMIT  # what was in flight
    gone = f"{first.url} is no longer in {run.path}, and gets no new question"
    assert told == [f"{second.url} is asked from now on", gone]
    assert run.pool.changed({}) == tuple(told)
    assert run.pool.calls == len(first.requests) + len(second.requests)


def test_an_address_that_comes_back_is_checked_and_asked_again(tmp_path: Path, servers: Servers) -> None:
    first, second = servers(), servers()

    async def steps(run: Asking) -> None:
        run.write(first)
        await run.until(lambda: bool(run.pool.changed({})))
        before, looks = questions(second), len(second.requests) - questions(second)
        run.write(first, second)
        await run.until(lambda: questions(second) > before + 50)
        assert len(second.requests) - questions(second) == looks + 1

    run = asking(tmp_path, first, second)
    assert [news.split()[1:3] for news in run.run(steps)] == [["is", "no"], ["is", "asked"]]


@pytest.mark.parametrize("script", [serves("judge-awq"), lambda index, request: Reply.error(401)])
def test_an_address_that_serves_another_model_or_refuses_the_key_is_never_asked(
    tmp_path: Path, servers: Servers, script: Script
) -> None:
    first, other, third = servers(), servers(script), servers()

    async def steps(run: Asking) -> None:
        run.write(first, other, third)
        await run.until(lambda: questions(third) > 100)
        before = run.answers
        await run.until(lambda: run.answers > before + 300)

    told = asking(tmp_path, first).run(steps)
    assert all(request.method == "GET" or b"one word" in request.body for request in other.requests)  # a key's check
    assert [news for news in told if other.url in news and news.startswith("not asked yet: ")]


def test_an_address_where_nobody_answers_yet_joins_once_somebody_does(tmp_path: Path, servers: Servers) -> None:
    first = servers()
    script = Late()
    late = servers(script)

    async def steps(run: Asking) -> None:
        run.write(first, late)
        await run.until(lambda: len(late.requests) > 2)
        assert questions(late) == 0
        script.is_up = True
        await run.until(lambda: questions(late) > 20)

    told = asking(tmp_path, first).run(steps)
    assert told[0].startswith("not asked yet: ")
    assert told[-1] == f"{late.url} is asked from now on"
    assert len(told) == 2


@pytest.mark.parametrize(
    "content", ["", "# none\n", "no address\n", "http://127.0.0.1:1/v1", "http://me:pw@h/v1\n", "\xff", None]
)
def test_a_state_that_cannot_be_taken_keeps_the_last_list_and_is_told_once(
    tmp_path: Path, servers: Servers, content: str | None
) -> None:
    first, second = servers(), servers()

    async def steps(run: Asking) -> None:
        if content is None:
            run.path.unlink()
        else:
            run.path.write_bytes(content.encode("latin-1"))
        await run.until(lambda: bool(run.pool.changed({})))
        before = questions(first), questions(second)
        await run.until(lambda: questions(first) > before[0] + 50 and questions(second) > before[1] + 50)
        run.write(second)
        await run.until(lambda: len(run.pool.changed({})) == 2)

    run = asking(tmp_path, first, second)
    told = run.run(steps)
    assert [news.endswith("; the addresses that were read before are kept") for news in told] == [True, False]
    assert told[0].startswith(f"{run.path}: ")


def test_where_all_addresses_are_new_questions_wait_until_one_was_checked(tmp_path: Path, servers: Servers) -> None:
    first, other = servers(), servers(serves("judge-awq"))
    script = Late()
    late = servers(script)

    async def steps(run: Asking) -> None:
        run.write(other, late)
        await run.until(lambda: len(late.requests) > 2 and len(other.requests) > 2)
        assert (questions(late), questions(other)) == (0, 0)
        script.is_up = True
        await run.until(lambda: questions(late) > 50)
        assert questions(other) == 0

    asking(tmp_path, first).run(steps)


@pytest.mark.slow
def test_where_no_new_address_is_the_judge_questions_fail_in_the_end(tmp_path: Path, servers: Servers) -> None:
    first, other = servers(), servers(serves("judge-awq"))
    run = asking(tmp_path, first)

    async def ask() -> None:
        client = RetryingClient(run.pool, EAGER)
        await run.pool.check()
        await client.complete(PROMPT, {})
        run.write(other)
        await run.until(lambda: any("not asked yet" in change for change in run.pool.changed({})))
        try:
            with pytest.raises(
                JudgeUnreachable, match=r"none of the listed servers .* serves 'judge-awq', and not 'judge'"
            ):
                await asyncio.wait_for(client.complete(PROMPT, {}), 20.0)
        finally:
            await client.close()

    with pytest.warns(AddressesChanged):
        asyncio.run(ask())
    assert questions(other) == 0


def test_a_file_of_one_address_is_one_server(tmp_path: Path, servers: Servers) -> None:
    def refuse(index: int, request: Request) -> Reply:
        return Reply.error(400, "too long")

    only = servers(refuse)
    run = asking(tmp_path, only)

    async def ask() -> str:
        client = RetryingClient(run.pool, EAGER)
        try:
            await client.complete(PROMPT, {})
        except JudgeError as error:
            return str(error)
        finally:
            await client.close()
        return ""

    assert "too long" in asyncio.run(ask())
    assert questions(only) == 1


@given(st.lists(st.sampled_from(["one", "two", "three"])))
def test_what_is_taken_was_read_twice_in_a_row_and_is_another(readings: list[str]) -> None:
    steady, taken, last = Steady("one"), "one", "one"
    for reading in readings:
        is_new = reading == last and reading != taken
        assert steady.is_new(reading) == is_new
        taken, last = reading if is_new else taken, reading


def test_a_server_that_comes_back_as_another_model_is_not_asked(tmp_path: Path, servers: Servers) -> None:
    """Also where the addresses were given one by one: it failed, rests, and is looked at before it is tried."""
    state = "well"

    def script(index: int, request: Request) -> Reply:
        if state == "ill":
            return Reply.error(500)
        return serves("judge" if state == "well" else "judge-awq")(index, request)

    first, changing = servers(), servers(script)
    asked_after = 0

    async def steps(run: Asking) -> None:
        nonlocal state, asked_after
        await run.until(lambda: questions(changing) > 20)
        state = "ill"
        await run.until(lambda: bool(run.pool.changed({})))
        state, asked_after = "other", len(changing.requests)
        await run.until(lambda: len(changing.requests) > asked_after + 3)

    run = asking(tmp_path, first, changing)
    run.run(steps)
    assert sum(request.method == "POST" for request in changing.requests[asked_after + LIMIT :]) == 0
    assert "serves 'judge-awq', and not 'judge'" in run.pool.changed({})[0]
