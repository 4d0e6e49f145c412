"""A judge's server for measurements: another process, the same bytes for every question, after a fixed time."""

import asyncio
import importlib
import json
import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from mmap import mmap
from multiprocessing.connection import Connection


def chat_reply(text: str) -> bytes:
    """A chat completion as a whole HTTP response."""
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 700, "completion_tokens": 180, "total_tokens": 880}
    choice = {"index": 0, "finish_reason": "stop", "logprobs": None, "message": message}
    return http_reply({"id": "x", "object": "chat.completion", "model": "judge", "choices": [choice], "usage": usage})


def http_reply(document: object) -> bytes:
    body = json.dumps(document)
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return (head + body).encode()


_MODELS = http_reply({"object": "list", "data": [{"id": "judge", "object": "model"}]})


class _Answering(asyncio.Protocol):
    """Answers each request with the same bytes; it reads no more of it than its length."""

    def __init__(self, reply: bytes, latency_s: float, count: Callable[[], None]) -> None:
        self._reply = reply
        self._latency_s = latency_s
        self._count = count
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            size, reply = end + 4, _MODELS
            if head.startswith(b"post"):
                at = head.find(b"content-length:") + 15
                size, reply = size + int(head[at:].split(b"\r\n", 1)[0]), self._reply
            if len(self._buffer) < size:
                return
            self._buffer = self._buffer[size:]
            if reply is self._reply:
                self._count()
            if self._latency_s:
                asyncio.get_running_loop().call_later(self._latency_s, self._transport.write, reply)
            else:
                self._transport.write(reply)


def answering(reply: bytes, latency_s: float, count: Callable[[], None] = lambda: None) -> Callable[[], _Answering]:
    """A protocol for each connection of a server. ``count`` is called for each question that arrives."""
    return lambda: _Answering(reply, latency_s, count)


@contextmanager
def serving(reply: bytes, latency_s: float) -> Iterator[int]:
    """The port of a server on another core than ours, where there is another; we are pinned to one core meanwhile."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=_serve, args=(theirs, reply, latency_s), daemon=True)
    server.start()
    before = os.sched_getaffinity(0)
    try:
        port = ours.recv()
        _pin(0)
        yield port
    finally:
        os.sched_setaffinity(0, before)
        server.terminate()
        server.join()


def shared_numbers(path: str) -> memoryview:
    """Two numbers of 64 bits in a file, which outlive whoever writes them: a server's port, and how many questions have
    reached it."""
    with open(path, "r+b") as file:
        return memoryview(mmap(file.fileno(), 16)).cast("q")


def serve_counted(path: str, latency_s: float, reply: bytes) -> None:
    """The process of a server, at the port that stands in ``shared_numbers``, or where it is 0 at a free one."""
    numbers = shared_numbers(path)

    def count() -> None:
        numbers[1] += 1

    async def run() -> None:
        made = answering(reply, latency_s, count)
        server = await asyncio.get_running_loop().create_server(made, "127.0.0.1", numbers[0], backlog=2048)
        numbers[0] = server.sockets[0].getsockname()[1]
        await server.serve_forever()

    runner()(run())


def runner(wanted: bool = True) -> Callable[..., None]:
    """uvloop's loop where it is wanted and installed, asyncio's otherwise."""
    try:
        return importlib.import_module("uvloop").run if wanted else asyncio.run
    except ImportError:
        return asyncio.run


def _serve(pipe: Connection, reply: bytes, latency_s: float) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(answering(reply, latency_s), "127.0.0.1", 0, backlog=2048)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    _pin(1)
    runner()(run())


def _pin(core: int) -> None:
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[core % len(cores)]})
