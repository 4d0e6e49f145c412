"""AutoArena: judges' verdicts in an unknown order; a person's are labels."""

from pathlib import Path
from typing import Any

import pytest

from judgebench.errors import InputError
from judgebench.formats.auto_arena import read_auto_arena
from judgebench.formats.registry import recognise
from judgebench.services.imports import import_file
from judgebench.store.database import Database
from tests.formats.writing import write_rows

ROW: dict[str, Any] = {
    **{"prompt": "Two?", "model_a": "n", "model_b": "m", "response_a": "2", "response_b": "5"},
    **{"judge": "gpt-4o", "winner": "A"},
}


def test_verdicts_and_votes(tmp_path: Path) -> None:
    rows = [ROW, ROW | {"judge": "claude", "winner": "-"}, ROW | {"judge": "Human", "winner": "B"}]
    path = write_rows(tmp_path / "n-head-to-head.csv", rows)
    assert recognise(path).name == "auto-arena"
    file = read_auto_arena(path)
    kept = [(row.judge.name, row.a.model, row.order, row.verdict.preference) for row in file.verdicts]
    assert kept == [("gpt-4o", "m", None, 0.0), ("claude", "m", None, 0.5)]
    [label] = file.labels
    assert (label.annotator, label.model_a, label.preference, label.source) == ("Human", "m", 1.0, path.name)
    database = Database(str(tmp_path / "a.db"), create=True)
    report = import_file(database, path, benchmark="b")
    assert (report.new, report.labels, report.models) == (2, 1, ("m", "n"))


def test_the_other_models_download_repeats_them(tmp_path: Path) -> None:
    other = {"model_a": "m", "model_b": "n", "response_a": "5", "response_b": "2", "winner": "B"}
    file = read_auto_arena(write_rows(tmp_path / "h.csv", [ROW, ROW | other]))
    assert len(file.verdicts) == 1
    votes = [row | {"judge": "Human"} for row in (ROW, ROW | other)]
    assert len(read_auto_arena(write_rows(tmp_path / "h.csv", votes)).labels) == 1
    with pytest.raises(InputError, match="another winner of the same pair"):
        read_auto_arena(write_rows(tmp_path / "h.csv", [votes[0], votes[1] | {"winner": "A"}]))


@pytest.mark.parametrize(
    ("changes", "message"), [({"winner": "n"}, "expected A, B or -"), ({"judge": ""}, "'judge': is empty")]
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_auto_arena(write_rows(tmp_path / "h.csv", [ROW | changes]))
