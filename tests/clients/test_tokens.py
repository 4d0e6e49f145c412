"""Tokens that expire: fetched once for all who wait, bounded, and never shown."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from judgebench.clients import tokens
from judgebench.clients.base import Access
from judgebench.clients.openai import OpenAIClient
from judgebench.errors import InputError, JudgeRefused, JudgeUnreachable
from judgebench.spec import ServerConnection
from judgebench.spec.connection import Token
from tests.clients.asking import PROMPT, QUICK, ask, ask_all
from tests.fault_server import FaultServer, Reply, Request

GOOD = "tok-good-0123456789"


def client_of(url: str, token: Token) -> OpenAIClient:
    return OpenAIClient(Access("judge", url, connection=ServerConnection(token=token)), QUICK)


def command(tmp_path: Path, code: str) -> Callable[[], str]:
    """What fetches from a command of this Python code, waiting for it."""
    script = tmp_path / "token.py"
    script.write_text(code)
    fetch = tokens.fetcher(ServerConnection(token_command=(sys.executable, str(script))))
    assert fetch is not None
    return lambda: asyncio.run(fetch())  # type: ignore[arg-type]  # what is awaited here is a coroutine


def test_many_that_are_refused_at_once_fetch_one_token() -> None:
    handed: list[str] = []

    async def token() -> str:
        await asyncio.sleep(0.05)
        handed.append(f"tok-{len(handed):03d}-0123456789")
        return handed[-1]

    def script(index: int, request: Request) -> Reply:
        fresh = request.headers["authorization"] == "Bearer tok-001-0123456789"
        return Reply.chat("A") if fresh else Reply.error(401, "expired", delay_s=0.01)

    with FaultServer(script) as server:
        replies = ask_all(client_of(server.url, token), [PROMPT] * 64)
    assert {getattr(reply, "text", reply) for reply in replies} == {"A"}
    assert len(handed) == 2


def test_more_in_flight_than_a_token_is_good_for_are_all_answered() -> None:
    handed: list[int] = []

    def token() -> str:
        handed.append(0)
        return f"tok-{len(handed):03d}-0123456789"

    def script(index: int, request: Request) -> Reply:
        if request.headers["authorization"] != f"Bearer tok-{len(handed):03d}-0123456789" or handed[-1] >= 50:
            return Reply.error(401, "expired")
        handed[-1] += 1
        return Reply.chat("A")

    with FaultServer(script) as server:
        replies = ask_all(client_of(server.url, token), [PROMPT] * 256)
    assert {getattr(reply, "text", reply) for reply in replies} == {"A"}
    assert len(handed) == 6


def test_a_token_that_is_refused_when_it_is_new_is_an_error_after_one_renewal() -> None:
    handed: list[str] = []

    def token() -> str:
        handed.append(f"tok-{len(handed):03d}-0123456789")
        return handed[-1]

    def script(index: int, request: Request) -> Reply:
        return Reply.error(401, f"no: {request.headers['authorization']}")

    with FaultServer(script) as server:
        replies = ask_all(client_of(server.url, token), [PROMPT] * 8)
    assert len(handed) == 2
    for reply in replies:
        assert isinstance(reply, JudgeRefused)
        assert "tok-" not in str(reply)


def test_an_expired_token_may_be_told_of_in_other_words() -> None:
    handed: list[str] = []

    def token() -> str:
        handed.append(f"tok-{len(handed):03d}-0123456789")
        return handed[-1]

    def script(index: int, request: Request) -> Reply:
        if request.headers["authorization"].endswith("001-0123456789"):
            return Reply.chat("A")
        return Reply.of({"error": {"code": 401, "message": "The access token has expired"}}, 200 if index else 403)

    with FaultServer(script) as server:
        assert ask(client_of(server.url, token)).text == "A"
    assert len(handed) == 2


def test_a_prompt_that_is_forbidden_again_and_again_does_not_fetch_for_ever() -> None:
    handed: list[str] = []

    def token() -> str:
        handed.append(f"tok-{len(handed):03d}-0123456789")
        return handed[-1]

    def script(index: int, request: Request) -> Reply:
        return Reply.chat("A") if index % 2 == 0 else Reply.error(401, "your credentials do not allow this")

    async def run() -> None:
        client = client_of(server.url, token)
        for _ in range(10):
            await asyncio.gather(*(client.complete(PROMPT, {}) for _ in range(2)), return_exceptions=True)
        await client.close()

    with FaultServer(script) as server:
        asyncio.run(run())
    assert len(handed) <= 21


def test_a_renewal_that_fails_is_asked_again_later() -> None:
    fetches: list[int] = []

    def token() -> str:
        fetches.append(0)
        if len(fetches) > 1:
            raise RuntimeError(f"secret {GOOD}")
        return GOOD

    def script(index: int, request: Request) -> Reply:
        return Reply.chat("A") if index == 0 else Reply.error(401, "expired")

    async def run() -> list[BaseException]:
        client = client_of(server.url, token)
        await client.complete(PROMPT, {})
        asked = await asyncio.gather(*(client.complete(PROMPT, {}) for _ in range(16)), return_exceptions=True)
        await client.close()
        return [error for error in asked if isinstance(error, BaseException)]

    with FaultServer(script) as server:
        errors = asyncio.run(run())
    assert len(errors) == 16
    assert all(isinstance(error, JudgeUnreachable) and "raised RuntimeError" in str(error) for error in errors)
    assert not any(GOOD in str(error) for error in errors)
    assert len(fetches) == 2


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("print('a' * 100_000)", "more than 64 KiB"),
        ("while True: print('a' * 1000)", "more than 64 KiB"),
        (f"import sys; print({GOOD!r}); sys.exit(3)", "ended with status 3"),
        (f"print({GOOD!r}); print('second')", "printed no token"),
        ("print('tök')", "printed no token"),
        ("", "printed no token"),
        ("import time; print('x', flush=True); time.sleep(60)", "did not end"),
    ],
)
def test_what_is_no_token_is_one_message_without_what_was_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, why: str
) -> None:
    monkeypatch.setattr(tokens, "_WAIT_S", 1.0 if "sleep" in code else 30.0)
    with pytest.raises(InputError, match=why) as caught:
        command(tmp_path, code)()
    assert GOOD not in str(caught.value)


def test_a_command_may_leave_something_running(tmp_path: Path) -> None:
    sleeper = "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(3)'])\n"
    assert command(tmp_path, f"{sleeper}print({GOOD!r})")() == GOOD


def test_a_command_is_given_no_shell_and_no_input(tmp_path: Path) -> None:
    code = f"import sys\nassert sys.stdin.read() == ''\nprint('{GOOD}', file=sys.stderr)\nprint('{GOOD};id')"
    assert command(tmp_path, code)() == f"{GOOD};id"


@pytest.mark.parametrize("token", [lambda: 3, lambda: None, lambda: "two words", lambda: "", lambda: "a\r\nX: b"])
def test_a_function_that_returns_no_token_is_one_message(token: Token) -> None:
    with FaultServer(lambda index, request: Reply.chat("A")) as server, pytest.raises(InputError, match="token"):
        ask(client_of(server.url, token))
    assert server.requests == []


@pytest.mark.slow
@pytest.mark.parametrize(("good_for", "count"), [(1, 12), (4, 40)])
def test_a_new_token_that_answers_slowly_is_not_given_up_by_those_it_refuses(good_for: int, count: int) -> None:
    handed: list[int] = []

    def token() -> str:
        handed.append(0)
        return f"tok-{len(handed):03d}-0123456789"

    def script(index: int, request: Request) -> Reply:
        if request.headers["authorization"] != f"Bearer tok-{len(handed):03d}-0123456789" or handed[-1] >= good_for:
            return Reply.error(401, "expired")
        handed[-1] += 1
        return Reply.chat("A", delay_s=0.1)

    with FaultServer(script) as server:
        replies = ask_all(client_of(server.url, token), [PROMPT] * count)
    assert {getattr(reply, "text", reply) for reply in replies} == {"A"}
    assert len(handed) <= count / good_for + 1


def test_a_prompt_that_a_filter_stops_with_401_fetches_no_token() -> None:
    handed: list[int] = []

    def token() -> str:
        handed.append(0)
        return GOOD

    with FaultServer(lambda index, request: Reply.error(401, "Your input was flagged by moderation")) as server:
        assert ask(client_of(server.url, token)).finish_reason == "content_filter"
    assert len(handed) == 1
