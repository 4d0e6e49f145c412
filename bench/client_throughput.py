"""Requests a second through the client, its retry loop and its throttle, against a loopback server.

    python -m bench.client_throughput [--requests 20000] [--latency-ms 0 50] [--in-flight 64 256] [--uvloop]

The server is another process, on another core where there is one; the client is pinned to one core. Both directions
carry what judging carries: about 3 KB of prompt, about 1 KB of reply.
"""

import argparse
import asyncio
import resource
import time

from bench.loopback import chat_reply, runner, serving
from judgebench.clients.base import Access
from judgebench.clients.openai import OpenAIClient
from judgebench.clients.retry import RetryingClient, Throttle
from judgebench.records import ChatPrompt, PromptMessage

_PROMPT = ChatPrompt((PromptMessage("system", "You compare two outputs. " * 20), PromptMessage("user", "word " * 500)))
_REPLY = chat_reply("because " * 90 + "[[A]]")
_SETTINGS = {"temperature": 0, "max_tokens": 512}


async def _drive(port: int, requests: int, in_flight: int, bare: bool) -> None:
    inner = OpenAIClient(Access("judge", f"http://127.0.0.1:{port}/v1", "sk-bench-0123456789"))
    client = inner if bare else RetryingClient(inner, throttle=Throttle(in_flight))
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
        with serving(_REPLY, latency_ms / 1000) as port:
            for in_flight in args.in_flight:
                print(f"{latency_ms:g} ms, {in_flight:4d} in flight:", end="", flush=True)
                runner(args.uvloop)(_drive(port, args.requests, in_flight, args.bare))


if __name__ == "__main__":
    main()
