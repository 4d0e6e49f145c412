"""A model beside the field: findings with their spans and links, outputs cut and escaped; no markup of others."""

from dataclasses import replace

import pytest

pytest.importorskip("streamlit", reason="the app needs the extra app")

from app.views import about
from judgebench.records import Lineage, Output
from judgebench.services.lineage import Relative, Relatives
from judgebench.services.profiles import OnInstruction
from judgebench.services.styles import StyleLine
from tests.app import hostile
from tests.app.views.test_board import Elements
from tests.show.factories import board, known

BAD = hostile.MODELS[0]
TABLE = {"div", "table", "thead", "tbody", "tr", "th", "td", "a", "span"}


def finding(rule: str, severity: str, model: str = BAD) -> dict[str, object]:
    evidence = {"instruction": "key", "start": 1, "end": 5, "before": BAD, "match": "<script>", "after": BAD}
    number = {"value": 0.5, "lower": 0.4, "upper": 0.6}
    return {"model": model, "severity": severity, "rule": rule, "evidence": [evidence], **number}


def test_the_baseline_has_its_value_by_definition() -> None:
    shown = replace(board([0.5, 0.1], 0.01), baseline="A")
    assert [about.rating(shown, row) for row in shown.rows] == ["50 by definition", "10.0% [8.0%, 12.0%]"]


def test_findings_are_worst_first_with_their_spans_and_links() -> None:
    document = {"findings": [finding("a-low", "low"), finding("a-high", "high"), finding("x", "high", "another")]}
    html = about.findings([document | {"rules": {"a-high": BAD}}], BAD, lambda key: f"battles?{key}", lambda key: "")
    assert html.index("a high 0.5 [0.4, 0.6]") < html.index("a low 0.5 [0.4, 0.6]")
    assert Elements(html).links == ["battles?key"] * 2
    assert Elements(html).tags <= {"h3", "span", "p", "mark", "small", "a"}


def test_outputs_are_cut_and_counted() -> None:
    rows = [OnInstruction("k1", BAD, None, 0.25, None), OnInstruction("k2", "two", None, 1.0, None)]
    written = {"k1": (Output("k1", "m", BAD * 100), Output("k1", "m", "more", sample=1))}
    html = about.outputs(rows, written, lambda key: f"instruction?{key}", is_score=False)
    assert Elements(html).links == ["instruction?k1", "instruction?k2"]
    assert "(and 1 further sample)" in html
    assert f"{len(BAD) * 100:,}" in html
    assert Elements(html).tags <= TABLE


def test_an_unknown_length_is_said_and_no_number() -> None:
    assert about.length(None) == "Nobody knows how long its outputs are"
    assert about.length(1234.4) == "1,234 characters an output"


def test_style_and_relatives_have_intervals() -> None:
    html = about.styles([StyleLine("length", known(200.0, 10.0), 180.0, 2, 3)])
    assert "200 [190, 210]" in html
    assert "Mean, 95% interval" in html
    assert "Mean, 90% interval" in about.styles(
        [StyleLine("length", replace(known(200.0, 10.0), level=0.9), 180.0, 2, 3)]
    )
    assert "2 of 3" in html
    of = Relatives(Lineage(family=BAD, parent="base"), False, (Relative("A", "same family", False),))
    shown = about.relatives(of, board([0.9, 0.1], 0.01), lambda name: f"model?{name}")
    assert "same family, by its name" in shown
    assert "90.0% [88.0%, 92.0%]" in shown
    assert about.origin(of).startswith("Not declared; its name suggests: family ")
