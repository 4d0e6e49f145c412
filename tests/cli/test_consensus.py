"""judgebench consensus."""

from tests.cli.conftest import Invoke


def test_a_judge_without_an_opinion_makes_nobody_the_winner(undecided: Invoke) -> None:
    answers = undecided("consensus", "--benchmark", "b", "--format", "json").json
    assert answers["condorcet_winner"] is None
    assert answers["borda"] == [0.5] * 4


def test_it_has_a_table_and_knows_its_names(undecided: Invoke) -> None:
    shown = undecided("consensus", "--benchmark", "b", "--judge", "scripted:always-first")
    assert shown.code == 0
    assert "%" in shown.out
    unknown = undecided("consensus", "--benchmark", "c")
    assert unknown.code == 2
    assert "'c'" in unknown.err
