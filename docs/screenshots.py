"""Make the pictures of the documentation from a database, in a real browser.

python -m docs.screenshots DATABASE [--pages leaderboard bias battles] [--prefix NAME-] [--folder docs/images]

Writes leaderboard.png, bias.png and battles.png, which the README and app.md show, with few colours: a fraction of the
bytes. Battles shows the first battle of the first benchmark. ``make docs`` calls it for the demonstration, and for
AlpacaEval's published verdicts where these are present.
"""

import argparse
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from PIL import Image
from playwright.sync_api import sync_playwright

from judgebench import services, store
from judgebench.store.database import Database
from tests.app.serving import serving
from tests.app.visit import launched

_PAGES = ("leaderboard", "bias", "battles")
_WIDTH, _LEAST, _MOST = 1200, 500, 1500  # pixels
_COLOURS = 256
_SETTLE_MS = 1500  # charts and tables are drawn after the page has run
_PATIENCE_MS = 120_000  # a first page may reckon for a while
_DONE = '[data-testid="stApp"][data-test-script-state="notRunning"]'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("database", type=Path)
    parser.add_argument("--pages", nargs="+", choices=_PAGES, default=_PAGES)
    parser.add_argument("--prefix", default="", help="how the pictures' names begin")
    parser.add_argument("--folder", type=Path, default=Path("docs/images"))
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, serving(args.database) as address:
        browser = launched(playwright)
        page = browser.new_page(color_scheme="light")
        page.set_default_timeout(_PATIENCE_MS)
        for name in args.pages:
            _shoot(page, address + _path(name, args.database), args.folder / f"{args.prefix}{name}.png")
        browser.close()


def _path(name: str, database: Path) -> str:
    if name == "battles":
        return f"/battles?{_first_battle(database)}"
    return "/" if name == "leaderboard" else f"/{name}"


def _shoot(page: Any, address: str, file: Path) -> None:
    page.set_viewport_size({"width": _WIDTH, "height": _LEAST})
    page.goto(address)
    page.wait_for_selector(_DONE)
    page.wait_for_selector("h1")
    page.wait_for_selector(".awaited", state="detached")  # numbers that are computed once the page is there
    page.wait_for_timeout(_SETTLE_MS)
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": _WIDTH, "height": max(_LEAST, min(_MOST, height))})
    page.wait_for_timeout(_SETTLE_MS)
    page.screenshot(path=str(file))
    with Image.open(file) as picture:
        picture.convert("RGB").quantize(_COLOURS, method=Image.Quantize.FASTOCTREE).save(file, optimize=True)
    print(file)


def _first_battle(path: Path) -> str:
    database = Database(str(path))
    benchmark = services.benchmarks.benchmarks(database)[0].name
    rows, _ = services.battles.battles(database, benchmark, store.battles.BattleFilter(), limit=1)
    database.close()
    return urlencode({"instruction": rows[0].instruction, "a": rows[0].model_a, "b": rows[0].model_b}) if rows else ""


if __name__ == "__main__":
    main()
