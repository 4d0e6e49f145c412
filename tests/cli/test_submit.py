"""judgebench submit and import: what is reported, what is stored, and every bad input as one clear error."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from judgebench.store.database import Database
from judgebench.store.transfer import check
from tests.cli.conftest import Invoke

BENCH = ("--model", "m", "--benchmark", "bench")


def rows(count: int = 2) -> list[dict[str, str]]:
    return [{"instruction": f"Question {n}?", "output": f"Answer {n}"} for n in range(count)]


def write(path: Path, content: object) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def stored(tmp_path: Path) -> dict[str, int]:
    address = tmp_path / "judgebench.db"
    return check(Database(str(address))).rows if address.exists() else {"outputs": 0, "instructions": 0, "verdicts": 0}


def test_a_submission_is_reported_and_stored(invoke: Invoke, tmp_path: Path) -> None:
    first = write(tmp_path / "a.json", [*rows(3), rows(1)[0]])
    report = invoke("submit", first, *BENCH, "--format", "json").json
    assert {name: report[name] for name in ("new", "matched", "missing", "duplicate", "empty", "stored")} == {
        **{"new": 3, "matched": 0, "missing": 0},
        **{"duplicate": 1, "empty": 0, "stored": 3},
    }
    other = write(tmp_path / "b.json", [{"instruction": " Question\t 1? ", "output": ""}, *rows(4)[3:]])
    shown = invoke("submit", other, "--model", "n", "--benchmark", "bench")
    assert "new              1" in shown.err
    assert "left out" in shown.err
    assert "missing          2" in shown.err
    assert "empty            1" in shown.err
    assert stored(tmp_path)["instructions"] == 3
    assert invoke("submit", other, "--model", "n", "--benchmark", "bench", "--extend").code == 0
    assert stored(tmp_path)["instructions"] == 4


def test_a_dry_run_stores_nothing(invoke: Invoke, tmp_path: Path) -> None:
    assert invoke("submit", write(tmp_path / "a.json", rows()), *BENCH, "--dry-run").code == 0
    assert stored(tmp_path)["outputs"] == 0


def test_submitting_again_is_nothing_and_other_outputs_are_refused(invoke: Invoke, tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", rows())
    invoke("submit", path, *BENCH)
    assert "model exists already: this adds a lineage to it" in invoke("submit", path, *BENCH, "--family", "f").err
    again = invoke("submit", path, *BENCH, "--format", "json").json
    assert (again["model_exists"], again["outputs_new"], again["declares_lineage"]) == (True, 0, False)
    assert (again["stored"], again["already_stored"]) == (0, 2)
    changed = write(tmp_path / "b.json", [{"instruction": "Question 0?", "output": "another"}])
    refused = invoke("submit", changed, *BENCH)
    assert refused.code == 2
    assert "another output" in refused.err
    assert stored(tmp_path)["outputs"] == 2


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.json", None, "none.json"),
        ("object.json", {"instruction": "x"}, "list"),
        ("broken.json", '[{"instruction": "x", ', "broken.json"),
        ("no_instruction.json", [{"output": "x"}], "instruction"),
        ("second.json", [*rows(1), {"output": "x"}], "row 2"),
        ("no_output.json", [{"instruction": "x"}], "output"),
        ("twice.json", [rows(1)[0], {**rows(1)[0], "output": "other"}], "row 2"),
        ("number.json", [{"instruction": 3, "output": "x"}], "instruction"),
    ],
)
def test_bad_files_are_one_clear_error_and_nothing_is_written(
    invoke: Invoke, tmp_path: Path, name: str, content: object, message: str
) -> None:
    path = tmp_path / name
    if content is not None:
        write(path, content)
    result = invoke("submit", path, *BENCH)
    assert result.code == 2
    assert name in result.err
    assert message in result.err
    assert "Traceback" not in result.err
    assert result.out == ""
    assert not (tmp_path / "judgebench.db").exists()


def test_a_truncated_gzip_is_named(invoke: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "cut.json.gz"
    path.write_bytes(gzip.compress(json.dumps(rows(200)).encode())[:-30])
    result = invoke("submit", path, *BENCH)
    assert result.code == 2
    assert "cut.json.gz" in result.err


def test_a_column_is_mapped_and_an_unknown_one_refused(invoke: Invoke, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "frage,antwort\nWas?,Das.\n")
    mapped = ("--map", "instruction=frage", "--map", "output=antwort")
    assert invoke("submit", path, *BENCH, *mapped).code == 0
    for wrong in ("instruction=fragen", "instrction=frage", "frage"):
        assert invoke("submit", path, *BENCH, "--map", wrong).code == 2


def test_a_mistyped_benchmark_does_not_become_one(invoke: Invoke, tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", rows())
    invoke("submit", path, *BENCH)
    result = invoke("submit", path, "--model", "n", "--benchmark", "bnch")
    assert result.code == 2
    assert "did you mean 'bench'" in result.err
    assert invoke("submit", path, "--model", "n", "--benchmark", "bnch", "--new-benchmark").code == 0
    for new in ("other", "bench2"):
        assert invoke("submit", path, "--model", "n", "--benchmark", new).code == 0


@pytest.mark.parametrize("name", ["", " m", "m\n", "a" * 201, "\u202egnp.exe", "x\x00y"])
def test_names_that_could_deceive_are_refused(invoke: Invoke, tmp_path: Path, name: str) -> None:
    result = invoke("submit", write(tmp_path / "a.json", rows()), "--model", name, "--benchmark", "b")
    assert result.code == 2
    assert not (tmp_path / "judgebench.db").exists()


def test_none_of_several_files_is_imported_when_one_is_bad(invoke: Invoke, tmp_path: Path) -> None:
    row = {"instruction": "Q?", "output_1": "a", "generator_1": "base", "output_2": "b", "generator_2": "m"}
    good = write(tmp_path / "good.json", [row | {"annotator": "j", "preference": 1.25}])
    bad = write(tmp_path / "bad.json", [row | {"annotator": "j", "preference": 7}])
    result = invoke("import", "alpaca-eval", good, bad)
    assert result.code == 2
    assert "bad.json" in result.err
    assert "preference" in result.err
    assert stored(tmp_path)["verdicts"] == 0
    assert invoke("import", "alpaca-eval", good).code == 0
    assert stored(tmp_path)["verdicts"] == 1


@pytest.mark.slow
def test_submit_shows_what_the_name_suggests(invoke: Invoke, outputs: Any) -> None:
    path = outputs("vicuna-7b-v1.5")
    shown = invoke("submit", path, "--model", "vicuna-7b-v1.5", "--benchmark", "b")
    assert "the name suggests family llama, parent llama-2" in shown.err
    assert invoke("models", "--benchmark", "b", "--format", "json").json[0]["family"] is None
    assert invoke("submit", path, "--model", "vicuna-7b-v1.5", "--benchmark", "b", "--accept-lineage").code == 0
    assert invoke("models", "--benchmark", "b", "--format", "json").json[0]["family"] == "llama"
    assert invoke("submit", path, "--model", "x", "--benchmark", "b", "--accept-lineage").code == 2
