"""One server over plain HTTP: whatever it sends, in whichever pieces, an answer is one question's own or an error."""

import asyncio
import gc
import gzip
import zlib
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgebench.clients.channel import HttpAnswer
from judgebench.clients.wire import Wire, _Reading, is_plain
from judgebench.errors import BadReply, InputError, JudgeError, JudgeUnreachable

T = TypeVar("T")
LIMIT = 1000
OK = b"HTTP/1.1 200 OK\r\n"
HELLO = OK + b"Content-Length: 5\r\n\r\nhello"
WHOLE = {
    "its length": HELLO,
    "no reason": b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello",
    "chunks": OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;name=value\r\nllo\r\n0\r\n\r\n",
    "a trailer": OK + b"Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\nExpires: never\r\nX: y\r\n\r\n",
    "its end": OK + b"\r\nhello",
    "an older version": b"HTTP/1.0 200 OK\r\n\r\nhello",
    "more to come": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + HELLO,
    "gzip": OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"hello"),
    "deflate": OK + b"Content-Encoding: deflate\r\n\r\n" + zlib.compress(b"hello"),
    "bare deflate": OK + b"Content-Encoding: deflate\r\n\r\n" + zlib.compress(b"hello")[2:-4],
}
GARBLED = {
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "another version": b"HTTP/2 200 OK\r\n\r\n",
    "a newer version": b"HTTP/2.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "a status that nobody knows": b"HTTP/1.1 600 OK\r\nContent-Length: 5\r\n\r\nhello",
    "a body before the answer": b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\nhello" + HELLO,
    "hints without an end": b"HTTP/1.1 103 Early Hints\r\n\r\n" * 5000,
    "a field without an end": OK + b"X: " + b"y" * 400_000,
    "a length and chunks": OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "no status": b"HTTP/1.1 hello\r\n\r\n",
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
    "a field without a name": OK + b": 5\r\n\r\n",
    "a field that is folded": OK + b"X: y\r\n z\r\n\r\n",
    "two lengths": OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "a length that is none": OK + b"Content-Length: -5\r\n\r\nhello",
    "a length of digits of another script": OK + "Content-Length: ٥\r\n\r\nhello".encode(),
    "two transfer encodings": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
    "a chunk without a size": OK + b"Transfer-Encoding: chunked\r\n\r\nhello\r\n",
    "a chunk that is longer than it says": OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n",
    "an encoding that nobody asked for": OK + b"Content-Encoding: br\r\nContent-Length: 5\r\n\r\nhello",
    "a header without an end": OK + b"X: y\r\n" * 20000,
    "a chunk's line without an end": OK + b"Transfer-Encoding: chunked\r\n\r\n5;" + b"x" * 5000,
    "a trailer without an end": OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: y\r\n" * 20000,
}
BROKEN = {
    "nothing": b"",
    "half a header": OK,
    "half a body": OK + b"Content-Length: 5\r\n\r\nhe",
    "half a chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhe",
    "no last chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "gzip that goes on behind its end": OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"hello") + b"x",
    "no gzip": OK + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
}
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return head + await reader.readexactly(length)


def saying(pieces: Sequence[bytes]) -> Talk:
    """Sends these pieces, one after the other, and ends the connection."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        writer.close()

    return talk


def with_server(talk: Talk, ask: Callable[[Wire], Awaitable[T]], total_s: float = 5.0) -> T:
    async def run() -> T:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        wire = Wire(f"http://127.0.0.1:{port}/v1", {"X": "y"}, connect_s=2, total_s=total_s, limit_of=lambda _: LIMIT)
        try:
            return await ask(wire)
        finally:
            await wire.close()
            server.close()

    return asyncio.run(run())


def answer_to(pieces: Sequence[bytes]) -> HttpAnswer:
    return with_server(saying(pieces), lambda wire: wire.post("/ask", b"{}"))


@pytest.mark.parametrize("kind", WHOLE)
def test_an_answer_is_read_in_one_piece_and_byte_by_byte(kind: str) -> None:
    for pieces in ([WHOLE[kind]], [bytes([byte]) for byte in WHOLE[kind]]):
        answer = answer_to(pieces)
        assert (answer.status, answer.body) == (200, b"hello")


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(sorted(WHOLE)), st.lists(st.integers(1, 200), max_size=6))
def test_an_answer_is_the_same_wherever_it_is_cut(kind: str, places: list[int]) -> None:
    ends = sorted({0, *places, len(WHOLE[kind])})
    assert answer_to([WHOLE[kind][a:b] for a, b in pairwise(ends)]).body == b"hello"


@pytest.mark.parametrize("kind", GARBLED)
def test_what_is_no_answer_is_a_bad_reply_at_once(kind: str) -> None:
    with pytest.raises(BadReply, match="does not answer in HTTP"):
        answer_to([GARBLED[kind]])


@pytest.mark.parametrize("kind", BROKEN)
def test_a_connection_that_ends_too_early_is_broken(kind: str) -> None:
    with pytest.raises(JudgeUnreachable, match="broke"):
        answer_to([BROKEN[kind]])


@pytest.mark.parametrize(
    "head",
    [b"Content-Length: 999999999999\r\n\r\n", b"\r\n", b"Transfer-Encoding: chunked\r\n\r\nffffff\r\n"],
    ids=["length", "end", "chunk"],
)
def test_of_an_answer_that_is_too_long_little_more_is_read_than_is_wanted(head: bytes) -> None:
    assert LIMIT < len(answer_to([OK + head, *[b"x" * 100] * 5000]).body) < 300_000


def test_what_unpacks_to_too_much_is_not_unpacked() -> None:
    bomb = gzip.compress(b"x" * 10**7)
    answer = answer_to([OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb), bomb])
    assert LIMIT < len(answer.body) <= LIMIT + 2


@pytest.mark.parametrize("head", [b"", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n"])
def test_an_answer_without_a_body_ends_with_its_header(head: bytes) -> None:
    answer = answer_to([b"HTTP/1.1 204 No Content\r\n" + head + b"\r\n"])
    assert (answer.status, answer.body) == (204, b"")


def test_an_answer_in_many_small_chunks_is_whole() -> None:
    chunks = b"".join(b"1;%b\r\nx\r\n" % (b"n" * 20) for _ in range(LIMIT))
    assert answer_to([OK + b"Transfer-Encoding: chunked\r\n\r\n", chunks, b"0\r\n\r\n"]).body == b"x" * LIMIT


def test_a_connection_is_kept_for_the_next_question_and_carries_what_it_should() -> None:
    requests: list[bytes] = []
    connections = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        while True:
            requests.append(await request(reader))
            writer.write(HELLO)

    async def ask(wire: Wire) -> None:
        await wire.post("/ask?a=b", b"first")
        await wire.post("/ask", b"second", {"Authorization": "Bearer x", "x": "z"})

    with_server(talk, ask)
    assert len(connections) == 1
    (first, *fields), (second, *others) = (text.split(b"\r\n") for text in requests)
    assert (first, second) == (b"POST /v1/ask?a=b HTTP/1.1", b"POST /v1/ask HTTP/1.1")
    assert fields[1:] == [b"User-Agent: judgebench", b"X: y", b"Content-Length: 5", b"", b"first"]
    assert others[1:] == [
        b"User-Agent: judgebench",
        b"x: z",
        b"Authorization: Bearer x",
        b"Content-Length: 6",
        b"",
        b"second",
    ]


@pytest.mark.slow
def test_nothing_of_an_answer_is_left_to_the_collector() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(20):
            await request(reader)
            writer.write(HELLO)

    async def ask(wire: Wire) -> int:
        for _ in range(20):
            await wire.post("/ask", b"")
        return sum(isinstance(each, _Reading) for each in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        assert with_server(talk, ask) == 1  # of the connection that is kept
    finally:
        gc.enable()


def test_what_comes_unasked_is_nobodys_answer() -> None:
    count = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        await request(reader)
        mine = b"answer %d" % count
        writer.write(OK + b"Content-Length: 8\r\n\r\n" + mine)
        if count == 1:  # at once with the answer
            writer.write(OK + b"Content-Length: 8\r\n\r\nplanted!")
        else:  # later, while nobody asks
            await asyncio.sleep(0.02)
            writer.write(OK + b"Content-Length: 8\r\n\r\nplanted!")

    async def ask(wire: Wire) -> list[bytes]:
        bodies = []
        for _ in range(3):
            bodies.append((await wire.post("/ask", b"")).body)
            await asyncio.sleep(0.06)
        return bodies

    assert with_server(talk, ask) == [b"answer 1", b"answer 2", b"answer 3"]


def test_the_answer_to_a_question_that_was_given_up_is_nobodys() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            asked = (await request(reader)).rpartition(b"\r\n")[2]
            await asyncio.sleep(0.1 if asked == b"slow" else 0)
            writer.write(OK + b"Content-Length: %d\r\n\r\n%b" % (len(asked), asked))

    async def ask(wire: Wire) -> bytes:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await wire.post("/ask", b"slow")
        answers = await asyncio.gather(*(wire.post("/ask", b"quick %d" % number) for number in range(5)))
        assert [answer.body for answer in answers] == [b"quick %d" % number for number in range(5)]
        return (await wire.post("/ask", b"last")).body

    assert with_server(talk, ask) == b"last"


def test_a_connection_that_the_server_has_ended_meanwhile_is_not_used() -> None:
    async def ask(wire: Wire) -> list[bytes]:
        bodies = []
        for _ in range(3):
            bodies.append((await wire.post("/ask", b"")).body)
            await asyncio.sleep(0.05)
        return bodies

    assert with_server(saying([HELLO]), ask) == [b"hello"] * 3


def test_silence_is_waited_for_so_long_and_no_longer() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(1)

    with pytest.raises(JudgeUnreachable, match=r"did not answer within 0\.1 s"):
        with_server(talk, lambda wire: wire.post("/ask", b""), total_s=0.1)


def test_nobody_there_is_said() -> None:
    async def ask(url: str) -> JudgeError:
        wire = Wire(url, {}, connect_s=1, total_s=1, limit_of=lambda _: LIMIT)
        with pytest.raises(JudgeUnreachable) as caught:
            await wire.post("/ask", b"")
        return caught.value

    assert "nobody answers at http://127.0.0.1:1/v1: " in str(asyncio.run(ask("http://127.0.0.1:1/v1")))
    for host in ("no.invalid", "a..b", "a" * 64):
        assert f"nobody answers at http://{host}/v1: " in str(asyncio.run(ask(f"http://{host}/v1")))


def test_questions_come_from_one_loop_after_the_other() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(HELLO)

    wires: list[Wire] = []

    async def run(port: int) -> int:
        server = await asyncio.start_server(talk, "127.0.0.1", port)
        port = server.sockets[0].getsockname()[1]
        if not wires:
            url = f"http://localhost:{port}/v1"
            wires.append(Wire(url, {}, connect_s=2, total_s=2, limit_of=lambda _: LIMIT))
        answers = await asyncio.gather(*(wires[0].post("/ask", b"") for _ in range(8)))
        assert [answer.body for answer in answers] == [b"hello"] * 8
        await wires[0].close()
        server.close()
        return port

    asyncio.run(run(asyncio.run(run(0))))


def test_a_header_with_a_line_break_is_refused() -> None:
    with pytest.raises(InputError, match="line break"):
        Wire("http://a/v1", {"X": "y\r\nZ: w"}, connect_s=1, total_s=1, limit_of=lambda _: LIMIT)


def test_only_plain_addresses_are_asked_so() -> None:
    assert is_plain("http://[::1]:8000/v1")
    assert not is_plain("https://host/v1")
    assert not is_plain("http://hôte/v1")
