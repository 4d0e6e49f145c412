"""Judges in other processes: what is sent there and back, and what is known of a worker that is lost."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from judgebench.clients.base import Client
from judgebench.clients.complaints import Complaint
from judgebench.clients.http import Overloaded, Rejected
from judgebench.clients.replies import EmptyReply
from judgebench.clients.scripted import ScriptedClient
from judgebench.clients.vllm import ServedClient
from judgebench.clients.workers import Opener
from judgebench.errors import (
    BadReply,
    EnoughCalls,
    InputError,
    JudgeBenchError,
    JudgeError,
    JudgeGone,
    JudgeRefused,
    JudgeUnreachable,
    UnknownName,
)
from judgebench.records import Completion, Prompt
from tests.clients.asking import PROMPT, ask, ask_all, client_of
from tests.far import far
from tests.fault_server import FaultServer, Reply

ERRORS = [
    Rejected("no", status=400, complaint=Complaint(message="why", codes=("context_length",)), answered=True),
    Overloaded("later", status=429, complaint=Complaint(), retry_after_s=2.5),
    EmptyReply("nothing", Completion("", prompt_tokens=3, cost_usd=0.5)),
    UnknownName("model", "x", ["y"]),
    JudgeUnreachable("away"),
    JudgeRefused("no"),
    BadReply("what"),
    EnoughCalls("enough"),
    InputError("wrong"),
]


class Raising:
    """A client that raises what it is given, or returns an answer."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.closed = 0

    async def complete(self, prompt: Prompt, settings: Mapping[str, Any]) -> Completion:
        if self.errors:
            raise self.errors.pop(0)
        return Completion("A")

    async def close(self) -> None:
        self.closed += 1


def opening(client: Client) -> Opener:
    return lambda environment: client


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_errors_arrive_as_they_were_raised(error: JudgeBenchError) -> None:
    client, _ = far(opening(Raising(error)))
    with pytest.raises(type(error)) as raised:
        ask(client)
    assert raised.value.args == error.args
    assert vars(raised.value) == vars(error)


def test_a_judge_is_opened_once_by_the_worker_s_own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGE_KEY", "sk-there")
    keys = []

    def opener(environment: Mapping[str, str]) -> Client:
        keys.append(environment["JUDGE_KEY"])
        return Raising()

    client, remote = far(opener)
    assert len(ask_all(client, [PROMPT] * 3)) == 3
    assert keys == ["sk-there"]
    assert not any(b"sk-there" in sent for sent in remote.sent)


def test_what_is_wrong_with_opening_is_an_error_of_its_own_kind_each_time() -> None:
    def opener(environment: Mapping[str, str]) -> Client:
        raise InputError("the environment variable K is not set in Ray's workers")

    client, _ = far(opener)
    answers = ask_all(client, [PROMPT, PROMPT])
    assert [str(answer) for answer in answers] == ["the environment variable K is not set in Ray's workers"] * 2


def test_requests_are_counted_where_they_are_sent_and_lost_answers_too() -> None:
    def script(index: int, request: object) -> Reply:
        return Reply.error(400, "unknown field top_k") if index == 1 else Reply.chat("A")

    with FaultServer(script) as server:
        client, _ = far(lambda environment: client_of(server.url))

        async def asking() -> None:
            await client.check()
            await client.complete(PROMPT, {"top_k": 3})
            await client.complete(PROMPT, {"top_k": 3})
            await client.close()

        asyncio.run(asking())
        assert client.calls == len(server.requests) == 4  # the check, one that taught, two that were answered
        assert client.left_out({"top_k": 3, "temperature": 0}) == ("top_k",)
        assert client.left_out({"temperature": 0}) == ()
        assert client.model == "judge"


def test_a_worker_that_was_started_again_counts_anew() -> None:
    with FaultServer(lambda index, request: Reply.chat("A")) as server:
        client, remote = far(lambda environment: client_of(server.url))

        async def asking() -> None:
            await client.check()
            await client.complete(PROMPT, {})
            remote.kill()
            with pytest.raises(JudgeUnreachable):
                await client.complete(PROMPT, {})
            await client.check()
            await client.complete(PROMPT, {})
            await client.close()

        asyncio.run(asking())
        assert client.calls == 5  # two checks, two answers, and the one whose answer was lost


def test_a_question_in_flight_when_its_worker_is_killed_was_asked_of_nobody_who_answers() -> None:
    class Slow(Raising):
        async def complete(self, prompt: Prompt, settings: Mapping[str, Any]) -> Completion:
            await asyncio.sleep(10)
            return Completion("A")

    client, remote = far(opening(Slow()))

    async def asking() -> None:
        question = asyncio.create_task(client.complete(PROMPT, {}))
        await asyncio.sleep(0.01)
        remote.kill()
        with pytest.raises(JudgeUnreachable, match="may or may not"):
            await question

    asyncio.run(asking())
    assert client.calls == 1


def test_a_server_that_ended_with_its_worker_alive_is_started_again() -> None:
    class Served(ServedClient):
        def __init__(self, *errors: JudgeError) -> None:
            self.model = "qwen"
            self._client = self._failure = None
            self._errors = list(errors)
            self.closed = 0

        async def complete(self, prompt: Prompt, settings: Mapping[str, Any]) -> Completion:
            for error in self._errors:
                self._failure = error
                raise error
            return Completion("A")

        async def close(self) -> None:
            self.closed += 1

    servers = [Served(JudgeGone("vLLM ended by itself")), Served(JudgeUnreachable("vLLM ended before")), Served()]
    left = iter(servers)
    client, _ = far(lambda environment: next(left))

    async def asking() -> None:
        for _ in range(2):
            with pytest.raises(JudgeUnreachable, match="vLLM ended") as raised:
                await client.complete(PROMPT, {})
            assert not isinstance(raised.value, JudgeRefused)  # others may answer meanwhile
        assert (await client.complete(PROMPT, {})).text == "A"

    asyncio.run(asking())
    assert [server.closed for server in servers] == [1, 1, 0]
    assert client.model == "qwen"


def test_mistakes_of_foreign_code_are_failed_questions() -> None:
    client, _ = far(opening(Raising(ZeroDivisionError("by zero"))), is_foreign=True)
    with pytest.raises(JudgeError, match="ZeroDivisionError: by zero"):
        ask(client)


def test_judges_without_a_server_are_found_in_order() -> None:
    client, _ = far(opening(ScriptedClient(lambda prompt: "A")))
    assert asyncio.run(client.check()) is None
    assert client.calls == 0
    assert ask(client).text == "A"
    assert client.model == "scripted"
