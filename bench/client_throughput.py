"""Requests a second through the client, its retry loop and its throttle, against a loopback server.

    python bench/client_throughput.py [--requests 20000] [--latency-ms 0 50] [--in-flight 64 256] [--uvloop]

The server is another process, on another core where there is one; the client is pinned to one core. Both directions
carry what judging carries: about 3 KB of prompt, about 1 KB of reply.
"""

import argparse
import asyncio
import importlib
import json
import multiprocessing
import os
import resource
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

from judgebench.clients.openai_api import OpenAIClient
from judgebench.clients.retry import retrying
from judgebench.clients.throttle import Throttle
from judgebench.records import ChatPrompt, Message

_PROMPT = ChatPrompt((Message("system", "You compare two outputs. " * 20), Message("user", "word " * 500)))
_SETTINGS = {"temperature": 0, "max_tokens": 512}


def _reply() -> bytes:
    message = {"role": "assistant", "content": "because " * 90 + "[[A]]"}
    usage = {"prompt_tokens": 700, "completion_tokens": 180, "total_tokens": 880}
    choice = {"index": 0, "finish_reason": "stop", "logprobs": None, "message": message}
    body = json.dumps({"id": "x", "object": "chat.completion", "model": "judge", "choices": [choice], "usage": usage})
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return (head + body).encode()


class _Answering(asyncio.Protocol):
    """Answers each request with the same bytes; it reads no more of it than its length."""

    def __init__(self, reply: bytes, latency_s: float) -> None:
        self._reply = reply
        self._latency_s = latency_s
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            at = head.find(b"content-length:") + 15
            size = end + 4 + int(head[at:].split(b"\r\n", 1)[0])
            if len(self._buffer) < size:
                return
            self._buffer = self._buffer[size:]
            if self._latency_s:
                asyncio.get_running_loop().call_later(self._latency_s, self._transport.write, self._reply)
            else:
                self._transport.write(self._reply)


def _serve(pipe: Connection, latency_s: float) -> None:
    async def run() -> None:
        reply = _reply()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Answering(reply, latency_s), "127.0.0.1", 0, backlog=2048)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    _pin(1)
    _runner()(run())


def _pin(core: int) -> None:
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[core % len(cores)]})


def _runner(wanted: bool = True) -> Callable[..., None]:
    """uvloop's loop where it is wanted and installed, asyncio's otherwise."""
    try:
        return importlib.import_module("uvloop").run if wanted else asyncio.run
    except ImportError:
        return asyncio.run


async def _drive(port: int, requests: int, in_flight: int, bare: bool) -> None:
    inner = OpenAIClient(f"http://127.0.0.1:{port}/v1", "judge", api_key="sk-bench-0123456789")
    client = inner if bare else retrying(inner, throttle=Throttle(in_flight))
    left = iter(range(requests))

    async def worker() -> None:
        for _ in left:
            await client.complete(_PROMPT, _SETTINGS)

    started, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(worker() for _ in range(in_flight)))
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    await client.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{requests / wall:10.0f} requests/s {1000 * cpu / requests:8.3f} ms CPU each {peak:6d} MB peak", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--requests", type=int, default=20000)
    parser.add_argument("--latency-ms", type=float, nargs="+", default=[0, 50])
    parser.add_argument("--in-flight", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--uvloop", action="store_true", help="run the client on uvloop")
    parser.add_argument("--bare", action="store_true", help="without the retry loop and the throttle")
    args = parser.parse_args()
    for latency_ms in args.latency_ms:
        ours, theirs = multiprocessing.Pipe()
        server = multiprocessing.Process(target=_serve, args=(theirs, latency_ms / 1000), daemon=True)
        server.start()
        port = ours.recv()
        _pin(0)
        for in_flight in args.in_flight:
            print(f"{latency_ms:g} ms, {in_flight:4d} in flight:", end="", flush=True)
            _runner(args.uvloop)(_drive(port, args.requests, in_flight, args.bare))
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
        server.terminate()
        server.join()


if __name__ == "__main__":
    main()
