"""judgebench categories."""

from tests.cli.conftest import Invoke


def test_it_has_a_table_and_all_numbers_as_json(undecided: Invoke) -> None:
    shown = undecided("categories", "--benchmark", "b", "--format", "json").json
    assert {row["model"] for row in shown["rows"]} == {row["model"] for row in shown["rows"] if row["value"] == 0.5}
    assert undecided("categories", "--benchmark", "b").code == 0
    unknown = undecided("categories", "--benchmark", "c")
    assert unknown.code == 2
    assert "'c'" in unknown.err
