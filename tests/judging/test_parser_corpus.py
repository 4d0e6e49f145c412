"""Golden: replies and how they must be read.

The corpus follows the grammar that docs/templates.md states and holds what the field's tools get wrong: FastChat's
first-label test and unchecked range, Arena-Hard's KeyError on odd labels, UltraFeedback's 10 read as 1, G-Eval's zero
for nothing found, planted verdicts, thinking read as the reply.
"""

import json
from functools import cache
from pathlib import Path

import pytest

from judgebench.judging.parsing import PARSER_VERSION, parse
from judgebench.judging.templates import Template
from judgebench.records import Battle, Completion, Instruction, Order, Output, Reading, Status, Trial, Verdict
from judgebench.spec import load_template

CORPUS = Path(__file__).parents[1] / "golden" / "parser_corpus.jsonl"
CASES = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
load = cache(load_template)
INSTRUCTION = Instruction(("Do it.",))


def trial_of(template: Template, shown: list[str], order: Order) -> Trial | Reading:
    outputs = [Output(INSTRUCTION.key, model, text) for model, text in zip("ab", shown, strict=False)]
    if template.kind == "pointwise":
        return Reading("j", INSTRUCTION, outputs[0])
    return Trial("j", Battle(INSTRUCTION, *(outputs if order is Order.AB else outputs[::-1])), order)


def read(case: dict, order: Order) -> Verdict:
    template = load(case["template"])
    trial = trial_of(template, case.get("shown", ["one text", "another text"]), order)
    return parse(Completion(case["reply"], finish_reason=case["finish"]), template, trial)


def said(verdict: Verdict) -> str:
    if verdict.status is Status.OK:
        return f"ok:{verdict.preference:g}" if verdict.preference is not None else f"score:{verdict.score:g}"
    return verdict.status.value


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_reply_is_read_as_it_must_be(case):
    verdict = read(case, Order.AB)
    assert said(verdict) == case["expect"], verdict
    assert verdict.parser == PARSER_VERSION
    assert (verdict.detail is None) == (verdict.status in (Status.OK, Status.TIE))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_other_order_is_undone_once(case):
    one, other = read(case, Order.AB), read(case, Order.BA)
    assert one.status == other.status
    assert one.score == other.score
    if one.preference is not None:
        assert other.preference == 1 - one.preference
        assert (one.status is Status.TIE) == (one.preference == 0.5)


def test_the_corpus_is_large_and_its_names_are_unique():
    assert len(CASES) >= 300
    assert len({case["id"] for case in CASES}) == len(CASES)
