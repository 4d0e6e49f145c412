"""Every table has its place in what merges, exports, copies and deletes: a new one is forgotten by none of them."""

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import judgebench
from judgebench import services
from judgebench.errors import InputError
from judgebench.store import schema
from judgebench.store.database import Database
from judgebench.store.transfer import check, copy
from tests.formats.writing import write_rows
from tests.services.test_steps import good

_BESIDE = "stays: how somebody is asked, or may ask, where the other database is"
_DERIVED = "derived: made anew"
_OTHERS = "stays: what is merged holds the same benchmarks and outputs"
_WORK = "stays: somebody there is at it"
MERGED = {  # by `judgebench db merge`
    **dict.fromkeys(("benchmarks", "instructions", "models", "external_ids", "blobs", "blob_uses"), _OTHERS),
    **dict.fromkeys(("judges", "runs", "completions", "verdicts"), "taken"),
    **dict.fromkeys(("verdict_goals", "verdict_spans", "marks"), "taken"),
    "outputs": "taken: what happened afterwards; the others stay",
    "verdict_criteria": "room: nothing writes them yet",
    "verdict_blocks": _DERIVED,
    **dict.fromkeys(("generators", "generator_addresses", "judge_addresses", "answers"), _BESIDE),
    **dict.fromkeys(("api_tokens", "idempotency_keys"), _BESIDE),
    **dict.fromkeys(("batches", "batch_trials", "claims", "jobs"), _WORK),
    **dict.fromkeys(("human_labels", "audits", "standing_boards", "standing_models"), "stays: said so in its help"),
    "events": "stays: the merge is one event here",
}
EXPORTED = {  # by `judgebench export`: the kind that has it, or why none has
    **dict.fromkeys(("benchmarks", "instructions", "external_ids"), "instructions"),
    **dict.fromkeys(("outputs", "marks", "blobs", "blob_uses"), "outputs"),
    **dict.fromkeys(("verdicts", "completions", "verdict_goals", "verdict_spans"), "verdicts"),
    "human_labels": "labels",
    "models": "lineage",
    "judges": "judges",
    "verdict_criteria": "room: nothing writes them yet",
    "verdict_blocks": _DERIVED,
    **dict.fromkeys(("generators", "generator_addresses", "answers"), "no kind: how outputs were collected here"),
    **dict.fromkeys(("judge_addresses", "api_tokens", "idempotency_keys"), "no kind: of this machine, or secret"),
    **dict.fromkeys(("runs", "batches", "batch_trials", "claims", "jobs"), "no kind: work, not what came of it"),
    **dict.fromkeys(("audits", "standing_boards", "standing_models", "events"), "no kind: 'db copy' has them"),
}


def test_every_table_is_merged_and_exported_or_it_is_said_why_not() -> None:
    tables = {*schema.metadata.tables}
    assert {*MERGED} == tables, "say what db merge does with it (judgebench/store/merging.py)"
    assert {*EXPORTED} == tables, "say which kind of export has it (judgebench/services/exports.py)"


def test_what_verdicts_consist_of_is_merged_copied_and_deleted_with_them() -> None:
    """``store.particulars`` copies the tables that it knows; a further one that belongs to verdicts must be there."""
    owned = {
        table.name
        for table in schema.metadata.tables.values()
        if [column.name for column in table.primary_key] == ["verdict_id", "number"]
    }
    assert {name for name in owned if MERGED[name] == "taken"} == owned - {"verdict_criteria"}


ROWS: list[dict[str, Any]] = [
    {"instruction": f"Sum {number}?", "output": "1 + 1 = 2\n2 + 2 = 4", "model": "m"} for number in range(3)
]
MARKS = [{"annotator": "ann", "spans": [{"start": 0, "stop": 10, "rating": "good"}]}]
LATER = "The user checked it."


def _counts(database: Database) -> dict[str, int]:
    return check(database).rows


def _marked(folder: Path, later: str = LATER, **more: Any) -> Path:
    told = [row | {"output_marks": json.dumps(MARKS), "afterwards": later, **more} for row in ROWS]
    return write_rows(folder / "marked.jsonl", told)


def test_what_is_said_of_outputs_is_merged_once(database: Database, tmp_path: Path) -> None:
    services.imports.import_file(database, write_rows(tmp_path / "bench.jsonl", ROWS), benchmark="bench")
    other = tmp_path / "other.db"
    copy(database, str(other))
    source = Database(str(other))
    services.imports.import_file(source, _marked(tmp_path), benchmark="bench")
    asked = {"judge": good, "judge_name": "steps", "judge_version": "1", "template": "pointwise/steps"}
    judgebench.run(source, benchmark="bench", **asked)
    judgebench.run(source, benchmark="bench", judge="scripted:goals", template="pointwise/goals")
    hindsight = {"judge": "scripted:coin", "template": "pointwise/mt-bench-hindsight"}
    judgebench.run(source, benchmark="bench", **hindsight)
    before = _counts(database)
    merged = services.merging.merge(database, str(other))
    assert (merged.beside, merged.contradicting, merged.known) == (6, 0, 0)
    after, there = _counts(database), _counts(source)
    for table, how in MERGED.items():
        if how == "taken":
            assert after[table] == there[table] > before[table], table
        elif table not in ("events", "verdict_blocks"):
            assert after[table] == before[table], table
    told = judgebench.rows(database, "outputs", benchmark="bench")
    assert set(told["afterwards"]) == {LATER}
    assert all("ann" in marks for marks in told["output_marks"])
    assert judgebench.steps(database, benchmark="bench").annotators == ("ann",)
    again = services.merging.merge(database, str(other))
    assert (again.new, again.beside, again.contradicting) == (0, 0, 0)
    assert _counts(database) == after
    assert not check(database).problems
    source.close()


def test_what_is_said_otherwise_here_is_kept(database: Database, tmp_path: Path) -> None:
    services.imports.import_file(database, write_rows(tmp_path / "bench.jsonl", ROWS), benchmark="bench")
    other, third = tmp_path / "other.db", tmp_path / "third.db"
    for path in (other, third):
        copy(database, str(path))
    otherwise = json.dumps([{"annotator": "ann", "spans": [{"start": 0, "stop": 10, "rating": "bad"}]}])
    for path, later, more in ((other, LATER, {"output_marks": otherwise}), (third, "Nobody checked it.", {})):
        opened = Database(str(path))
        services.imports.import_file(opened, _marked(tmp_path, later, **more), benchmark="bench")
        opened.close()
    services.imports.import_file(database, _marked(tmp_path), benchmark="bench")
    assert services.merging.merge(database, str(other)).contradicting == 3
    with pytest.raises(InputError, match=r"'bench': an output of model 'm' .* another text of what happened"):
        services.merging.merge(database, str(third))
    with database.read() as connection:
        ratings = connection.execute(sa.select(schema.marks.c.rating)).scalars().all()
    assert set(ratings) == {"good"}
