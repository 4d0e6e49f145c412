"""Votes in a browser: blind, once a pair, told of afterwards; and what pages make of them."""

import shutil
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from judgebench import services
from judgebench.records import HumanLabel, Order
from judgebench.store.database import Database
from tests.app.serving import Door, serving
from tests.app.visit import BOARD, Visit, models

pytestmark = pytest.mark.browser


def labels(path: Path, question: str = "") -> list[HumanLabel]:
    opened = Database(str(path))
    try:
        return services.labels.human_labels(opened, "demo", question=question)
    finally:
        opened.close()


@pytest.mark.slow
def test_votes_are_blind_counted_once_a_pair_and_told_of_afterwards(visit: Visit, demo: Path) -> None:
    page = visit.open("/vote")
    page.get_by_text("0 votes of yours").wait_for()
    assert not any(model in visit.text() for model in models(demo))
    for width, height in ((1440, 900), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        for name in ("First is better", "Skip"):
            box = page.get_by_role("button", name=name).bounding_box()
            assert box["y"] + box["height"] <= height
    page.set_viewport_size({"width": 1440, "height": 900})
    for _ in range(3):  # in a hurry
        page.keyboard.press("1")
    page.get_by_role("button", name="Next pair").wait_for()
    [label] = labels(demo)
    assert all(model in visit.text() for model in (label.model_a, label.model_b))
    assert "scripted:coin" in visit.text()
    visit.type("1")  # no vote: it is voted on
    visit.type("n")
    page.get_by_role("button", name="First is better").wait_for()
    page.get_by_text("1 vote of yours").wait_for()
    assert not any(model in visit.text() for model in models(demo))
    page.get_by_text("Stay blind", exact=True).click()
    visit.settle()
    page.get_by_role("heading", name="Vote").click()  # keys that are typed into a field vote nothing
    visit.type("b")
    page.get_by_text("2 votes of yours, 2 of everybody").wait_for()
    page.get_by_role("button", name="Skip").click()
    visit.settle()
    assert len({(label.instruction, label.model_a, label.model_b) for label in labels(demo)}) == 2
    assert [label.both_bad for label in labels(demo)] == [False, True]
    assert {label.order for label in labels(demo)} <= set(Order)


def test_another_voter_starts_at_nothing(visit: Visit, demo: Path) -> None:
    page = visit.open("/vote?blind=true")
    page.get_by_role("button", name="Tie").click()
    page.get_by_text("1 vote of yours").wait_for()
    page.get_by_label("Your name", exact=True).fill("another")
    page.get_by_label("Your name", exact=True).press("Enter")
    page.get_by_text("0 votes of yours, 1 of everybody").wait_for()


def voted_before(path: Path, question: str = "", number: int = 1) -> None:
    """Somebody else has said of so many pairs that the first by name is better."""
    with closing(Database(str(path))) as database:
        pairs = services.labels.to_label(database, "demo", "somebody", limit=number, seed=0)
        labels = [
            HumanLabel("somebody", pair.instruction.key, *sorted((pair.first.model, pair.second.model)), 1.0)
            for pair in pairs
        ]
        services.labels.add_labels(database, "demo", [replace(label, question=question) for label in labels])


@pytest.mark.slow
def test_two_questions_are_answered_with_one_vote(visit: Visit, demo: Path) -> None:
    voted_before(demo, question="accuracy")
    page = visit.open("/vote")
    page.get_by_text("Better on accuracy:").wait_for()
    page.get_by_role("radio", name="Second", exact=True).click()
    visit.settle()
    page.get_by_role("button", name="First is better").click()
    page.get_by_role("button", name="Next pair").wait_for()
    [overall] = labels(demo)
    [accuracy] = [label for label in labels(demo, "accuracy") if label.annotator == overall.annotator]
    assert {overall.preference, accuracy.preference} == {0.0, 1.0}
    assert (accuracy.instruction, accuracy.order) == (overall.instruction, overall.order)
    visit.type("n")
    page.get_by_role("button", name="Tie").click()  # the further question may be left open
    page.get_by_text("2 votes of yours").wait_for()
    assert len(labels(demo, "accuracy")) == 2


@pytest.mark.slow
def test_what_voters_are_asked_and_told_is_chosen_where_the_app_is_started(
    browser: Any, door: Door, demo_database: Path, tmp_path: Path
) -> None:
    database = Path(shutil.copy(demo_database, tmp_path / "demo.db"))
    with serving(database, door=door, words=("--question", "accuracy", "--no-reveal")) as address:
        visit = Visit(browser, address)
        page = visit.open("/vote")
        page.get_by_text("Better on accuracy:").wait_for()
        page.get_by_role("button", name="First is better").click()
        page.get_by_text("1 vote of yours").wait_for()
        visit.settle()
        page.get_by_role("button", name="First is better").wait_for()  # of the next pair, and of this one no more
        assert not any(model in visit.text() for model in models(database))
        assert page.get_by_text("Stay blind").count() == 0
        visit.context.close()


def battles(page: Any) -> Counter[str]:
    """How many each model has on the leaderboard."""
    rows = page.locator(f"{BOARD} tbody tr").all()
    return Counter({row.locator("th a").inner_text(): int(row.locator(".c-battles").inner_text()) for row in rows})


@pytest.mark.slow
def test_votes_in_the_browser_move_the_board_of_people(visit: Visit, demo: Path) -> None:
    voted_before(demo, number=12)
    page = visit.open("/?by=people")
    before, ratings = battles(page), page.locator(BOARD).inner_text()
    page = visit.open("/vote?blind=true")
    for number in range(1, 5):
        page.get_by_role("button", name="First is better").click()
        page.get_by_text(f"{number} vote{'s' if number > 1 else ''} of yours").wait_for()
        visit.settle()  # until the page has run to its end, what stood in other places is still there
    voted = {(label.instruction, label.model_a, label.model_b) for label in labels(demo)}
    page = visit.open("/?by=people")
    assert battles(page) == Counter(name for _, *models in voted for name in models)
    assert battles(page) > before
    assert page.locator(BOARD).inner_text() != ratings
    assert "2 voters" in visit.open("/people").locator("[data-testid=stMain]").inner_text()
