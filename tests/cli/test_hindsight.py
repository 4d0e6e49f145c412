"""judgebench hindsight, at the command line."""

import json
from pathlib import Path

from tests.cli.conftest import Invoke
from tests.services.test_hindsight import COUNT, rows


def test_hindsight_as_table_csv_and_json(invoke: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "outputs.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows()))
    assert invoke("import", path, "--benchmark", "bench").code == 0
    for name, template in (("plain", "pairwise/three-way"), ("knowing", "pairwise/three-way-hindsight")):
        run = ("run", "--benchmark", "bench", "--judge", "scripted:always-first", "--judge-name", name, "--all-pairs")
        assert invoke(*run, "--template", template).code == 0
    read = ("hindsight", "--benchmark", "bench", "--judge", "plain", "--informed", "knowing")
    shown = invoke(*read)
    assert "another winner" in shown.out
    assert invoke(*read, "--format", "json").json["whole"]["trials"] == 2 * COUNT
    assert invoke(*read, "--format", "csv").out.startswith("instruction,")
