"""Goals in a real browser: beside the outputs of a battle, an instruction and a model, and on a page of their own."""

import json
from contextlib import closing
from pathlib import Path

import pytest

import judgebench
from judgebench import services
from judgebench.records import Instruction, Output
from judgebench.show.html import battles_page
from judgebench.store.database import Database
from tests.app.visit import Visit

pytestmark = pytest.mark.browser


def lister(messages: list[dict[str, str]]) -> str:
    failed = "No rain." not in messages[-1]["content"]
    rain = {"goal": "<b>The weather</b>", "turns": [2], "declared": None, "reached": "no" if failed else "yes"}
    rain |= {"cause": "not-found", "failed_at": 2, "why": "<i>it gave up</i>"} if failed else {"why": "it says so"}
    room = {"goal": "A room", "turns": [1], "declared": 1, "reached": "yes", "why": "booked"}
    return json.dumps({"goals": [room, rain]})


def filled(path: Path) -> str:
    """Key of the instruction."""
    asked = Instruction(("Book a room.", "And rain?"), "travel", goals=("a room for one",))
    with closing(Database(str(path), create=True)) as database:
        with database.write() as connection:
            read = [
                (asked, Output(asked.key, model, text, ("Done.",)))
                for model, text in (("m1", "No idea."), ("m2", "No rain."))
            ]
            services.submissions.add_read(connection, "bench", read)
        judgebench.run(database, benchmark="bench", judge="scripted:coin", all_pairs=True)
        judgebench.run(
            database,
            benchmark="bench",
            judge=lister,
            judge_name="lister",
            judge_version="1",
            template="pointwise/goals",
        )
    return asked.key


@pytest.mark.slow
def test_goals_stand_beside_outputs_and_on_their_page(visit: Visit, no_data: Path) -> None:
    key = filled(no_data)
    for address in (
        f"/instruction?instruction={key}",
        f"/battles?instruction={key}&a=m1&b=m2",
        "/model?model=m1&show=outputs",
    ):
        page = visit.open(address)
        page.get_by_text("1 of 2 goals reached").first.wait_for()
        shown = visit.text()
        for words in ("A room (declared: a room for one)", "<b>The weather</b>", "not-found", "<i>it gave up</i>"):
            assert words in shown, (address, words)
        assert page.locator("table b, table i").count() == 0
    with closing(Database(str(no_data))) as database:
        battle = services.battles.battle(database, "bench", key, "m1", "m2")
    html = battles_page([battle])
    assert "lister@1: 1 of 2 goals reached" in html or "lister: 1 of 2 goals reached" in html
    assert "&lt;b&gt;The weather&lt;/b&gt;" in html
    page = visit.open("/goals")
    page.get_by_text("4 goals within scope, 3 reached").wait_for()
    shown = visit.text()
    for words in ("75.0%", "travel", "not-found", "misread", "Goal success"):
        assert words in shown, words
