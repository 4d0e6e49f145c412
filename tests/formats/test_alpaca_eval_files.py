"""AlpacaEval's files: the baseline first, preferences from 1 to 2, and what our own reader reads back."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from judgebench.formats.alpaca_eval import read_annotations
from judgebench.formats.alpaca_eval_files import annotation_row, model_output_row
from judgebench.formats.judged_pairs import JudgedPair, judged_pairs
from judgebench.records import Completion, Order, TokenLogprob
from tests.judged import QUESTION, output, recorded


def pair(preference: float | None, *, replies: int = 1) -> JudgedPair:
    orders = list(Order)[:replies]
    (only,) = judged_pairs([recorded(preference, order) for order in orders])
    return only


@pytest.mark.parametrize(("preference", "first", "second"), [(0.75, 1.25, 1.75), (0.5, 1.5, 1.5), (None, None, None)])
def test_the_baseline_is_first_whatever_its_name(
    preference: float | None, first: float | None, second: float | None
) -> None:
    rows = [annotation_row(pair(preference), baseline) for baseline in ("alpha", "beta")]
    assert [(row["generator_1"], row["output_1"], row["preference"]) for row in rows] == [
        ("alpha", "one", first),
        ("beta", "two", second),
    ]
    assert rows[0]["dataset"] == "maths"
    assert (rows[0]["annotator"], rows[0]["price_per_example"], rows[0]["time_per_example"]) == ("judge", 0.25, 2.0)


def test_several_verdicts_are_one_row_without_a_reply() -> None:
    row = annotation_row(pair(0.75, replies=2), "alpha")
    assert (row["raw_completion"], row["price_per_example"], row["preference"]) == (None, 0.5, 1.25)


def test_our_reader_reads_the_row_back(tmp_path: Path) -> None:
    tokens = (TokenLogprob("m", -0.1, (("m", -0.1), ("M", -2.5))),)
    reply = Completion("m", finish_reason="length", logprobs=tokens, prompt_tokens=9, completion_tokens=1, cost_usd=0.5)
    verdict = replace(recorded(0.0), completion=reply)
    path = tmp_path / "annotations.json"
    path.write_text(json.dumps([annotation_row(each, "alpha") for each in judged_pairs([verdict])]))
    (annotation,), duplicates = read_annotations(path)
    assert (annotation.completion, annotation.recorded, duplicates) == (reply, 2.0, 0)
    assert annotation.verdict.preference == 0.0


def test_an_output_is_a_row() -> None:
    assert model_output_row(QUESTION, output("alpha", "")) == {
        **{"dataset": "maths", "instruction": "What is 1?", "output": "", "generator": "alpha"}
    }
