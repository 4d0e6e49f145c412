"""Submitting: one model's outputs meet a benchmark, and are stored all or none."""

from pathlib import Path

import pytest

from judgebench import services
from judgebench.errors import Conflict, InputError
from judgebench.formats.outputs import OutputsFile, read_outputs
from judgebench.services.submissions import prepare, save, with_audit
from judgebench.store.database import Database
from tests.filling import filled
from tests.formats.writing import write_rows


def submission(folder: Path, count: int = 4, **more: str) -> OutputsFile:
    rows = [{"instruction": f"What is {number}?", "output": f"It is {number}."} | more for number in range(count)]
    return read_outputs(write_rows(folder / "o.jsonl", rows))


def test_what_matches_is_reported_before_anything_is_stored(tmp_path: Path, database: Database) -> None:
    filled(database)
    prepared = prepare(database, submission(tmp_path), benchmark="bench", model="gamma")
    report = prepared.report
    assert (report.matched, report.new, report.missing, report.takes_new) == (3, 1, 0, False)
    assert services.benchmarks.benchmark(database, "bench").models == ("alpha", "beta")
    stored = save(database, prepared)
    assert (stored.new, stored.known) == (3, 0)
    assert (save(database, prepared).new, save(database, prepared).known) == (0, 3)


def test_an_audit_that_did_not_see_what_was_stored_meanwhile_is_stale(tmp_path: Path, database: Database) -> None:
    filled(database)
    prepared = with_audit(database, prepare(database, submission(tmp_path), benchmark="bench", model="gamma"))
    rows = [{"instruction": "What is 0?", "output": text, "sample": number} for number, text in ((1, "a"), (2, "b"))]
    meanwhile = read_outputs(write_rows(tmp_path / "m.jsonl", rows))
    save(database, prepare(database, meanwhile, benchmark="bench", model="gamma"), audit=False)
    save(database, prepared)
    [audit] = services.audits.results.audits(database, "bench")
    assert (audit.model, audit.stale) == ("gamma", True)
    save(database, prepare(database, submission(tmp_path), benchmark="bench", model="gamma"))
    [audit] = services.audits.results.audits(database, "bench")
    assert not audit.stale


def test_several_submissions_are_stored_together_or_not_at_all(tmp_path: Path, database: Database) -> None:
    filled(database)
    prepared = [prepare(database, submission(tmp_path), benchmark="bench", model=name) for name in ("gamma", "alpha")]
    with pytest.raises(Conflict, match="'alpha' is stored with another output"):
        save(database, *prepared)
    assert services.benchmarks.benchmark(database, "bench").models == ("alpha", "beta")


def test_extending_adds_instructions(tmp_path: Path, database: Database) -> None:
    filled(database)
    prepared = prepare(database, submission(tmp_path), benchmark="bench", model="gamma", extend=True)
    assert save(database, prepared).new == 4
    assert services.benchmarks.benchmark(database, "bench").instructions == 4


def test_a_submission_is_of_one_model(tmp_path: Path, database: Database) -> None:
    rows = [{"instruction": f"q{model}", "output": "x", "generator": model} for model in ("one", "other")]
    with pytest.raises(InputError) as error:
        prepare(database, read_outputs(write_rows(tmp_path / "o.json", rows)), benchmark="b", model="m")
    for words in ("row 2", "'other'", "row 1", "'one'", "one model at a time"):
        assert words in str(error.value)


def test_outputs_to_no_instruction_of_the_benchmark_are_refused(tmp_path: Path, database: Database) -> None:
    filled(database)
    foreign = read_outputs(write_rows(tmp_path / "o.json", [{"instruction": "other", "output": "x"}]))
    with pytest.raises(InputError, match="none of its 1 instructions"):
        prepare(database, foreign, benchmark="bench", model="m")
