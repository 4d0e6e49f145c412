"""How long every page of the app takes to be ready, in a real browser.

python -m bench.app_pages DATABASE [--repeats 5] [--pages Leaderboard Battles ...]

The first line is Streamlit alone, see streamlit_alone.py: a title, a chart and a table without anything behind them, as
``streamlit run`` starts them. Pages compare with it in the same run; it is measured first and again at the end, since a
machine with other work is not as fast at every time.

Start: from the command until the server answers. Cold: the first visit, by a fresh browser, as soon as it does.
Reload: another fresh browser on the same server. Warm: a click in the navigation, in a window that has seen the page.
Ready is when the page's last part is there: charts drawn, tables in place; all but length-controlled win rates, which
app_first.py waits for. Prints one line a page, medians in seconds.
Many viewers at once: app_viewers.py.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.app.serving import listening, serving
from tests.app.visit import launched

_FRAME, _CHART = "[data-testid=stDataFrame] canvas", "[data-testid=stVegaLiteChart] svg"
_ALONE, _SECOND = "Streamlit alone", "Second"
_SCRIPT = Path(__file__).with_name("streamlit_alone.py")
PAGES = {
    "Leaderboard": ("/", ("table.jb tbody a", ".jb-plot", "[data-testid=stDownloadButton]")),
    "Matrix": ("/matrix", ("table.jb td a",)),
    "Battles": ("/battles", ("[aria-label=Battles]",)),
    "Bias": ("/bias", (_CHART, "table.jb")),
    "Judges": ("/judges", ("table.jb",)),
    "Audits": ("/audits", ("[data-testid=stExpander]",)),
    "Vote": ("/vote", ("[data-testid=stProgress]",)),
    "Submit": ("/submit", ("[data-testid=stFileUploader]",)),
    "Runs": ("/runs", ("[aria-label='All runs in the database']",)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("database", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--pages", nargs="+", choices=list(PAGES), default=list(PAGES))
    args = parser.parse_args()
    with sync_playwright() as playwright:
        browser = launched(playwright)
        print(f"{'page':15} {'start':>6} {'cold':>6} {'reload':>6} {'warm':>6}  worst of {args.repeats}")
        for title in (_ALONE, *args.pages, _ALONE):
            _line(title, [_measure(browser, args.database, title) for _ in range(args.repeats)])
        browser.close()


def _line(title: str, times: list[tuple[float, ...]]) -> None:
    columns = list(zip(*times, strict=True))
    middle = " ".join(f"{statistics.median(column):6.2f}" for column in columns)
    worst = ", ".join(f"{max(column):.2f}" for column in columns)
    print(f"{title:15} {middle}  {worst}", flush=True)


def _alone(port: int) -> list[str]:
    options = ["--server.headless=true", "--browser.gatherUsageStats=false", "--server.fileWatcherType=none"]
    return [sys.executable, "-m", "streamlit", "run", str(_SCRIPT), f"--server.port={port}", *options]


def _measure(browser: Any, database: Path, title: str) -> tuple[float, ...]:
    """Seconds: start, cold, reload, warm."""
    path, ready = ("/", (_CHART, _FRAME)) if title == _ALONE else PAGES[title]
    other = _SECOND if title == _ALONE else next(name for name in ("Submit", "Leaderboard") if name != title)
    begun = time.perf_counter()
    with listening(_alone) if title == _ALONE else serving(database) as address:
        start = time.perf_counter() - begun
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
    return start, cold, reload, warm


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
