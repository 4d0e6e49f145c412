"""Style control as published: the fit, its resamples, and what makes its columns."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from judgebench.errors import StatisticsError
from judgebench.stats.style_control import StyledBattles, fit_styled, refits, relative_difference, standardised


def world(n: int = 600, slope: float = 0.8) -> tuple[StyledBattles, np.ndarray]:
    rng, truth = np.random.default_rng(1), np.array([0.6, 0.1, -0.7])
    first = rng.integers(0, 3, n)
    second = (first + rng.integers(1, 3, n)) % 3
    style = rng.normal(size=(n, 2))
    chance = expit(truth[first] - truth[second] + style @ [slope, 0.0])
    won = (rng.random(n) < chance).astype(np.float64)
    codes = first.astype(np.int32), second.astype(np.int32)
    return StyledBattles(3, *codes, won, np.ones(n), style), truth


@pytest.mark.parametrize(("unit", "ridge", "fixed"), [(1.0, 0.5, None), (2.3, 0.5, None), (1.0, 0.0, 2)])
def test_the_optimum_is_that_of_another_solver(unit: float, ridge: float, fixed: int | None) -> None:
    battles, _ = world()

    def loss(x: np.ndarray) -> float:
        strength = x[:3] * (np.arange(3) != fixed) if fixed is not None else x[:3]
        logit = unit * (strength[battles.first] - strength[battles.second]) + battles.style @ x[3:]
        likelihood = battles.won @ log_expit(logit) + (1 - battles.won) @ log_expit(-logit)
        return float(-likelihood + ridge / 2 * x @ x)

    expected = minimize(loss, np.zeros(5), method="BFGS", options={"gtol": 1e-8}).x
    fit = fit_styled(battles, unit=unit, ridge=ridge, fixed=fixed)
    np.testing.assert_allclose(
        fit.strength[:2] - fit.strength[2], expected[:2] - expected[2] * (fixed is None), atol=1e-4
    )
    np.testing.assert_allclose(fit.slopes, expected[3:], atol=1e-4)


def test_known_strengths_and_slopes_come_back() -> None:
    battles, truth = world(n=20_000)
    fit = fit_styled(battles, fixed=2)
    np.testing.assert_allclose(fit.strength, truth - truth[2], atol=0.1)
    np.testing.assert_allclose(fit.slopes, [0.8, 0.0], atol=0.06)


def test_a_weight_is_a_row_so_often() -> None:
    battles, _ = world(n=100)
    times = np.arange(100) % 3
    rows = np.repeat(np.arange(100), times)
    weighed = StyledBattles(3, battles.first, battles.second, battles.won, times.astype(np.float64), battles.style)
    repeated = StyledBattles(
        3, battles.first[rows], battles.second[rows], battles.won[rows], np.ones(len(rows)), battles.style[rows]
    )
    ours, theirs = (fit_styled(one, ridge=0.1).parameters for one in (weighed, repeated))
    np.testing.assert_allclose(ours, theirs, atol=1e-8)
    drawn = [refits(one, 3, np.random.default_rng(0), ridge=0.1) for one in (weighed, repeated)]
    np.testing.assert_allclose(*drawn, atol=1e-7)


def test_a_model_that_always_wins_does_not_stop_the_fit() -> None:
    first, second = np.array([0, 0, 0, 1], dtype=np.int32), np.array([2, 2, 2, 2], dtype=np.int32)
    battles = StyledBattles(3, first, second, np.array([1.0, 1.0, 1.0, 0.5]), np.ones(4), np.zeros((4, 0)))
    assert expit(fit_styled(battles, fixed=2).strength[0]) == pytest.approx(1.0, abs=1e-6)


def test_parts_of_a_row_cannot_be_drawn() -> None:
    battles, _ = world(n=10)
    halves = StyledBattles(3, battles.first, battles.second, battles.won, np.full(10, 0.5), battles.style)
    with pytest.raises(StatisticsError, match="whole number"):
        refits(halves, 2, np.random.default_rng(0), ridge=0.1)


def test_columns_are_relative_and_standardised() -> None:
    one, other = np.array([3.0, 0.0, 1.0]), np.array([1.0, 0.0, 1.0])
    np.testing.assert_allclose(relative_difference(one, other, more=0.0), [0.5, 0.0, 0.0])
    np.testing.assert_allclose(relative_difference(one, other, more=1.0), [0.4, 0.0, 0.0])
    columns, weight = np.array([[1.0, 2.0], [3.0, 2.0]]), np.array([1.0, 3.0])
    exploded = np.repeat(columns[:, 0], [1, 3])
    expected = (columns[:, 0] - exploded.mean()) / exploded.std(ddof=1)
    ours = standardised(columns, weight, degrees=1)
    np.testing.assert_allclose(ours[:, 0], expected)
    assert (ours[:, 1] == 0).all()
