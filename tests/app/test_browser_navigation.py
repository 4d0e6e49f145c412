"""Ways through the app in a real browser: links within the session, Back and Forward, and what addresses keep."""

from pathlib import Path
from typing import Any

import pytest

from tests.app.doors import BY_BOTH
from tests.app.visit import BOARD, Visit

pytestmark = [pytest.mark.browser, BY_BOTH]


def here(page: Any) -> str:
    """The path and the parameters in the address bar."""
    return str(page.evaluate("location.pathname + location.search"))


def step(visit: Visit, direction: str, title: str) -> str:
    """One step in the history, to a page with this title; where it led."""
    visit.page.evaluate(f"history.{direction}()")
    visit.page.locator("h1", has_text=title).wait_for()
    visit.settle()
    return here(visit.page)


def follow(visit: Visit, link: Any, title: str) -> str:
    link.click()
    visit.page.locator("h1", has_text=title).wait_for()
    visit.settle()
    assert visit.page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop") == 0
    return here(visit.page)


@pytest.mark.slow
def test_from_the_first_screen_to_an_instruction_back_and_forward_in_one_session(visit: Visit, demo: Path) -> None:
    page = visit.open("/?method=bt")
    page.evaluate("window.mark = 1")
    name = page.locator(f"{BOARD} tbody a").first.inner_text()
    ways = [("Leaderboard", here(page))]
    for title, links in (
        ("Model", "table.jb tbody a"),
        ("Compare", "[aria-label=Opponent] a"),
        ("Battles", "[aria-label=Battles] a"),
        ("Instruction", ".jb-links a:has-text('All outputs to it')"),
    ):
        ways.append((title, follow(visit, page.locator(links).first, title)))
        if title == "Model":
            assert page.inner_text("h2.jb-name") == name
            assert page.title() == f"{name} - JudgeBench"
    assert len(set(ways)) == 5
    assert page.locator("h3.jb-name").count() >= 3
    for title, address in reversed(ways[:-1]):
        assert step(visit, "back", title) == address
    for title, address in ways[1:]:
        assert step(visit, "forward", title) == address
    assert page.evaluate("window.mark") == 1


@pytest.mark.slow
def test_back_from_another_page_of_the_menu_finds_what_was_chosen(visit: Visit, demo: Path) -> None:
    page = visit.open("/battles?order=upsets")
    page.get_by_role("button", name="Filters").click()
    page.get_by_text("Contradictory verdicts").click()
    page.wait_for_url("**inconsistent=true**")
    before = here(page)
    visit.turn("Bias")
    assert step(visit, "back", "Battles") == before
    page.get_by_role("button", name="Filters").click()
    assert page.get_by_role("switch", name="Contradictory verdicts").is_checked()
    assert page.get_by_role("combobox", name="Order").input_value() == "Biggest upsets first"
    assert step(visit, "back", "Battles") == "/battles?order=upsets"
    assert not page.get_by_role("switch", name="Contradictory verdicts").is_checked()


@pytest.mark.slow
def test_a_heading_sorts_the_leaderboard_and_the_address_keeps_it(visit: Visit, demo: Path) -> None:
    page = visit.open("/?baseline=demo-careful")
    names = page.locator(f"{BOARD} tbody th a")
    by_rank = names.all_inner_texts()

    def sort(words: str) -> list[float]:
        page.get_by_role("columnheader").get_by_role("link", name=words, exact=True).click()
        page.locator("th[aria-sort] a", has_text=words).wait_for()
        visit.settle()
        cells = page.locator(f"{BOARD} tbody .c-length").all_inner_texts()
        return [float(cell.replace(",", "")) for cell in cells]

    falling = sort("Length")
    assert falling == sorted(falling, reverse=True)
    assert "baseline=demo-careful&sort=-length" in here(page)
    page.locator("th[aria-sort=descending] a").click()
    page.locator("th[aria-sort=ascending] a", has_text="Length").wait_for()
    visit.settle()
    assert "sort=length" in here(page)
    rising = names.all_inner_texts()
    page.reload()
    visit.settle()
    assert names.all_inner_texts() == rising
    step(visit, "back", "Leaderboard")
    page.locator("th[aria-sort=descending] a").wait_for()
    page.get_by_role("columnheader").get_by_role("link", name="Rank", exact=True).click()
    page.locator("th[aria-sort=ascending] a", has_text="Rank").wait_for()
    assert names.all_inner_texts() == by_rank
    assert "names nonsense as order" in visit.open("/?sort=nonsense").inner_text("[data-testid=stMain]")


@pytest.mark.slow
def test_a_link_with_a_key_held_opens_another_tab(visit: Visit, demo: Path) -> None:
    page = visit.open("/")
    with visit.context.expect_page() as opened:
        page.locator(f"{BOARD} tbody a").first.click(modifiers=["ControlOrMeta"])
    opened.value.locator("h1", has_text="Model").wait_for()
    assert page.inner_text("h1") == "Leaderboard"


@pytest.mark.slow
def test_what_is_folded_away_survives_a_reload_and_back_undoes_it(visit: Visit, demo: Path) -> None:
    page = visit.open("/?method=Bradley-Terry")
    for label in ("Common instructions only", "People's votes"):
        page.get_by_role("button", name="What counts").click()
        page.get_by_text(label).click()
        visit.settle()
        visit.type("Escape")
    address = "/?method=Bradley-Terry&counted=common&by=people"
    assert here(page) == address
    page.reload()
    visit.settle()
    assert here(page) == address
    assert step(visit, "back", "Leaderboard") == address.removesuffix("&by=people")
    page.get_by_role("button", name="What counts").click()
    assert page.get_by_role("radio", name="Judges' verdicts").is_checked()
    assert page.get_by_role("button", name="Common instructions only").get_attribute("aria-pressed") == "true"


@pytest.mark.slow
def test_the_menu_of_a_phone_gives_way_to_the_page_chosen(visit: Visit, demo: Path) -> None:
    visit.page.set_viewport_size({"width": 390, "height": 844})
    page = visit.open("/")
    page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Bias").click()
    page.locator("h1", has_text="Bias").wait_for()
    page.get_by_test_id("stExpandSidebarButton").wait_for()
