"""How long pages take that compute something when they are first asked for, in a real browser.

    python -m bench.app_first DATABASE [--repeats 3] [--rest 20] [--chromium /usr/bin/chromium]

A browser opens the leaderboard of a fresh server. Length-controlled win rates, computed once the page is there, have a
line of their own: seconds from when the page is there until they are. Then the server rests for so many seconds, and
the browser opens the first model of the table, Bias and Judges by a click each, from the leaderboard every time
(first), and all of them again (again). Seconds until the page's last part but these is there, as in app_pages.py;
medians.
"""

import argparse
import statistics
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from bench.app_pages import PAGES, _timed
from tests.app.serving import memory_mb, serving

_AWAITED = "table.jb .awaited"  # cells whose numbers are still being computed
_READY = {"Leaderboard": PAGES["Leaderboard"][1], "Model": ("table.jb",)} | {
    title: PAGES[title][1] for title in ("Bias", "Judges")
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("database", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--rest", type=float, default=20)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    args = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=args.chromium, args=["--no-sandbox"])
        rounds = [_round(browser, args.database, args.rest) for _ in range(args.repeats)]
        browser.close()
    print(f"{'page':15} {'first':>6} {'again':>6}  worst of {args.repeats}")
    for title in _READY:
        columns = list(zip(*(times[title] for times in rounds), strict=True))
        middle = " ".join(f"{statistics.median(column):6.2f}" for column in columns)
        print(f"{title:15} {middle}  {', '.join(f'{max(column):.2f}' for column in columns)}")
    print(f"{'LC win rates':15} {statistics.median(times['controlled'][0] for times in rounds):6.2f}")
    print(f"{'memory':15} {statistics.median(times['memory'][0] for times in rounds):6.0f} MB of the server at the end")


def _round(browser: Any, database: Path, rest: float) -> dict[str, list[float]]:
    """Seconds of each page, first and again; MB at the end."""
    times: dict[str, list[float]] = {title: [] for title in _READY}
    with serving(database) as address:
        page = browser.new_page()
        page.set_default_timeout(120_000)  # a first read of a large database while the machine does other work
        times["Leaderboard"].append(_timed(lambda: page.goto(address), page, "Leaderboard", _READY["Leaderboard"]))
        times["controlled"] = [_until_none(page.locator(_AWAITED))]
        time.sleep(rest)
        for again in (False, True):
            for title in ("Model", "Bias", "Judges"):
                times[title].append(_timed(lambda title=title: _open(page, title), page, title, _READY[title]))
                back = _timed(lambda: _open(page, "Leaderboard"), page, "Leaderboard", _READY["Leaderboard"])
                time.sleep(0.5)
            if again:
                times["Leaderboard"].append(back)
        times["memory"] = [memory_mb(address)]
        page.context.close()
    return times


def _until_none(cells: Any) -> float:
    """Seconds until none of these is on the page."""
    begun = time.perf_counter()
    while cells.count():
        time.sleep(0.05)
    return time.perf_counter() - begun


def _open(page: Any, title: str) -> None:
    if title == "Model":
        page.locator("table.jb tbody a").first.click()
    else:
        page.get_by_role("link", name=title, exact=True).click()


if __name__ == "__main__":
    main()
