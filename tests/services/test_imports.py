"""Importing: what each file is decides how it is stored; a file is stored whole or not at all."""

import json
from pathlib import Path
from typing import Any

import pytest

from judgebench import services, store
from judgebench.counts import were
from judgebench.errors import Conflict, InputError, UnknownName
from judgebench.formats.reading import NamedPath
from judgebench.services.imports import ImportOptions, ImportReport, import_file, import_judgments, read
from judgebench.show.imported import imported_words
from judgebench.store.database import Database
from judgebench.store.transfer import check
from tests.factories import ok, result, trial
from tests.filling import filled
from tests.formats.writing import write_rows

ANNOTATION = {
    **{"instruction": "q", "output_1": "x", "generator_1": "base", "output_2": "y", "generator_2": "m"},
    **{"annotator": "judge", "preference": 1.25},
}


def brought(database: Database, path: Path, **options: Any) -> ImportReport:
    return import_file(database, path, benchmark="b", options=ImportOptions(**options))


def test_each_file_is_stored_as_what_it_is(tmp_path: Path, database: Database) -> None:
    rows = {
        "instructions": {"instruction": "q", "category": "c"},
        "outputs": {"instruction": "q", "output": "x", "model": "base"},
        "alpaca-eval": ANNOTATION,
        "labels": {"instruction": "q", "model_a": "base", "model_b": "m", "winner": "model_a", "annotator": "ann"},
        "lineage": {"model": "m", "family": "f"},
    }
    reports = [brought(database, write_rows(tmp_path / f"{name}.jsonl", [row])) for name, row in rows.items()]
    assert [report.format for report in reports] == list(rows)
    assert [(report.new, report.known) for report in reports] == [(1, 0)] * len(rows)
    assert [report.benchmark for report in reports] == ["b"] * 4 + [None]
    benchmark = services.benchmarks.benchmark(database, "b")
    assert (benchmark.instructions, benchmark.categories, benchmark.models) == (1, ("c",), ("base", "m"))
    assert (benchmark.judges, benchmark.verdicts) == (("judge",), 1)
    before = check(database).rows
    again = [brought(database, tmp_path / f"{name}.jsonl") for name in rows]
    assert [(report.new, report.known) for report in again] == [(0, 1)] * len(rows)
    after = check(database).rows
    assert {table: count for table, count in after.items() if table != "audits"} == {
        table: count for table, count in before.items() if table != "audits"
    }


def test_the_benchmark_is_the_usual_one_or_must_be_named(tmp_path: Path, database: Database) -> None:
    import_file(database, write_rows(tmp_path / "a.json", [ANNOTATION]))
    assert [benchmark.name for benchmark in services.benchmarks.benchmarks(database)] == ["alpaca_eval"]
    path = write_rows(tmp_path / "i.json", [{"instruction": "q"}])
    with pytest.raises(InputError, match=r"i\.json: holds instructions: name their benchmark by --benchmark"):
        import_file(database, path)
    with pytest.raises(InputError, match="benchmark name"):
        import_file(database, path, benchmark=" b")


def test_outputs_of_several_models_keep_the_order_of_the_file(tmp_path: Path, database: Database) -> None:
    rows = [
        {"instruction": f"q{number}", "output": f"{model} {number}", "model": model}
        for number, models in enumerate(("b", "ab", "a"))
        for model in models
    ]
    report = brought(database, write_rows(tmp_path / "o.jsonl", rows))
    assert (report.models, report.new, report.known, report.missing) == (("b", "a"), 4, 0, 0)
    with database.read() as connection:
        asked = store.benchmarks.instructions(connection, store.benchmarks.benchmark_id(connection, "b"))
    assert [instruction.text for instruction in asked] == ["q0", "q1", "q2"]
    with pytest.raises(InputError, match="an output of 'a', but line 1 is one of 'b'"):
        brought(database, tmp_path / "o.jsonl", model="c")


def test_outputs_without_a_name_need_one(tmp_path: Path, database: Database) -> None:
    path = write_rows(tmp_path / "o.jsonl", [{"instruction": "q", "output": "x"}])
    with pytest.raises(InputError, match=r"line 1.*--model"):
        brought(database, path)
    assert services.benchmarks.benchmarks(database) == []
    brought(database, path, model="m")
    assert services.benchmarks.benchmark(database, "b").models == ("m",)


def test_a_mistyped_benchmark_is_no_new_one(tmp_path: Path, database: Database) -> None:
    path = write_rows(tmp_path / "o.jsonl", [{"instruction": "q", "output": "x", "model": "m"}])
    import_file(database, path, benchmark="bench")
    with pytest.raises(InputError, match="did you mean 'bench'"):
        import_file(database, path, benchmark="bnch")
    import_file(database, path, benchmark="bnch", options=ImportOptions(new_benchmark=True))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("row", "as_format"),
    [
        ({"instruction": "q"}, "instructions"),
        ({"instruction": "q", "output": "x", "model": "m"}, "outputs"),
        ({"instruction": "q", "output_1": "x", "output_2": "y", "label": "A"}, "labels"),
        (ANNOTATION, "alpaca-eval"),
    ],
)
@pytest.mark.parametrize("slip", ["Mine", "mien", "mines"])
def test_no_import_creates_a_benchmark_by_a_slip(
    tmp_path: Path, database: Database, row: dict[str, object], as_format: str, slip: str
) -> None:
    import_file(database, write_rows(tmp_path / "i.jsonl", [{"instruction": "q"}]), benchmark="mine")
    suffix = ".json" if as_format == "alpaca-eval" else ".jsonl"
    path = write_rows(tmp_path / f"file{suffix}", [row])
    with pytest.raises(InputError, match="did you mean 'mine'"):
        import_file(database, path, benchmark=slip, as_format=as_format)
    assert [row.name for row in services.benchmarks.benchmarks(database)] == ["mine"]


def test_a_file_that_contradicts_the_store_leaves_nothing(tmp_path: Path, database: Database) -> None:
    brought(database, write_rows(tmp_path / "a.json", [ANNOTATION]))
    before = check(database).rows
    rows = [ANNOTATION | {"instruction": "new"}, ANNOTATION | {"output_2": "another"}]
    with pytest.raises(Conflict):
        brought(database, write_rows(tmp_path / "b.json", rows))
    assert check(database).rows == before


def test_a_format_may_be_named(tmp_path: Path, database: Database) -> None:
    path = write_rows(tmp_path / "a.json", [ANNOTATION | {"output": "z"}])
    with pytest.raises(UnknownName, match="format"):
        read(path, as_format="alpaca")
    assert import_file(database, path, benchmark="b", as_format="instructions").format == "instructions"
    mapped = import_file(database, path, benchmark="c", as_format="instructions", columns={"instruction": "output_1"})
    assert mapped == ImportReport(str(path), "instructions", "c", 1, 0)


def test_a_file_may_be_called_by_another_name(tmp_path: Path, database: Database) -> None:
    path = NamedPath(write_rows(tmp_path / "a.jsonl", [{"instruction": ""}]), "standard input")
    with pytest.raises(InputError, match=r"^standard input, line 1, field"):
        read(path)
    label = {"instruction": "q", "output_a": "x", "output_b": "y", "winner": "A"}
    file = read(NamedPath(write_rows(tmp_path / "b.jsonl", [label]), "standard input"))
    services.imports.save(database, file, benchmark="b")
    [stored] = services.labels.human_labels(database, "b")
    assert (stored.annotator, stored.source) == ("standard input", "standard input")


def test_judgments_become_outputs_in_the_order_they_were_given(database: Database) -> None:
    writer = filled(database)
    with database.write() as connection:
        writer.add(connection, [result(trial(number), ok(1.0), f"judged {number}") for number in (1, 0)])
    with pytest.raises(InputError, match="two judges"):
        import_judgments(database, "bench", ["judge"], into="meta")
    with pytest.raises(UnknownName):
        import_judgments(database, "bench", ["judge", "none"], into="meta")


def test_alpaca_eval_files_are_stored_all_or_none(tmp_path: Path, database: Database) -> None:
    good = write_rows(tmp_path / "a.json", [ANNOTATION])
    bad = write_rows(tmp_path / "b.json", [ANNOTATION | {"preference": 7}])
    with pytest.raises(InputError, match=r"b\.json, row 1, field 'preference'"):
        services.imports.import_alpaca_eval(database, [good, bad])
    assert services.benchmarks.benchmarks(database) == []
    [report] = services.imports.import_alpaca_eval(database, [good])
    assert json.loads(json.dumps([report.judges, report.models, report.new])) == [["judge"], ["m"], 1]


def test_a_file_whose_rows_hold_no_output_is_refused_with_what_is_left_out(tmp_path: Path, database: Database) -> None:
    row = {"labeler": "l", "question": {"problem": "p"}, "label": {"steps": [], "finish_reason": "give_up"}}
    with pytest.raises(InputError, match=r"p\.jsonl: holds no output; left out: .*\(1\)"):
        brought(database, write_rows(tmp_path / "p.jsonl", [row]))


def test_what_the_store_refuses_names_its_file(tmp_path: Path, database: Database) -> None:
    brought(database, write_rows(tmp_path / "one.jsonl", [{"instruction": "q", "output": "x", "model": "m"}]))
    for row in (
        {"instruction": "q", "output": "y", "model": "m"},
        {"instruction": "q", "output": "y", "model": " " * 201 + "\u202e"},
        ANNOTATION | {"annotator": "j" * 201},
    ):
        with pytest.raises(InputError, match=r"two\.jsonl"):
            brought(database, write_rows(tmp_path / "two.jsonl", [row]))


RECORDED = {
    **{"instruction_key": "k", "instruction": "q", "model_a": "a", "output_a": "x", "model_b": "b", "output_b": "y"},
    **{"judge": "j", "judge_model": "j", "template": "t", "template_digest": "d", "settings": "{}", "order": "AB"},
    **{"status": "ok", "source": "label", "preference": 1.0, "score": None, "parser": "1"},
}


def test_verdicts_that_contradict_those_stored_are_counted(tmp_path: Path, database: Database) -> None:
    """Also beside one that is new, and once more; what failed before is answered by a later file."""
    none = {"status": "failed", "source": "none", "preference": None}
    reports = [
        brought(database, write_rows(tmp_path / "v.jsonl", rows))
        for rows in (
            [RECORDED, RECORDED | {"repeat": 1} | none],
            [RECORDED | {"preference": 0.0}, RECORDED | {"repeat": 2}, RECORDED | {"repeat": 1} | none],
            [RECORDED | {"preference": 0.0}, RECORDED | {"repeat": 1}],
            [RECORDED, RECORDED | {"repeat": 1}],
        )
    ]
    assert [(report.new, report.known, report.contradicting) for report in reports] == [
        *((2, 0, 0), (1, 2, 1), (1, 1, 1), (0, 2, 0))
    ]
    assert not check(database).problems


def test_every_model_whose_outputs_a_file_brings_is_audited(tmp_path: Path, database: Database) -> None:
    report = brought(database, write_rows(tmp_path / "a.jsonl", [ANNOTATION]))
    assert (report.models, report.beside) == (("m",), ("base",))
    assert report.audit is not None
    assert report.audit.about == ("m", "base")
    assert services.leaderboards.leaderboard(database, "b").coverage.unaudited == ()


def test_a_model_without_a_lineage_is_not_called_stored(tmp_path: Path, database: Database) -> None:
    path = write_rows(tmp_path / "l.jsonl", [{"model": "m", "family": "f"}, {"model": "n"}, {"model": "o"}])
    for new, known in ((1, 0), (0, 1)):
        report = brought(database, path)
        assert (report.new, report.known, report.undeclared) == (new, known, 2)
        assert imported_words(report).endswith(f"{known} {were(known)} stored already; 2 models without a lineage")
