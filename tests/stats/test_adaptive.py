"""Adaptive questions: seldom settled wrongly, whoever stops when, and settled sooner than by asking everything."""

import numpy as np
import pytest

from judgebench.errors import InputError
from judgebench.stats.adaptive import Race, RankingQuestion, RunningBounds, running_bounds

ERROR = 0.1


def most_allowed(error: float, runs: int) -> float:
    """Wrong answers that chance gives an error rate of ``error`` in all but one of a thousand tests."""
    return error * runs + 3.1 * (error * (1 - error) * runs) ** 0.5


def play(strengths: dict[str, float], question: RankingQuestion, seed: int, *, most: int = 400) -> tuple[Race, int]:
    """Battles drawn until it is settled; each order prefers i to j with probability 1/2 + (s_i - s_j) / 2."""
    rng = np.random.default_rng(seed)
    race = Race(sorted(strengths), question, error=ERROR)
    battles = 0
    while battles < most and (wanted := race.next_models()):
        for model in wanted:
            others = [other for other in strengths if other != model]
            rival = question.better[1] if question.better else others[rng.integers(len(others))]
            chance = 0.5 + (strengths[model] - strengths[rival]) / 2
            race.observe(model, (rng.random() < chance) / 2 + (rng.random() < chance) / 2)
            battles += 1
    return race, battles


def test_bounds_do_not_depend_on_when_one_looks() -> None:
    values = np.random.default_rng(0).beta(2, 3, 200)
    running = RunningBounds(lower_error=0.025, upper_error=0.025)
    lowest: list[float] = []
    for value in values.tolist():
        running.add(value)
        lowest.append(running.lower)
    assert running.bounds == running_bounds(values, lower_error=0.025, upper_error=0.025)
    assert lowest == sorted(lowest)
    assert running.lower < values.mean() < running.upper


@pytest.mark.slow
def test_equal_models_are_seldom_told_apart_though_one_looks_after_every_battle() -> None:
    runs, question = 300, RankingQuestion(better=("a", "b"))
    settled = sum(play({"a": 0.5, "b": 0.5}, question, seed, most=300)[0].settled for seed in range(runs))
    assert settled <= most_allowed(ERROR, runs)


@pytest.mark.parametrize("clear", [0.0, 0.48])
def test_equal_models_are_seldom_told_apart_once_every_instruction_was_asked(clear: float) -> None:
    """On 60 instructions either model is as often the better one, by as much, and the judge has noise of its own."""
    runs, settled = 150, 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        race = Race(["a", "b"], RankingQuestion(better=("a", "b")), error=ERROR)
        for chance in rng.permutation(np.repeat([0.5 - clear, 0.5 + clear], 30)):
            race.observe("a", (rng.random() < chance) / 2 + (rng.random() < chance) / 2)
            if race.settled:
                break
        settled += race.settled
    assert settled <= most_allowed(ERROR, runs)


@pytest.mark.slow
def test_a_wrong_top_model_is_seldom_named() -> None:
    runs, wrong = 60, 0
    strengths = {"a": 0.8, "b": 0.75, "c": 0.55, "d": 0.5}
    for seed in range(runs):
        race, _ = play(strengths, RankingQuestion(top=1), seed)
        wrong += race.settled and race.answer != ("a",)
    assert wrong <= most_allowed(ERROR, runs)


def test_clear_questions_are_settled_rightly_and_early() -> None:
    found = [play({"a": 0.9, "b": 0.2}, RankingQuestion(better=("a", "b")), seed) for seed in range(20)]
    assert [race.answer for race, _ in found] == [("a",)] * 20
    assert np.mean([battles for _, battles in found]) < 60
    strengths = {"a": 1.0, "b": 0.95, "c": 0.1, "d": 0.05}
    race, battles = play(strengths, RankingQuestion(top=2), 1)
    assert sorted(race.answer) == ["a", "b"]
    assert battles < 300
    assert [standing.model for standing in race.standings()][:2] != ["c", "d"]


def test_the_worse_model_is_found_by_the_same_question() -> None:
    assert play({"a": 0.1, "b": 0.9}, RankingQuestion(better=("a", "b")), 3)[0].answer == ("b",)


def test_a_ranking_is_settled_pair_by_pair_the_easiest_first() -> None:
    race, _ = play({"a": 1.0, "b": 0.5, "c": 0.0}, RankingQuestion(), 5)
    assert race.answer == ("a", "b", "c")


def test_observations_go_to_the_models_that_the_question_hangs_on() -> None:
    race, _ = play({"a": 1.0, "b": 0.6, "c": 0.5, "d": 0.0}, RankingQuestion(top=2), 2)
    seen = {standing.model: standing.observations for standing in race.standings()}
    assert seen["b"] + seen["c"] > 2 * (seen["a"] + seen["d"])


def test_who_cannot_be_observed_any_more_is_not_wanted() -> None:
    race = Race(["a", "b", "c"], RankingQuestion(top=1), error=ERROR)
    assert race.next_models() == ("a", "b", "c")
    assert race.next_models({"a"}) == ("b", "c")
    for model in race.models:
        race.observe(model, 0.5)
    assert race.next_models(set(race.models)) == ()
    assert race.answer == ()


@pytest.mark.parametrize("top", [0, 3])
def test_a_question_about_all_or_none_is_refused(top: int) -> None:
    with pytest.raises(InputError, match="no question"):
        Race(["a", "b", "c"], RankingQuestion(top=top), error=ERROR)
