"""FastChat's answers: choices by their indexes, each with its turns."""

import pytest

from judgebench.formats.choices import CHOICE_TURNS, with_choices
from judgebench.formats.reading import FileRow, Place

PLACE = Place("a.jsonl", "row", 1)


def test_choices_are_samples_in_the_order_of_their_indexes() -> None:
    choices = [{"index": 1, "turns": ["c", "d"]}, {"index": 0, "turns": ["a", "b"]}]
    row = with_choices(FileRow(PLACE, {"question_id": 81, "choices": choices}))
    assert row.values[CHOICE_TURNS] == [["a", "b"], ["c", "d"]]


@pytest.mark.parametrize("choices", [None, [], ["A", "B"], [{"text": "x"}], [{"turns": "x"}], {"turns": ["x"]}])
def test_other_choices_are_left_alone(choices: object) -> None:
    row = FileRow(PLACE, {"choices": choices})
    assert with_choices(row) is row
