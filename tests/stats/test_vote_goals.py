"""The next number of votes that is worth waiting for: it keeps its word, and says when it cannot."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.estimate import unidentified
from judgebench.stats.agreement import share_alike
from judgebench.stats.vote_goals import next_goal


def agreed(rng: np.random.Generator, n: int, share: float):
    mine = np.zeros(n)
    return share_alike(np.column_stack([mine, np.where(rng.random(n) < share, 0.0, 2.0)]), np.arange(n))


def test_before_the_first_vote_the_goal_is_that_of_a_coin() -> None:
    goal = next_goal(unidentified("no vote"), 10_000)
    assert goal is not None
    assert (goal.votes, goal.half_width, goal.is_all) == (25, 0.2, False)


@pytest.mark.parametrize("share", [0.5, 0.7, 0.9])
def test_at_the_goal_the_agreement_is_known_as_well_as_promised(share: float) -> None:
    rng = np.random.default_rng(4)
    widths, within = [], []
    for _ in range(60):
        goal = next_goal(agreed(rng, 30, share), 100_000)
        assert goal is not None
        then = agreed(rng, goal.votes, share)
        assert then.lower is not None
        assert then.upper is not None
        widths.append((then.upper - then.lower) / 2 / goal.half_width)
        needed = next(n for n in range(1, 10_000) if 1.96 * np.sqrt(share * (1 - share) / n) <= goal.half_width)
        within.append(goal.fewest <= needed <= goal.most)
    assert 0.8 < np.median(widths) < 1.2
    assert np.mean(within) > 0.9


@given(st.integers(0, 300), st.floats(0, 1), st.integers(0, 500), st.integers(0, 99))
def test_a_goal_lies_ahead_and_within_reach(n: int, share: float, more: int, seed: int) -> None:
    known = agreed(np.random.default_rng(seed), n, share) if n else unidentified("no vote")
    goal = next_goal(known, n + more)
    if goal is None:
        return
    assert more > 0
    assert n < goal.votes <= min(goal.most, n + more)
    assert goal.fewest <= goal.votes
    assert known.lower is None or known.upper is None or goal.half_width < (known.upper - known.lower) / 2


def test_where_pairs_run_out_the_goal_is_all_of_them_and_what_they_tell() -> None:
    goal = next_goal(unidentified("no vote"), 7)
    assert goal is not None
    assert (goal.votes, goal.is_all) == (7, True)
    assert goal.half_width == pytest.approx(0.37, abs=0.01)
