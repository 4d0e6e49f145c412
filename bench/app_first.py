"""How long every page of the app takes when it is first asked for, and again, in a real browser.

    python -m bench.app_first DATABASE [--repeats 3] [--rest 20] [--pages Bias ...]

A browser opens the leaderboard of a fresh server. Length-controlled win rates, computed once the page is there, have a
line of their own: seconds from when the page is there until they are. Then the server rests for so many seconds, and
the browser goes from the leaderboard to every page that the app lists, within the session: by a click in the menu, or
by a link where no menu has it (first), and then through all of them again (again). Seconds until the page's script has
ended and its charts are drawn; and seconds of the processor that the server took for it, which do not depend on what
else the machine does, with their ratio to those of the leaderboard when it is seen again. Medians, as lines of a table
in Markdown.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from judgebench import services
from judgebench.services.pages import Database
from tests.app.pages import pages, views
from tests.app.serving import memory_mb, processor_s, serving
from tests.app.visit import launched

_AWAITED = "table.jb .awaited"  # cells whose numbers are still being computed
_HOME = "Leaderboard"
_DRAWN = """() => document.querySelector('[data-testid="stApp"][data-test-script-state="notRunning"]')
  && !document.querySelector("[data-testid=stSkeleton]")
  && [...document.querySelectorAll("[data-testid=stVegaLiteChart]")].every((it) => it.querySelector("svg, canvas"))"""
_PAUSE_S = 0.5  # after a page, so that what it still does is not counted with the next
_PATIENCE_MS = 120_000  # a first read of a large database while the machine does other work
Times = dict[str, list[tuple[float, float]]]  # by title: seconds until it was there, and of the server's processor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("database", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--rest", type=float, default=20)
    parser.add_argument("--pages", nargs="+", choices=[page.title for page in pages()], help="these alone")
    args = parser.parse_args()
    with sync_playwright() as playwright:
        browser = launched(playwright)
        rounds = [_round(browser, args) for _ in range(args.repeats)]
        browser.close()
    print("| page | first, s | again, s | server first, s CPU | server again, s CPU | times the leaderboard |")
    print("|---|---|---|---|---|---|")
    home = _median(rounds, _HOME, 1, 1)
    for title in rounds[0][0]:
        seen = [f"{_median(rounds, title, visit, kind):.2f}" for kind in (0, 1) for visit in (0, 1)]
        print(f"| {title} | {' | '.join(seen)} | {_median(rounds, title, 1, 1) / home:.1f} |")
    controlled, memory = (statistics.median(column) for column in zip(*(more for _, more in rounds), strict=True))
    print(f"\nLC win rates {controlled:.2f} s after the leaderboard; the server {memory:.0f} MB at the end")


def _median(rounds: list[tuple[Times, tuple[float, float]]], title: str, visit: int, kind: int) -> float:
    return statistics.median(times[title][visit][kind] for times, _ in rounds)


def _links(database: Path) -> dict[str, str]:
    """An address of each page by its title."""
    with closing(Database(str(database))) as opened:
        benchmark = services.benchmarks.usual(services.benchmarks.benchmarks(opened)).name
    return {page.title: path for page, path in zip(pages(), views(database, benchmark), strict=False)}


def _round(browser: Any, args: argparse.Namespace) -> tuple[Times, tuple[float, float]]:
    """Of each page, first and again; seconds until length-controlled win rates were there, and MB at the end."""
    links = _links(args.database)
    chosen = [title for title in links if title != _HOME and (not args.pages or title in args.pages)]
    with serving(args.database) as address:
        page = browser.new_page()
        page.set_default_timeout(_PATIENCE_MS)
        times: Times = {_HOME: [_timed(page, address, _HOME, lambda: page.goto(address))]}
        controlled = _until_none(page.locator(_AWAITED))
        time.sleep(args.rest)
        for _ in ("first", "again"):
            for title in chosen:
                seen = _timed(page, address, title, lambda title=title: _open(page, title, links[title]))
                times.setdefault(title, []).append(seen)
                back = _timed(page, address, _HOME, lambda: _open(page, _HOME, "/"))
        times[_HOME].append(back)
        memory = memory_mb(address)
        page.context.close()
    return times, (controlled, memory)


def _timed(page: Any, address: str, title: str, act: Callable[[], object]) -> tuple[float, float]:
    begun, processor = time.perf_counter(), processor_s(address)
    act()
    page.locator("h1", has_text=title).wait_for()
    page.wait_for_function(_DRAWN)
    taken = time.perf_counter() - begun
    time.sleep(_PAUSE_S)
    return taken, processor_s(address) - processor


def _until_none(cells: Any) -> float:
    """Seconds until none of these is on the page."""
    begun = time.perf_counter()
    while cells.count():
        time.sleep(0.05)
    return time.perf_counter() - begun


def _open(page: Any, title: str, path: str) -> None:
    """By the menu; where that does not have it, by a link of ours, which leads on within the session."""
    menu = page.get_by_role("link", name=title, exact=True)
    if any(one.title == title and one.in_menu for one in pages()):
        menu.first.click()
        return
    page.evaluate(
        """(address) => { const link = Object.assign(document.createElement("a"), { href: address, textContent: "on" });
        document.querySelector("[data-testid=stMain] .stHtml").append(link); link.click(); link.remove(); }""",
        path,
    )


if __name__ == "__main__":
    main()
