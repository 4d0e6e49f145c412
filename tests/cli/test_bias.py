"""judgebench bias."""

from typing import Any

import pytest

from tests.cli.conftest import Invoke

FIGURE = {"value", "lower", "upper", "level", "method", "n", "identified"}


def figures(document: Any) -> list[dict[str, Any]]:
    """Every figure in a document, however deep."""
    if isinstance(document, dict):
        if "identified" in document:
            return [document]
        return [found for each in document.values() for found in figures(each)]
    return [found for each in document for found in figures(each)] if isinstance(document, list) else []


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ("bias", "--benchmark", "bench", "--judge", "scripted:coin"),
        ("bias", "--benchmark", "bench"),
        ("agreement", "--benchmark", "bench"),
        ("card", "--judge", "scripted:coin"),
    ],
)
def test_every_figure_has_the_same_form(judged: Invoke, command: tuple[str, ...]) -> None:
    done = judged(*command, "--format", "json")
    assert done.code == 0
    found = figures(done.json)
    assert len(found) > 10
    for figure in found:
        assert set(figure) in (FIGURE, FIGURE | {"reason"})
        assert figure["identified"] or figure["reason"]
    assert judged(*command).code == 0


def test_a_judge_that_always_says_first(judged: Invoke) -> None:
    found = judged("bias", "--benchmark", "bench", "--judge", "scripted:always-first", "--format", "json").json
    assert found["position"]["consistency"]["value"] == 0.0
    assert found["position"]["primacy"]["value"] == 1.0
    board = judged("leaderboard", "--benchmark", "bench", "--judge", "scripted:always-first", "--format", "json").json
    assert {row["win_rate"] for row in board["rows"]} == {0.5}
    assert {row["tier"] for row in board["rows"]} == {1}
    card = judged("card", "--judge", "scripted:always-first", "--format", "json").json
    grades = {line["name"]: line["grade"] for line in card["lines"]}
    assert (grades["consistency"], grades["position"]) == ("C-D", "too little data")  # of four instructions
