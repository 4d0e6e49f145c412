"""Cells of profiles: every rate with its interval and counts, in the unit of the leaderboard."""

from judgebench.services.part_rates import PartRate
from judgebench.services.profiles import OnInstruction
from judgebench.show import profiles
from tests.show.factories import board, known


def test_a_part_has_a_cell_for_each_heading() -> None:
    part = PartRate("", known(0.6), 10, 6, 1, 10)
    assert list(profiles.part_cells([part], "rate")) == [
        ("no category", "60.0%", "[50.0%, 70.0%]", "10", "6", "3", "1")
    ]
    assert len(profiles.part_headings("category", "rate")) == 7
    [cells] = profiles.part_cells([PartRate("c", known(6.2, 1.0), 10, 0, 0, 10)], "score")
    assert len(cells) == len(profiles.part_headings("category", "score"))
    assert cells[1] == "6.200"


def test_instructions_say_what_was_preferred() -> None:
    assert list(profiles.instruction_cells([OnInstruction("k", "Why?", None, 0.25, None)], "rate")) == [
        ("Why?", "", "25.0%")
    ]


def test_scores_have_their_unit() -> None:
    assert profiles.unit_of(board([0.9, 0.6], 0.01)) == "rate"
    assert profiles.unit_of(board([7.0, 6.0], 0.01, scale="score")) == "score"
