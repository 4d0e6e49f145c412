"""judgebench contamination."""

import json
from pathlib import Path

from tests.cli.conftest import Invoke


def test_contamination(invoke: Invoke, tmp_path: Path) -> None:
    long = "Explain in your own words why the sky appears blue at noon and red in the evening near the horizon."
    path = tmp_path / "outputs.jsonl"
    rows = [{"instruction": long, "output": "Light."}, {"instruction": "Other question here?", "output": long}]
    path.write_text("\n".join(map(json.dumps, rows)))
    assert invoke("submit", path, "--model", "m", "--benchmark", "b").code == 0
    found = invoke("contamination", "--benchmark", "b", "--format", "json").json
    assert found["instructions"]["value"] == 0.5
    assert [(each["where"], each["verbatim"]) for each in found["found"]] == [("output of m", True)]
    training = tmp_path / "training.jsonl"
    training.write_text(
        json.dumps({"text": f"{'Before it. ' * 20}{long.replace('noon', 'midday')}{' After it.' * 20}"})
    )
    elsewhere = invoke("contamination", "--benchmark", "b", "--file", training, "--format", "json").json
    assert elsewhere["searched"] == 1
    assert [each["inside"] for each in elsewhere["found"]] == [True]
    assert "instructions found" in invoke("contamination", "--benchmark", "b").out
    assert invoke("contamination", "--benchmark", "b", "--against", "nowhere").code == 2
