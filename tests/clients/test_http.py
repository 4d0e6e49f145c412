"""Requests to a server over plain HTTP, by httptools and, where it is not installed, by aiohttp: they end alike."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from judgebench.clients import http
from judgebench.clients.base import Access
from judgebench.clients.http import Rejected, Timeouts, Transport
from judgebench.errors import BadReply, JudgeError, JudgeRefused, JudgeUnreachable
from judgebench.spec.connection import ServerConnection

GOOD = b'{"choices": [{"message": {"content": "A"}}]}'
BOMB = gzip.compress(b" " * (http.MAX_REPLY_BYTES + 2**20))


def answer(body: bytes, head: bytes = b"", status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 %b\r\n%bContent-Length: %d\r\n\r\n%b" % (status, head, len(body), body)


@pytest.fixture(params=["httptools", "aiohttp"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "aiohttp":
        monkeypatch.setattr(http, "find_spec", lambda name: None)
    return request.param


def served(reply: bytes, ask: Callable[[Transport], Awaitable[Any]]) -> tuple[Any, list[list[bytes]]]:
    """What comes of asking a server that says this to everybody, and the headers that it was sent, by connection."""
    connections: list[list[bytes]] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(heads := [])
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))
                heads.append(head)
                writer.write(reply)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def run() -> Any:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        transport = Transport(Access("judge", address, "sk-key-0123456789"), Timeouts(2.0, 2.0))
        try:
            return await ask(transport)
        finally:
            await transport.close()
            server.close()

    return asyncio.run(run()), connections


async def once(transport: Transport) -> Any:
    return await transport.ask("/chat/completions", {"model": "judge"})


def error_of(reply: bytes) -> JudgeError:
    with pytest.raises(JudgeError) as caught:
        served(reply, once)
    return caught.value


def test_a_server_is_asked_in_the_way_that_is_installed(way: str) -> None:
    reply, ((head,),) = served(answer(GOOD), once)
    assert reply["choices"][0]["message"]["content"] == "A"
    assert (b"user-agent: judgebench\r\n" in head.lower()) == (way == "httptools")
    assert head.startswith(b"POST /v1/chat/completions HTTP/1.1\r\n")
    for field in (b"Authorization: Bearer sk-key-0123456789", b"Content-Type: application/json"):
        assert field in head


@pytest.mark.parametrize("url", ["https://host/v1", "http://h\u00f4te/v1"])
def test_what_is_not_plain_is_asked_by_aiohttp(url: str) -> None:
    assert Transport(Access("judge", url, None), Timeouts())._wire is None


def test_behind_a_proxy_a_server_is_asked_by_aiohttp() -> None:
    access = Access("judge", "http://host/v1", None, connection=ServerConnection(proxy="http://proxy:3128"))
    assert Transport(access, Timeouts())._wire is None


def test_questions_that_follow_each_other_use_one_connection(way: str) -> None:
    async def ask(transport: Transport) -> list[Any]:
        return [await once(transport) for _ in range(3)]

    replies, (heads,) = served(answer(GOOD), ask)
    assert len(replies) == len(heads) == 3


def test_an_answer_may_be_packed(way: str) -> None:
    assert served(answer(gzip.compress(GOOD), b"Content-Encoding: gzip\r\n"), once)[0]["choices"]


def test_an_error_is_the_one_that_the_server_says_and_holds_no_key(way: str) -> None:
    error = error_of(answer(b'{"error": {"message": "no sk-key-0123456789"}}', status=b"400 Bad Request"))
    assert isinstance(error, Rejected)
    assert "answered 400: no" in str(error)
    assert "0123456789" not in str(error)


def test_a_redirection_is_not_followed(way: str) -> None:
    error = error_of(answer(b"", b"Location: http://elsewhere/\r\n", b"302 Found"))
    assert isinstance(error, JudgeRefused)
    assert "redirects to http://elsewhere/" in str(error)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reply", "kind", "text"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", BadReply, "does not answer in HTTP"),
        (answer(BOMB, b"Content-Encoding: gzip\r\n"), BadReply, "sent more than 16 MiB"),
        (answer(b"hello"), BadReply, "not JSON"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhe", JudgeUnreachable, r"did not answer within 2 s"),
        (answer(b"{}", b"Retry-After: 1\r\n", b"503 Busy"), JudgeUnreachable, "answered 503"),
    ],
    ids=["no HTTP", "bomb", "no JSON", "half", "busy"],
)
def test_what_cannot_be_used_is_the_same_error(way: str, reply: bytes, kind: type[JudgeError], text: str) -> None:
    with pytest.raises(kind, match=text):
        served(reply, once)
