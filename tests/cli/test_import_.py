"""judgebench import: files are recognised, said, stored one by one; the commands that name a format stay."""

import gzip
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from judgebench import services
from judgebench.conversations import Conversation, Message, Text
from judgebench.errors import DatabaseError
from judgebench.formats.form_files import form_document
from judgebench.formats.forms import registry as forms
from judgebench.formats.registry import FORMATS
from judgebench.store.database import Database
from tests.cli.conftest import Invoke
from tests.formats.workbooks import parts, sheet, texts, write_workbook
from tests.formats.writing import write_rows
from tests.services import test_form_files as form_files

ANNOTATION = {
    **{"instruction": "q", "output_1": "x", "generator_1": "base", "output_2": "y", "generator_2": "m"},
    **{"annotator": "judge", "preference": 1.25},
}


LABEL = {"instruction": "q", "output_a": "x", "output_b": "y", "winner": "A", "annotator": "ann"}


def write(folder: Path, **files: dict[str, Any]) -> list[Path]:
    return [write_rows(folder / f"{name}.jsonl", [row]) for name, row in files.items()]


def stored(tmp_path: Path) -> dict[str, tuple[int, int]]:
    database = Database(str(tmp_path / "judgebench.db"))
    return {each.name: (each.instructions, each.verdicts) for each in services.benchmarks.benchmarks(database)}


def test_each_file_is_said_and_stored(invoke: Invoke, tmp_path: Path) -> None:
    files = write(
        tmp_path,
        a={"instruction": "q", "category": "c"},
        b={"instruction": "q", "output": "y", "model": "m"},
        c=ANNOTATION,
        d=LABEL,
        e={"model": "m", "family": "f"},
    )
    shown = invoke("import", *files, "--benchmark", "b")
    assert (shown.code, shown.err) == (0, "")
    lines = [
        "a.jsonl (instructions): b: 1 instruction stored; 0 were stored already",
        "b.jsonl (outputs): b: 1 output (m) stored; 0 were stored already",
        "c.jsonl (alpaca-eval): b: 1 verdict (judge, m) stored; 0 were stored already",
        "d.jsonl (labels): b: 1 label stored; 0 were stored already; 1 annotator",
        "e.jsonl (lineage): 1 lineage stored; 0 were stored already",
    ]
    assert shown.out == "".join(f"{tmp_path}/{line}\n" for line in lines)
    assert stored(tmp_path) == {"b": (1, 1)}
    again = invoke("import", files[-1])
    assert again.out == f"{files[-1]} (lineage): 0 lineages stored; 1 was stored already\n"


def test_a_file_that_is_wrong_stops_itself_alone(invoke: Invoke, tmp_path: Path) -> None:
    [good, bad, odd, last] = write(
        tmp_path,
        good=ANNOTATION,
        bad=ANNOTATION | {"preference": 7},
        odd={"model": "m"},
        last=ANNOTATION | {"instruction": "r"},
    )
    shown = invoke("import", good, bad, odd, tmp_path / "none.jsonl", last, "--format", "json")
    assert shown.code == 2
    assert [report["file"] for report in shown.json["imported"]] == [str(good), str(last)]
    assert [failure["file"] for failure in shown.json["failed"]] == [str(bad), str(odd), str(tmp_path / "none.jsonl")]
    assert "bad.jsonl, line 1, field 'preference'" in shown.err
    assert f"3 of 5 files were not imported: {bad}, {odd}" in shown.err
    assert "say by --as, in Python by as_format, which it is: instructions, outputs" in shown.err
    assert stored(tmp_path) == {"alpaca_eval": (2, 2)}


def test_a_bad_file_alone_creates_no_database(invoke: Invoke, tmp_path: Path) -> None:
    [path] = write(tmp_path, a={"instruction": ""})
    shown = invoke("import", path, "--benchmark", "b")
    assert (shown.code, shown.out) == (2, "")
    assert shown.err.count("\n") == 1
    assert invoke("import", path, "--as", "instruction", "--benchmark", "b").code == 2
    assert not (tmp_path / "judgebench.db").exists()


def test_options_may_come_first_and_say_what_files_do_not(invoke: Invoke, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.csv", [{"frage": "q", "antwort": "y"}])
    mapped = ("--map", "instruction=frage", "--map", "output=antwort")
    shown = invoke("import", "--benchmark", "b", "--as", "outputs", "--model", "m", *mapped, path)
    assert (shown.code, shown.out) == (0, f"{path} (outputs): b: 1 output (m) stored; 0 were stored already\n")
    [label] = write(tmp_path, d=LABEL | {"instruction": "new", "annotator": None})
    assert invoke("import", label, "--benchmark", "b").code == 2
    assert invoke("import", "files", label, "--benchmark", "b", "--extend", "--annotator", "ann").code == 0


@pytest.mark.parametrize("form", ["jsonl", "json", "csv", "csv.gz", "parquet"])
def test_standard_input_is_a_file(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    data = write_rows(tmp_path / f"a.{form}", [{"instruction": "q", "output": "y", "model": "m"}]).read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    shown = invoke("import", "-", "--benchmark", "b")
    assert (shown.code, shown.out) == (0, "standard input (outputs): b: 1 output (m) stored; 0 were stored already\n")


@pytest.mark.parametrize("name", ["inspect", "promptfoo"])
@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("packed", [False, True])
def test_a_document_on_standard_input_is_one(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, name: str, indent: int | None, packed: bool
) -> None:
    talk = Conversation.of_turns(["q"]).messages
    row = forms.named(name).write(Conversation((*talk, Message("assistant", (Text("a"),)))), {})
    document = form_document(name, [{**row, "provider": "m"}], benchmark="b", model="m")
    data = json.dumps(document, indent=indent).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(data) if packed else data)))
    shown = invoke("import", "-", "--benchmark", "b")
    assert (shown.code, shown.out) == (0, "standard input (outputs): b: 1 output (m) stored; 0 were stored already\n")


def test_an_archive_on_standard_input_is_a_log(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"PK\x03\x04 a spreadsheet")))
    shown = invoke("import", "-", "--benchmark", "b")
    assert shown.code == 2
    assert shown.err.startswith("judgebench: standard input")
    assert shown.err.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", form_files.NAMES)
def test_each_form_comes_in_goes_out_and_comes_in_again(invoke: Invoke, tmp_path: Path, name: str) -> None:
    path = form_files.source(forms.named(name), tmp_path)
    out = tmp_path / f"out{path.suffix}"
    assert invoke("import", path, "--benchmark", "bench", "--model", "m").code == 0
    assert invoke("export", name, "--to", out, "--benchmark", "bench", "--model", "m").code == 0
    for arguments in ((), ("--as", name)):
        other = tmp_path / f"other{len(arguments)}.db"
        shown = invoke("--db", other, "import", out, "--benchmark", "bench", *arguments)
        assert "bench: 4 outputs (m) stored; 0 were stored already" in shown.out
        kept = [form_files.stored(Database(str(path))) for path in (other, tmp_path / "judgebench.db")]
        assert kept[0] == kept[1]
    assert "bench: 0 outputs (m) stored; 4 were stored already" in invoke("import", out, "--benchmark", "bench").out


def test_an_error_in_standard_input_names_it(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"instruction": ""}')))
    assert "judgebench: standard input, line 1, field 'instruction'" in invoke("import", "-", "--benchmark", "b").err


def test_the_commands_that_name_a_format_stay(invoke: Invoke, tmp_path: Path) -> None:
    [instructions, annotations, label, lineage] = write(
        tmp_path, a={"instruction": "q"}, b=ANNOTATION, c=LABEL, d={"model": "m", "family": "f"}
    )
    assert invoke("import", "instructions", instructions, "--benchmark", "b").out == (
        "b: 1 instruction stored; 0 were stored already\n"
    )
    [report] = invoke("import", "alpaca-eval", annotations, "--format", "json").json
    kept = {"models": ["m"], "new": 1, "known": 0, "without_preference": 0, "against_itself": 0, "duplicate": 0}
    assert {name: report[name] for name in kept} == kept
    assert invoke("labels", "import", label, "--benchmark", "c", "--format", "json").json["new"] == 1
    declared = invoke("lineage", "import", lineage, "--format", "json").json
    assert (declared["file"], declared["new"], declared["known"]) == (str(lineage), 1, 0)
    assert stored(tmp_path) == {"alpaca_eval": (1, 1), "b": (1, 0), "c": (1, 0)}


def test_the_formats_are_listed(invoke: Invoke) -> None:
    shown = invoke("import", "formats").out
    assert [form.name in shown and form.help in shown for form in FORMATS] == [True] * len(FORMATS)
    listed = invoke("import", "formats", "--format", "json").json
    assert [row["format"] for row in listed] == [form.name for form in FORMATS]
    assert json.dumps(listed)


CUT = gzip.compress(b'{"instruction": "q"}' * 9, mtime=0)[:-9]  # without the time, which would be in the test's name


@pytest.mark.parametrize("data", [b"\x1f\x8b\xff\xff", CUT, None])
def test_standard_input_that_is_damaged_or_closed_is_one_sentence(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, data: bytes | None
) -> None:
    monkeypatch.setattr(sys, "stdin", None if data is None else io.TextIOWrapper(io.BytesIO(data)))
    shown = invoke("import", "-", "--benchmark", "b")
    assert shown.code == 2
    assert shown.err.startswith("judgebench: standard input")
    assert shown.err.count("\n") == 1


def test_what_the_database_refuses_stops_one_file_alone(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = services.imports.store_only

    def refusing(database: Database, file: Any, **choices: Any) -> Any:
        if Path(file.file).name.startswith("bad"):
            raise DatabaseError("refused")
        return save(database, file, **choices)

    monkeypatch.setattr(services.imports, "store_only", refusing)
    shown = invoke("import", *write(tmp_path, bad=ANNOTATION, good=ANNOTATION), "--benchmark", "b")
    assert (shown.code, stored(tmp_path)) == (2, {"b": (1, 1)})


def test_the_help_of_the_group_shows_the_options_of_its_short_form(invoke: Invoke) -> None:
    shown = invoke("import", "--help")
    assert shown.code == 0
    for option in ("--benchmark", "--as", "--map", "--model", "--extend"):
        assert option in shown.out


def test_the_format_may_be_named_before_the_files(invoke: Invoke, tmp_path: Path) -> None:
    [path] = write(tmp_path, a={"instruction": "q"})
    assert "b: 1 instruction stored" in invoke("import", "instructions", path, "--benchmark", "b").out
    [path] = write(tmp_path, b=LABEL)
    assert "1 label stored" in invoke("import", "labels", path, "--benchmark", "c").out


def test_empty_outputs_are_told_and_missing_ones_are_a_sum_over_the_models(invoke: Invoke, tmp_path: Path) -> None:
    rows = [{"instruction": text, "output": "x", "model": "a"} for text in "pqr"]
    rows += [{"instruction": "p", "output": "", "model": model} for model in "bc"]
    path = tmp_path / "a.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    assert invoke("import", path, "--benchmark", "b").code == 0
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows[:1] + rows[3:]))
    shown = invoke("import", path, "--benchmark", "b").out
    assert "6 instructions without an output, summed over the models" in shown
    assert "2 empty outputs" in shown


def test_a_folder_is_imported_file_by_file(invoke: Invoke, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    (folder / "deep").mkdir(parents=True)
    write_rows(folder / "a.tsv", [{"instruction": "q", "output": "x", "model": "m"}])
    write_rows(folder / "deep" / "b.jsonl.zst", [{"instruction": "q", "output": "y", "model": "n"}])
    write_rows(folder / "deep" / "other.jsonl", [{"cluster": 1}])
    (folder / "notes.txt").write_text("no rows")
    result = invoke("import", str(folder), "--benchmark", "mine", "--no-audit")
    assert result.code == 2
    assert "a.tsv (outputs)" in result.out
    assert "b.jsonl.zst (outputs)" in result.out
    assert "left out, names of other endings" in result.out
    assert "1 of 3 files were not imported" in result.err
    assert stored(tmp_path) == {"mine": (1, 0)}
    (folder / "deep" / "other.jsonl").unlink()
    result = invoke("import", str(folder), "--benchmark", "mine", "--no-audit", "--format", "json")
    assert result.code == 0
    assert json.loads(result.out)["left_out"] == [f"left out, names of other endings: {folder / 'notes.txt'}"]


@pytest.mark.parametrize(
    "name", ["a.json", "a.jsonl.gz", "a.json.zst", "a.csv", "a.tsv", "a.tsv.zst", "a.parquet", "a.arrow", "a.feather"]
)
def test_the_form_of_standard_input_is_told(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    data = write_rows(tmp_path / name, [{"instruction": "q", "output": "x", "model": "m"}]).read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    result = invoke("import", "-", "--benchmark", "mine", "--no-audit")
    assert result.code == 0, result.err
    assert "standard input (outputs)" in result.out


def test_a_workbook_on_standard_input_and_its_sheet(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = sheet(texts("instruction", "output", "model"), texts("q", "x", "m"))
    path = write_workbook(tmp_path / "a.xlsx", parts({"One": held, "Two": held.replace(">x<", ">y<")}))
    assert "say which by --sheet" in invoke("import", str(path), "--benchmark", "mine").err
    assert "has no sheets" in invoke("import", str(write(tmp_path, a={"instruction": "q"})[0]), "--sheet", "A").err
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))
    result = invoke("import", "-", "--benchmark", "mine", "--no-audit", "--sheet", "Two")
    assert result.code == 0, result.err


def test_a_path_leads_into_a_column(invoke: Invoke, tmp_path: Path) -> None:
    row = {"doc": {"question": "q"}, "resps": [["x"]], "model": "m"}
    (path,) = write(tmp_path, a=row)
    maps = ("--map", "instruction=doc.question", "--map", "output=resps[0][-1]")
    result = invoke("import", str(path), "--as", "outputs", "--benchmark", "mine", "--no-audit", *maps)
    assert result.code == 0, result.err
    result = invoke(
        "import", str(path), "--as", "outputs", "--benchmark", "mine", "--map", "instruction=doc.text", *maps[2:]
    )
    assert result.code == 2
    assert "a.jsonl, line 1, field 'doc.text': the path leads to doc, and there is no 'text' there" in result.err
