"""WildBench's judgments: scores and pairs, tasks by session, and the published WB-Scores."""

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from judgebench import services
from judgebench.errors import InputError
from judgebench.formats.rereading import is_read_otherwise
from judgebench.formats.verdicts import VerdictsFile
from judgebench.leaderboard import Choices
from judgebench.records import Order, Status
from judgebench.services.imports import import_file, read
from judgebench.services.scope import Scope
from judgebench.stats.published_scores import wb_score
from judgebench.store.database import Database
from tests.formats.writing import write_rows

USAGE = {"batch_req_id": "x", "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}, "error": None}
SCORE: dict[str, Any] = {
    **{"session_id": "s1", "parsed_result": {"strengths": "Short.", "weaknesses": "None.", "score": "7"}},
    **{"meta_data": USAGE, "model_test": "m", "score": "7", "model_output": "Bonn"},
}
PAIR: dict[str, Any] = {
    **{"session_id": "s1", "parsed_result": {"analysis of A": "Good.", "choice": "A+"}, "meta_data": USAGE},
    **{"model_A": "n", "model_B": "m", "winner": "n", "extent": 1},
    "model_outputs": {"n": "Paris", "m": "<|begin_of_response_B|>\nBonn"},
}
TASK: dict[str, Any] = {
    **{"session_id": "s1", "checklist": ["Is it a city?"], "primary_tag": "Information seeking"},
    "conversation_input": [{"role": "user", "content": "Name a city.", "language": "English"}],
}


def contents(path: Path, rows: list[dict[str, Any]], database: Database | None = None) -> VerdictsFile:
    known = {} if database is None else {"known": services.known.of(database, "wildbench")}
    file = read(write_rows(path / "judged.json", rows), **known)
    assert isinstance(file.contents, VerdictsFile)
    return file.contents


def test_a_score_keeps_its_reply_as_the_object_that_it_was_read_into(tmp_path: Path) -> None:
    file = contents(tmp_path, [SCORE])
    [row] = file.verdicts
    assert (row.verdict.score, row.verdict.label, row.a.model, row.a.text) == (7, "7", "m", "Bonn")
    assert (row.instruction.text, row.instruction.ids, file.by_id_alone) == ("WildBench session s1", ("s1",), 1)
    assert row.completion is not None
    assert json.loads(row.completion.text) == SCORE["parsed_result"]
    assert (row.completion.prompt_tokens, row.completion.completion_tokens) == (9, 4)
    assert (row.reading and row.reading.score, row.judge.name) == (7, "unknown:wildbench-score")


@pytest.mark.parametrize("folder", ["eval=gpt-4o-2024-05-13", "score_v2_gpt-4o-2024-05-13"])
def test_the_folder_tells_the_judge(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir()
    [row] = contents(tmp_path / folder, [SCORE]).verdicts
    assert (row.judge.model, row.judge.name) == ("gpt-4o-2024-05-13", "gpt-4o-2024-05-13:wildbench-score")


@pytest.mark.parametrize("score", ["N/A", None, True, "nan"])
def test_what_is_no_number_is_no_score(tmp_path: Path, score: Any) -> None:
    [row] = contents(tmp_path, [SCORE | {"score": score}]).verdicts
    assert row.verdict.status is Status.UNPARSED
    assert "which is no number" in str(row.verdict.detail)
    assert is_read_otherwise(row)  # its reply says 7


@pytest.mark.parametrize(
    ("winner", "extent", "preference"), [("n", 2, 0.0), ("n", 1, 0.25), ("tie", 0, 0.5), ("m", 1, 0.75), ("m", 2, 1.0)]
)
def test_a_pair_was_shown_model_a_first(tmp_path: Path, winner: str, extent: int, preference: float) -> None:
    [row] = contents(tmp_path, [PAIR | {"winner": winner, "extent": extent}]).verdicts
    assert (row.a.model, row.a.text, row.b and row.b.text) == ("m", "Bonn", "Paris")
    assert (row.order, row.verdict.preference) == (Order.BA, preference)  # m, which sorts first, was shown second
    assert is_read_otherwise(row) == ((winner, extent) != ("n", 1))


def test_a_task_of_the_benchmark_is_the_one_that_was_judged(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "wb.db"), create=True)
    assert import_file(database, write_rows(tmp_path / "tasks.jsonl", [TASK])).format == "wildbench-tasks"
    file = contents(tmp_path, [SCORE], database)
    [row] = file.verdicts
    assert (row.instruction.text, row.instruction.checklist, file.by_id_alone) == (
        "Name a city.",
        ("Is it a city?",),
        0,
    )


def test_an_output_that_was_shown_in_part_is_the_benchmarks(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "wb.db"), create=True)
    result = {"session_id": "s1", "chat_history": ["Name a city."], "output": ["Bonn on the Rhine"], "generator": "m"}
    for name, row in (("tasks", TASK), ("results", result)):
        import_file(database, write_rows(tmp_path / f"{name}.jsonl", [row]))
    [row] = contents(tmp_path, [SCORE | {"model_output": "Bonn on... (truncated)"}], database).verdicts
    assert row.a.text == "Bonn on the Rhine"
    with pytest.raises(InputError, match=r"judged\.json, row 1, field 'model_output': .* another output of model 'm'"):
        contents(tmp_path, [SCORE], database)


@pytest.mark.parametrize(
    ("row", "changes", "message"),
    [
        (SCORE, {"session_id": ""}, "'session_id': is empty"),
        (SCORE, {"model_output": None}, "'model_output': expected text"),
        (SCORE, {"model_test": 3}, "'model_test': expected text"),
        (PAIR, {"winner": "x"}, "'winner': expected one of the two models"),
        (PAIR, {"extent": 0}, "'winner': expected one of the two models"),
        (PAIR, {"extent": 3}, "'extent'"),
        (PAIR, {"model_outputs": {"n": "Paris"}}, "'model_outputs': expected an object"),
        (PAIR, {"model_B": "n"}, "'model_B': is model_A"),
    ],
)
def test_what_cannot_be_read_is_refused(
    tmp_path: Path, row: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=rf"judged\.json, row 2, field {message}"):
        contents(tmp_path, [row, row | changes])


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.parametrize("model", ["gemma-2b-it", "gpt-3.5-turbo-0125", "reka-edge"])
def test_golden_wb_scores(shared: Path, tmp_path: Path, model: str) -> None:
    """WildBench's own ``score.json`` beside the files."""
    folder = shared / "data" / "wildbench"
    official = json.loads((folder / "official_score.json").read_text())[model]
    path = folder / "score_v2_gpt-4o-2024-05-13" / f"{model}.json.gz"
    database = Database(str(tmp_path / "wb.db"), create=True)
    report = import_file(database, path)
    assert (report.format, report.new, report.reread, report.read_otherwise, report.without_preference) == (
        *("wildbench-scores", official["total"], official["total"]),
        *(0, 0),
    )
    scope, choices = Scope(judges=("gpt-4o-2024-05-13:wildbench-score",)), Choices(method="score")
    [row] = services.leaderboards.leaderboard(database, "wildbench", scope=scope, choices=choices).rows
    assert row.rating == pytest.approx(official["score"], abs=1e-9)
    assert wb_score([row.rating]) / 10 == pytest.approx(official["adjusted_score"], abs=1e-6)
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        published = json.load(stream)
    services.exports.export(database, "verdicts", tmp_path / "v.jsonl", benchmark="wildbench")
    stored = [json.loads(line) for line in (tmp_path / "v.jsonl").read_text().splitlines()]
    assert Counter(
        (row["instruction"], row["output_a"], row["score"], json.dumps(json.loads(row["reply"]))) for row in stored
    ) == Counter(
        (
            f"WildBench session {row['session_id']}",
            row["model_output"],
            float(row["score"]),
            json.dumps(row["parsed_result"]),
        )
        for row in published
    )
