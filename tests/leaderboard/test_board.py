"""What audits say about judges and models is written on the leaderboard that they concern, and on no other."""

import pytest

from judgebench.leaderboard import COLUMNS, BoardGate, Choices, JudgeGate, ModelGate, Robustness
from judgebench.leaderboard.board import RobustnessState, State
from judgebench.leaderboard.build import build
from judgebench.show.sentences import basis
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
    bare = basis(board, commands=False)
    assert [note for note in bare if "judgebench" in note] == []
    assert len(bare) == len(basis(board))


def test_a_model_with_a_severe_finding_is_marked_in_its_row() -> None:
    board = BOARD.marked([PASSED], [SEVERE, ELSEWHERE])
    assert not board.gate.passed
    assert [row.model for row in board.rows if row.flag] == ["m2"]
    assert next(row.flag for row in board.rows if row.flag) == "audit: constant-output (before outputs were added)"
    assert board.notes[-1] == "m2: audit: constant-output (before outputs were added); see " + SEVERE.command


@pytest.mark.parametrize(
    ("state", "passed"),
    [("passed", True), ("moved", True), ("blind", True), ("stale", True), ("missing", True), ("failed", False)],
)
def test_only_a_severe_flip_fails_a_judge_and_all_but_a_passed_audit_is_noted(
    state: RobustnessState, passed: bool
) -> None:
    judge = JudgeGate("judge", "passed", 0.04, "", Robustness(state, ("bandwagon",), "judgebench audit robustness"))
    board = BOARD.marked([judge], [])
    assert board.gate.passed is passed
    named = [note for note in board.notes if "bandwagon" in note]
    assert len(board.notes) - len(BOARD.notes) == (state != "passed")
    assert bool(named) == (state in ("moved", "failed"))


def test_what_is_suspect_or_not_audited_marks_its_row_and_fails_nothing() -> None:
    suspect = ModelGate("m1", ("hidden-markup",), False, "judgebench audit submissions", "suspect")
    unaudited = ModelGate("m2", (), False, "judgebench audit submissions", "unaudited")
    board = BOARD.marked([PASSED], [suspect, unaudited])
    assert board.gate.passed
    flags = {row.model: row.flag for row in board.rows if row.flag}
    assert flags == {"m1": "audit: hidden-markup", "m2": "not audited"}


def test_rows_are_marked_where_no_submission_was_audited() -> None:
    everyone = [ModelGate(row.model, (), False, "judgebench audit submissions", "unaudited") for row in BOARD.rows]
    board = BOARD.marked([PASSED], everyone)
    assert all("not audited" in row.flag for row in board.rows)
    assert len(board.gate.models_that_are("unaudited")) == len(board.rows)


def test_a_row_as_columns_holds_the_rating_and_its_interval() -> None:
    row = BOARD.rows[0]
    columns = row.columns()
    assert tuple(columns) == COLUMNS
    assert (columns["rating"], columns["lower"], columns["upper"]) == (row.rating, row.lower, row.upper)
