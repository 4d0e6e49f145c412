"""How long every page of the app takes to be ready, in a real browser.

python -m bench.app_pages DATABASE [--repeats 5] [--chromium /usr/bin/chromium]

Cold: the first visit by a fresh browser to a server that was just started, so nothing is imported, read or cached.
Reload: another fresh browser on the same server. Warm: a click in the navigation, in a window that has seen the page.
Ready is when the page's last part is there: charts drawn, tables in place. Prints one line a page, medians in seconds.
"""

import argparse
import statistics
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.app.serving import serving

_TABLE, _CHART = "[data-testid=stDataFrame] canvas", "[data-testid=stVegaLiteChart] svg"
PAGES = {
    "Leaderboard": ("/", (_CHART, _TABLE, "[data-testid=stDownloadButton]")),
    "Matrix": ("/matrix", (_CHART, _TABLE)),
    "Battles": ("/battles", (_TABLE,)),
    "Submit": ("/submit", ("[data-testid=stFileUploader]",)),
    "Runs": ("/runs", (_TABLE,)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("database", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    args = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=args.chromium, args=["--no-sandbox"])
        print(f"{'page':12} {'cold':>6} {'reload':>7} {'warm':>6}  worst of {args.repeats}: cold, reload, warm")
        for title in PAGES:
            times = [_measure(browser, args.database, title) for _ in range(args.repeats)]
            middle = [statistics.median(column) for column in zip(*times, strict=True)]
            worst = [max(column) for column in zip(*times, strict=True)]
            print(
                f"{title:12} {middle[0]:6.2f} {middle[1]:7.2f} {middle[2]:6.2f}  "
                + ", ".join(f"{w:.2f}" for w in worst)
            )
        browser.close()


def _measure(browser: Any, database: Path, title: str) -> tuple[float, float, float]:
    path, ready = PAGES[title]
    other = next(name for name in ("Submit", "Leaderboard") if name != title)
    with serving(database) as address:
        first = browser.new_page()
        cold = _timed(lambda: first.goto(address + path), first, title, ready)
        first.context.close()
        page = browser.new_page()
        reload = _timed(lambda: page.goto(address + path), page, title, ready)
        page.get_by_role("link", name=other).click()
        _wait(page, other, PAGES[other][1])
        time.sleep(0.5)
        warm = _timed(lambda: page.get_by_role("link", name=title, exact=True).click(), page, title, ready)
        page.context.close()
    return cold, reload, warm


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
