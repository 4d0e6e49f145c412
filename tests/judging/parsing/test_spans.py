"""Places at fault are found by the judge's words, and by nothing else."""

import json
from typing import Any

import pytest

from judgebench.judging.parsing import parse
from judgebench.judging.templates import Template
from judgebench.records import Completion, Instruction, Output, Reading, Status, Verdict
from judgebench.spec import load_template

ASKED = Instruction(("Two and two, doubled?",))
TEXT = "2 + 2 = 4.\n4 + 4 = 9.\nSo it is 9."


@pytest.fixture(scope="module")
def marking() -> Template:
    return load_template("pointwise/spans.v1")


def read(text: str, template: Template) -> Verdict:
    return parse(Completion(text), template, Reading("j", ASKED, Output(ASKED.key, "m", TEXT)))


def marked(*spans: dict[str, Any]) -> str:
    return json.dumps({"spans": [{"why": "w", **span} for span in spans]})


def test_places_are_found_by_their_words(marking: Template) -> None:
    reply = marked({"quote": "so IT is", "kind": "wrong-step"}, {"quote": "4", "nth": 2, "kind": "Wrong-fact"})
    verdict = read(reply, marking)
    assert [(TEXT[s.start : s.stop], s.start, s.kind, s.rating) for s in verdict.spans] == [
        ("4", 11, "wrong-fact", None),
        ("So it is", 22, "wrong-step", None),
    ]
    assert (verdict.score, verdict.label) == (pytest.approx(1 / 3), "wrong-fact, wrong-step")
    clean = read(marked(), marking)
    assert (clean.status, clean.score, clean.spans, clean.label) == (Status.OK, 1.0, (), "no fault")


@pytest.mark.parametrize(
    ("span", "why"),
    [
        ({"quote": "4", "kind": "wrong-fact"}, "stands 3 times in the output, and nth does not say"),
        ({"quote": "4", "nth": 4, "kind": "wrong-fact"}, "stands 3 times in the output, not 4"),
        ({"quote": "five", "kind": "wrong-fact"}, "does not stand in the output"),
        ({"quote": "Two and two", "kind": "wrong-fact"}, "does not stand in the output"),  # of the question
        ({"quote": "So it", "kind": "ugly"}, "'ugly' is none of the kinds irrelevant"),
        ({"quote": "So it"}, "none of the kinds"),
        ({"quote": "So it", "nth": "1", "kind": "unsafe"}, "no whole number"),
        ({"quote": 4, "kind": "unsafe"}, "has no quotation"),
    ],
)
def test_what_is_no_place_or_kind_spoils_the_reply(marking: Template, span: dict[str, Any], why: str) -> None:
    verdict = read(marked(span), marking)
    assert (verdict.status, verdict.spans) == (Status.UNPARSED, ())
    assert why in (verdict.detail or "")
    twice = {"quote": "So it", "kind": "unsafe"}
    assert "twice" in (read(marked(twice, twice), marking).detail or "")
