"""Chips above a leaderboard say which judge and which null model."""

from urllib.parse import urlencode

from app.views.gate import badges
from judgebench.leaderboard import BoardGate, JudgeGate, ModelGate

EVIL = "<script>"


def link(page: str, **values: str) -> str:
    return f"/{page}?{urlencode({'benchmark': 'b'} | values)}"


def test_each_judge_has_its_chip_and_findings_are_counted() -> None:
    gate = BoardGate(
        passed=False,
        judges=(
            JudgeGate("good", "passed", 0.07, "", best="echo"),
            JudgeGate(EVIL, "failed", 0.9, "", winners=("empty",)),
        ),
        models=(ModelGate("m", ("constant-output",), False, ""),),
    )
    html = badges(gate, link, ranked=False)
    assert "Null models: passed, judge good; any of them wins at most 7.0%; the best was echo" in html
    assert "Null models: failed by empty, judge &lt;script&gt;" in html
    assert 'High findings on <a href="/model?benchmark=b&amp;model=m">m</a>: red, without a rank' in html
    assert 'href="/audits?benchmark=b"' in html


def test_of_many_judges_those_that_did_not_pass_are_named() -> None:
    passed = tuple(JudgeGate(f"judge {number}", "passed", 0.07, "") for number in range(9))
    html = badges(BoardGate(False, (*passed, JudgeGate("bad", "failed", 0.9, "")), ()), link, ranked=False)
    assert "9 judges passed" in html
    assert "judge bad" in html
    assert "judge 3" not in html


def test_the_first_flagged_models_are_named_and_lead_on() -> None:
    flagged = tuple(ModelGate(name, ("x",), False, "") for name in (EVIL, "b", "c", "d"))
    html = badges(BoardGate(False, (), flagged), link, ranked=False)
    assert ">&lt;script&gt;</a>, <a" in html
    assert "model=%3Cscript%3E" in html
    assert ">b</a> and 2 more: red, without a rank" in html
    html = badges(BoardGate(False, (), flagged), link, ranked=True)
    assert ">b</a> and 2 more: red, counted all the same" in html
    assert "without a rank" not in html
