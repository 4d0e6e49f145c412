"""Judgments a second, end to end: plan, render, ask over loopback, parse, store in SQLite; and how much memory.

    python -m bench.engine_throughput [--case 0:64 --case 50:256] [--trials 20000] [--reply text|logprobs]

A case is the server's latency in ms and the questions in flight. The server is another process, on another core where
there is one; everything else is pinned to one core. Prompts are about 3 KB, replies about 1 KB. Each measurement runs
in a process of its own, so that its peak is its own. Goals: at least 3,000 judgments/s at 0:64, 75 % of what the
latency allows at 50:256, below 150 MB, and for ``--trials 1000000`` within 50 MB of ``--trials 10000``.
"""

import argparse
import cProfile
import math
import multiprocessing
import pstats
import resource
import tempfile
import time
from itertools import islice
from pathlib import Path

from bench.loopback import chat_reply, http_reply, serving
from judgebench import engine, store
from judgebench.clients import openai  # noqa: F401  # loaded when first used, which is no part of a judgment's time
from judgebench.engine.runner import RunTally
from judgebench.records import Instruction, Model, Output
from judgebench.spec import Study, make
from judgebench.store.database import Database

_MODELS = 10
_PAGE = 500
_PAIRS = math.comb(_MODELS, 2)
_TEMPLATES = {"text": "pairwise/arena-hard", "logprobs": "pairwise/two-way"}


def reply_of(kind: str) -> bytes:
    """The judge's reply as a whole HTTP response: about 1 KB of text, or one letter with its log-probabilities."""
    if kind == "text":
        return chat_reply("because " * 110 + "[[A>B]]")
    top = [{"token": token, "logprob": -0.5 - rank, "bytes": None} for rank, token in enumerate("ABCDEFGHIJKLMNOPQRST")]
    choice = {
        "index": 0,
        "finish_reason": "stop",
        "message": {"role": "assistant", "content": "A"},
        "logprobs": {"content": [{**top[0], "top_logprobs": top}]},
    }
    usage = {"prompt_tokens": 700, "completion_tokens": 1, "total_tokens": 701}
    return http_reply({"object": "chat.completion", "model": "judge", "choices": [choice], "usage": usage})


def fill(database: Database, trials: int) -> None:
    """A benchmark whose all-pairs plan in both orders is at least ``trials`` long; outputs of about 700 characters."""
    numbers = iter(range(-(-trials // (2 * _PAIRS))))
    models = [f"model-{number}" for number in range(_MODELS)]
    with database.write() as connection:
        benchmark = store.benchmarks.add_benchmark(connection, "bench")
        for model in models:
            store.models.add_model(connection, Model(model))
    while page := list(islice(numbers, _PAGE)):
        asked = [Instruction((f"What is said of {number}? " + "word " * 60,)) for number in page]
        outputs = [Output(each.key, model, f"{model}: " + "answer " * 100) for each in asked for model in models]
        with database.write() as connection:
            store.benchmarks.add_instructions(connection, benchmark, asked)
            store.models.add_outputs(connection, benchmark, outputs)


def _measure(folder: str, wanted: Study, planned: int, profile: bool) -> None:
    database = Database(f"{folder}/bench.db")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    profiler = cProfile.Profile()
    started, cpu = time.perf_counter(), time.process_time()
    if profile:
        profiler.enable()
    report = engine.run.run(database, wanted, environment={}, on_progress=_silent)
    profiler.disable()
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    database.close()
    ended = sum(report.tally.ended.values())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"{ended / wall:8.0f} judgments/s {1000 * cpu / ended:7.3f} ms CPU each, {ended} of {planned} planned trials, "
        f"{report.tally.without_verdict} without verdict, {peak} MB peak ({before} MB before)",
        flush=True,
    )
    if profile:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(35)


def _silent(tally: RunTally, calls: int) -> None:
    """Nothing is shown while time is taken."""


def _case(latency_ms: float, in_flight: int, args: argparse.Namespace) -> None:
    with (
        tempfile.TemporaryDirectory(dir=args.folder) as folder,
        serving(reply_of(args.reply), latency_ms / 1000) as port,
    ):
        filling = multiprocessing.Process(target=_filled, args=(folder, args.trials))
        filling.start()
        filling.join()
        judge = {"model": "judge", "url": f"http://127.0.0.1:{port}/v1", "template": _TEMPLATES[args.reply]}
        fields = {"benchmark": "bench", "judge": judge, "all_pairs": True, "concurrency": in_flight}
        wanted = make(Study, fields, where="bench")
        print(f"{latency_ms:g} ms, {in_flight} in flight, {args.reply} replies:", end="", flush=True)
        measuring = multiprocessing.Process(target=_measure, args=(folder, wanted, args.trials, args.profile))
        measuring.start()
        measuring.join()


def _filled(folder: str, trials: int) -> None:
    database = Database(f"{folder}/bench.db", create=True)
    fill(database, trials)
    database.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trials", type=int, default=20000)
    parser.add_argument("--case", action="append", metavar="LATENCY_MS:IN_FLIGHT")
    parser.add_argument("--reply", choices=sorted(_TEMPLATES), default="text")
    parser.add_argument("--profile", action="store_true", help="print where the time of the engine's thread goes")
    parser.add_argument("--folder", type=Path, help="where the databases lie meanwhile; a disk's speed is measured too")
    args = parser.parse_args()
    multiprocessing.set_start_method("spawn")
    for case in args.case or ["0:64", "50:256"]:
        latency_ms, in_flight = case.split(":")
        _case(float(latency_ms), int(in_flight), args)


if __name__ == "__main__":
    main()
