"""Juries: what several judges amount to, who is left out, and what stays as it was."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.errors import StatisticsError
from judgebench.stats.social_choice import convene
from judgebench.stats.verdict_table import VerdictTable


def table(rows: list[tuple[int, int, int, float]]) -> VerdictTable:
    """Rows of (instruction, judge, order, preference) about two models."""
    instruction, judge, order, preference = (np.array(column) for column in zip(*rows, strict=True))
    same = np.zeros(len(rows), dtype=np.int32)
    return VerdictTable(
        models=("a", "b"),
        instructions=tuple(f"i{n}" for n in range(int(instruction.max()) + 1)),
        judges=("x", "y", "z"),
        model_a=same,
        model_b=same + 1,
        instruction=instruction.astype(np.int32),
        judge=judge.astype(np.int32),
        order=order.astype(np.int8),
        preference=preference.astype(np.float64),
        length_a=same,
        length_b=same,
    )


@pytest.mark.parametrize(
    ("votes", "majority"),
    [
        ((1.0, 0.8, 0.0), 1.0),
        ((0.2, 0.0, 1.0), 0.0),
        ((1.0, 0.5, 0.0), 0.5),
        ((1.0, 0.5, 0.5), 0.5),
        ((0.5, 0.5, 0.5), 0.5),
    ],
)
def test_a_side_wins_by_more_than_half_of_the_judges(votes: tuple[float, ...], majority: float) -> None:
    rows = [(0, judge, 0, vote) for judge, vote in enumerate(votes)]
    found = convene(table(rows), "majority")
    assert found.table.preference.tolist() == [majority]
    assert found.table.judges == ("majority of x, y, z",)
    assert convene(table(rows), "mean").table.preference == pytest.approx([sum(votes) / 3])


def test_repeats_are_averaged_orders_kept_apart_and_gaps_left_out() -> None:
    rows = [(0, 0, 0, 1.0), (0, 0, 0, 0.0), (0, 1, 0, 1.0), (0, 0, 1, 0.0), (0, 1, 1, 0.0), (1, 0, 0, 1.0)]
    found = convene(table(rows), "mean")
    assert sorted(zip(found.table.order.tolist(), found.table.preference.tolist(), strict=True)) == [
        (0, 0.75),
        (1, 0.0),
    ]
    assert (found.members, found.incomplete) == (("x", "y"), 1)


@given(st.lists(st.sampled_from([0.0, 0.3, 0.5, 0.7, 1.0]), min_size=3, max_size=3))
def test_turning_every_verdict_round_turns_the_jurys(votes: list[float]) -> None:
    for rule in ("majority", "mean"):
        one = convene(table([(0, judge, 0, vote) for judge, vote in enumerate(votes)]), rule)
        other = convene(table([(0, judge, 0, 1 - vote) for judge, vote in enumerate(votes)]), rule)
        assert one.table.preference + other.table.preference == pytest.approx([1.0])


def test_one_judge_and_judges_that_never_met_are_no_jury() -> None:
    with pytest.raises(StatisticsError, match="two judges"):
        convene(table([(0, 0, 0, 1.0)]), "majority")
    with pytest.raises(StatisticsError, match="every judge"):
        convene(table([(0, 0, 0, 1.0), (1, 1, 0, 1.0)]), "majority")
