"""Exports that are folders, and judges and lineage, of which other files say less."""

import json
from pathlib import Path

import pytest

from judgebench import services, store
from judgebench.errors import InputError
from judgebench.records import Judge, Lineage, Model
from judgebench.services.exports import export, rows
from judgebench.services.folders import NAMES
from judgebench.services.imports import import_file
from judgebench.services.parts import PairChoice
from judgebench.services.scope import Scope
from judgebench.store.database import Database
from tests.factories import ok, result, trial
from tests.filling import judging
from tests.services.test_exports import fill

CUSTOM = Judge("custom", "gpt", "/home/mine.md", "1" * 32, {})
SHOWN = ("reference",)  # by its template, which is not here


@pytest.fixture
def filled(tmp_path: Path) -> Database:
    database = Database(str(tmp_path / "a.db"), create=True)
    fill(database)
    services.lineage.declare(database, [Model("alpha", Lineage("f", "parent", ("Zeta",))), Model("gpt", Lineage("g"))])
    with database.write() as connection:
        store.judges.add_judge(connection, CUSTOM, SHOWN)
    one = trial(judge=CUSTOM)
    writer = judging(database, CUSTOM)
    with database.write() as connection:
        benchmark = store.benchmarks.benchmark_id(connection, "bench")
        store.benchmarks.add_instructions(connection, benchmark, [one.battle.instruction])
        for side in (one.battle.a, one.battle.b):
            store.models.add_model(connection, Model(side.model))
            store.models.add_outputs(connection, benchmark, [side])
        writer.add(connection, [result(one, ok(1.0))])
    return database


def copied(folder: Path, database: Database) -> None:
    for name in NAMES.values():
        if (folder / name).exists():
            import_file(database, folder / name, benchmark="bench")


@pytest.mark.slow
def test_a_folder_is_read_back_and_gives_the_same_files(filled: Database, tmp_path: Path) -> None:
    done = export(filled, "all", tmp_path / "one", benchmark="bench")
    other = Database(str(tmp_path / "b.db"), create=True)
    copied(tmp_path / "one", other)
    with other.read() as connection:
        assert store.judges.shows(connection, CUSTOM) == SHOWN
    assert export(other, "all", tmp_path / "two", benchmark="bench").rows == done.rows
    files = {path.name: path.read_bytes() for path in (tmp_path / "one").iterdir()}
    assert files == {path.name: path.read_bytes() for path in (tmp_path / "two").iterdir()}
    assert sorted(files) == sorted([*NAMES.values(), "README.md"])
    assert services.lineage.declared(other) == services.lineage.declared(filled)


def test_no_column_is_of_no_type(filled: Database, tmp_path: Path) -> None:
    import pyarrow.parquet

    export(filled, "all", tmp_path / "one", benchmark="bench")
    for path in (tmp_path / "one").glob("*.parquet"):
        schema = pyarrow.parquet.read_schema(path)
        assert not [field.name for field in schema if "null" in str(field.type)]
        assert schema.metadata[b"benchmark"] == b"bench"
        assert pyarrow.parquet.ParquetFile(path).metadata.row_group(0).column(0).compression == "ZSTD"


def test_other_rows_are_told_apart_where_folders_have_one_name(filled: Database, tmp_path: Path) -> None:
    for name, scope in (("one", Scope()), ("two", Scope(("a judge",)))):
        (tmp_path / name).mkdir()
        export(filled, "all", tmp_path / name / "all", benchmark="bench", scope=scope)
    texts = [(tmp_path / name / "all" / "README.md").read_text() for name in ("one", "two")]
    digests = [[line for line in text.splitlines() if "description:" in line] for text in texts]
    assert digests[0] != digests[1]


def test_a_kind_without_rows_has_no_file(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "a.db"), create=True)
    with database.write() as connection:
        store.benchmarks.add_benchmark(connection, "bench")
    assert export(database, "all", tmp_path / "one", benchmark="bench").rows == 0
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["README.md"]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_lineage_and_judges_go_out_and_come_back(filled: Database, tmp_path: Path, ending: str) -> None:
    other = Database(str(tmp_path / "b.db"), create=True)
    for kind, number in (("lineage", 5), ("judges", 2)):
        path = tmp_path / f"{kind}.{ending}"
        assert export(filled, kind, path, benchmark="bench").rows == number
        assert import_file(other, path).format == kind
    assert services.lineage.declared(other) == services.lineage.declared(filled)
    with filled.read() as before, other.read() as after:
        assert store.judges.judges(before) == store.judges.judges(after)


def test_arena_hard_has_questions_answers_and_judgments(filled: Database, tmp_path: Path) -> None:
    chosen = PairChoice(baseline="Zeta")
    done = export(filled, "arena-hard", tmp_path / "one", benchmark="bench", choice=chosen)
    questions = [json.loads(line) for line in (tmp_path / "one" / "question.jsonl").read_text().splitlines()]
    answers = list((tmp_path / "one" / "model_answer").iterdir())
    assert (len(questions), len(answers)) == (10, 4)
    judged = list((tmp_path / "one" / "model_judgment").rglob("*.jsonl"))
    assert sorted(path.parent.name for path in judged) == ["a judge", "a judge"]
    games = [json.loads(line)["games"] for path in judged for line in path.read_text().splitlines()]
    assert all([game["score"] is not None for game in both] == [True, True] for both in games)
    assert done.left_out == {"battles without the baseline": 1, "readings of one output": 2}


def test_a_folder_has_no_rows(filled: Database) -> None:
    with pytest.raises(InputError, match="all is a folder"):
        list(rows(filled, "all", benchmark="bench"))
