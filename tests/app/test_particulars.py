"""Goals by model and beside people, steps, and what hindsight changes, on their pages."""

import json
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

import judgebench
from judgebench.resources import folder
from judgebench.store.database import Database
from tests.app.test_browser_goals import filled as with_goals
from tests.app.test_browser_steps import filled as with_steps
from tests.app.test_screens import printed

testing = pytest.importorskip("streamlit.testing.v1", reason="the app needs the extra app")


def opened(page: str, path: Path, monkeypatch: pytest.MonkeyPatch, **address: str) -> "testing.AppTest":
    monkeypatch.setenv("JUDGEBENCH_DATABASE_URL", str(path))
    app = testing.AppTest.from_file(str(folder("app") / "main.py"), default_timeout=60)
    for key, value in address.items():
        app.query_params[key] = value
    app.switch_page(f"screens/{page}.py").run()
    assert not app.exception
    assert not app.error, printed(app)
    return app


def tables(app: "testing.AppTest") -> str:
    return "".join(str(html.proto.body) for html in app.get("html"))


def with_hindsight(path: Path) -> None:
    rows = [
        {"instruction": f"Is shop {number} open?", "output": output, "afterwards": f"The user went. {later}"}
        for number in range(6)
        for output, later in (("Yes.", "It was shut."),)
    ]
    with closing(Database(str(path), create=True)) as database:
        for model in ("sure", "frank"):
            changed = [row | {"output": row["output"] if model == "sure" else "I do not know."} for row in rows]
            new = model == "sure"
            judgebench.submit(database, pd.DataFrame(changed), model=model, benchmark="visits", new_benchmark=new)
        for name, template in (("plain", "three-way"), ("knowing", "three-way-hindsight")):
            judgebench.run(
                *(database,), benchmark="visits", judge="scripted:always-first", judge_name=name, all_pairs=True,
                template=f"pairwise/{template}",
            )  # fmt: skip


def test_goals_are_of_the_models_that_are_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with_goals(tmp_path / "goals.db")
    assert "4 goals within scope, 3 reached" in printed(opened("goals", tmp_path / "goals.db", monkeypatch))
    app = opened("goals", tmp_path / "goals.db", monkeypatch, models="m1")
    assert "2 goals within scope, 1 reached" in printed(app)


def test_goals_are_set_beside_labels_that_are_not_stored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "goals.db"
    key = with_goals(path)
    app = opened("goals", path, monkeypatch)
    label = {"instruction_key": key, "model": "m1", "annotator": "cleo", "goal": "room", "turns": [1], "reached": "yes"}
    more = label | {"goal": "rain", "turns": [2], "reached": "no", "cause": "not-found", "failed_at": 2}
    told = "".join(json.dumps(row) + "\n" for row in (label, more))
    app.file_uploader(key="goal_labels").upload("labels.jsonl", told.encode(), "application/jsonl").run()
    assert "the judge and cleo: 1 pair of lists on 1 dialogue, 2 goals in both" in printed(app)
    assert "goals of both: same verdict" in printed(app)
    app.file_uploader(key="goal_labels").upload("labels.jsonl", b'{"model": "m1"}\n', "application/jsonl").run()
    assert "instruction_key" in app.code[0].value
    with closing(Database(str(path))) as database:
        assert judgebench.labels(database, benchmark="bench").empty


def test_steps_stand_on_a_page_with_every_output(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with_steps(tmp_path / "steps.db")
    assert "choose one" in printed(opened("steps", tmp_path / "steps.db", monkeypatch))
    app = opened("steps", tmp_path / "steps.db", monkeypatch, judge="adder")
    assert "5 steps of 2 outputs, 2 readings" in printed(app)
    assert "first error in step 2 of 3 steps" in tables(app)
    assert "Outputs read" in tables(app)


def test_hindsight_stands_on_a_page_with_intervals(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with_hindsight(tmp_path / "visits.db")
    app = opened("hindsight", tmp_path / "visits.db", monkeypatch)
    assert "12 trials of visits read by plain, and by knowing" in printed(app)
    html = tables(app)
    for words in ("another winner", "Hindsight changes", "95% interval", "sure", "Without hindsight"):
        assert words in html, words
    app = testing.AppTest.from_file(str(folder("app") / "main.py"), default_timeout=60).run()
    assert "What hindsight changes" in tables(app)
