"""Findings are drawn worst first, with marked evidence, and lead to battles."""

from typing import Any

from app.views import findings
from app.views.findings import Told

EVIL = "<script>alert(1)</script>"


def told(severity: str, model: str, *, audit: str = "submissions", rule: str = "constant-output") -> Told:
    span = {"instruction": "key one", "start": 0, "end": 4, "before": "", "match": EVIL, "after": EVIL}
    finding: dict[str, Any] = {"model": model, "severity": severity, "rule": rule, "evidence": [span]}
    return Told(audit, {**finding, "value": 0.5, "lower": 0.4, "upper": 0.6}, EVIL)


def link(page: str, **values: str) -> str:
    return f"{page}?{'&'.join(f'{key}={value}' for key, value in values.items())}"


def beside(key: str, model: str) -> str:
    return f"<hr data-of='{len(key)}-{len(model)}'>"


def test_the_worst_come_first_and_the_first_are_open() -> None:
    several = [told("low", "a"), told("high", "b"), told("medium", "c"), told("high", "judge", audit="null-models")]
    assert [one.about for one in findings.by_severity(several)] == ["b", "judge", "c", "a"]
    html = findings.findings(several, link, beside)
    assert html.count("<details open>") == 3
    assert html.index(">high</span>") < html.index(">medium</span>") < html.index(">low</span>")
    assert "0.5 [0.4, 0.6]" in html


def test_evidence_is_marked_and_leads_to_the_output_and_the_model() -> None:
    html = findings.findings([told("high", "m")], link, beside)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;</mark>" in html
    assert 'href="battles?models=m&amp;instruction=key one">Read output 1</a>' in html
    assert 'href="model?model=m">Model</a>' in html
    assert "without a rank" in html
    assert "</mark>" in html.split("<hr data-of='7-1'>")[0]
    assert "Read output" not in findings.findings([told("high", "m", audit="null-models")], link, beside)


def test_nothing_that_others_wrote_becomes_an_element() -> None:
    several = [told("high", EVIL), told("low", EVIL, rule=EVIL)]
    assert "<script" not in findings.findings(several, link, beside) + findings.counts(several, link) + findings.chip(
        EVIL
    )


def test_models_are_counted_and_what_that_does_to_the_board_is_said() -> None:
    html = findings.counts([told("low", "mild"), told("high", "bad"), told("high", "bad")], link)
    assert html.index("bad") < html.index("mild")
    assert (
        '<td class="n">2</td><td class="n">-</td><td class="n">-</td><td>red; no rank unless flagged models count</td>'
        in html
    )
    assert findings.counts([told("high", "judge", audit="null-models")], link) == ""


def test_many_findings_are_folded_and_what_is_not_drawn_is_counted() -> None:
    html = findings.findings([told("low", f"m{number}") for number in range(70)], link, beside)
    assert "62 more findings" in html
    assert "10 further findings" in html
