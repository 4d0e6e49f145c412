"""The page Judges on a benchmark of judges: how often they are right, by section, with cost and latency."""

import json
from pathlib import Path

import pytest

import judgebench
from judgebench.services.imports import ImportOptions, import_file
from judgebench.show.glossary import explained
from judgebench.store.database import Database
from tests.app.tables import table
from tests.app.test_screens import opened, printed


def test_sections_stand_below_the_report_cards(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "Natural"
    folder.mkdir()
    rows = [{"input": f"Say {at}.", "output_1": f"{at}", "output_2": f"not {at}", "label": 1} for at in range(4)]
    (folder / "dataset.json").write_text(json.dumps(rows))
    path = tmp_path / "judges.db"
    database = Database(str(path), create=True)
    import_file(database, folder / "dataset.json", options=ImportOptions(audit=False))
    judgebench.run(database, benchmark="llmbar", judge="scripted:always-first", all_pairs=True)
    app = opened("judges", monkeypatch, path, timeout_s=60)
    parts = table(app, "Judges by section")
    assert [row[""] for row in parts[:2]] == ["Natural", "Adversarial"]
    assert parts[0]["Share right"].startswith("50.00% [")
    assert table(app, "What judges took") == [
        {"": "scripted:always-first", "Labelled pairs": "4", "Failures": "0", "Cost": "free", "Latency": "-"}
    ]
    for heading in ("Part", *parts[0], "Labelled pairs", "Failures", "Cost", "Latency"):
        assert explained(heading) or not heading
    assert "How it counts: ties and readings that failed are wrong; of two orders the mean." in printed(app)
