"""A command of the terminal leads to the page that does the same, and says for whom that is."""

import pytest

pytest.importorskip("streamlit", reason="the app needs the extra app")

from app import auth
from app.views import ways
from judgebench.services.access import Person, Role
from judgebench.services.audits.registry import AUDITS
from judgebench.show import sentences


def test_an_audit_leads_to_its_start_with_its_judge() -> None:
    linked = ways.way("judgebench audit null-models --benchmark b --judge 'a b'")
    assert linked is not None
    assert (linked.words, linked.address) == ("Audit by null models, judge a b", "audits?start=null-models&judge=a+b")
    blank = ways.way("judgebench audit robustness --benchmark b --judge JUDGE --model MODEL --opponent OPPONENT")
    assert blank is not None
    assert blank.address == "audits?start=robustness"


def test_what_was_found_in_a_model_stands_on_its_page() -> None:
    linked = ways.way("judgebench audit submissions --benchmark b --model m")
    assert linked is not None
    assert (linked.words, linked.address) == ("What was found in m", "model?model=m&show=findings")


def test_who_may_is_said_to_those_who_may_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "person", lambda: Person("ann", Role.VOTER))
    assert ways.ways(["judgebench run --benchmark b --judge j --all-pairs"] * 2) == [
        ("Have it judged (for admins)", "runs?")
    ]
    assert ways.ways(["judgebench labels import FILE --benchmark b"]) == [("Vote", "vote?")]


def test_where_no_page_does_it_the_command_stands() -> None:
    assert ways.instead("judgebench db check") == "judgebench db check"
    assert ways.instead("") == ""


def test_every_command_that_would_give_a_number_has_its_page() -> None:
    remedies = [command.format(benchmark="b", judge="JUDGE") for _, command in sentences.REMEDIES]
    audits = [audit.command(benchmark="b") for audit in AUDITS.values()]
    assert [command for command in (*remedies, *audits) if ways.way(command) is None] == []
