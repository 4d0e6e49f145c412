import numpy as np
import pytest
from scipy.special import logit

from judgebench.errors import StatisticsError
from judgebench.stats.social_choice import cycle_test, cyclic_triples, hodge_split, soft_deviation
from tests.stats.factories import World, stacked, table_of

CIRCLE = 0.5 + np.array([[0, 0.2, -0.1], [-0.2, 0, 0.3], [0.1, -0.3, 0]])


def test_golden_hodge_split():
    # Least squares on the log-odds of preferences .7 (1 over 2), .4 (1 over 3) and .8 (2 over 3).
    split = hodge_split(logit(CIRCLE))
    assert split.scores == pytest.approx([0.147278, 0.179666, -0.326943], abs=1e-6)
    assert split.cyclic_share == pytest.approx(0.827901, abs=1e-6)


def test_golden_soft_deviation():
    # Preferences .7, .6 and .4; Jensen-Shannon in bits.
    assert soft_deviation(0.7, 0.6, 0.4) == pytest.approx(0.111024, abs=1e-6)


def test_a_ranking_has_no_cycles():
    strengths = np.array([1.0, 0.3, -0.4, -0.9])
    gaps = strengths[:, None] - strengths[None, :]
    split = hodge_split(gaps)
    np.testing.assert_allclose(split.scores, strengths - strengths.mean(), atol=1e-12)
    assert split.cyclic_share == pytest.approx(0, abs=1e-12)
    assert cyclic_triples(1 / (1 + np.exp(-gaps))) == 0
    assert soft_deviation(*(1 / (1 + np.exp(-np.array([0.5, 0.7, 1.2]))))) == pytest.approx(0, abs=1e-12)


def test_rock_paper_scissors_is_all_cycle():
    gaps = np.array([[0, 1, -1], [-1, 0, 1], [1, -1, 0.0]])
    assert hodge_split(gaps).cyclic_share == pytest.approx(1)
    assert cyclic_triples(1 / (1 + np.exp(-gaps))) == 1


def test_pairs_that_never_met_do_not_count():
    gaps = np.array([[0, 1, 99], [-1, 0, 1], [-99, -1, 0.0]])
    weights = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0.0]])
    assert hodge_split(gaps, weights).cyclic_share == pytest.approx(0, abs=1e-12)
    assert np.isnan(hodge_split(np.zeros((3, 3))).cyclic_share)
    assert np.isnan(cyclic_triples(np.full((3, 3), 0.5)))


def circle(rng, instructions=150, strength=0.8):
    rows = []
    for i in range(instructions):
        for a, b in (("r", "s"), ("s", "p"), ("p", "r")):
            rows.append((a, b, float(rng.random() < 1 / (1 + np.exp(-strength))), f"i{i:04d}"))
    return table_of(rows)


def test_a_planted_cycle_is_found():
    found = cycle_test(circle(np.random.default_rng(0)), resamples=300, rng=np.random.default_rng(1))
    assert found.p_value < 0.01
    assert found.cyclic_share > 0.8


def test_recovery_of_the_level_without_cycles():
    rng = np.random.default_rng(2)
    world = World(np.array([0.4, 0.1, -0.1, -0.4]), instructions=80, quality_noise=1.0)
    rejected = sum(cycle_test(world.table(rng), resamples=199, rng=rng).p_value <= 0.1 for _ in range(150))
    assert rejected / 150 <= 0.18


def test_copies_of_verdicts_do_not_make_a_cycle_significant():
    table = circle(np.random.default_rng(3), instructions=20, strength=0.3)
    once = cycle_test(table, resamples=200, rng=np.random.default_rng(1)).p_value
    copies = stacked(stacked(table, table), stacked(table, table))
    assert cycle_test(copies, resamples=200, rng=np.random.default_rng(1)).p_value == pytest.approx(once, abs=0.05)


def test_bad_input_is_refused():
    with pytest.raises(StatisticsError, match="antisymmetric"):
        hodge_split(np.ones((3, 3)))
    with pytest.raises(StatisticsError, match="no three or more models"):
        cycle_test(table_of([("a", "b", 1.0)]), rng=np.random.default_rng(0))
    with pytest.raises(StatisticsError, match="strictly between"):
        soft_deviation(1.0, 0.5, 0.5)
