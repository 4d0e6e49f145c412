"""judgebench matrix."""

from tests.cli.conftest import Invoke


def test_a_judge_without_an_opinion_separates_nobody(undecided: Invoke) -> None:
    pairs = undecided("matrix", "--benchmark", "b", "--format", "json").json["pairs"]
    assert len(pairs) == 12
    assert {pair["win_rate"] for pair in pairs} == {0.5}
    assert all(pair["lower"] < 0.5 < pair["upper"] and pair["battles"] == 6 for pair in pairs)


def test_it_has_a_table_and_knows_its_names(undecided: Invoke) -> None:
    shown = undecided("matrix", "--benchmark", "b", "--judge", "scripted:always-first")
    assert shown.code == 0
    assert "%" in shown.out
    unknown = undecided("matrix", "--benchmark", "c")
    assert unknown.code == 2
    assert "'c'" in unknown.err
