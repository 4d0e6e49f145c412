"""judgebench quality."""

from tests.cli.conftest import Invoke


def test_a_judge_without_an_opinion_separates_nobody(undecided: Invoke) -> None:
    assert undecided("quality", "--benchmark", "b", "--format", "json").json["separability"] == 0.0


def test_a_leaderboard_held_against_itself_agrees(undecided: Invoke) -> None:
    quality = undecided("quality", "--benchmark", "b", "--against", "b", "--format", "json").json
    assert quality["agreement"] is None  # no pair is separated, so there is nothing to agree with
    assert quality["pairs"] == 6
    assert quality["brier"] == 0.0
    assert "not identified" in undecided("quality", "--benchmark", "b", "--against", "b").out


def test_it_has_a_table_and_knows_its_names(undecided: Invoke) -> None:
    shown = undecided("quality", "--benchmark", "b", "--judge", "scripted:always-first")
    assert shown.code == 0
    assert "%" in shown.out
    unknown = undecided("quality", "--benchmark", "c")
    assert unknown.code == 2
    assert "'c'" in unknown.err
