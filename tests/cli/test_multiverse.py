"""judgebench multiverse."""

from tests.cli.conftest import Invoke


def test_a_judge_without_an_opinion_leaves_every_rank_open(undecided: Invoke) -> None:
    many = undecided("multiverse", "--benchmark", "b", "--format", "json").json
    assert [row["best_rank"] for row in many["models"]] == [1] * 4
    assert not any(row["above_in_all"] for row in many["models"])
    assert len(many["universes"]) > 3


def test_it_has_a_table_and_knows_its_names(undecided: Invoke) -> None:
    shown = undecided("multiverse", "--benchmark", "b", "--judge", "scripted:always-first")
    assert shown.code == 0
    assert "%" in shown.out
    unknown = undecided("multiverse", "--benchmark", "c")
    assert unknown.code == 2
    assert "'c'" in unknown.err
