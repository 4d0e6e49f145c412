"""Where steps end and what people say of them, through import, export and import."""

from pathlib import Path

import pytest

from judgebench import services, store
from judgebench.errors import Conflict
from judgebench.records import Output
from judgebench.store.database import Database
from tests.formats.writing import write_rows

ROW = {
    **{"original_question": "Two?", "modified_question": "Two?", "idx": "c_1", "reason": "no"},
    **{"original_process": ["1. a", "2. b"], "modified_process": ["1. a", "2. c\n\nd"]},
    **{"error_steps": [2], "classification": "circular"},
}


def marked(database: Database, benchmark: str = "prmbench") -> dict[str, Output]:
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        keys = list(store.benchmarks.instruction_ids(connection, benchmark_id))
        return {output.model: output for _, output in store.marks.marked(connection, benchmark_id, keys).values()}


def test_what_is_exported_comes_in_again_as_it_was(database: Database, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "prm.jsonl", [ROW])
    report = services.imports.import_file(database, path)
    assert (report.marks, report.contradicting) == (4, 0)
    again = services.imports.import_file(database, path)
    assert (again.new, again.marks, again.contradicting) == (0, 0, 0)
    mine = marked(database)
    spans = mine["modified: circular"].marks[0].spans
    text, steps = mine["modified: circular"].text, mine["modified: circular"].steps
    assert [(text[span.start : span.stop], span.rating, span.kind, span.reason) for span in spans] == [
        ("1. a\n", "good", None, None),
        ("2. c\n\nd", "bad", "circular", "no"),
    ]
    for name in ("outputs.jsonl", "outputs.csv", "outputs.parquet"):
        services.exports.export(database, "outputs", tmp_path / name, benchmark="prmbench")
        services.imports.import_file(database, tmp_path / name, benchmark=name)
        theirs = marked(database, name)["modified: circular"]
        assert (theirs.steps, theirs.marks[0].spans) == (steps, spans)


def test_what_somebody_said_stands(database: Database, tmp_path: Path) -> None:
    services.imports.import_file(database, write_rows(tmp_path / "prm.jsonl", [ROW]))
    other = write_rows(tmp_path / "other.jsonl", [ROW | {"error_steps": [1]}])
    assert services.imports.import_file(database, other).contradicting == 1
    assert [span.rating for span in marked(database)["modified: circular"].marks[0].spans] == ["good", "bad"]


def test_what_comes_later_is_told_once(database: Database, tmp_path: Path) -> None:
    bare = {"instruction": "Two?", "output": "1. a\n2. b", "model": "m"}
    services.imports.import_file(database, write_rows(tmp_path / "a.jsonl", [bare]), benchmark="bench")
    told = write_rows(tmp_path / "b.jsonl", [bare | {"afterwards": "It failed.", "output_steps": [5, 9]}])
    services.imports.import_file(database, told, benchmark="bench")
    with database.read() as connection:
        keys = list(store.benchmarks.instruction_ids(connection, 1))
        [(_, _, output)] = store.models.samples_to(connection, 1, keys)
    assert (output.afterwards, output.steps) == ("It failed.", (5, 9))
    other = write_rows(tmp_path / "c.jsonl", [bare | {"afterwards": "It went well."}])
    with pytest.raises(Conflict, match="stored with another text of what happened afterwards"):
        services.imports.import_file(database, other, benchmark="bench")
