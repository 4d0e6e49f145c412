"""Seconds of the processor that what pages rest on takes, each asked for the first time in a process of its own.

    python -m bench.page_services DATABASE [--only bias card ...]

The benchmark with most verdicts is taken, and the judge with most there. The leaderboard is there before the others,
as the app reads it while it starts. Processor time does not depend on what else the machine does, as a browser's
seconds do (app_first.py). Prints the largest memory of the process, too.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

from judgebench import services
from judgebench.services.pages import Database, Leaderboard

_Ask = Callable[[Database, str, str], object]  # of a benchmark, and a judge


def _board(database: Database, benchmark: str) -> Leaderboard:
    return services.leaderboards.leaderboard(database, benchmark)


def _beside(database: Database, benchmark: str) -> object:
    return services.leaderboards.beside(database, benchmark, _board(database, benchmark), controlled=False)


SERVICES: dict[str, _Ask] = {
    "leaderboard": lambda database, benchmark, judge: _board(database, benchmark),
    "beside": lambda database, benchmark, judge: _beside(database, benchmark),
    "model": lambda database, benchmark, judge: services.profiles.profile(
        database, benchmark, _board(database, benchmark).rows[0].model, styled=False
    ),
    "bias": lambda database, benchmark, judge: services.bias.bias(database, benchmark),
    "card": lambda database, benchmark, judge: services.cards.card(database, judge, benchmark=benchmark),
    "matrix": lambda database, benchmark, judge: services.leaderboards.matrix(database, benchmark),
    "categories": lambda database, benchmark, judge: services.part_rates.category_rates(database, benchmark),
    "agreement": lambda database, benchmark, judge: services.agreement.agreement(database, benchmark),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("database", type=Path)
    parser.add_argument("--only", nargs="+", choices=list(SERVICES), default=list(SERVICES))
    parser.add_argument("--here", action="store_true", help="in this process")
    args = parser.parse_args()
    if args.here:
        _measure(args.database, args.only[0])
        return
    for name in args.only:
        command = [sys.executable, "-m", "bench.page_services", str(args.database), "--only", name, "--here"]
        subprocess.run(command, check=True)


def _measure(path: Path, name: str) -> None:
    with closing(Database(str(path))) as database:
        benchmark = services.benchmarks.usual(services.benchmarks.benchmarks(database)).name
        judge = "" if name == "leaderboard" else _board(database, benchmark).judges[0]
        started = time.process_time()
        SERVICES[name](database, benchmark, judge)
        taken = time.process_time() - started
    print(f"{name:12} {taken:6.2f} s CPU {getrusage(RUSAGE_SELF).ru_maxrss / 1024:6.0f} MiB at most", flush=True)


if __name__ == "__main__":
    main()
