"""A model by itself and beside another: the parts add up to the leaderboard, and every number has its interval."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from judgebench import services
from judgebench.errors import StatisticsError, UnknownName
from judgebench.services.scope import Scope
from judgebench.store.database import Database
from tests import kinds

profiles = services.profiles


@pytest.fixture
def judged(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    with closing(Database(str(tmp_path / "judgebench.db"), create=True)) as database:
        kinds.KINDS[request.param](database)
        yield database


@pytest.mark.parametrize("judged", ["pairwise", "both"], indirect=True)
def test_parts_add_up_to_the_leaderboards_row(judged: Database) -> None:
    board = services.leaderboards.leaderboard(judged, "bench")
    for row in board.rows:
        profile = profiles.profile(judged, "bench", row.model)
        assert profile.row == row
        assert sum(part.battles for part in profile.opponents) == row.battles
        assert sum(part.ties for part in profile.opponents) == row.ties
        mean = sum(part.battles * (part.estimate.value or 0) for part in profile.opponents) / row.battles
        assert mean == pytest.approx(row.win_rate)
        for part in (*profile.opponents, *profile.categories):
            lower, upper = part.estimate.ends
            assert lower <= (part.estimate.value or 0) <= upper
            assert lower < upper
            assert part.wins + part.losses + part.ties == part.battles
        values = [found.value for found in (*profile.best, *reversed(profile.worst))]
        assert values == sorted(values, reverse=True)
        listed = kinds.COUNT if len({one.value for one in profile.instructions}) > 1 else 0
        assert len(values) == len({found.key for found in (*profile.best, *profile.worst)}) == listed
        assert len(profile.instructions) == kinds.COUNT


@pytest.mark.parametrize("judged", ["pairwise"], indirect=True)
def test_a_category_is_the_leaderboard_of_that_category(judged: Database) -> None:
    profile = profiles.profile(judged, "bench", "m1")
    for part in profile.categories:
        if part.name:
            board = services.leaderboards.leaderboard(judged, "bench", scope=Scope(category=part.name))
            row = next(row for row in board.rows if row.model == "m1")
            assert part.estimate.value == pytest.approx(row.rating)
            assert (part.estimate.lower, part.estimate.upper) == pytest.approx((row.lower, row.upper))


@pytest.mark.parametrize("judged", ["pointwise"], indirect=True)
def test_scores_have_means_and_no_opponents(judged: Database) -> None:
    board = services.leaderboards.leaderboard(judged, "bench", choices=services.leaderboards.Choices(method="score"))
    for row in board.rows:
        choices = services.leaderboards.Choices(method="score")
        profile = profiles.profile(judged, "bench", row.model, choices=choices)
        assert profile.opponents == ()
        mean = sum(found.value for found in (*profile.best, *profile.worst)) / kinds.COUNT
        assert mean == pytest.approx(row.rating)


@pytest.mark.parametrize("judged", ["pairwise"], indirect=True)
def test_what_counts_of_two_models_are_their_own_battles(judged: Database) -> None:
    whole = services.leaderboards.leaderboard(judged, "bench").coverage
    pair = profiles.compare(judged, "bench", "m1", "m2")
    assert whole is not None
    assert pair.coverage.models == 2
    assert sum(pair.coverage.judges.values()) < sum(whole.judges.values())
    assert len(pair.battles) == pair.coverage.judged == pair.coverage.shared


@pytest.mark.parametrize("judged", ["pairwise"], indirect=True)
def test_two_models_are_each_others_mirror(judged: Database) -> None:
    there, back = (profiles.compare(judged, "bench", *pair) for pair in (("m1", "m2"), ("m2", "m1")))
    assert there.whole.wins == back.whole.losses
    assert (there.whole.estimate.value or 0) + (back.whole.estimate.value or 0) == pytest.approx(1.0)
    assert [battle.key for battle in there.battles] != []
    mirrored = {battle.key: battle for battle in back.battles}
    for battle in there.battles:
        other = mirrored[battle.key]
        assert battle.preference == pytest.approx(1 - other.preference)
        for mine, yours in ((battle.shown_first, other.shown_second), (battle.shown_second, other.shown_first)):
            assert (mine is None) == (yours is None)
            assert mine is None or mine == pytest.approx(1 - (yours or 0.0))
    pairs = services.leaderboards.matrix(judged, "bench").pairs()
    rate = next(pair["win_rate"] for pair in pairs if (pair["model"], pair["opponent"]) == ("m1", "m2"))
    assert there.whole.estimate.value == pytest.approx(rate)


@pytest.mark.parametrize("judged", ["pointwise"], indirect=True)
def test_scores_of_two_models_amount_to_preferences(judged: Database) -> None:
    comparison = profiles.compare(judged, "bench", "m1", "m2")
    assert {battle.preference for battle in comparison.battles} <= {0.0, 0.5, 1.0}
    assert all(battle.shown_first is None for battle in comparison.battles)


@pytest.mark.parametrize("judged", ["pairwise"], indirect=True)
def test_every_output_to_an_instruction_has_its_verdicts(judged: Database) -> None:
    key = profiles.compare(judged, "bench", "m1", "m2").battles[0].key
    found = profiles.on_instruction(judged, "bench", key)
    assert found.keys() == set(kinds.MODELS)
    assert sum(model.value * model.verdicts for model in found.values()) == pytest.approx(
        sum(model.verdicts for model in found.values()) / 2
    )
    assert profiles.on_instruction(judged, "bench", "none") == {}


@pytest.mark.parametrize("judged", ["pairwise"], indirect=True)
def test_what_is_not_there_is_said(judged: Database) -> None:
    with pytest.raises(UnknownName):
        profiles.profile(judged, "bench", "m9")
    with pytest.raises(UnknownName):
        profiles.compare(judged, "bench", "m1", "m9")
    with pytest.raises(StatisticsError, match="another one"):
        profiles.compare(judged, "bench", "m1", "m1")


@pytest.mark.parametrize("judged", ["pairwise"], indirect=True)
def test_what_went_alike_on_all_instructions_is_best_and_worst_on_none(judged: Database) -> None:
    about = profiles.profile(judged, "bench", "m1")
    for values, listed in (([0.5] * kinds.COUNT, 0), ([0.25, *[0.5] * (kinds.COUNT - 1)], kinds.COUNT)):
        rows = tuple(replace(one, value=value) for one, value in zip(about.instructions, values, strict=True))
        with_them = replace(about, instructions=rows)
        assert len(with_them.best) + len(with_them.worst) == listed
