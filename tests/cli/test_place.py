"""judgebench place, and submit --rank: asked as the board was, and where it lands."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke, verdicts


@pytest.fixture
def board(submitted: Invoke) -> Invoke:
    """alpha, beta and gamma, each pair judged in both orders by a coin."""
    assert submitted("run", "--benchmark", "bench", "--judge", "scripted:coin", "--all-pairs").code == 0
    return submitted


def test_a_submission_is_judged_as_the_board_was_and_lands_on_it(board: Invoke, outputs: Callable[..., Path]) -> None:
    words = ("submit", outputs("new"), "--model", "new", "--benchmark", "bench", "--rank")
    done = board(*words)
    assert done.code == 0
    assert "stored 4 outputs" in done.out
    assert "new: rank " in done.out
    assert "scripted:coin: 24 calls, free." in done.out
    assert "24 calls, about" in done.err
    again = board(*words, "--format", "json").json
    assert (again["stored"], again["placement"]["calls"], again["placement"]["ranked"]) == (0, 0, 4)
    [row] = again["placement"]["models"]
    assert (row["model"], row["rank_lower"] <= row["rank_upper"]) == ("new", True)


def test_what_cannot_be_ranked_is_not_stored(submitted: Invoke, outputs: Callable[..., Path]) -> None:
    words = ("submit", outputs("new"), "--model", "new", "--benchmark", "bench")
    without = submitted(*words, "--rank")
    assert (without.code, "has no board to rank on" in without.err) == (2, True)
    assert "new" not in submitted("models", "--benchmark", "bench").out
    assert "add --rank" in submitted(*words, "--yes").err
    assert "add --rank" in submitted(*words, "--ray", "local").err
    assert "add --rank" in submitted(*words, "--concurrency", "4").err
    assert "nothing to rank" in submitted(*words, "--rank", "--dry-run").err


def test_without_consent_outputs_are_stored_and_nothing_is_asked(
    board: Invoke, outputs: Callable[..., Path], tmp_path: Path
) -> None:
    added = ("judges", "add", "dear", "--model", "m", "--url", "http://127.0.0.1:9/v1", "--price", "1000,1000")
    assert board(*added).code == 0
    before = verdicts(tmp_path)
    asked = board("submit", outputs("new"), "--model", "new", "--benchmark", "bench", "--rank", "--judge", "dear")
    assert asked.code == 2
    assert "nothing was asked: 24 calls cost" in asked.err
    assert "new" in board("models", "--benchmark", "bench").out
    assert verdicts(tmp_path) == before
    planned = board(
        "place", "--model", "new", "--benchmark", "bench", "--judge", "dear", "--dry-run", "--max-cost", "5"
    )
    assert "It stops once 5 USD are spent." in planned.out
    assert "ranks suppose that the judges judge alike" in planned.out


def test_stored_models_are_placed_together(board: Invoke, outputs: Callable[..., Path]) -> None:
    for model in ("new", "newer"):
        assert board("submit", outputs(model), "--model", model, "--benchmark", "bench").code == 0
    words = ("place", "--model", "new", "--model", "newer", "--benchmark", "bench", "--repeats", "2")
    counted = board(*words, "--dry-run", "--format", "json").json
    placed = board(*words, "--format", "json").json
    assert counted["calls"] == placed["calls"] == (2 * 3 + 1) * 2 * 2 * 4
    assert {row["model"] for row in placed["models"]} == {"new", "newer"}
    assert placed["ranked"] == 5
