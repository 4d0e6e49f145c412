"""What audits shown is kept, and said wherever a leaderboard is shown, until it is settled or no longer true."""

import csv
import io
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from judgebench import services
from judgebench.store.database import Database
from tests.audits import judges
from tests.audits.factories import instructions
from tests.audits.judges import serve
from tests.cli.conftest import Invoke
from tests.fault_server import FaultServer
from tests.services.audits.conftest import GOOD


def submit(invoke: Invoke, folder: Path, model: str, pattern: str, count: int = 40, *flags: str) -> Any:
    rows = [
        {"instruction": text, "output": pattern.format(text=text, number=number)}
        for number, text in enumerate(list(instructions(60).values())[:count])
    ]
    path = folder / f"{model}-{count}.json"
    path.write_text(json.dumps(rows))
    result = invoke("submit", path, "--model", model, "--benchmark", "quiz", "--format", "json", *flags)
    assert result.code == 0, result.err
    return result.json


@pytest.fixture
def ranked(invoke: Invoke, tmp_path: Path) -> Callable[..., str]:
    """Three models judged by an honest judge; the function runs a command that asks it."""
    submit(invoke, tmp_path, "good", GOOD)
    submit(invoke, tmp_path, "short", "{text} It is {number}.")
    constant = "A fine question. The answer depends on many things, all of them of weight."
    submit(invoke, tmp_path, "constant", constant, 40, "--accept-findings")

    def ask(*command: str) -> str:
        with FaultServer(serve(judges.honest)) as server:
            result = invoke(*command, "--judge", "judge", "--judge-url", server.url, "--same-judge")
        return result.out

    ask("run", "--benchmark", "quiz", "--baseline", "good")
    return ask


def board(invoke: Invoke) -> dict[str, Any]:
    document: dict[str, Any] = invoke("leaderboard", "--benchmark", "quiz", "--format", "json").json
    return document


def test_findings_are_told_at_submission_and_severe_ones_stop_it_unless_accepted(
    invoke: Invoke, tmp_path: Path
) -> None:
    assert submit(invoke, tmp_path, "good", GOOD)["submission_audit"]["passed"] is True
    null = "One text, whatever the question may have been about, for {text:.0}all."
    report = submit(invoke, tmp_path, "null", null, 40, "--accept-findings")
    assert report["stored"] == 40
    assert report["submission_audit"]["passed"] is False
    assert report["submission_audit"]["findings"][0]["severity"] == "high"
    assert set(report["submission_audit"]["findings"][0]) == {
        *("model", "severity", "rule", "evidence", "count", "outputs", "value", "lower", "upper")
    }
    rows = [{"instruction": text, "output": "One text."} for text in instructions(40).values()]
    (tmp_path / "again.json").write_text(json.dumps(rows))
    again = ("submit", tmp_path / "again.json", "--model", "again", "--benchmark", "quiz")
    result = invoke(*again)
    assert result.code == 2
    assert "nothing was stored" in result.err
    assert "again" not in invoke("models", "--benchmark", "quiz").out
    result = invoke(*again, "--accept-findings")
    assert result.code == 0
    assert "audit: high    again  constant-output 1" in result.err
    assert "judgebench audit submissions --benchmark quiz --model again" in result.err


def test_copies_of_another_model_are_told_at_submission(invoke: Invoke, tmp_path: Path) -> None:
    submit(invoke, tmp_path, "good", GOOD)
    report = submit(invoke, tmp_path, "copy", GOOD)
    assert "copied-output" in {finding["rule"] for finding in report["submission_audit"]["findings"]}
    assert submit(invoke, tmp_path, "dry", GOOD, 40, "--dry-run")["submission_audit"]["audit"] == "submissions"


def test_a_leaderboard_says_that_its_judge_was_never_audited_with_the_command(
    invoke: Invoke, ranked: Callable[..., str]
) -> None:
    shown = board(invoke)
    command = "judgebench audit null-models --benchmark quiz --judge judge"
    gate = shown["gate"]
    assert gate["passed"] is False
    [judge] = gate["judges"]
    assert (judge["judge"], judge["state"], judge["null_win_rate"]) == ("judge", "missing", None)
    assert judge["command"] == command
    assert judge["robustness"]["state"] == "missing"
    assert any(command in note for note in shown["notes"])
    assert command in invoke("leaderboard", "--benchmark", "quiz").out
    assert "judgebench audit" in invoke("leaderboard", "--benchmark", "quiz", "--format", "markdown").out


def test_a_severe_finding_marks_the_model_wherever_it_is_shown(invoke: Invoke, ranked: Callable[..., str]) -> None:
    rows = {row["model"]: row for row in board(invoke)["rows"]}
    assert "audit: constant-output" in rows["constant"]["flag"]
    assert rows["short"]["flag"] == ""
    table = invoke("leaderboard", "--benchmark", "quiz").out
    assert "audit: constant-output" in table
    assert "judgebench audit submissions --benchmark quiz --model constant" in table
    assert "audit: constant-output" in invoke("leaderboard", "--benchmark", "quiz", "--format", "markdown").out
    text = invoke("leaderboard", "--benchmark", "quiz", "--format", "csv").out
    flags = {row["model"]: row["flag"] for row in csv.DictReader(io.StringIO(text))}
    assert flags["constant"].startswith("audit: constant-output")


@pytest.mark.slow
def test_a_passing_audit_settles_it_until_the_benchmark_grows(
    invoke: Invoke, ranked: Callable[..., str], tmp_path: Path
) -> None:
    ranked("audit", "null-models", "--benchmark", "quiz")
    judge = board(invoke)["gate"]["judges"][0]
    assert (judge["state"], judge["null_win_rate"] < 0.1) == ("passed", True)
    assert not any("null-models" in note for note in board(invoke)["notes"])
    submit(invoke, tmp_path, "good", GOOD, 45, "--extend")
    assert board(invoke)["gate"]["judges"][0]["state"] == "stale"


@pytest.mark.slow
def test_a_laxer_gate_settles_nothing_and_the_command_of_the_note_works(
    invoke: Invoke, ranked: Callable[..., str]
) -> None:
    ranked("audit", "null-models", "--benchmark", "quiz", "--fail-above", "0.5")
    assert board(invoke)["gate"]["judges"][0]["state"] == "failed"
    result = invoke("audit", "null-models", "--benchmark", "quiz", "--judge", "judge")
    assert "needs an address" not in result.err  # it is asked where it was asked last, which is gone here


def test_a_flag_outlives_added_outputs_and_says_so(invoke: Invoke, ranked: Callable[..., str], tmp_path: Path) -> None:
    submit(invoke, tmp_path, "good", GOOD, 45, "--extend")
    database = Database("judgebench.db")
    added = list(instructions(60).values())[40:45]
    rows = [{"instruction": text, "output": f"{text} is the question."} for text in added]
    (tmp_path / "more.json").write_text(json.dumps(rows))
    more = ("submit", tmp_path / "more.json", "--model", "constant", "--benchmark", "quiz", "--no-audit")
    assert invoke(*more).code == 0
    stored = services.audits.results.audits(database, "quiz", kind="submissions")
    database.close()
    assert next(audit for audit in stored if audit.model == "constant").stale
    flags = {row["model"]: row["flag"] for row in board(invoke)["rows"]}
    assert flags["constant"].endswith("(before outputs were added)")


@pytest.mark.slow
def test_the_page_reads_every_kind_of_audit(invoke: Invoke, ranked: Callable[..., str]) -> None:
    ranked("audit", "null-models", "--benchmark", "quiz")
    assert invoke("audit", "integrity", "--benchmark", "quiz").code == 0
    invoke("audit", "submissions", "--benchmark", "quiz")
    database = Database("judgebench.db")
    stored = services.audits.results.audits(database, "quiz")
    database.close()
    assert {audit.kind for audit in stored} == {"null-models", "integrity", "submissions"}
    null = next(audit for audit in stored if audit.kind == "null-models")
    assert null.passed
    assert null.document["entrants"]
    assert {audit.model for audit in stored if audit.kind == "submissions"} == {"good", "short", "constant"}


def test_an_imported_judge_of_this_process_is_advised_without_an_address(invoke: Invoke, tmp_path: Path) -> None:
    for model, pattern in (("good", GOOD), ("short", "{text} It is {number}.")):
        submit(invoke, tmp_path, model, pattern)
    run = ("--judge", "scripted:coin", "--template", "pairwise/three-way", "--all-pairs")
    assert invoke("run", "--benchmark", "quiz", *run).code == 0
    assert invoke("export", "verdicts", "--benchmark", "quiz", "--to", "v.jsonl").code == 0
    other = partial(invoke, "--db", "other.db")
    assert other("import", "v.jsonl", "--benchmark", "quiz").code == 0
    [judge] = other("leaderboard", "--benchmark", "quiz", "--format", "json").json["gate"]["judges"]
    assert "--judge-url" not in judge["command"]
    audited = other(*judge["command"].split()[1:])
    assert audited.code != 2, audited.err


def test_severe_findings_mark_whoever_would_change_places(ranked: Callable[..., str], invoke: Invoke) -> None:
    del ranked
    document = invoke("bias", "--benchmark", "quiz", "--format", "json").json
    ledger = document["ledger"]
    flags = {row["model"]: row["flag"] for row in ledger["together"]["board"]}
    assert flags["constant"].startswith("audit: ")
    assert flags["good"] == flags["short"] == ""
    assert any(note.startswith("constant: audit: ") for note in ledger["notes"])
    shown = invoke("bias", "--benchmark", "quiz").out
    assert "Note: constant: audit: " in shown
    assert shown.count(" would pass ") <= shown.count("it would lead by")


@pytest.mark.slow
def test_the_newest_robustness_audit_stands_on_the_leaderboard(invoke: Invoke, ranked: Callable[..., str]) -> None:
    audit = ("audit", "robustness", "--benchmark", "quiz", "--model", "good", "--opponent", "constant", "--limit", "20")
    ranked(*audit)
    database = Database("judgebench.db")
    stored = services.audits.results.audits(database, "quiz", kind="robustness")[0]
    database.close()
    shown = board(invoke)
    state = shown["gate"]["judges"][0]["robustness"]["state"]
    assert state in (("passed", "moved") if stored.passed else ("blind", "failed"))
    assert any("robustness" in note for note in shown["notes"]) == (state != "passed")
