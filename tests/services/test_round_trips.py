"""What is exported, imported into an empty database and exported again: equal bytes, equal boards."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from judgebench import services, store
from judgebench.records import Completion, HumanLabel, Judge, Order, Output, TrialResult
from judgebench.services.exports import export, rows
from judgebench.services.folders import NAMES
from judgebench.services.imports import ImportOptions, import_file
from judgebench.services.scope import Scope
from judgebench.store.database import Database
from judgebench.store.verdicts import VerdictWriter
from tests.factories import JUDGE, failed, ok, result, trial
from tests.filling import filled, judging
from tests.pictures import png

OTHER = Judge("other", "llama", "pairwise/three-way.v1", "2" * 32, {"temperature": 0.5, "note": "=1+1 ☃"})
KINDS = ("instructions", "outputs", "verdicts", "labels")  # in the order in which they are read back
PIXEL = base64.b64encode(png()).decode()
TALK: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief."},
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "What is here?"},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
        ],
    },
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "1", "type": "function", "function": {"name": "see", "arguments": "{}"}}],
    },
    {"role": "tool", "tool_call_id": "1", "content": "=a cat"},
    {"role": "assistant", "content": "A cat."},
]


def fresh(tmp_path: Path, name: str) -> Database:
    return Database(str(tmp_path / f"{name}.db"), create=True)


def varied(database: Database) -> None:
    """Samples, repeats, two judges, a retry, failures with and without a reply, a model without verdicts, labels."""
    writer = filled(database, models=("alpha", "beta", "=idle"))
    key = trial(0).battle.instruction.key
    with database.write() as connection:
        benchmark = store.benchmarks.benchmark_id(connection, "bench")
        store.models.add_outputs(connection, benchmark, [Output(key, "alpha", "", sample=1)])
        once, again = trial(0), replace(trial(0), repeat=1)
        writer.add(
            connection, [result(once, failed(), None), result(again, ok(0.25), "-2"), result(trial(1), failed())]
        )
    retry = judging(database)
    with database.write() as connection:
        retry.add(connection, [result(trial(0), ok(1.0))])
    other = judging(database, OTHER)
    add(database, other, [result(trial(2, Order.BA, judge=OTHER), ok(0.5))])
    vote = HumanLabel("ann", key, "alpha", "beta", 0.5, True, Order.BA, "app", "2026-01-01T00:00:00+00:00")
    other_vote = replace(vote, annotator="bob", preference=1.0, both_bad=False, order=None, samples=(1, 0))
    services.labels.add_labels(database, "bench", [vote, other_vote])


def add(database: Database, writer: VerdictWriter, results: list[TrialResult]) -> None:
    with database.write() as connection:
        writer.add(connection, results)


def files(database: Database, folder: Path, ending: str, benchmark: str = "bench") -> dict[str, bytes]:
    folder.mkdir()
    for kind in KINDS:
        export(database, kind, folder / f"{kind}.{ending}", benchmark=benchmark)
    return {kind: (folder / f"{kind}.{ending}").read_bytes() for kind in KINDS}


def copied(folder: Path, ending: str, database: Database, benchmark: str = "bench") -> None:
    for kind in KINDS:
        import_file(
            database, folder / f"{kind}.{ending}", benchmark=benchmark, options=ImportOptions(extend=True, audit=False)
        )


def boards(database: Database) -> list[dict[str, Any]]:
    """Without what an audit says, which is in no file."""
    scope = Scope(all_judges=True, with_flagged=True)
    board = rows(database, "leaderboard", benchmark="bench", scope=scope)
    return [{name: row[name] for name in row if name not in ("flag", "coverage")} for row in board]


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_everything_that_can_be_stored_comes_back(tmp_path: Path, ending: str) -> None:
    one, two = fresh(tmp_path, "one"), fresh(tmp_path, "two")
    varied(one)
    before = files(one, tmp_path / "before", ending)
    copied(tmp_path / "before", ending, two)
    assert files(two, tmp_path / "after", ending) == before
    assert boards(one) == boards(two)


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_conversations_with_tools_and_images_come_back(tmp_path: Path, ending: str) -> None:
    one, two = fresh(tmp_path, "one"), fresh(tmp_path, "two")
    path = tmp_path / "chats.jsonl"
    talks = [{"model": model, "messages": [*TALK[:-1], {**TALK[-1], "content": text}]} for model, text in
             (("alpha", "A cat."), ("beta", "@ A dog."))]  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in talks))
    import_file(one, path, benchmark="bench", options=ImportOptions(audit=False))
    writer = judging(one, JUDGE)
    with one.read() as connection:
        benchmark = store.benchmarks.benchmark_id(connection, "bench")
        (answered,) = store.benchmarks.answered_instructions(connection, benchmark, ["alpha", "beta"])
    sides = replace(trial(0).battle, instruction=answered.instruction, a=answered.outputs["alpha"],
                    b=answered.outputs["beta"])  # fmt: skip
    asked = replace(trial(0), battle=sides)
    add(one, writer, [replace(result(asked, ok(1.0)), completion=Completion("=A", reasoning="because"))])
    folder = tmp_path / "before"
    folder.mkdir()
    for kind in KINDS[:3]:
        export(one, kind, folder / f"{kind}.{ending}", benchmark="bench")
        import_file(two, folder / f"{kind}.{ending}", benchmark="bench", options=ImportOptions(audit=False))
    for kind in KINDS[:3]:
        export(two, kind, tmp_path / f"{kind}.{ending}", benchmark="bench")
        assert (tmp_path / f"{kind}.{ending}").read_bytes() == (folder / f"{kind}.{ending}").read_bytes(), kind


@pytest.mark.slow
@pytest.mark.shared
def test_published_models_of_alpaca_eval_come_back_by_the_folder(shared: Path, tmp_path: Path) -> None:
    one, two = fresh(tmp_path, "one"), fresh(tmp_path, "two")
    chosen = sorted((shared / "data" / "alpaca_eval").glob("*/annotations.json.gz"))
    for path in chosen:
        import_file(one, path, benchmark="bench", options=ImportOptions(audit=False))
    export(one, "all", tmp_path / "before", benchmark="bench")
    for name in NAMES.values():
        if (tmp_path / "before" / name).exists():
            import_file(two, tmp_path / "before" / name, benchmark="bench", options=ImportOptions(audit=False))
    export(two, "all", tmp_path / "after", benchmark="bench")
    for path in (tmp_path / "before").iterdir():
        assert path.read_bytes() == (tmp_path / "after" / path.name).read_bytes(), path.name
    assert len(boards(one)) == len(chosen)
    assert boards(one) == boards(two)
