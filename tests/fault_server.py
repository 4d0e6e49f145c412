"""A judge's server on loopback whose every answer, and every fault, is scripted. Standard library only.

    with FaultServer(lambda index, request: Reply.chat("A")) as server:
        ... ask server.url ...
    assert len(server.requests) == 1

The script is called once for each request, in the order of their arrival; it runs in the server's thread.
"""

import asyncio
import gzip
import json
import ssl
import threading
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """All the messages' contents."""
        return "\n".join(message["content"] for message in self.json["messages"])


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer, and what goes wrong with it."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0  # before the first byte
    until: Callable[[], bool] | None = None  # nothing is sent before that is so
    drip_s: float = 0.0  # between single bytes of the body
    reset_after: int | None = None  # the connection is reset after so many bytes of the body
    stall: bool = False  # nothing is ever sent
    raw: bytes | None = None  # sent instead of any HTTP, then the connection is closed
    stream: Callable[[], Iterator[bytes]] | None = None  # the body in pieces, ended by closing the connection

    @classmethod
    def of(cls, value: Any, status: int = 200, **faults: Any) -> "Reply":
        headers = {"Content-Type": "application/json"} | faults.pop("headers", {})
        return cls(status=status, body=json.dumps(value).encode(), headers=headers, **faults)

    @classmethod
    def chat(cls, content: Any = "A", **faults: Any) -> "Reply":
        """A chat completion; ``message`` and ``choice`` add fields to, or replace fields of, its message and choice."""
        message = {"role": "assistant", "content": content} | faults.pop("message", {})
        choice = {"index": 0, "finish_reason": "stop", "message": message} | faults.pop("choice", {})
        usage = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
        model = faults.pop("model", "judge")
        return cls.of({"object": "chat.completion", "model": model, "choices": [choice], "usage": usage}, **faults)

    @classmethod
    def error(cls, status: int, message: str = "no", **fields: Any) -> "Reply":
        """An error body; ``code`` and ``param`` go into it, everything else is a fault."""
        named = {name: fields.pop(name) for name in ("code", "param") if name in fields}
        return cls.of({"error": {"message": message, "type": "error", **named}}, status, **fields)


def gzip_bomb(mebibytes: int) -> Callable[[], Iterator[bytes]]:
    """The pieces of a gzip body of so many MiB of spaces, compressed a thousand times."""

    def pieces() -> Iterator[bytes]:
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        block = b" " * 2**20
        for _ in range(mebibytes):
            yield packer.compress(block)
        yield packer.flush()

    return pieces


def gzipped(reply: Reply) -> Reply:
    return Reply(reply.status, gzip.compress(reply.body), {**reply.headers, "Content-Encoding": "gzip"})


Script = Callable[[int, Request], Reply]


class Loopback:
    """Serves connections on a free port of 127.0.0.1, in a thread of its own, while its context lasts; by ``tls`` where
    that is given. What a connection is answered is a subclass's."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.port = 0
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._serve()), daemon=True)

    @property
    def url(self) -> str:
        return f"http{'' if self._tls is None else 's'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        if self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=2**24, ssl=self._tls)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise NotImplementedError


class FaultServer(Loopback):
    """Answers each request as ``script`` says."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls)
        self.requests: list[Request] = []
        self.most_at_once = 0
        self.connections = 0
        self.at_once = 0
        self._script = script

    @property
    def url(self) -> str:
        return f"{super().url}/v1"

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while request := await _read_request(reader):
                self.requests.append(request)
                self.at_once += 1
                self.most_at_once = max(self.most_at_once, self.at_once)
                try:
                    reply = self._script(len(self.requests) - 1, request)
                    keep = await _send(writer, reply)
                finally:
                    self.at_once -= 1
                if not keep:
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    method, path, _ = first.split(" ")
    return Request(method, path, headers, body)


async def _send(writer: asyncio.StreamWriter, reply: Reply) -> bool:
    """Whether the connection may serve another request."""
    if reply.stall:
        await asyncio.sleep(3600)
    await asyncio.sleep(reply.delay_s)
    while reply.until is not None and not reply.until():  # noqa: ASYNC110  # another thread says when
        await asyncio.sleep(0.02)
    if reply.raw is not None:
        writer.write(reply.raw)
        await writer.drain()
        return False
    headers = dict(reply.headers)
    headers |= {"Connection": "close"} if reply.stream else {"Content-Length": str(len(reply.body))}
    lines = [f"HTTP/1.1 {reply.status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    sent = 0
    async for piece in _pieces(reply):
        if reply.reset_after is not None and sent + len(piece) > reply.reset_after:
            writer.write(piece[: reply.reset_after - sent])
            await writer.drain()
            writer.transport.abort()
            return False
        writer.write(piece)
        await writer.drain()
        sent += len(piece)
    return reply.stream is None


async def _pieces(reply: Reply) -> AsyncIterator[bytes]:
    if reply.stream is not None:
        for piece in reply.stream():
            yield piece
    elif reply.drip_s:
        for index in range(len(reply.body)):
            await asyncio.sleep(reply.drip_s)
            yield reply.body[index : index + 1]
    else:
        yield reply.body
