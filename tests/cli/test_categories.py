"""judgebench categories."""

import json
from pathlib import Path

from tests.cli.conftest import Invoke


def test_it_has_a_table_and_all_numbers_as_json(undecided: Invoke) -> None:
    shown = undecided("categories", "--benchmark", "b", "--format", "json").json
    assert {row["model"] for row in shown["rows"]} == {row["model"] for row in shown["rows"] if row["value"] == 0.5}
    assert undecided("categories", "--benchmark", "b").code == 0
    unknown = undecided("categories", "--benchmark", "c")
    assert unknown.code == 2
    assert "'c'" in unknown.err


def test_without_categories_it_says_so(invoke: Invoke, tmp_path: Path) -> None:
    for model in ("alpha", "beta"):
        file = tmp_path / f"{model}.json"
        file.write_text(json.dumps([{"instruction": f"Question {n}?", "output": f"{model} {n}"} for n in range(3)]))
        assert invoke("submit", file, "--model", model, "--benchmark", "plain").code == 0
    assert invoke("run", "--benchmark", "plain", "--judge", "scripted:coin", "--all-pairs").code == 0
    assert invoke("categories", "--benchmark", "plain").out.splitlines()[-1].endswith("has a category")
