"""How long the app's server takes for a page while several viewers read at once, without their browsers.

python -m bench.app_viewers DATABASE [--viewers 10] [--rounds 3] [--reading 3]

All viewers come at once to a server that was just started, and go through all pages, each from another page on, reading
each for --reading seconds on average; Runs asks for its progress by itself meanwhile. Measured is from the question to
the end of the page's script, with all parts received. What a browser then takes to draw is in app_pages.py: ten
browsers on one machine would measure the browsers.
Prints the median and the slowest seconds of each page, how many pages ended in an error, and the server's memory.
"""

import argparse
import asyncio
import random
import statistics
from collections import defaultdict
from pathlib import Path

from tests.app.serving import memory_mb, serving
from tests.app.viewer import Viewer

Seconds = dict[str, list[float]]  # by what was asked for


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("database", type=Path)
    parser.add_argument("--viewers", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--reading", type=float, default=3.0)
    args = parser.parse_args()
    taken: Seconds = defaultdict(list)
    with serving(args.database) as address:
        errors = asyncio.run(_crowd(address, args, taken))
        memory = memory_mb(address)
    for what, seconds in taken.items():
        print(f"{what:12} {statistics.median(seconds):6.3f} s, slowest of {len(seconds)} times {max(seconds):.3f} s")
    print(f"pages with an error: {errors}; server: {memory:.0f} MB")


async def _crowd(address: str, args: argparse.Namespace, taken: Seconds) -> int:
    return sum(await asyncio.gather(*(_look(address, number, args, taken) for number in range(args.viewers))))


async def _look(address: str, number: int, args: argparse.Namespace, taken: Seconds) -> int:
    """Go through all pages; returns how many ended in an error."""
    rng = random.Random(number)
    async with Viewer.visiting(address) as viewer:
        taken["arrival"].append(await viewer.open())
        start = number % len(viewer.titles)
        for title in [*viewer.titles[start:], *viewer.titles[:start]] * args.rounds:
            taken["progress"] += await viewer.read(rng.uniform(0, 2 * args.reading))
            taken[title].append(await viewer.turn_to(title))
        return viewer.errors


if __name__ == "__main__":
    main()
