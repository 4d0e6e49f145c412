"""JudgeArena: A was shown first; a reply is read as its own parser reads it."""

import math
from pathlib import Path
from typing import Any

import pytest

from judgebench.errors import InputError
from judgebench.formats.judge_arena import read_judge_arena
from judgebench.formats.registry import recognise
from judgebench.records import Order, Source, Status
from judgebench.services.imports import import_file
from judgebench.store.database import Database
from tests.formats.writing import write_rows

ROW: dict[str, Any] = {
    **{"instruction": "Two?", "completion_A": "2", "completion_B": "5", "judge_completion": "score_A: 9\nscore_B: 1"},
    **{"judge_input": "", "prompt_preset": "default", "instruction_index": 0},
    **{"model_A": "b", "model_B": "a", "judge": "j"},
}
SWAPPED = ROW | {"completion_A": "5", "completion_B": "2", "model_A": "a", "model_B": "b", "judge_completion": "?"}


def test_the_order_is_that_of_the_columns(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "x-annotations.csv", [ROW, SWAPPED])
    assert recognise(path).name == "judge-arena"
    file = read_judge_arena(path)
    first, second = file.verdicts
    assert (first.a.model, first.a.text, first.order, second.order) == ("a", "5", Order.BA, Order.AB)
    assert first.verdict.preference == pytest.approx(1 - 1 / (1 + math.exp(-0.3 * 8)))
    assert (first.verdict.source, second.verdict.status) == (Source.LABEL, Status.UNPARSED)
    assert first.completion is not None
    assert first.completion.text == ROW["judge_completion"]
    assert (first.judge.name, first.judge.template, file.models) == ("j", "recorded/judge-arena-default", ("a", "b"))
    database = Database(str(tmp_path / "a.db"), create=True)
    report = import_file(database, path, benchmark="b")
    assert (report.format, report.new, report.without_preference) == ("judge-arena", 2, 1)
    assert import_file(database, path, benchmark="b").new == 0


@pytest.mark.parametrize(
    ("preset", "reply", "toward_a"),
    [
        ("default", "<think>score_A: 1 score_B: 2</think>score_A: 3, score_B: 3", 0.5),
        ("default_with_explanation", 'Because.\nscore "a": 10\nscore "b": 0', 1 / (1 + math.exp(-3))),
        ("arena-hard", "[[A>B]] no, [[B>>A]]", 0.0),
        ("arena-hard", "[A=B]", 0.5),
        ("alpaca-eval", "m", 1.0),
        ("default", "none", None),
        ("alpaca-eval", "mM", None),
    ],
)
def test_replies_are_read_by_the_presets_rule(tmp_path: Path, preset: str, reply: str, toward_a: float | None) -> None:
    row = ROW | {"prompt_preset": preset, "judge_completion": reply, "model_A": "a", "model_B": "b"}
    [verdict] = read_judge_arena(write_rows(tmp_path / "a.jsonl", [row])).verdicts
    assert verdict.verdict.preference == (None if toward_a is None else pytest.approx(toward_a))


def test_a_recorded_preference_counts(tmp_path: Path) -> None:
    file = read_judge_arena(write_rows(tmp_path / "a.csv", [ROW | {"preference": 0.25}]))
    assert (file.verdicts[0].verdict.preference, file.verdicts[0].verdict.source) == (0.25, Source.RECORDED)


def test_a_model_beside_itself_is_no_battle(tmp_path: Path) -> None:
    row = ROW | {"model_A": "a", "completion_B": "2"}
    file = read_judge_arena(write_rows(tmp_path / "a.csv", [row]))
    assert (file.verdicts, file.against_itself, len(file.outputs)) == ((), 1, 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"preference": "2"}, "a number from 0 to 1"),
        ({"preference": "x"}, "expected a number"),
        ({"judge": ""}, "'judge': is empty"),
        ({"completion_A": "3"}, "another output of 'b'"),
        ({"judge_completion": "score_A: 1\nscore_B: 9"}, "another verdict of 'j' on the same trial"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    rows = [ROW | dict.fromkeys(changes, "") | {name: ROW[name] for name in changes if name in ROW}, ROW | changes]
    with pytest.raises(InputError, match=message):
        read_judge_arena(write_rows(tmp_path / "a.csv", rows))
