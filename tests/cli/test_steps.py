"""judgebench steps, at the command line."""

import csv
import io
import json
from pathlib import Path

from tests.cli.conftest import Invoke
from tests.services.test_steps import solutions


def test_steps_as_table_csv_json_and_a_file(invoke: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "solved.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in solutions(6)))
    assert invoke("import", path, "--benchmark", "bench").code == 0
    asked = ("run", "--benchmark", "bench", "--judge", "scripted:all-good", "--judge-name", "idle")
    assert invoke(*asked, "--template", "pointwise/steps").code == 0
    page = tmp_path / "steps.html"
    table = invoke("steps", "--benchmark", "bench", "--html", page)
    assert "harmonic mean of the two (ProcessBench)" in table.out
    assert "✓ 1. good" in page.read_text()
    rows = list(csv.reader(io.StringIO(invoke("steps", "--benchmark", "bench", "--format", "csv").out)))
    assert len(rows) == 1 + sum(len(row["steps"]) for row in solutions(6))
    document = invoke("steps", "--benchmark", "bench", "--format", "json").json
    assert document["whole"]["labels"]["negative_f1"]["value"] == 0
    assert invoke("steps", "--benchmark", "bench", "--annotator", "nobody").code == 2
