"""Steps and places at fault in a real browser: beside the outputs of a battle, of an instruction and of a model."""

import json
from contextlib import closing
from pathlib import Path

import pytest

import judgebench
from judgebench import services
from judgebench.records import Instruction, Output
from judgebench.store.database import Database
from tests.app.visit import Visit
from tests.services.test_steps import adder

pytestmark = pytest.mark.browser

ROWS = [("m1", "1 + 1 = 2\n2 + 2 = 5\n5 + 1 = 6"), ("m2", "1 + 1 = 2\n<b>2 + 2 = 4</b>")]


def editor(messages: list[dict[str, str]]) -> str:
    wrong = "2 + 2 = 5" in messages[-1]["content"]
    fault = {"quote": "2 + 2 = 5", "kind": "wrong-step", "why": "<i>it is 4</i>"}
    return json.dumps({"spans": [fault] if wrong else []})


def filled(path: Path) -> str:
    """Key of the instruction."""
    asked = Instruction(("Add up.",))
    with closing(Database(str(path), create=True)) as database:
        with database.write() as connection:
            read = [(asked, Output(asked.key, model, text)) for model, text in ROWS]
            services.submissions.add_read(connection, "bench", read)
        judgebench.run(database, benchmark="bench", judge="scripted:coin", all_pairs=True)
        for name, judge in (("adder", adder), ("editor", editor)):
            template = "pointwise/steps" if name == "adder" else "pointwise/spans"
            judgebench.run(
                database, benchmark="bench", judge=judge, judge_name=name, judge_version="1", template=template
            )
    return asked.key


@pytest.mark.slow
def test_steps_and_faults_stand_beside_outputs(visit: Visit, no_data: Path) -> None:
    key = filled(no_data)
    for address in (
        f"/instruction?instruction={key}",
        f"/battles?instruction={key}&a=m1&b=m2",
        "/model?model=m1&show=outputs",
    ):
        page = visit.open(address)
        page.get_by_text("first error in step 2 of 3 steps").first.wait_for()
        shown = page.locator("details[open] ol > li")
        assert [item.inner_text().splitlines()[0] for item in shown.all()][:3] == ["✓ 1. good", "✗ 2. bad", "✓ 3. good"]
        page.get_by_text("editor@1: 1 fault").or_(page.get_by_text("editor: 1 fault")).first.click()
        assert page.locator("mark").first.inner_text() == "2 + 2 = 5"
        assert "wrong-step: <i>it is 4</i>" in visit.text()
        assert page.locator("details b, details i").count() == 0
