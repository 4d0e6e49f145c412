"""How a null-model audit ended, with the judge, the null models and the bound."""

import pytest

from judgebench.leaderboard import JudgeGate
from judgebench.leaderboard.board import State
from judgebench.show.gates import null_models


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("passed", "passed, judge my judge; any of them wins at most 7.0%; the best was echo"),
        (
            "stale",
            "passed, but before instructions were added, or without claims, judge my judge; any of them wins at most "
            "7.0%; the best was echo",
        ),
        ("failed", "failed by echo and empty, judge my judge; any of them wins at most 7.0%"),
        ("missing", "my judge was not audited"),
    ],
)
def test_each_end_names_the_judge_and_who_came_nearest(state: State, words: str) -> None:
    winners = ("echo", "empty") if state == "failed" else ()
    assert null_models(JudgeGate("my judge", state, 0.07, "", winners=winners, best="echo")) == words
