"""People as anchor take a judge's favour and noise out, where these are known by construction."""

from dataclasses import replace

import numpy as np
import pytest

from judgebench.errors import StatisticsError
from judgebench.leaderboard import Choices
from judgebench.leaderboard.anchored import build_anchored, build_corrected
from judgebench.leaderboard.build import build
from judgebench.stats.ppi import JudgeErrorRates
from tests.bias.factories import BiasedWorld


def test_people_on_a_random_part_take_the_favour_out() -> None:
    """Strengths are 0, so people's win rates are 1/2; the judge favours m0 by 1.5 log-odds."""
    covered = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        world = BiasedWorld(strengths=(0.0,) * 3, related=((0, 0, 1.5),), instructions=300)
        judge = world.table(rng)
        labelled = np.isin(judge.instruction, rng.choice(300, 60, replace=False)) & (judge.order == 0)
        human = replace(judge.select(labelled), preference=(rng.random(int(labelled.sum())) < 0.5) * 1.0)
        rows = {row.model: row for row in build_anchored(judge, human, Choices()).rows}
        covered += rows["m0"].lower <= 0.5 <= rows["m0"].upper
    assert build(judge, Choices()).rows[0].lower > 0.6
    assert covered >= 34  # of 40 at a nominal 95 %: fewer has probability below 0.1 %
    rated = build_anchored(judge, human, Choices(method="bradley-terry", scale="logit"))
    assert all(abs(row.rating) < 1 for row in rated.rows)
    with pytest.raises(StatisticsError, match="nobody has labelled"):
        build_anchored(judge, judge.select(np.zeros(len(judge), dtype=bool)), Choices())


def test_error_rates_undo_the_noise_of_a_judge() -> None:
    """A judge that is right four times in five sees 0.8 as 0.68."""
    rng = np.random.default_rng(1)
    world = BiasedWorld(strengths=(0.0, 0.0), instructions=4000).table(rng)
    one = world.select(world.order == 0)
    truth = rng.random(len(one)) < 0.8
    seen = np.where(rng.random(len(one)) < 0.8, truth, ~truth)
    table = replace(one, preference=seen * 1.0)
    board = build_corrected(table, Choices(), JudgeErrorRates(0.8, 500, 0.8, 500), source="elsewhere")
    rates = {row.model: row.rating for row in board.rows}
    assert build(table, Choices()).rows[0].rating == pytest.approx(0.68, abs=0.03)
    assert rates["m0"] == pytest.approx(0.8, abs=0.05)
