"""judgebench distributions."""

from tests.cli.conftest import Invoke


def test_it_has_a_table_and_all_numbers_as_json(undecided: Invoke) -> None:
    rows = undecided("distributions", "--benchmark", "b", "--format", "json").json["rows"]
    assert all(row["low"] < 0.5 < row["high"] for row in rows if row["count"])
    assert "50" in undecided("distributions", "--benchmark", "b").out
    unknown = undecided("distributions", "--benchmark", "c")
    assert (unknown.code, "'c'" in unknown.err) == (2, True)
