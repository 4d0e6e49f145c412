"""Files that name instructions by ids: what they join to, at every door, and what is refused."""

import gzip
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from judgebench import api, services
from judgebench.errors import InputError
from judgebench.services.imports import ImportReport
from judgebench.store.database import Database
from tests.formats.writing import write_rows

QUESTIONS = [{"question_id": n, "turns": [f"first {n}", f"second {n}"], "category": "c"} for n in (81, 82, 83)]


def answers(model: str, *, text: bool = False) -> list[dict[str, Any]]:
    """As FastChat writes them; with ``text`` as it does not."""
    return [
        {"question_id": row["question_id"], "model_id": model, "choices": [{"index": 0, "turns": turns(row, model)}]}
        | ({"instruction": row["turns"]} if text else {})
        for row in QUESTIONS
    ]


def turns(row: dict[str, Any], model: str) -> list[str]:
    return [f"{model} to {turn}" for turn in row["turns"]]


@pytest.fixture
def other(tmp_path: Path) -> Database:
    return Database(str(tmp_path / "other.db"), create=True)


def imported(database: Database, *paths: Path, benchmark: str = "b") -> list[ImportReport]:
    return api.import_files(database, list(paths), benchmark=benchmark, audit=False)


def exported(database: Database, path: Path, benchmark: str = "b", kind: Any = "outputs") -> str:
    api.export(database, kind, path, benchmark=benchmark)
    return path.read_text()


def test_answers_join_by_id_as_they_do_by_text(tmp_path: Path, database: Database) -> None:
    asked = write_rows(tmp_path / "question.jsonl", QUESTIONS)
    by_id = [write_rows(tmp_path / f"{name}.jsonl", answers(name)) for name in ("m", "n")]
    by_text = [write_rows(tmp_path / f"{name}-text.jsonl", answers(name, text=True)) for name in ("m", "n")]
    reports = imported(database, *by_id, asked)
    assert [(Path(report.file).name, report.format) for report in reports] == [
        *(("question.jsonl", "instructions"), ("m.jsonl", "outputs"), ("n.jsonl", "outputs"))
    ]
    assert [(report.new, report.missing) for report in reports] == [(3, 0)] * 3
    imported(database, asked, *by_text, benchmark="c")
    files = [exported(database, tmp_path / f"{name}.out.jsonl", name) for name in "bc"]
    assert files[0] == files[1]
    first = json.loads(files[0].splitlines()[0])
    assert (first["instruction"], first["ids"], first["model"]) == (["first 81", "second 81"], ["81"], "m")
    assert first["output"] == ["m to first 81", "m to second 81"]


def test_several_choices_are_samples(tmp_path: Path, database: Database) -> None:
    choices = [{"index": 1, "turns": ["c", "d"]}, {"index": 0, "turns": ["a", "b"]}]
    row = {"question_id": 81, "model_id": "m", "choices": choices}
    imported(database, write_rows(tmp_path / "q.jsonl", QUESTIONS), write_rows(tmp_path / "m.jsonl", [row]))
    rows = map(json.loads, exported(database, tmp_path / "o.jsonl").splitlines())
    assert [(row["sample"], row["output"]) for row in rows] == [(0, ["a", "b"]), (1, ["c", "d"])]


@pytest.mark.parametrize("frame", [False, True])
def test_submissions_join_too(tmp_path: Path, database: Database, frame: bool) -> None:
    imported(database, write_rows(tmp_path / "q.jsonl", QUESTIONS))
    rows = [{"question_id": row["question_id"], "output": f"to {row['question_id']}"} for row in QUESTIONS]
    outputs = pd.DataFrame(rows) if frame else write_rows(tmp_path / "o.csv", rows)
    report = api.submit(database, outputs, model="m", benchmark="b", audit=False)
    assert (report.matched, report.new, report.missing) == (3, 0, 0)
    stored = [json.loads(line) for line in exported(database, tmp_path / "o.jsonl").splitlines()]
    assert [(row["ids"], row["output"]) for row in stored] == [([str(n)], [f"to {n}"]) for n in (81, 82, 83)]


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_ids_go_out_and_come_back(tmp_path: Path, database: Database, other: Database, ending: str) -> None:
    rows = [*QUESTIONS, {"uid": "=u", "question_id": 81, "turns": QUESTIONS[0]["turns"], "category": "c"}]
    imported(database, write_rows(tmp_path / "q.jsonl", rows), write_rows(tmp_path / "m.jsonl", answers("m")))
    for kind in ("instructions", "outputs"):
        out, again = tmp_path / f"{kind}.{ending}", tmp_path / f"{kind}-again.{ending}"
        api.export(database, kind, out, benchmark="b")
        imported(other, out)
        api.export(other, kind, again, benchmark="b")
        assert again.read_bytes() == out.read_bytes()
    first = exported(other, tmp_path / "i.jsonl", kind="instructions").splitlines()[0]
    assert json.loads(first)["ids"] == ["81", "=u"]


def test_an_id_of_two_instructions_is_kept_and_joins_nothing(tmp_path: Path, database: Database) -> None:
    for text in ("one", "two"):
        imported(database, write_rows(tmp_path / f"{text}.jsonl", [{"id": 1, "instruction": text}]))
    told = [json.loads(line) for line in exported(database, tmp_path / "i.jsonl", kind="instructions").splitlines()]
    assert [row["ids"] for row in told] == [["1"], ["1"]]
    with pytest.raises(InputError, match=r"a\.jsonl, line 1, field 'id': '1' is the id of several instructions"):
        imported(database, write_rows(tmp_path / "a.jsonl", [{"id": 1, "output": "x", "model": "m"}]))


@pytest.mark.parametrize("extend", [False, True])
def test_a_text_that_is_not_the_ids_is_refused(tmp_path: Path, database: Database, extend: bool) -> None:
    imported(database, write_rows(tmp_path / "q.jsonl", QUESTIONS))
    row = {"question_id": 81, "instruction": QUESTIONS[1]["turns"], "output": "x"}
    path = write_rows(tmp_path / "o.jsonl", [{**row, "question_id": 82, "model": "m"}, {**row, "model": "n"}])
    message = r"o\.jsonl, line 2: its id '81' is that of another instruction .* asks 'first 82.*'first 81"
    with pytest.raises(InputError, match=message):
        api.import_files(database, path, benchmark="b", extend=extend)
    with pytest.raises(InputError, match="its id '81'"):
        api.submit(database, write_rows(tmp_path / "s.jsonl", [row]), model="n", benchmark="b", extend=extend)
    assert services.benchmarks.benchmarks(database)[0].models == ()


def test_instructions_that_are_added_may_bring_an_id_that_another_has(tmp_path: Path, database: Database) -> None:
    imported(database, write_rows(tmp_path / "q.jsonl", [{"id": 1, "instruction": "old"}]))
    path = write_rows(tmp_path / "o.jsonl", [{"id": 1, "instruction": "new", "output": "x", "model": "m"}])
    with pytest.raises(InputError, match="its id '1'"):
        api.import_files(database, path, benchmark="b")
    assert api.import_files(database, path, benchmark="b", extend=True, audit=False)[0].new == 1


def test_an_id_of_another_benchmark_is_not_known(tmp_path: Path, database: Database) -> None:
    imported(database, write_rows(tmp_path / "q.jsonl", QUESTIONS), benchmark="one")
    path = write_rows(tmp_path / "m.jsonl", answers("m"))
    message = r"m\.jsonl, line 1, field 'question_id': no instruction .* the id '81': import the instructions first"
    for benchmark in ("two", "three"):
        with pytest.raises(InputError, match=message):
            imported(database, path, benchmark=benchmark)
        imported(database, write_rows(tmp_path / "r.jsonl", [{"id": "r", "instruction": "?"}]), benchmark="two")


def test_labels_join_by_id_and_model(tmp_path: Path, database: Database) -> None:
    paths = [write_rows(tmp_path / f"{name}.jsonl", answers(name)) for name in ("m", "n")]
    imported(database, write_rows(tmp_path / "q.jsonl", QUESTIONS), *paths)
    row = {"model_a": "n", "model_b": "m", "label": "A>B", "annotator": "ann"}
    labels = write_rows(tmp_path / "l.jsonl", [{"question_id": 82, **row}])
    assert [(report.format, report.new) for report in imported(database, labels)] == [("labels", 1)]
    stored = json.loads(exported(database, tmp_path / "o.jsonl", kind="labels"))
    assert (stored["ids"], stored["model_a"], stored["preference"]) == (["82"], "m", 0.0)
    with pytest.raises(InputError, match=r"x\.jsonl, line 1, field 'question_id': no instruction"):
        imported(database, write_rows(tmp_path / "x.jsonl", [{"question_id": 84, **row}]))
    wrong = {"question_id": 82, "instruction": QUESTIONS[0]["turns"], **row}
    with pytest.raises(InputError, match=r"y\.jsonl, line 1: its id '82'"):
        imported(database, write_rows(tmp_path / "y.jsonl", [wrong]))


IDS = st.integers(0, 5).map(str)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ids=st.lists(st.lists(IDS, max_size=3), min_size=1, max_size=5), asked=IDS)
def test_property_an_id_joins_its_own_instruction_or_none(
    tmp_path: Path, other: Database, ids: list[list[str]], asked: str
) -> None:
    name = f"b{len(services.benchmarks.benchmarks(other)):03}"
    names = ("id", "question_id", "uid")
    rows = [
        {"instruction": f"q{n}"} | dict(zip(names, own, strict=False)) | {"category": name} for n, own in enumerate(ids)
    ]
    first = write_rows(tmp_path / f"{name}.jsonl", rows)
    api.import_files(other, first, benchmark=name, new_benchmark=True)
    owners = [n for n, own in enumerate(ids) if asked in own]
    known = services.known.of(other, name)
    if len(owners) == 1:
        instruction = known.instruction(asked)
        assert instruction is not None
        assert instruction.turns == (f"q{owners[0]}",)
    elif owners:
        with pytest.raises(ValueError, match=asked):
            known.instruction(asked)
    else:
        assert known.instruction(asked) is None


@pytest.mark.slow
@pytest.mark.shared
def test_published_answers_join_their_questions(shared: Path, tmp_path: Path, other: Database) -> None:
    folder = shared / "data" / "mt_bench"
    names = ("phi-3.jsonl.gz", "ref.jsonl.gz", "phi-3-dpo.jsonl.gz", "question.jsonl.gz")
    reports = imported(other, *(folder / name for name in names))
    assert [report.new for report in reports] == [80, 80, 30, 80]
    with gzip.open(folder / "question.jsonl.gz", "rt") as lines:
        asked = {str(row["question_id"]): row["turns"] for row in map(json.loads, lines)}
    for name, model in (("phi-3.jsonl.gz", "phi-3"), ("ref.jsonl.gz", "gpt-4")):
        api.export(other, "outputs", tmp_path / f"{model}.jsonl", benchmark="b", model=model)
        rows = map(json.loads, (tmp_path / f"{model}.jsonl").read_text().splitlines())
        stored = {row["ids"][0]: (row["instruction"], row["output"]) for row in rows}
        with gzip.open(folder / name, "rt") as lines:
            published = {str(row["question_id"]): row["choices"][0]["turns"] for row in map(json.loads, lines)}
        assert stored == {id: (asked[id], replies) for id, replies in published.items()}
