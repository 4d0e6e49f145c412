"""Leaderboards of stored verdicts and scores, of one language, under controls, and what is counted beside them."""

from typing import Any

import numpy as np
import pytest

from judgebench import engine, services
from judgebench.errors import InputError, StatisticsError, UnknownName
from judgebench.leaderboard import Choices, Controls, Leaderboard
from judgebench.records import Order, Status
from judgebench.services.scope import Scope
from judgebench.spec import Study, make
from judgebench.store.database import Database
from tests.engine.served import rates_quality
from tests.factories import ok, result, trial
from tests.fault_server import FaultServer, Reply, Request
from tests.filling import asked, filled, judged, stored


def _scored(database: Database, script: Any = rates_quality, template: str = "pointwise/mt-bench") -> None:
    with FaultServer(script) as server:
        judge = {"model": "judge", "url": server.url, "template": template}
        engine.run.run(database, make(Study, {"benchmark": "bench", "judge": judge}, where="test"), environment={})


def _board(database: Database, **choices: Any) -> Leaderboard:
    return services.leaderboards.leaderboard(database, "bench", choices=Choices(**choices))


@pytest.fixture
def scored(database: Database) -> Database:
    stored(database, asked(4), ["m3", "m7", "m8"])
    _scored(database)
    return database


def test_models_are_ranked_by_their_mean_score(scored: Database) -> None:
    board = _board(scored, method="score")
    assert [(row.model, row.rating, row.outputs, row.battles) for row in board.rows] == [
        ("m8", 8.0, 4, 0),
        ("m7", 7.0, 4, 0),
        ("m3", 3.0, 4, 0),
    ]
    intervals = "t with two imagined instructions, clustered by instruction"
    assert (board.method, board.scale, board.interval_method) == ("score", "score", intervals)
    assert all(row.upper - row.lower > 1 for row in board.rows)  # four scores of 8 are no certainty


@pytest.mark.parametrize(("margin", "rate"), [(0.0, 1.0), (1.0, 0.75)])
def test_win_rates_follow_the_scores_with_ties_within_the_margin(scored: Database, margin: float, rate: float) -> None:
    board = _board(scored, method="win-rate", margin=margin)
    assert board.rows[0].win_rate == rate
    assert "order of pointwise scores" in board.notes[0]
    assert not any("shown first" in note for note in board.notes)


def test_bradley_terry_takes_the_same_preferences(scored: Database) -> None:
    board = _board(scored, method="bradley-terry", margin=5.0)
    assert [row.rating for row in board.rows] == pytest.approx([1000.0] * 3)


def test_pointwise_verdicts_are_no_preferences(scored: Database) -> None:
    with pytest.raises(StatisticsError, match="no verdict to rank by"):
        _board(scored)


def test_readings_without_a_score_are_counted_and_left_out(database: Database) -> None:
    stored(database, asked(4), ["m3", "m7"])
    _scored(database, _silent_about_the_first)
    board = _board(database, method="score")
    assert board.left_out == {"unparsed": 1}
    assert sum(row.outputs for row in board.rows) == 7


def _silent_about_the_first(index: int, request: Request) -> Reply:
    return Reply.chat("no idea") if index == 1 else rates_quality(index, request)


def test_scores_on_different_scales_have_no_common_mean(scored: Database) -> None:
    _scored(scored, lambda index, request: Reply.chat("yes [RESULT] 4"), "pointwise/prometheus")
    with pytest.raises(InputError, match="different scales"):
        services.leaderboards.leaderboard(
            scored, "bench", scope=Scope(all_judges=True), choices=Choices(method="score")
        )
    alone = services.leaderboards.leaderboard(
        scored, "bench", scope=Scope(("judge@mt-bench.v1",)), choices=Choices(method="score")
    )
    assert alone.rows[0].rating == 8.0


@pytest.mark.parametrize("choices", [{"interval": "bootstrap"}, {"baseline": "m3"}, {"scale": "elo"}, {"margin": 0.1}])
def test_what_mean_scores_do_not_have_is_said(scored: Database, choices: dict[str, Any]) -> None:
    with pytest.raises(StatisticsError, match="mean score"):
        _board(scored, method="score", **choices)


def test_a_reward_models_numbers_are_scores(database: Database) -> None:
    def rewards(index: int, request: Request) -> Reply:
        reward = -1.5 if "m3" in request.text else 2.25
        return Reply.of({"model": "judge", "data": [{"index": 0, "probs": [reward]}], "usage": {"prompt_tokens": 3}})

    stored(database, asked(2), ["m3", "m7"])
    _scored(database, rewards, "pointwise/reward")
    assert [(row.model, row.rating) for row in _board(database, method="score").rows] == [("m7", 2.25), ("m3", -1.5)]


def test_failures_and_cost_are_counted_by_model(wordy: Database) -> None:
    found = services.leaderboards.tallies(wordy, "b", ["judge"])
    assert {model: tally.failures for model, tally in found.items()} == {"marked": 0, "plain": 6, "wordy": 6}
    assert found["marked"].cost_usd == pytest.approx(1.2)


def test_a_board_of_one_language_counts_its_instructions_only(wordy: Database) -> None:
    assert services.leaderboards.languages(wordy, "b") == ["English", "German"]
    whole = services.leaderboards.leaderboard(wordy, "b")
    german = services.leaderboards.leaderboard(wordy, "b", scope=Scope(language="German"))
    english = services.leaderboards.leaderboard(wordy, "b", scope=Scope(language="English"))
    for rows in zip(
        *(sorted(board.rows, key=lambda row: row.model) for board in (whole, german, english)), strict=True
    ):
        assert rows[0].battles == rows[1].battles + rows[2].battles
    assert german.left_out.get(Status.UNPARSED, 0) + english.left_out[Status.UNPARSED] == 6
    with pytest.raises(InputError, match="unknown language"):
        services.leaderboards.leaderboard(wordy, "b", scope=Scope(language="Klingon"))


def test_controls_are_noted(database: Database) -> None:
    judged(database)
    board = services.leaderboards.leaderboard(database, "bench", controls=Controls(related_weight=0.0))
    assert board.notes[0] == "0 verdicts by judges related to one of the two models: 0 left out"


def test_a_matrix_holds_the_pairs_that_met_in_the_order_asked_for(database: Database) -> None:
    verdicts = filled(database, models=("alpha", "beta", "gamma"))
    with database.write() as connection:
        verdicts.add(connection, [result(trial(0, order), ok(0.75)) for order in Order])
    rates = services.leaderboards.matrix(database, "bench")
    assert np.isnan(rates.rate[0, 2])
    one, other = rates.pairs(["beta", "alpha"])
    assert (one["model"], one["opponent"], one["win_rate"], one["battles"]) == ("beta", "alpha", 0.25, 1)
    assert other["win_rate"] == 0.75
    with pytest.raises(UnknownName):
        services.leaderboards.matrix(database, "bench", scope=Scope(category="none"))
