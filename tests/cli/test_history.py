"""judgebench history."""

from tests.cli.conftest import Invoke


def test_it_has_a_table_and_all_numbers_as_json(undecided: Invoke) -> None:
    shown = undecided("history", "--benchmark", "b", "--moments", "2", "--format", "json").json
    assert 1 <= len({row["time"] for row in shown["rows"]}) <= 2
    assert {row["rating"] for row in shown["rows"]} == {0.5}
    assert "%" in undecided("history", "--benchmark", "b").out
    unknown = undecided("history", "--benchmark", "c")
    assert (unknown.code, "'c'" in unknown.err) == (2, True)
