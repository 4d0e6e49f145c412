"""What audits say about judges and models is written on the leaderboard that they concern, and on no other."""

import pytest

from judgebench.leaderboard import COLUMNS, BoardGate, Choices, JudgeGate, ModelGate
from judgebench.leaderboard.board import State
from judgebench.leaderboard.build import build
from tests.stats.factories import against_baseline

BOARD = build(against_baseline(instructions=20), Choices())
PASSED = JudgeGate("judge", "passed", 0.04, "judgebench audit null-models")
SEVERE = ModelGate("m2", ("constant-output",), stale=True, command="judgebench audit submissions --model m2")
ELSEWHERE = ModelGate("stranger", ("low-entropy",), stale=False, command="judgebench audit submissions")


def test_a_leaderboard_without_findings_passes_and_is_not_marked() -> None:
    board = BOARD.marked([PASSED], [ELSEWHERE])
    assert board.gate == BoardGate(True, (PASSED,), ())
    assert (board.rows, board.notes) == (BOARD.rows, BOARD.notes)


@pytest.mark.parametrize("state", ["failed", "stale", "missing"])
def test_a_judge_that_did_not_pass_is_in_the_notes_with_what_would_settle_it(state: State) -> None:
    board = BOARD.marked([JudgeGate("judge", state, None, "judgebench audit null-models")], [])
    assert not board.gate.passed
    assert board.notes[-1].startswith("judge judge ")
    assert board.notes[-1].endswith("settle it: judgebench audit null-models")


def test_a_model_with_a_severe_finding_is_marked_in_its_row() -> None:
    board = BOARD.marked([PASSED], [SEVERE, ELSEWHERE])
    assert not board.gate.passed
    assert [row.model for row in board.rows if row.flag] == ["m2"]
    assert next(row.flag for row in board.rows if row.flag) == "audit: constant-output (before outputs were added)"
    assert board.notes[-1] == "m2: audit: constant-output (before outputs were added); see " + SEVERE.command


def test_a_row_as_columns_holds_the_rating_and_its_interval() -> None:
    row = BOARD.rows[0]
    columns = row.columns()
    assert tuple(columns) == COLUMNS
    assert (columns["rating"], columns["lower"], columns["upper"]) == (row.rating, row.lower, row.upper)
