"""Goals that people label: read with what each says, and refused where it cannot be."""

import json
from pathlib import Path

import pytest

from judgebench.errors import InputError
from judgebench.formats.goal_labels import read_goal_labels
from judgebench.records import Goal


def test_rows_of_one_annotator_on_one_dialogue_are_one_list(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(
        "instruction_key,model,annotator,goal,turns,reached,cause,failed_at,declared\n"
        'k,m,ann,a room,"[1, 2]",yes,,,0\n'
        "k,m,ann,rain,2 3,no,broke,3,\n"
        "k,m,bob,a room,1,out-of-scope,,,\n"
    )
    ann, bob = read_goal_labels(str(path))
    room, rain = Goal("a room", (1, 2), "yes", declared=0), Goal("rain", (2, 3), "no", "broke", 3)
    assert (ann.annotator, ann.goals, ann.sample, ann.succeeded) == ("ann", (room, rain), 0, False)
    assert (bob.goals[0].turns, bob.succeeded) == ((1,), None)


def test_a_dialogue_has_goals_or_a_mark_by_one_person(tmp_path: Path) -> None:
    row = {"id": "d1", "model": "m", "annotator": "ann"}
    path = tmp_path / "labels.jsonl"
    path.write_text("\n".join(json.dumps(row | more) for more in ({"success": True}, {"success": "no", "sample": 1})))
    assert [(label.sample, label.succeeded) for label in read_goal_labels(str(path))] == [(0, True), (1, False)]
    path.write_text("\n".join(json.dumps(row | {"success": one}) for one in ("yes", "no")))
    with pytest.raises(InputError, match="has a label by 'ann' already"):
        read_goal_labels(str(path))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"turns": ""}, "turns"),
        ({"turns": "[0]"}, "turns"),
        ({"reached": "maybe"}, "reached"),
        ({"reached": "", "success": ""}, "a row says one of them"),
        ({"reached": "", "success": "perhaps"}, "neither yes nor no"),
        ({"cause": "broke"}, "only where a goal was not reached"),
        ({"reached": "no", "failed_at": "1"}, "before the goal came up"),
        ({"reached": "no", "failed_at": "x"}, "whole number"),
        ({"instruction_key": ""}, "instruction_key"),
    ],
)
def test_a_label_that_cannot_be_is_refused(tmp_path: Path, change: dict[str, str], message: str) -> None:
    row = {"instruction_key": "k", "model": "m", "annotator": "ann", "goal": "g", "turns": "2 3", "reached": "yes"}
    path = tmp_path / "labels.jsonl"
    path.write_text(json.dumps(row | change))
    with pytest.raises(InputError, match=message) as raised:
        read_goal_labels(str(path))
    assert str(path) in str(raised.value)
