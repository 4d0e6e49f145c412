"""Submitting: one model's outputs meet a benchmark, and are stored all or none."""

from pathlib import Path

import pytest

from judgebench import services
from judgebench.errors import Conflict, InputError
from judgebench.formats.outputs import OutputsFile, read_outputs
from judgebench.records import Lineage
from judgebench.services.submissions import prepare, save, with_audit
from judgebench.spec import JudgeSpec
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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rows", "lineage", "changes"),
    [(3, Lineage(), False), (4, Lineage(), True), (3, Lineage("f"), True), (3, Lineage(None, "p", ("t",)), True)],
)
def test_a_model_that_exists_is_changed_only_where_that_is_allowed(
    tmp_path: Path, database: Database, rows: int, lineage: Lineage, changes: bool
) -> None:
    filled(database)
    save(database, prepare(database, submission(tmp_path, 3), benchmark="bench", model="gamma"))
    again = prepare(
        database, submission(tmp_path, rows), benchmark="bench", model="gamma", lineage=lineage, extend=True
    )
    assert again.report.model_exists
    assert again.report.changes_model == changes
    before = services.benchmarks.version(database), services.lineage.declared(database)
    if changes:
        with pytest.raises(Conflict, match=r"'(gamma|bench)' exists already"):
            save(database, again, audit=False, change_existing=False)
        assert (services.benchmarks.version(database), services.lineage.declared(database)) == before
    else:
        assert save(database, again, audit=False, change_existing=False).new == 0
    assert save(database, again).new == again.report.outputs_new == rows - 3
    declared = prepare(database, submission(tmp_path, rows), benchmark="bench", model="gamma", lineage=lineage)
    assert not declared.report.changes_model


@pytest.mark.slow
def test_a_model_stored_between_the_look_and_the_button_is_not_changed(tmp_path: Path, database: Database) -> None:
    filled(database)
    mine = prepare(database, submission(tmp_path), benchmark="bench", model="gamma", lineage=Lineage("mine"))
    assert not mine.report.model_exists
    save(database, prepare(database, submission(tmp_path), benchmark="bench", model="gamma"))
    with pytest.raises(Conflict, match="'gamma' exists already"):
        save(database, mine, change_existing=False)
    assert services.lineage.declared(database) == {}


@pytest.mark.slow
def test_a_benchmark_that_exists_is_given_instructions_only_where_that_is_allowed(
    tmp_path: Path, database: Database
) -> None:
    mine = prepare(database, submission(tmp_path, 4), benchmark="bench", model="gamma")
    assert mine.report.creates_benchmark
    assert not mine.report.changes_benchmark
    filled(database)  # somebody else creates it before the button
    before = services.benchmarks.version(database)
    with pytest.raises(Conflict, match="benchmark 'bench' exists already"):
        save(database, mine, audit=False, change_existing=False)
    more = prepare(database, submission(tmp_path, 4), benchmark="bench", model="gamma", extend=True)
    assert more.report.changes_benchmark
    with pytest.raises(Conflict, match="benchmark 'bench' exists already"):
        save(database, more, audit=False, change_existing=False)
    assert services.benchmarks.version(database) == before
    assert save(database, more, audit=False).new == 4


def test_two_submissions_create_a_benchmark_together(tmp_path: Path, database: Database) -> None:
    few = prepare(database, submission(tmp_path, 2), benchmark="bench", model="gamma")
    more = prepare(database, submission(tmp_path, 4), benchmark="bench", model="delta")
    assert save(database, few, more, audit=False, change_existing=False).new == 6


def test_the_llm_of_a_judge_exists_although_it_has_no_outputs(tmp_path: Path, database: Database) -> None:
    filled(database)
    services.judges.add_judge(database, JudgeSpec(model="llm", url="http://127.0.0.1:9/v1"))
    prepared = prepare(database, submission(tmp_path), benchmark="bench", model="llm", lineage=Lineage("f"))
    assert prepared.report.changes_model
    with pytest.raises(Conflict, match="'llm' exists already"):
        save(database, prepared, change_existing=False)


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
    with pytest.raises(InputError, match="of its 1 instruction none"):
        prepare(database, foreign, benchmark="bench", model="m")
