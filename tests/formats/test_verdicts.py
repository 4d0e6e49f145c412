"""Verdicts that were exported: read back as they were, and refused where a row cannot be one."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from judgebench.errors import InputError
from judgebench.formats.documents import file_rows
from judgebench.formats.verdicts import VERDICTS, RecordedVerdict, read_verdicts
from judgebench.formats.writing import write_rows
from judgebench.records import Completion, Instruction, Judge, Order, Output, Source, Status, TokenLogprob, Verdict
from tests.factories import JUDGE, ok, trial
from tests.formats.writing import write_rows as write_anything

ASKED = Instruction(("one", "two"), "c", "gold", ("Is it?",))
REPLY = Completion(
    '["A"]',
    "because",
    "stop",
    (TokenLogprob("A", -0.25, (("A", -0.25), ("B", -9999.0))),),
    "gpt",
    3,
    1,
    0.01,
    0.5,
    "choice",
)
PAIRWISE = RecordedVerdict(
    JUDGE, ASKED, Output(ASKED.key, "a", "last", ("first",)), Output(ASKED.key, "b", ""), Order.BA, 1,
    Verdict(Status.OK, Source.LOGPROBS, 0.25, label="B", mass=0.9, parser="2"), REPLY,
)  # fmt: skip
FAILED = RecordedVerdict(
    Judge("other", "llm", "t.v1", "d" * 32), ASKED, PAIRWISE.a, PAIRWISE.b, None, 0,
    Verdict(Status.UNPARSED, Source.NONE, detail="no reply", parser="2"), None,
)  # fmt: skip
POINTWISE = RecordedVerdict(
    JUDGE, ASKED, PAIRWISE.a, None, None, 0, Verdict(Status.OK, Source.LABEL, score=7.5, parser="2"), Completion("7.5")
)


def written(path: Path, *verdicts: RecordedVerdict) -> Path:
    write_rows(path, VERDICTS.columns, (VERDICTS.row(verdict) for verdict in verdicts), several_turns=True)
    return path


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.parquet"])
def test_verdicts_come_back_as_they_were(tmp_path: Path, name: str) -> None:
    file = read_verdicts(written(tmp_path / name, PAIRWISE, FAILED, POINTWISE))
    assert file.verdicts == (PAIRWISE, FAILED, POINTWISE)
    assert [output for _, output in file.outputs] == [PAIRWISE.a, PAIRWISE.b]
    assert (file.models, file.duplicates) == (("a", "b"), 0)


def test_texts_that_are_lists_in_json_come_back_from_csv(tmp_path: Path) -> None:
    asked = Instruction(('["q"]',), '["c"]', '["gold"]', ('["Is it?"]',))
    judge = Judge('["j"]', '["m"]', "t", "d" * 32)
    sides = (Output(asked.key, model, "[]") for model in ('["a"]', '["b"]'))
    recorded = RecordedVerdict(judge, asked, *sides, Order.AB, 0, PAIRWISE.verdict, Completion('["A"]'))
    assert read_verdicts(written(tmp_path / "a.csv", recorded)).verdicts == (recorded,)


def test_the_key_of_the_trial_is_the_one_under_which_it_was_asked() -> None:
    asked = trial()
    battle = asked.battle
    recorded = RecordedVerdict(JUDGE, battle.instruction, battle.a, battle.b, asked.order, 0, ok(1.0), None)
    assert recorded.result.trial_key == asked.key


def test_a_row_that_repeats_another_is_counted_and_one_that_contradicts_it_is_refused(tmp_path: Path) -> None:
    assert read_verdicts(written(tmp_path / "a.jsonl", PAIRWISE, PAIRWISE)).duplicates == 1
    rows = [row.values for row in file_rows(tmp_path / "a.jsonl")]
    with pytest.raises(InputError, match=r"row 2.*another verdict"):
        read_verdicts(write_anything(tmp_path / "b.json", [rows[0], rows[1] | {"preference": 0.75}]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"status": "good"}, "'status'.*cannot be read"),
        ({"status": None}, "'status'.*does not go with"),
        ({"status": "tie"}, "'status'.*does not go with"),
        ({"status": "failed"}, "'status'.*does not go with"),
        ({"preference": 1.5}, "'preference'.*from 0 to 1"),
        ({"preference": "much"}, "'preference'.*cannot be read"),
        ({"preference": None}, "'status'.*does not go with"),
        ({"order": "AC"}, "'order'"),
        ({"model_a": None}, "'model_a'"),
        ({"model_a": "z"}, "'model_a'.*sorts before"),
        ({"output_a": None}, "'output_a'"),
        ({"settings": "[1]"}, "'settings'.*JSON object"),
        ({"settings": "{"}, "'settings'.*cannot be read"),
        ({"logprobs": '[["A"]]'}, "'logprobs'.*cannot be read"),
        ({"reply": 5}, "'reply'.*text"),
        ({"judge": None}, "'judge'.*null"),
        ({"prompt_tokens": "many"}, "'prompt_tokens'"),
        ({"repeat": -1}, "'repeat'"),
        ({"repeat": 10**30}, "'repeat'"),
        ({"repeat": 1.5}, "'repeat'"),
        ({"prompt_tokens": 10**25}, "'prompt_tokens'"),
        ({"completion_tokens": -1}, "'completion_tokens'"),
        ({"cost_usd": -5}, "'cost_usd'"),
        ({"cost_usd": "inf"}, "'cost_usd'"),
        ({"latency_s": float("nan")}, "'latency_s'"),
        ({"mass": float("inf")}, "'mass'"),
        ({"score": "nan"}, "'score'"),
        ({"score": 10**400}, "'score'"),
        ({"score": True}, "'score'"),
        ({"settings": '{"a": NaN}'}, "'settings'"),
        ({"settings": '{"a": 1e400}'}, "'settings'"),
        ({"logprobs": '[["A", -1, [["A", null]]]]'}, "'logprobs'"),
        ({"logprobs": '[["A", NaN, []]]'}, "'logprobs'"),
    ],
)
def test_rows_that_are_no_verdict_are_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    [row] = [row.values for row in file_rows(written(tmp_path / "a.jsonl", PAIRWISE))]
    with pytest.raises(InputError, match=f"row 1, field {message}"):
        read_verdicts(write_anything(tmp_path / "b.json", [row | changes]))


def test_an_output_that_two_rows_hold_otherwise_is_refused(tmp_path: Path) -> None:
    """Or the last would stand for both, and the first verdict be about a text that nobody stored."""
    other = replace(PAIRWISE, a=Output(ASKED.key, "a", "another", ("first",)), order=Order.AB)
    with pytest.raises(
        InputError, match=r"a\.jsonl, line 2, field 'output_a': an earlier row has another output of 'a'"
    ):
        read_verdicts(written(tmp_path / "a.jsonl", PAIRWISE, other))


def test_a_score_is_of_one_output_and_a_preference_of_two(tmp_path: Path) -> None:
    for verdict, field in (
        (replace(POINTWISE, verdict=PAIRWISE.verdict), "model_b"),
        (replace(POINTWISE, order=Order.AB), "model_b"),
        (replace(PAIRWISE, verdict=POINTWISE.verdict), "score"),
    ):
        with pytest.raises(InputError, match=rf"a\.jsonl, line 1, field '{field}'"):
            read_verdicts(written(tmp_path / "a.jsonl", verdict))
