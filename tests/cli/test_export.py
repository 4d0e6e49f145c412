"""judgebench export: a file by its ending, which import reads back."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Invoke


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["jsonl", "json", "csv", "csv.gz", "parquet"])
def test_outputs_go_out_and_come_back(submitted: Invoke, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"o.{ending}"
    shown = submitted("export", "outputs", "--benchmark", "bench", "--to", path)
    assert (shown.code, shown.out) == (0, f"{path}: 12 rows of outputs of bench\n")
    again = submitted("--db", "other.db", "import", path, "--benchmark", "bench", "--format", "json").json
    assert [report["new"] for report in again["imported"]] == [12]
    copy = tmp_path / f"copy.{ending}"
    submitted("--db", "other.db", "export", "outputs", "--benchmark", "bench", "--to", copy)
    assert copy.read_bytes() == path.read_bytes()


def test_verdicts_of_one_judge(submitted: Invoke, tmp_path: Path) -> None:
    for judge in ("scripted:coin", "scripted:always-first"):
        submitted("run", "--benchmark", "bench", "--judge", judge, "--baseline", "alpha")
    chosen = ("--benchmark", "bench", "--judge", "scripted:coin", "--to", tmp_path / "v.jsonl", "--format", "json")
    assert submitted("export", "verdicts", *chosen).json == {
        "file": str(tmp_path / "v.jsonl"),
        "kind": "verdicts",
        "benchmark": "bench",
        "rows": 16,
        "lost": {},
        "coverage": None,
        "left_out": {},
    }
    assert submitted("--db", "other.db", "import", tmp_path / "v.jsonl", "--benchmark", "bench").code == 0
    command = ("leaderboard", "--benchmark", "bench", "--judge", "scripted:coin", "--format", "json")
    boards = [submitted("--db", name, *command).json for name in ("judgebench.db", "other.db")]
    assert boards[0]["rows"] == boards[1]["rows"]
    assert boards[0]["coverage"] == boards[1]["coverage"] | {"other_judges": {"scripted:always-first": 16}}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("votes", "--benchmark", "bench", "--to", "a.csv"), "unknown kind of export 'votes'"),
        (("labels", "--benchmark", "bnch", "--to", "a.csv"), "did you mean 'bench'"),
        (("labels", "--benchmark", "bench", "--to", "a.xlsx"), "must end in one of .jsonl"),
        (("labels", "--benchmark", "bench", "--judge", "j", "--to", "a.csv"), "leave --judge"),
        (("leaderboard", "--benchmark", "bench", "--to", "a.csv"), ""),
    ],
)
def test_what_cannot_be_exported_leaves_no_file(
    submitted: Invoke, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    shown = submitted("export", *arguments)
    assert (shown.code, shown.out) == (2, "")
    assert message in shown.err
    assert not list(tmp_path.glob("*a.csv*"))


def test_a_form_says_what_it_cannot_hold(invoke: Invoke, tmp_path: Path) -> None:
    replied = {"role": "assistant", "content": "a", "reasoning": "hm"}
    row: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "q"}, replied]}
    path = tmp_path / "chats.jsonl"
    path.write_text(json.dumps(row) + "\n")
    done = invoke("import", path, "--benchmark", "b")
    assert (done.code, "no judge is shown: reasoning (1)" in done.out) == (0, True), done
    assert invoke("export", "vllm", "--benchmark", "b", "--to", tmp_path / "a.jsonl").err == ""
    assert json.loads((tmp_path / "a.jsonl").read_text())["messages"] == row["messages"]
    lossy = invoke("export", "sharegpt", "--benchmark", "b", "--to", tmp_path / "b.jsonl", "--model", "m")
    assert "what sharegpt cannot hold is not in the file: reasoning (1)" in lossy.err
    submitted = invoke("submit", path, "--model", "n", "--benchmark", "b")
    assert "no judge is shown: reasoning (1)" in submitted.err


@pytest.mark.slow
def test_other_tools_get_what_they_read_and_the_rest_is_counted(submitted: Invoke, tmp_path: Path) -> None:
    submitted("run", "--benchmark", "bench", "--judge", "scripted:always-first", "--baseline", "alpha")
    command = ("export", "preferences", "--benchmark", "bench", "--to", tmp_path / "p.jsonl")
    done = submitted(*command, "--min-margin", "0.5", "--rationale")
    assert done.code == 0, done
    assert "left out: ties (" in done.err
    refused = submitted(*command, "--baseline", "alpha")
    assert (refused.code, "--baseline is for alpaca-eval" in refused.err) == (2, True)
    annotations = submitted("export", "alpaca-eval", "--benchmark", "bench", "--baseline", "alpha", "--to", "a.json")
    assert (annotations.code, "rows of alpaca-eval of bench" in annotations.out) == (0, True)
