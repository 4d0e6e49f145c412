"""Every page and every part of it in a real browser: nobody is kept out, and no phone scrolls sideways.

What the parts of a page are is asked of the page, so that no new one is forgotten.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import judgebench
from judgebench import services
from judgebench.records import HumanLabel
from judgebench.resources import folder
from judgebench.services.pages import BattleFilter
from judgebench.store.database import Database
from tests.app.doors import BY_APP
from tests.app.pages import pages, views
from tests.app.visit import Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]
_WIDE = """() => [...document.querySelectorAll(".jb-scroll:not(:has(.jb-pairs))")]
  .filter((box) => box.scrollWidth > box.clientWidth + 1).map((box) => box.getAttribute("aria-label"))"""
_BROKEN = r"""() => [...document.querySelectorAll(".jb td, .jb th, .jb small")].filter((one) => {
  const words = one.innerText.trim();
  const whole = [/^\d{4}-\d\d-\d\d( [\d:]+)?$/, /^\[[^\]]+\]$/, /^[\d,]+, [\d,]+, [\d,]+$/];
  if (!whole.some((form) => form.test(words.replace(/\s/g, " ")))) return false;
  const range = document.createRange();
  range.selectNodeContents(one);
  return new Set([...range.getClientRects()].map((line) => Math.round(line.top / 8))).size > 1;
}).map((one) => one.innerText)"""  # moments, intervals, and what was won, lost and tied
_PHONE, _TABLET = 390, 800
_CONTROLS = (  # what opens a part of a page
    "[data-testid=stMain] [role=tab]",
    "[data-testid=stMain] [role=radio]",
    "[data-testid=stMain] [data-testid=stBaseButton-pills]",
    "[data-testid=stMain] [data-testid=stPopoverButton]",
    "[data-testid=stMain] [class*=st-key-estimate] button",
)
_FOLDED = "[data-testid=stExpander] details:not([open]) > summary, .stHtml details:not([open]) > summary"
_OPEN = "[data-testid=stPopoverBody], [role=dialog]"
_Control = tuple[str, str]  # its selector, and the words on it
_DISMISSED = 3  # presses of Escape that close whatever lies over a page


@pytest.fixture(scope="module")
def whole_database(tmp_path_factory: pytest.TempPathFactory, demo_database: Path) -> Path:
    """The demo with findings, votes, goals and a standing board, so that every page has all its parts."""
    path = tmp_path_factory.mktemp("whole") / "whole.db"
    path.write_bytes(demo_database.read_bytes())
    with closing(Database(str(path))) as database, ThreadPoolExecutor(1) as elsewhere:
        services.audits.submissions.audit_stored(database, "demo", ["null-constant", "demo-rambling"])
        services.standing.keep(database, "demo", judge="scripted:coin")
        battles, _ = services.battles.battles(database, "demo", BattleFilter(), limit=30)
        votes = [
            HumanLabel.of(voter, battle.instruction, first=battle.model_a, second=battle.model_b, preference=place % 2)
            for voter in ("ann", "bob")
            for place, battle in enumerate(battles)
        ]
        services.labels.add_labels(database, "demo", votes)
        goals = {"benchmark": "demo", "judge": "scripted:goals", "template": "pointwise/goals"}
        elsewhere.submit(judgebench.run, database, **goals).result()
    return path


@BY_APP  # what pages hold, all doors show alike
@pytest.mark.parametrize("place", range(len(pages()) + 1), ids=[*(page.path or "start" for page in pages()), "battle"])
def test_no_part_of_a_page_has_a_serious_barrier_or_is_wider_than_a_phone(
    visit: Visit, no_data: Path, whole_database: Path, place: int
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python").Axe()
    no_data.write_bytes(whole_database.read_bytes())
    visit.open(views(whole_database, "demo")[place])
    assert "Choose above which one this page is about" not in visit.text(), "name it in tests.app.pages.views"
    found: list[object] = []
    for part in _parts(visit):
        for width, scheme in ((1440, "light"), (1440, "dark"), (_PHONE, "dark"), (_PHONE, "light")):
            visit.page.emulate_media(color_scheme=scheme)
            visit.page.set_viewport_size({"width": width, "height": 1000})
            if width == _PHONE:
                visit.page.mouse.move(0, 0)  # a phone has no pointer, under which a heading's help would open
            visit.settle()
            run = axe.run(visit.page, options={"resultTypes": ["violations"]}).response["violations"]
            found += [(part, width, scheme, *barrier) for barrier in _serious(run)]
        found += [(part, f"{box} scrolls sideways on a phone") for box in visit.page.evaluate(_WIDE)]
        if visit.page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") > _PHONE:
            found.append((part, "is wider than a phone"))
        for width in (_PHONE, _TABLET):
            visit.page.set_viewport_size({"width": width, "height": 1000})
            found += [(part, width, f"{words} is broken into lines") for words in visit.page.evaluate(_BROKEN)]
        visit.page.set_viewport_size({"width": 1440, "height": 1000})
    assert found == []


def _serious(violations: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    """The rule, and elements that break it."""
    return [
        (one["id"], [node["html"][:160] for node in one["nodes"][:3]])
        for one in violations
        if one["impact"] in ("serious", "critical")
    ]


def _parts(visit: Visit) -> Iterator[str]:
    """Each part is on the page, with all in it unfolded, while its name is in hand: what the page shows first, and
    what each of its tabs, choices and popovers shows, those within a part among them."""
    if visit.page.locator("[data-testid=stMain] input[type=file]").count():
        content = (folder("demo") / "outputs" / "demo-hasty.json").read_bytes()
        file = {"name": "another.json", "mimeType": "application/json", "buffer": content}
        visit.page.locator("[data-testid=stMain] input[type=file]").set_input_files(file)
        visit.settle()
    ways: list[tuple[_Control, ...]] = [()]
    seen: set[_Control] = set()
    while ways:
        way = ways.pop(0)
        for selector, name in way:
            _dismiss(visit)
            visit.page.locator(selector).filter(has=visit.page.get_by_text(name, exact=True)).first.click()
            visit.settle()
        if not visit.page.locator(_OPEN).count():
            _unfold(visit)
        yield " > ".join(name for _, name in way) or "as opened"
        new = [control for control in _controls(visit) if control not in seen]
        seen.update(new)
        ways += [(*way, control) for control in new]
    _dismiss(visit)


def _controls(visit: Visit) -> list[_Control]:
    """What stands in the page now and can be pressed."""
    return [
        (selector, one.locator("[data-testid=stMarkdownContainer]").first.inner_text())
        for selector in _CONTROLS
        for one in visit.page.locator(selector).all()
        if one.is_visible() and one.is_enabled()
    ]


def _unfold(visit: Visit) -> None:
    while visit.page.locator(_FOLDED).count():
        visit.page.locator(_FOLDED).first.click()
        visit.settle()


def _dismiss(visit: Visit) -> None:
    for _ in range(_DISMISSED):
        if visit.page.locator(_OPEN).count():
            visit.type("Escape")
