"""A judge's taste for length and style, beside people's."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from judgebench.bias.effects import Effect, length_effect
from judgebench.bias.taste import length, slopes, style_effect
from judgebench.errors import InputError
from tests.bias.factories import BiasedWorld, table_of
from tests.stats.factories import swapped

ALPACA = Path(__file__).parents[2].parent / "shared" / "data" / "alpaca_eval"


def test_shares_by_hand():
    lengths = ([100, 100, 500, 90], [300, 110, 100, 400])
    table = table_of(
        [0] * 4, [1] * 4, [0.0, 1.0, 0.5, 1.0], models=("a", "b"), instruction=[0, 1, 2, 3], order=[0, 1, 0, 1],
        lengths=lengths,
    )  # fmt: skip
    found = length(table, human=np.array([0.5, 0.5, 0.0, np.nan]))
    assert (found.prefers_longer.value, found.prefers_longer.n) == (pytest.approx((1 + 0.5 + 0) / 3), 3)
    assert found.prefers_longer_at_human_tie.value == 1.0
    assert found.less_peoples_share.value == pytest.approx(((1 - 0.5) + (0.5 - 0.0)) / 2)
    assert length(table, margin=5).prefers_longer.n == 4


def test_without_people_nothing_is_said_about_them():
    found = length(BiasedWorld(instructions=20, length_slope=0.5).table(np.random.default_rng(0)))
    for figure in (found.less_peoples_share, found.prefers_longer_at_human_tie, found.slope.beyond_people):
        assert (figure.value, figure.reason) == (None, "no battle has a human preference")
    assert found.slope.raw.identified


def test_calling_a_b_changes_nothing_in_length():
    table = BiasedWorld(instructions=20, length_slope=0.5).table(np.random.default_rng(1))
    human = (np.random.default_rng(2).random(len(table)) < 0.5) * 1.0
    one, other = length(table, human=human), length(swapped(table), human=1 - human)
    assert other.prefers_longer == one.prefers_longer
    assert other.less_peoples_share.value == pytest.approx(one.less_peoples_share.value)
    assert other.slope.beyond_people.value == pytest.approx(one.slope.beyond_people.value, abs=1e-7)


@pytest.mark.parametrize("slope", [0.0, 0.8])
def test_slope_comes_back_at_the_nominal_rate(slope):  # recovery, and false alarms with slope 0
    rng = np.random.default_rng(3)
    world = BiasedWorld(strengths=(0.8, 0.0, -0.8), slots=(0.4,), length_slope=slope, longer=(2, 1.0), instructions=60)
    figures = [length(world.table(rng)).slope.raw for _ in range(120)]
    assert np.mean([f.value for f in figures]) == pytest.approx(slope, abs=0.06)
    assert np.mean([f.lower <= slope <= f.upper for f in figures]) > 0.885


def test_features_are_at_equal_others():
    rng = np.random.default_rng(5)
    table = BiasedWorld(strengths=(0.0, 0.0), length_slope=1.0, instructions=1500).table(rng)
    lists = length_effect(table).column + 0.5 * rng.standard_normal(len(table))
    found = slopes(table, [length_effect(table), Effect("lists", lists)])
    assert abs(found["lists"].raw.value) < 3 * (found["lists"].raw.upper - found["lists"].raw.value) / 1.96
    assert found["length"].raw.value == pytest.approx(1.0, abs=0.3)


def test_bad_input_is_refused():
    table = BiasedWorld(instructions=3).table(np.random.default_rng(6))
    for human in (np.zeros(2), np.full(len(table), 2.0)):
        with pytest.raises(InputError, match="human preferences must be"):
            length(table, human=human)
    with pytest.raises(InputError, match="must be finite and not negative"):
        style_effect("lists", np.array([-1.0]), np.array([0.0]))


@pytest.mark.shared
def test_gpt_4_turbo_prefers_the_longer_output(shared):
    """The share equals a direct count of the file; of a single model, so that strength is one number."""
    path = ALPACA / "claude-2" / "annotations.json.gz"
    if not path.is_file():
        pytest.skip("this model's annotations are not here")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [row for row in json.load(file) if row["preference"] is not None]
    kept = [row for row in rows if abs(len(row["output_1"]) - len(row["output_2"])) > 30]
    count = sum(
        p if len(row["output_2"]) > len(row["output_1"]) else 1 - p for row in kept for p in [row["preference"] - 1]
    )
    table = table_of(
        np.zeros(len(rows)), np.ones(len(rows)), [2 - row["preference"] for row in rows], models=("base", "model"),
        instruction=np.arange(len(rows)), order=np.full(len(rows), -1),
        lengths=([len(row["output_1"]) for row in rows], [len(row["output_2"]) for row in rows]),
    )  # fmt: skip
    found = length(table)
    assert found.prefers_longer.n == len(kept)
    assert found.prefers_longer.value == pytest.approx(count / len(kept))
    assert found.slope.raw.lower > 0
