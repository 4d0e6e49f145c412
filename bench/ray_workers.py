"""What workers of Ray are worth: python -m bench.ray_workers [--rounds 3] [--instructions 40] [--questions 3000]

Two ratios of rates, each of runs that follow each other on this machine, with one thread of BLAS a process and a new
database each: the embedded judge in two workers to the same judge in this process, and a server that takes 50 ms, 64
questions at a time, asked by one worker to the same asked from here. A rate is from the first verdict to the last, so
that starting is left out and told apart. Give it processor time: nice -n -10.
"""

import argparse
import os
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from bench.loopback import chat_reply, serving
from judgebench import engine
from judgebench.engine.runner import RunTally
from judgebench.records import Instruction
from judgebench.spec import Study, make
from judgebench.store.database import Database
from tests.filling import submitted

_LATENCY_S = 0.05
_IN_FLIGHT = 64
_TEXT = "It depends on what is asked, and on whom. " * 28  # 1.2 KB
_SHORT = "It depends on what is asked, and on whom."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--instructions", type=int, default=40, help="of the embedded judge, each asked in two orders")
    parser.add_argument("--questions", type=int, default=3000, help="of the server")
    args = parser.parse_args()
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    embedded = {"model": "embedded"}
    _compare("embedded judge, 2 workers", args.instructions, embedded, workers=2, rounds=args.rounds, concurrency=8)
    with serving(chat_reply("[[A]]"), _LATENCY_S) as port:
        os.sched_setaffinity(0, range(os.cpu_count() or 1))  # of all that is started from here
        judge = {"model": "judge", "url": f"http://127.0.0.1:{port}/v1", "template": "pairwise/two-way"}
        count = args.questions // 2
        _compare("server of 50 ms, 1 worker", count, judge, workers=1, rounds=args.rounds, concurrency=_IN_FLIGHT)


def _compare(
    name: str, instructions: int, judge: dict[str, Any], *, workers: int, rounds: int, concurrency: int
) -> None:
    ratios = []
    for number in range(rounds):
        text = _SHORT if judge["model"] == "embedded" else _TEXT
        here, begun_here = _rate(instructions, judge, concurrency, text)
        there, begun_there = _rate(instructions, judge | {"ray": {"workers": workers}}, concurrency, text)
        ratios.append(there / here)
        print(
            f"{name}, round {number + 1}: here {here:.1f}/s (first after {begun_here:.1f} s), on Ray {there:.1f}/s "
            f"(first after {begun_there:.1f} s), {there / here:.2f} times",
            flush=True,
        )
    print(
        f"{name}: {median(ratios):.2f} times, the median of {rounds} ({min(ratios):.2f} to {max(ratios):.2f})",
        flush=True,
    )


def _rate(instructions: int, judge: dict[str, Any], concurrency: int, text: str) -> tuple[float, float]:
    """Verdicts a second between the first progress that shows any and the end, and seconds until then."""
    asked = [Instruction((f"What about {number}? {text}",)) for number in range(instructions)]
    with tempfile.TemporaryDirectory() as folder:
        database = Database(str(Path(folder) / "bench.db"), create=True)
        submitted(database, asked, ["alpha", "beta"], lambda model, number: f"{model} says {number}. {text}")
        fields = {"benchmark": "bench", "judge": judge, "all_pairs": True, "concurrency": concurrency}
        seen: list[tuple[float, int]] = []

        def watch(tally: RunTally, calls: int) -> None:
            if ended := sum(tally.ended.values()):
                seen.append((perf_counter(), ended))

        start = perf_counter()
        report = engine.run.run(database, make(Study, fields, where="bench"), environment={}, on_progress=watch)
        database.close()
    assert report.tally.pending == report.tally.without_verdict == 0
    (first, before), (last, after) = seen[0], seen[-1]
    return (after - before) / (last - first), first - start


if __name__ == "__main__":
    main()
