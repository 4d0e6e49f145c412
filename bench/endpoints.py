"""One judge behind several servers: how much faster it is, and what it costs when one of them is killed.

    nice -n -10 python -m bench.endpoints rate [--endpoints 4] [--latency-ms 50] [--in-flight 64] [--trials 5000]
    nice -n -10 python -m bench.endpoints kill [--endpoints 4] [--trials 24000]
    python -m bench.endpoints shared [--endpoints 4] [--slots 64]

``rate``: plan, render, ask over loopback, parse and store, by one endpoint and by several, in turns, so many questions
in flight at each. ``kill``: one is killed at a third of the trials and started again at half of them. ``shared``: no
servers; how evenly questions are spread, and how many find their beginning at the server that they go to, by what
counts as the same beginning. Servers are processes of their own, of which each counts the questions that reach it.
Goals: 4 endpoints at least 2.9 times one; of a kill no failure, and no more asked than stored and in flight.
"""

import argparse
import asyncio
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.engine_throughput import fill, reply_of
from bench.loopback import shared_numbers
from judgebench import engine
from judgebench.clients import openai  # noqa: F401  # loaded when first used, which is no part of a judgment's time
from judgebench.clients.base import Client
from judgebench.clients.pool import Pool
from judgebench.clients.retry import RetryingClient
from judgebench.engine.runner import RunTally
from judgebench.records import ChatPrompt, Completion, Prompt, PromptMessage, Status
from judgebench.spec import Study, make
from judgebench.store.database import Database
from judgebench.store.transfer import check

_TEMPLATE = "pairwise/arena-hard"
_KILL_AT, _START_AT = 1 / 3, 1 / 2  # of the trials


class Endpoint:
    """A judge's server in a process of its own, which may be killed and started again at the same address."""

    def __init__(self, folder: str, number: int, latency_s: float) -> None:
        path = Path(folder) / f"server-{number}"
        path.write_bytes(bytes(16))
        self._numbers = shared_numbers(str(path))
        self._code = (
            f"import bench.loopback as at; at.serve_counted({str(path)!r}, {latency_s!r}, {reply_of('text')!r})"
        )
        self.start()

    def start(self) -> None:
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
        self._process = subprocess.Popen([sys.executable, "-c", self._code], env=environment)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    @property
    def asked(self) -> int:
        """Questions that reached it so far."""
        return self._numbers[1]

    def wait(self) -> str:
        """Its address, once somebody can connect. Raises RuntimeError where the process has ended."""
        while self._process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self._numbers[0]), timeout=1.0):
                return f"http://127.0.0.1:{self._numbers[0]}/v1"
            time.sleep(0.01)
        raise RuntimeError("a server of the measurement has ended")


@contextmanager
def endpoints(number: int, latency_s: float) -> Iterator[list[Endpoint]]:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        started = [Endpoint(folder, place, latency_s) for place in range(number)]
        for endpoint in started:
            stack.callback(endpoint.kill)
        yield started


@contextmanager
def filled(trials: int) -> Iterator[Database]:
    """A database whose all-pairs plan in both orders is at least ``trials`` long."""
    with tempfile.TemporaryDirectory() as folder, closing(Database(f"{folder}/bench.db", create=True)) as database:
        fill(database, trials)
        yield database


def study(urls: list[str], in_flight: int) -> Study:
    judge = {"model": "judge", "url": urls, "template": _TEMPLATE}
    fields = {"benchmark": "bench", "judge": judge, "all_pairs": True, "concurrency": in_flight}
    return make(Study, fields, where="bench")


@dataclass(frozen=True, slots=True)
class Rate:
    verdicts_s: float  # verdicts a second
    cpu_ms: float  # of this process, a verdict


def rate(urls: list[str], in_flight: int, trials: int) -> Rate:
    with filled(trials) as database:
        started, cpu = time.perf_counter(), time.process_time()
        report = engine.run.run(database, study(urls, in_flight), environment={}, on_progress=_silent)
        wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    assert report.tally.pending == 0
    return Rate(report.tally.planned / wall, 1000 * cpu / report.tally.planned)


def _silent(tally: RunTally, calls: int) -> None:
    """Nothing is shown while time is taken."""


@dataclass(frozen=True, slots=True)
class Account:
    """What became of a run of which one server was killed and started again."""

    trials: int
    ended: Mapping[Status, int]
    stored: int  # verdicts
    asked: int  # questions that reached the servers
    in_flight: int  # at most
    asked_again: int  # of the one that was killed, since it was started again
    told: tuple[str, ...]  # in the report

    @property
    def wrong(self) -> tuple[str, ...]:
        """What is not as it should be."""
        checks = {
            "not all trials were answered": self.ended.get(Status.OK, 0) == self.trials == self.stored,
            "more was asked than stored and in flight": 0 <= self.asked - self.stored <= self.in_flight,
            "the server that was killed is not used again": self.asked_again > 0,
            "the report does not name the server that was killed": any("left out" in text for text in self.told),
        }
        return tuple(text for text, holds in checks.items() if not holds)


def killed(number: int, trials: int, *, in_flight: int, latency_s: float) -> Account:
    """Run a study while the last of the servers is killed and started again."""
    with endpoints(number, latency_s) as started, filled(trials) as database:
        asked_before: list[int] = []
        is_killed = False

        def disturb(tally: RunTally, calls: int) -> None:
            nonlocal is_killed
            done = sum(tally.ended.values()) / tally.planned
            if not is_killed and done >= _KILL_AT:
                is_killed = True
                started[-1].kill()
            if not asked_before and done >= _START_AT:
                asked_before.append(started[-1].asked)
                started[-1].start()
                started[-1].wait()

        wanted = study([endpoint.wait() for endpoint in started], in_flight)
        report = engine.run.run(database, wanted, environment={}, on_progress=disturb)
        return Account(
            trials=report.tally.planned,
            ended=report.tally.ended,
            stored=check(database).rows["verdicts"],
            asked=sum(endpoint.asked for endpoint in started),
            in_flight=in_flight,
            asked_again=started[-1].asked - asked_before[0],
            told=report.changed,
        )


class _Slotted:
    """A server of so many slots, which knows the beginnings that it was asked last."""

    def __init__(self, slots: asyncio.Semaphore, rng: random.Random) -> None:
        self._slots, self._rng = slots, rng
        self._known: dict[str, None] = {}
        self.outcomes: Counter[str] = Counter()

    async def complete(self, prompt: Prompt, settings: Mapping[str, Any]) -> Completion:
        assert isinstance(prompt, ChatPrompt)
        beginning = prompt.messages[0].content
        async with self._slots:
            self.outcomes["known" if beginning in self._known else "new"] += 1
            self._known.pop(beginning, None)
            self._known[beginning] = None
            if len(self._known) > 100:
                del self._known[next(iter(self._known))]
            await asyncio.sleep(self._rng.uniform(0.01, 0.03))
        return Completion("A")

    async def close(self) -> None:
        return


async def _shared(number: int, slots: int, pairs: int, by: str) -> tuple[float, float]:
    """Questions a second, and the share that found their beginning known."""
    rng = random.Random(1)  # no secret
    servers = [_Slotted(asyncio.Semaphore(slots), rng) for _ in range(number)]
    named: dict[str, Client] = {f"http://gpu{place}/v1": server for place, server in enumerate(servers)}
    client = RetryingClient(Pool(named, number * slots))
    questions = iter([(at, pair) for at in range(24000 // (2 * pairs)) for pair in range(pairs) for _ in "AB"])

    async def work() -> None:
        for at, pair in questions:
            alike = {"nothing": None, "instruction": f"{at}", "battle": f"{at} {pair}"}[by]
            await client.complete(ChatPrompt((PromptMessage("user", f"{at}"),), alike), {})

    started = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(number * slots)))
    wall = time.perf_counter() - started
    await client.close()
    total = sum((server.outcomes for server in servers), Counter[str]())
    return total.total() / wall, total["known"] / total.total()


def _load() -> str:
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, niceness {os.nice(0)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["rate", "kill", "shared"])
    parser.add_argument("--endpoints", type=int, default=4)
    parser.add_argument("--latency-ms", type=float, default=50)
    parser.add_argument("--in-flight", type=int, default=64, help="at each endpoint")
    parser.add_argument("--trials", type=int, help="of one endpoint, or of all where one is killed")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    number, latency_s = args.endpoints, args.latency_ms / 1000
    if args.what == "kill":
        account = killed(number, args.trials or 24000, in_flight=number * args.in_flight, latency_s=latency_s)
        print(account)
        print("wrong: " + ("; ".join(account.wrong) or "nothing"), _load(), sep="\n")
        raise SystemExit(1 if account.wrong else 0)
    if args.what == "shared":
        for pairs in (1, 5, 45):
            for by in ("nothing", "instruction", "battle"):
                rate_s, share = engine.runner.run_async(_shared(number, args.in_flight, pairs, by))
                kept = f"{rate_s:6.0f}/s, {share:.1%} known"
                print(f"{pairs:3d} pairs an instruction, alike by {by:11}: {kept}", flush=True)
        return
    ratios = []
    with endpoints(number, latency_s) as started:
        urls = [endpoint.wait() for endpoint in started]
        for _ in range(args.rounds):
            one = rate(urls[:1], args.in_flight, args.trials or 5000)
            all_of_them = rate(urls, number * args.in_flight, number * (args.trials or 5000))
            ratios.append(all_of_them.verdicts_s / one.verdicts_s)
            print(
                f"1 endpoint {one.verdicts_s:5.0f}/s {one.cpu_ms:.3f} ms CPU a verdict; {number} endpoints "
                f"{all_of_them.verdicts_s:5.0f}/s {all_of_them.cpu_ms:.3f} ms; ratio {ratios[-1]:.2f}; {_load()}",
                flush=True,
            )
    print(f"median ratio {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
