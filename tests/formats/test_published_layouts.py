"""Every published file beside the checkout is of exactly one format, and what is read of it is what the file holds, as
counted by scripts that know nothing of the package: json, csv and gzip alone."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from judgebench.formats.documents import read_sample
from judgebench.formats.human_labels import LabelFile
from judgebench.formats.outputs import OutputsFile
from judgebench.formats.registry import Contents, candidates, read, recognise
from judgebench.formats.verdicts import VerdictsFile

pytestmark = pytest.mark.shared
_NOT_READ = (
    "README.md",
    "official_glm_weights.csv",
    "official_leaderboard",
    "official_pairwise_counts",
    "official_score",
)
_LAYOUTS = {
    **{"alpaca_input.jsonl": "outputs", "chat_parts.jsonl": "outputs", "openai_tools.jsonl": "outputs"},
    **{"sharegpt.jsonl": "outputs", "promptfoo.json": "outputs", "rewardbench.jsonl": "rewardbench"},
    **{
        "rewardbench2.jsonl": "rewardbench-2",
        "ultrafeedback.jsonl": "ultrafeedback",
        "helm_scenario_state.json": "helm",
    },
    **{"judgearena_annotations.csv": "judge-arena", "lm_eval_samples_gsm8k.jsonl": "lm-eval"},
    **{"openai_evals.jsonl": "openai-evals", "openai_batch_output.jsonl": "openai-batch-output"},
}
Pairs = set[tuple[str, str, str]]


def text_of(path: Path) -> str:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text_of(path).splitlines() if line.strip()]


def read_as_told(path: Path) -> Contents:
    return read(path, recognise(path))


def preferred(contents: Contents) -> Pairs:
    """Instruction, better text and worse text of each label that is no tie."""
    assert isinstance(contents, LabelFile)
    pairs: Pairs = set()
    for row in contents.rows:
        assert row.first.output is not None
        assert row.second.output is not None
        texts = row.first.output.text, row.second.output.text
        if row.preference != 0.5:
            pairs.add((row.instruction.text, *(texts if row.preference > 0.5 else texts[::-1])))
    return pairs


def exchanges(contents: Contents) -> set[tuple[str, str, str | None]]:
    assert isinstance(contents, OutputsFile)
    return {(row.instruction.text, row.output.text, row.model) for row in contents.outputs}


@pytest.mark.parametrize(("name", "format"), list(_LAYOUTS.items()))
def test_each_layout_is_of_one_format(shared: Path, name: str, format: str) -> None:
    assert recognise(shared / "data" / "layouts" / name).name == format


@pytest.mark.slow
def test_every_file_is_of_one_format_or_of_none(shared: Path) -> None:
    files = sorted(path for path in (shared / "data").rglob("*") if path.is_file())
    counts = {
        str(path.relative_to(shared)): len(candidates(read_sample(path)))
        for path in files
        if not path.name.startswith(_NOT_READ)
    }
    assert {name: count for name, count in counts.items() if count > 1} == {}
    assert len(counts) > 80


def test_rewardbench(shared: Path) -> None:
    path = shared / "data" / "layouts" / "rewardbench.jsonl"
    assert preferred(read_as_told(path)) == {(row["prompt"], row["chosen"], row["rejected"]) for row in lines_of(path)}


def test_rewardbench_2(shared: Path) -> None:
    path = shared / "data" / "layouts" / "rewardbench2.jsonl"
    assert preferred(read_as_told(path)) == {
        (row["prompt"], one, other) for row in lines_of(path) for one in row["chosen"] for other in row["rejected"]
    }


def test_auto_j(shared: Path) -> None:
    path = shared / "data" / "autoj_pairwise" / "human_labels_even_rows.jsonl.gz"
    contents, rows = read_as_told(path), lines_of(path)
    assert isinstance(contents, LabelFile)
    labels = [{1.0: 0, 0.0: 1, 0.5: 2}[row.preference] for row in contents.rows]
    assert labels == [int(row["label"]) for row in rows]
    texts = [(row["prompt"], row["response 1"], row["response 2"]) for row in rows]
    assert len(texts) == len(contents.rows) == 696
    for row, (prompt, first, second) in zip(contents.rows, texts, strict=True):
        assert row.first.output is not None
        assert row.second.output is not None
        assert (row.instruction.text, row.first.output.text, row.second.output.text) == (prompt, first, second)


def test_ultrafeedback(shared: Path) -> None:
    path = shared / "data" / "layouts" / "ultrafeedback.jsonl"
    contents = read_as_told(path)
    assert isinstance(contents, VerdictsFile)
    scores = {(row.instruction.text, row.a.text, row.a.model, row.verdict.score) for row in contents.verdicts}
    assert scores == {
        (row["instruction"], item["response"], item["model"], item["overall_score"])
        for row in lines_of(path)
        for item in row["completions"]
    }


def test_judge_arena(shared: Path) -> None:
    path = shared / "data" / "layouts" / "judgearena_annotations.csv"
    contents = read_as_told(path)
    assert isinstance(contents, VerdictsFile)
    rows = list(csv.DictReader(io.StringIO(text_of(path))))
    kept = {
        (row.instruction.text, row.completion and row.completion.text, row.order == "AB", row.a.model)
        for row in contents.verdicts
    }
    assert kept == {
        (
            row["instruction"],
            row["judge_completion"],
            row["model_A"] < row["model_B"],
            min(row["model_A"], row["model_B"]),
        )
        for row in rows
    }


def lm_eval_script(path: Path) -> set[tuple[str, str, str | None]]:
    return {(row["arguments"]["gen_args_0"]["arg_0"], row["resps"][0][0], None) for row in lines_of(path)}


def helm_script(path: Path) -> set[tuple[str, str, str | None]]:
    document = json.loads(text_of(path))
    model = document["adapter_spec"]["model"]
    states = document["request_states"]
    return {(state["request"]["prompt"], state["result"]["completions"][0]["text"], model) for state in states}


def evals_script(path: Path) -> set[tuple[str, str, str | None]]:
    spec, *events = lines_of(path)
    [model] = spec["spec"]["completion_fns"]
    sampled = [event["data"] for event in events if event["type"] == "sampling"]
    return {(data["prompt"][0]["content"], data["sampled"][0], model) for data in sampled}


def promptfoo_script(path: Path) -> set[tuple[str, str, str | None]]:
    results = json.loads(text_of(path))["results"]["results"]
    return {(row["prompt"]["raw"], row["response"]["output"], row["provider"]["id"]) for row in results}


@pytest.mark.parametrize(
    ("name", "script"),
    [
        ("lm_eval_samples_gsm8k.jsonl", lm_eval_script),
        ("helm_scenario_state.json", helm_script),
        ("openai_evals.jsonl", evals_script),
        ("promptfoo.json", promptfoo_script),
    ],
)
def test_outputs(shared: Path, name: str, script: Callable[[Path], set[tuple[str, str, str | None]]]) -> None:
    path = shared / "data" / "layouts" / name
    assert exchanges(read_as_told(path)) == script(path)


@pytest.mark.parametrize("name", ["popularity.eval", "popularity.json", "security-guide.json"])
def test_logs_of_inspect_are_outputs(shared: Path, name: str) -> None:
    path = shared / "data" / "inspect_logs" / name
    assert recognise(path).name == "outputs"
    contents = read_as_told(path)
    assert isinstance(contents, OutputsFile)
    if path.suffix == ".json":
        log = json.loads(text_of(path))
        assert len(contents.outputs) == len(log["samples"])
        assert {row.model for row in contents.outputs} == {log["eval"]["model"]}
