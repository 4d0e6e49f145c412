"""HTTP/1.1 as it is spoken within a cluster, without TLS and without a proxy: for servers that answer thousands of
questions a second, where a client for everything takes as much processor time as all else that becomes of a question.

What servers send is parsed by httptools, that is by llhttp. A connection carries one request at a time and is kept for
the next. It is closed after whatever the server sends beyond its answer, so that none is ever taken for another's.
"""

import asyncio
import socket
import zlib
from collections.abc import Callable, Mapping
from typing import cast
from urllib.parse import urlsplit

from httptools import HttpParserCallbackError, HttpParserError, HttpParserUpgrade, HttpResponseParser

from judgebench.clients.channel import HttpAnswer
from judgebench.errors import BadReply, InputError, JudgeError, JudgeUnreachable

_KEPT_S = 15.0  # that a connection stays open without a question; servers close them soon after
_KNOWN_S = 300.0  # that a host's addresses are used before they are asked for again
_MAX_HEAD = 2**16  # bytes of fields, those behind the body included; the parser itself has no limit
_MAX_SPARE = 2**11  # bytes after the header that are no part of the body, as between its chunks
_FRAME = 32  # bytes that a piece of a body may take besides
_EMPTY = (204, 304)  # statuses of answers without a body
_PACKED = ("gzip", "x-gzip", "deflate")


class _Garbled(Exception):
    """What came is no answer in HTTP, and why."""


class _Body:
    """What of a body has come, as it was before it was compressed."""

    def __init__(self, coding: str, limit: int) -> None:
        self._bytes = bytearray()
        self._left = limit + 1  # bytes that are wanted
        self._coding = coding
        self._unpacker: zlib._Decompress | None = None

    @property
    def is_too_long(self) -> bool:
        return self._left <= 0

    def add(self, chunk: bytes) -> None:
        """Raises ConnectionError where it cannot be unpacked."""
        if self._coding in _PACKED:
            if self._unpacker is None:  # deflate comes with zlib's header, or bare
                is_bare = self._coding == "deflate" and chunk[0] & 15 != zlib.DEFLATED
                self._unpacker = zlib.decompressobj(-15 if is_bare else 47)  # 47: with the header of zlib or of gzip
            try:
                chunk = self._unpacker.decompress(chunk, self._left)
            except zlib.error as error:
                raise ConnectionError("its body cannot be unpacked") from error
            if self._unpacker.unused_data:  # which would be kept, however much of it came
                raise ConnectionError("its body goes on behind its end")
        self._bytes += chunk
        self._left -= len(chunk)

    def whole(self) -> bytes:
        return bytes(self._bytes)


class _Reading:
    """One answer as it comes: what the parser calls, and what came of it."""

    def __init__(self, limit_of: Callable[[int], int]) -> None:
        self.answer: HttpAnswer | None = None  # once it is whole, or as much of it as is wanted
        self.is_kept = False  # whether the connection can carry another
        self._limit_of = limit_of
        self._parser = HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._body: _Body | None = None
        self._fields = self._spare = 0  # bytes

    def feed(self, data: bytes) -> None:
        """Raises _Garbled, and as ``_Body.add``."""
        self._spare += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self.is_kept = False
            if self.answer is None:
                ours = error.__context__ if isinstance(error, HttpParserCallbackError) else None
                raise ours or _Garbled(str(error)) from None
        if self.answer is None and self._spare > (_MAX_HEAD if self._body is None else _MAX_SPARE):
            raise _Garbled("its header is too long, or a line between its chunks")

    def end(self) -> None:
        """The connection has ended: without a length, so has the body."""
        if self._body is not None and not self._headers.keys() & {"content-length", "transfer-encoding"}:
            self._close(self._body)

    def let_go(self) -> None:
        """Of the parser, which holds this in its turn: neither is to wait for the collector."""
        del self._parser

    def on_message_begin(self) -> None:
        self.is_kept = False  # behind an answer comes nothing

    def on_header(self, name: bytes, value: bytes) -> None:
        size = len(name) + len(value) + 4
        self._spare -= size
        self._fields += size
        if self._fields > _MAX_HEAD:
            raise _Garbled("its header or its trailer is too long")
        if self._body is None:
            self._headers[name.decode("latin-1").lower()] = value.strip().decode("utf-8", "replace")

    def on_headers_complete(self) -> None:
        if self.answer is not None:
            return
        status = self._parser.get_status_code()
        if not 100 <= status < 600 or self._parser.get_http_version() not in ("1.1", "1.0"):
            raise _Garbled("its version or its status is unknown")
        if status == 101:
            raise _Garbled("it answers in another protocol")
        if status < 200:  # the answer is still to come
            self._headers.clear()
            return
        for name, known in (("transfer-encoding", ("chunked",)), ("content-encoding", ("", "identity", *_PACKED))):
            if (coding := self._headers.get(name, known[0]).lower()) not in known:
                raise _Garbled(f"it is encoded as {coding[:40]!r}")
        self._body = _Body(coding, self._limit_of(status))
        if status in _EMPTY:
            self._close(self._body)

    def on_body(self, chunk: bytes) -> None:
        self._spare -= len(chunk) + _FRAME
        if self.answer is not None:
            return
        if self._body is None:
            raise _Garbled("it has a body before its status")
        self._body.add(chunk)
        if self._body.is_too_long:
            self._close(self._body)

    def on_message_complete(self) -> None:
        if self._body is not None and self.answer is None:
            self._close(self._body)
            self.is_kept = self._parser.should_keep_alive()

    def _close(self, body: _Body) -> None:
        self.answer = HttpAnswer(self._parser.get_status_code(), self._headers, body.whole())


class _Line(asyncio.Protocol):
    """One connection."""

    _transport: asyncio.Transport
    _reading: _Reading  # of the answer that is waited for

    def __init__(self, limit_of: Callable[[int], int]) -> None:
        self.since = 0.0  # when its last answer was complete
        self.is_open = True
        self._limit_of = limit_of
        self._waiting: asyncio.Future[HttpAnswer] | None = None

    @property
    def is_free(self) -> bool:
        return self.is_open and self._waiting is None

    def ask(self, request: bytes) -> asyncio.Future[HttpAnswer]:
        """Its answer; fails with OSError where the connection breaks, and with _Garbled."""
        self._waiting = asyncio.get_running_loop().create_future()
        self._reading = _Reading(self._limit_of)
        self._transport.write(request)
        return self._waiting

    def close(self) -> None:
        self.is_open = False
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own has no such ancestor
        if (own := transport.get_extra_info("socket")) is not None:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def data_received(self, data: bytes) -> None:
        if self._waiting is None:
            self.close()
            return
        try:
            self._reading.feed(data)
        except (_Garbled, OSError) as error:
            self._end(error)
        else:
            if self._reading.answer is not None:
                self._end(self._reading.answer)

    def connection_lost(self, error: Exception | None) -> None:
        self.is_open = False
        if self._waiting is None:
            return
        if error is None:
            self._reading.end()
        broken = error if isinstance(error, OSError) else ConnectionError("the server ended it")
        self._end(self._reading.answer or broken)

    def _end(self, outcome: HttpAnswer | Exception) -> None:
        waiting, self._waiting = self._waiting, None
        self._reading.let_go()
        self.since = asyncio.get_running_loop().time()
        if not self._reading.is_kept or isinstance(outcome, Exception):
            self.close()
        if waiting is None or waiting.done():
            return
        if isinstance(outcome, Exception):
            waiting.set_exception(outcome)
        else:
            waiting.set_result(outcome)


def is_plain(url: str) -> bool:
    """Whether an address can be asked so."""
    return url.startswith("http://") and url.isascii()


class Wire:
    """Connections to one server, as many as there are requests in flight.

    ``limit_of`` says of how many bytes an answer of a status may be; of a longer one a little more is read, and no
    more. Raises InputError where a header cannot be sent.
    """

    def __init__(
        self, url: str, headers: Mapping[str, str], *, connect_s: float, total_s: float, limit_of: Callable[[int], int]
    ) -> None:
        parts = urlsplit(url)
        self._url = url
        self._host, self._port = parts.hostname or "", parts.port or 80
        shown = f"[{self._host}]" if ":" in self._host else self._host
        self._place = shown if self._port == 80 else f"{shown}:{self._port}"
        self._headers = {name.lower(): (name, value) for name, value in headers.items()}
        self._connect_s, self._total_s = connect_s, total_s
        self._limit_of = limit_of
        self._lines: set[_Line] = set()
        self._free: list[_Line] = []
        self._heads: dict[str, bytes] = {}  # of requests that have no header of their own, by path
        self._resolving = asyncio.Lock()
        self._resolved: list[tuple[int, str]] = []  # family and address
        self._resolved_at = 0.0
        self._turn = 0  # of the addresses
        self._head("/", {})

    async def post(self, path: str, data: bytes, headers: Mapping[str, str] | None = None) -> HttpAnswer:
        """The answer at a path, which begins where the address ends. Raises JudgeUnreachable and BadReply."""
        head = self._heads.get(path) if not headers else None
        if head is None:
            head = self._head(path, headers or {})
            if not headers:
                self._heads[path] = head
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._total_s
        line = self._taken(loop.time()) or await self._connected()
        waiting = line.ask(b"%b%d\r\n\r\n%b" % (head, len(data), data))
        alarm = loop.call_at(deadline, self._late, waiting)
        try:
            return await waiting
        except _Garbled as error:
            raise BadReply(f"{self._url} does not answer in HTTP: {error}") from error
        except OSError as error:
            raise JudgeUnreachable(f"the connection to {self._url} broke: {error}") from error
        finally:
            alarm.cancel()
            if line.is_free:
                self._free.append(line)
            else:
                line.close()
                self._lines.discard(line)

    async def close(self) -> None:
        for line in self._lines:
            line.close()
        self._lines.clear()
        self._free.clear()
        self._resolving = asyncio.Lock()  # the next question may come from another loop
        await asyncio.sleep(0)  # they end in the next turn of the loop

    def _head(self, path: str, headers: Mapping[str, str]) -> bytes:
        """All of a request before its length. Raises InputError."""
        own = {name.lower(): (name, value) for name, value in headers.items()}
        fields = {"host": ("Host", self._place), "user-agent": ("User-Agent", "judgebench"), **self._headers, **own}
        lines = [f"{name}: {value}" for name, value in fields.values()]
        if any(character in line for line in lines for character in "\r\n\0"):
            raise InputError(f"a header for {self._url} holds a line break, which none can")
        target = urlsplit(self._url).path + path
        return "\r\n".join([f"POST {target} HTTP/1.1", *lines, "Content-Length: "]).encode()

    def _late(self, waiting: asyncio.Future[HttpAnswer]) -> None:
        if not waiting.done():
            waiting.set_exception(JudgeUnreachable(f"{self._url} did not answer within {self._total_s:g} s"))

    def _taken(self, now: float) -> _Line | None:
        """A connection that is kept, the one that was used last."""
        while self._free:
            line = self._free.pop()
            if line.is_free and now - line.since < _KEPT_S:
                return line
            line.close()
            self._lines.discard(line)
        return None

    async def _connected(self) -> _Line:
        try:
            async with asyncio.timeout(self._connect_s):
                line = await self._connect()
        except TimeoutError as error:
            raise JudgeUnreachable(f"{self._url} let nobody connect within {self._connect_s:g} s") from error
        except JudgeError:
            raise
        except (OSError, UnicodeError) as error:  # the latter of a host that no name can be
            raise JudgeUnreachable(f"nobody answers at {self._url}: {error}") from error
        self._lines.add(line)
        return line

    async def _connect(self) -> _Line:
        """With one of the host's addresses after the other, until one answers; the next time from the next one on."""
        loop = asyncio.get_running_loop()
        addresses = await self._addresses()
        self._turn += 1
        last: OSError = ConnectionError(f"{self._host} has no address")
        for number in range(len(addresses)):
            family, address = addresses[(self._turn + number) % len(addresses)]
            try:
                async with asyncio.timeout(self._connect_s / len(addresses)):
                    _, line = await loop.create_connection(
                        lambda: _Line(self._limit_of), address, self._port, family=family
                    )
                return line
            except OSError as error:  # also of no answer in time
                last = error
        raise last

    async def _addresses(self) -> list[tuple[int, str]]:
        loop = asyncio.get_running_loop()
        async with self._resolving:
            if not self._resolved or loop.time() - self._resolved_at > _KNOWN_S:
                places = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
                self._resolved = list(dict.fromkeys((int(family), str(place[0])) for family, *_, place in places))
                self._resolved_at = loop.time()
        return self._resolved
