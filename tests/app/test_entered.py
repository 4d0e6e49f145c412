"""What was entered into a form is there again once it is unfolded, another choice is taken back, or a page left."""

from pathlib import Path
from typing import Any

import pytest

from tests.app.test_screens import opened, unfolded

pytest.importorskip("streamlit.testing.v1", reason="the app needs the extra app")
WIDGETS = ("checkbox", "multiselect", "number_input", "selectbox", "text_input")
ADDRESSED = {"benchmark"}  # what addresses name


def filled(app: Any) -> dict[str, Any]:
    """Something else than before is entered into every field of the page's forms; returns what they hold, by key."""
    before = held(app)
    for widget in [one for kind in WIDGETS for one in app.get(kind) if one.key not in ADDRESSED]:
        other: dict[str, Any] = {
            "checkbox": lambda one: not one.value,
            "multiselect": lambda one: one.options[:1],
            "number_input": lambda one: (one.value or 1) + 1,
            "selectbox": lambda one: one.options[-1],
            "text_input": lambda one: "entered",
        }
        widget.set_value(other[widget.type](widget))
    app.run()
    assert not app.exception
    after = held(app)
    assert [key for key in before if after[key] == before[key]] in ([], ["robust_opponent"])  # one that is left over
    return after


def held(app: Any) -> dict[str, Any]:
    return {one.key: one.value for kind in WIDGETS for one in app.get(kind) if one.key not in ADDRESSED}


def away_and_back(app: Any, page: str) -> None:
    app.switch_page("screens/glossary.py").run()
    app.switch_page(f"screens/{page}.py").run()


def test_folding_an_audit_forgets_nothing(monkeypatch: pytest.MonkeyPatch, demo_database: Path) -> None:
    app = unfolded(opened("audits", monkeypatch, demo_database))
    entered = filled(app)
    assert len(entered) > 10
    away_and_back(app, "audits")
    assert held(app) == {}
    assert held(unfolded(app)) == entered


def test_a_judge_is_not_entered_anew(monkeypatch: pytest.MonkeyPatch, demo_database: Path) -> None:
    app = opened("runs", monkeypatch, demo_database)
    app.session_state["kind"] = "Server"
    app.run()
    entered = filled(app)
    assert {"judge_url", "template", "against", "max_cost"} <= entered.keys()
    app.session_state["kind"] = "Embedded"
    app.run()
    assert "judge_url" not in held(app)
    app.session_state["kind"] = "Server"
    app.run()
    assert held(app) == entered
    away_and_back(app, "runs")
    assert held(app) == entered


def test_a_voter_keeps_the_name(monkeypatch: pytest.MonkeyPatch, demo_database: Path) -> None:
    app = opened("vote", monkeypatch, demo_database)
    app.text_input(key="voter").set_value("ann").run()
    away_and_back(app, "vote")
    assert app.text_input(key="voter").value == "ann"


def test_what_is_found_of_contamination_stays(monkeypatch: pytest.MonkeyPatch, demo_database: Path) -> None:
    app = opened("audits", monkeypatch, demo_database)
    app.button(key="contamination").click().run()
    assert "searched" in "".join(text.value for text in app.text)
    unfolded(app)
    assert "searched" in "".join(text.value for text in app.text)
