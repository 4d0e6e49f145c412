"""How long every page of the app takes to be ready, in a real browser.

python -m bench.app_pages DATABASE [--repeats 5] [--pages Leaderboard Battles ...] [--chromium /usr/bin/chromium]
python -m bench.app_pages DATABASE --viewers 10

The first line is Streamlit alone, see streamlit_alone.py: a title, a chart and a table without anything behind them.
No page of this kind can be faster; what a page takes beyond it, in the same run, is ours. It is measured first and
again at the end, since a machine with other work is not as fast at every time.

Cold: the first visit by a fresh browser to a server that was just started, so nothing is imported, read or cached.
Reload: another fresh browser on the same server. Warm: a click in the navigation, in a window that has seen the page.
Ready is when the page's last part is there: charts drawn, tables in place. Prints one line a page, medians in seconds.
With --viewers, so many browsers go through all pages at once, reading each for 3 seconds on average. Prints each page's
median and slowest warm visit, how many pages showed an error, and the server's memory. All browsers share this machine.
"""

import argparse
import os
import random
import statistics
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.app.serving import listening, serving

_READING_S = 3.0  # on average
_TABLE, _CHART = "[data-testid=stDataFrame] canvas", "[data-testid=stVegaLiteChart] svg"
_ALONE, _SECOND = "Streamlit alone", "Second"
_SCRIPT = Path(__file__).with_name("streamlit_alone.py")
PAGES = {
    "Leaderboard": ("/", (_CHART, _TABLE, "[data-testid=stDownloadButton]")),
    "Matrix": ("/matrix", (_CHART, _TABLE)),
    "Battles": ("/battles", (_TABLE,)),
    "Bias": ("/bias", (_CHART, _TABLE)),
    "Judges": ("/judges", (_TABLE,)),
    "Audits": ("/audits", ("[data-testid=stCode], [data-testid=stDataFrame]",)),
    "Vote": ("/vote", ("[data-testid=stProgress]",)),
    "Submit": ("/submit", ("[data-testid=stFileUploader]",)),
    "Runs": ("/runs", (_TABLE,)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("database", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--pages", nargs="+", choices=list(PAGES), default=list(PAGES))
    parser.add_argument("--viewers", type=int, default=0)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    args = parser.parse_args()
    if args.viewers:
        _crowd(args)
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=args.chromium, args=["--no-sandbox"])
        print(f"{'page':15} {'cold':>6} {'reload':>7} {'warm':>6}  worst of {args.repeats}: cold, reload, warm")
        for title in (_ALONE, *args.pages, _ALONE):
            _line(title, [_measure(browser, args.database, title) for _ in range(args.repeats)])
        browser.close()


def _line(title: str, times: list[tuple[float, float, float]]) -> None:
    middle = [statistics.median(column) for column in zip(*times, strict=True)]
    worst = ", ".join(f"{max(column):.2f}" for column in zip(*times, strict=True))
    print(f"{title:15} {middle[0]:6.2f} {middle[1]:7.2f} {middle[2]:6.2f}  {worst}", flush=True)


def _alone(port: int) -> list[str]:
    options = ["--server.headless=true", "--browser.gatherUsageStats=false", "--server.fileWatcherType=none"]
    return [sys.executable, "-m", "streamlit", "run", str(_SCRIPT), f"--server.port={port}", *options]


def _measure(browser: Any, database: Path, title: str) -> tuple[float, float, float]:
    path, ready = ("/", (_CHART, _TABLE)) if title == _ALONE else PAGES[title]
    other = _SECOND if title == _ALONE else next(name for name in ("Submit", "Leaderboard") if name != title)
    with listening(_alone) if title == _ALONE else serving(database) as address:
        first = browser.new_page()
        cold = _timed(lambda: first.goto(address + path), first, title, ready)
        first.context.close()
        page = browser.new_page()
        reload = _timed(lambda: page.goto(address + path), page, title, ready)
        page.get_by_role("link", name=other).click()
        _wait(page, other, PAGES[other][1] if other in PAGES else ())
        time.sleep(0.5)
        warm = _timed(lambda: page.get_by_role("link", name=title, exact=True).click(), page, title, ready)
        page.context.close()
    return cold, reload, warm


def _crowd(args: argparse.Namespace) -> None:
    """Each viewer is a thread with a browser of its own: playwright's objects belong to one thread."""
    with serving(args.database) as address, ThreadPoolExecutor(args.viewers) as pool:
        alone = _Viewer(args.chromium, address, args.pages, threading.Barrier(1))
        alone.look(0)  # nobody waits for what the first visitor pays for
        crowd = _Viewer(args.chromium, address, args.pages, threading.Barrier(args.viewers))
        looks = list(pool.map(crowd.look, range(args.viewers)))
        print(f"server: {_memory_mb(address):.0f} MB")
    for title in args.pages:
        times = [times[title] for times, _ in looks]
        print(f"{title:12} {statistics.median(times):6.2f} s, slowest of {args.viewers} viewers {max(times):.2f} s")
    print(f"pages with an error: {sum(errors for _, errors in looks)}")


@dataclass(frozen=True)
class _Viewer:
    """Goes through the pages by clicks in one window, each number from another page on, and reads each for a while."""

    chromium: str
    address: str
    titles: list[str]
    there: threading.Barrier  # nobody clicks before all browsers have started

    def look(self, number: int) -> tuple[dict[str, float], int]:
        """Seconds of each page, and how many showed an error."""
        rng, errors, times = random.Random(number), 0, {}
        start = number % len(self.titles)
        order = [*self.titles[start:], *self.titles[:start]]
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=self.chromium, args=["--no-sandbox"])
            page = browser.new_page()
            page.set_default_timeout(120_000)
            page.goto(f"{self.address}{PAGES[order[-1]][0]}")
            _wait(page, order[-1], PAGES[order[-1]][1])
            self.there.wait()
            for title in order:
                time.sleep(rng.uniform(0, 2 * _READING_S))
                link = page.get_by_role("link", name=title, exact=True)
                times[title] = _timed(link.first.click, page, title, PAGES[title][1])
                errors += page.locator("[data-testid=stException]").count()
            browser.close()
        return times, errors


def _memory_mb(address: str) -> float:
    """Resident memory of the process that listens there, by Linux's own account."""
    port = f"{int(address.rsplit(':', 1)[1]):04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()
    inode = next(line.split()[9] for line in lines if line.split()[1].endswith(":" + port) and line.split()[3] == "0A")
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if any(os.readlink(each) == f"socket:[{inode}]" for each in (process / "fd").iterdir()):
                status = (process / "status").read_text()
                return int(status.split("VmRSS:")[1].split()[0]) / 1024
    return float("nan")


def _timed(act: Any, page: Any, title: str, ready: tuple[str, ...]) -> float:
    begun = time.perf_counter()
    act()
    _wait(page, title, ready)
    return time.perf_counter() - begun


def _wait(page: Any, title: str, ready: tuple[str, ...]) -> None:
    page.locator("h1", has_text=title).wait_for()
    for selector in ready:
        page.locator(selector).first.wait_for()
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')


if __name__ == "__main__":
    main()
