"""While the PostgreSQL that the app was given is away, pages say so, and come by themselves once it is back."""

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from judgebench import services
from judgebench.store.database import Database
from tests.app.serving import Door as Way
from tests.app.serving import serving
from tests.app.visit import Visit
from tests.filling import judged
from tests.postgres import Door

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("door", [Way.APP, Way.SERVER], indirect=True, scope="session")]
AWAY = "The database cannot be read."
BACK = "The page comes by itself once the database is back"


@pytest.fixture
def away(postgres_server: str, tmp_path: Path) -> Door:
    """A database that is judged, to which the way is shut."""
    database = Door(postgres_server, tmp_path)
    database.open()
    with closing(Database(database.address, create=True)) as opened:
        judged(opened)
    database.shut()
    return database


def says(page: Any, *words: str) -> None:
    """Until it does."""
    for one in words:
        page.get_by_text(one).first.wait_for()
    assert page.locator("[data-testid=stException]").count() == 0


def test_pages_say_that_the_database_is_away_and_come_once_it_is_back(browser: Any, away: Door, door: Way) -> None:
    if door is Way.SERVER:
        away.open()  # it waits for its database before it serves, see test_away.py of the server
    with serving(away.address, door=door, words=["--no-worker"]) as address:
        visit = Visit(browser, address)
        visit.page.goto(address)
        if door is Way.APP:
            says(visit.page, AWAY, "does not answer", BACK)
            away.open()
        says(visit.page, "alpha comes first")  # nothing was loaded again
        visit.turn("Vote")
        vote = visit.page.get_by_role("button", name="First is better")
        vote.wait_for()
        before, stored = asked_about(visit), votes(away)
        away.shut()
        vote.click()
        says(visit.page, AWAY, BACK)
        for title in ("Matrix", "Runs", "Submit", "Audits", "Team", "Vote"):
            visit.turn(title)
            says(visit.page, AWAY, BACK)
        away.open()
        says(visit.page, "so the vote was not stored: vote again")
        assert asked_about(visit) == before
        visit.page.get_by_role("button", name="First is better").click()
        until(lambda: votes(away) == stored + 1)
        visit.context.close()


def asked_about(visit: Visit) -> str:
    return str(visit.settle().inner_text(".st-key-vote_asked"))


def votes(database: Door) -> int:
    with closing(Database(database.address)) as opened:
        return len(services.labels.human_labels(opened, "bench"))


def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.2)
