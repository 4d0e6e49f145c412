"""What stands beside one ranking, as a person asks for it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke

MODELS = ("m1", "m2", "m3", "m4")


@pytest.fixture
def judged(invoke: Invoke, outputs: Callable[..., Path]) -> Invoke:
    """Four models, every pair, judged by one that always names what it is shown first."""
    for model in MODELS:
        assert invoke("submit", outputs(model, 6), "--model", model, "--benchmark", "b").code == 0
    assert invoke("run", "--benchmark", "b", "--judge", "scripted:always-first", "--all-pairs").code == 0
    return invoke


def test_a_judge_without_an_opinion_separates_nobody(judged: Invoke) -> None:
    pairs = judged("matrix", "--benchmark", "b", "--format", "json").json["pairs"]
    assert len(pairs) == 12
    assert {pair["win_rate"] for pair in pairs} == {0.5}
    assert all(pair["lower"] < 0.5 < pair["upper"] and pair["battles"] == 6 for pair in pairs)
    assert judged("quality", "--benchmark", "b", "--format", "json").json["separability"] == 0.0
    many = judged("multiverse", "--benchmark", "b", "--format", "json").json
    assert [row["best_rank"] for row in many["models"]] == [1] * 4
    assert not any(row["above_in_all"] for row in many["models"])
    answers = judged("consensus", "--benchmark", "b", "--format", "json").json
    assert answers["condorcet_winner"] is None
    assert answers["borda"] == [0.5] * 4


@pytest.mark.parametrize("command", ["matrix", "multiverse", "consensus", "quality"])
def test_each_has_a_table_and_knows_its_names(judged: Invoke, command: str) -> None:
    shown = judged(command, "--benchmark", "b", "--judge", "scripted:always-first")
    assert shown.code == 0
    assert "%" in shown.out
    unknown = judged(command, "--benchmark", "c")
    assert unknown.code == 2
    assert "'c'" in unknown.err


def test_a_leaderboard_held_against_itself_agrees(judged: Invoke) -> None:
    found = judged("quality", "--benchmark", "b", "--against", "b", "--format", "json").json
    assert found["agreement"] is None  # no pair is separated, so there is nothing to agree with
    assert found["pairs"] == 6
    assert found["brier"] == 0.0


def test_judge_aware_ratings_tell_the_first_place_from_quality(judged: Invoke) -> None:
    board = judged("leaderboard", "--benchmark", "b", "--method", "judge-aware", "--format", "json").json
    assert [round(row["rating"]) for row in board["rows"]] == [1000] * 4
    [note] = [note for note in board["notes"] if "shown first" in note]
    assert float(note.split()[-3]) > 1


def test_a_plan_without_and_with_a_pilot(judged: Invoke) -> None:
    alone = judged("plan", "--difference", "0.03", "--format", "json").json
    assert alone["instructions_needed"] == 4361  # (1.959964 + 0.841621)^2 * 2 * 0.25 / 0.03^2
    learned = judged("plan", "--benchmark", "b", "--instructions", "50", "--format", "json").json
    assert learned["pilot"]["instructions"] == 6
    assert learned["with"]["instructions"] == 50
    assert judged("plan", "--benchmark", "b").code == 0
