"""OpenAI's batches: questions come first, replies join them by custom_id."""

from pathlib import Path
from typing import Any

import pytest

from judgebench import store
from judgebench.errors import InputError
from judgebench.formats.openai_batch import read_batch_input, read_batch_output
from judgebench.formats.registry import recognise
from judgebench.services.imports import ImportOptions, import_file
from judgebench.store.database import Database
from tests.formats.writing import write_rows

CHAT = {"model": "gpt", "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Two?"}]}


def asked(id: str, body: dict[str, Any], url: str = "/v1/chat/completions") -> dict[str, Any]:
    return {"custom_id": id, "method": "POST", "url": url, "body": body}


def replied(id: str, **body: Any) -> dict[str, Any]:
    return {"id": f"b-{id}", "custom_id": id, "response": {"status_code": 200, "body": body}, "error": None}


def chosen(*texts: str) -> list[dict[str, Any]]:
    return [{"index": at, "message": {"role": "assistant", "content": text}} for at, text in enumerate(texts)]


def test_replies_join_questions(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "a.db"), create=True)
    questions = [
        asked("q1", CHAT),
        asked("q2", {"model": "gpt", "input": "Three?", "instructions": "Be brief."}, "/v1/responses"),
        asked("q3", {"model": "gpt", "prompt": "Four"}, "/v1/completions"),
    ]
    path = write_rows(tmp_path / "input.jsonl", questions)
    assert recognise(path).name == "openai-batch-input"
    report = import_file(database, path, benchmark="b")
    assert (report.format, report.new) == ("openai-batch-input", 3)
    answers = [
        replied("q1", model="gpt-4", choices=chosen("2", "two")),
        replied("q3", model="gpt-4", choices=[{"text": " 4"}]),
        replied(
            "q2",
            model="gpt-4",
            output=[{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "3"}]}],
        ),
        {"id": "b", "custom_id": "q1", "response": None, "error": {"code": "batch_expired", "message": "late"}},
    ]
    path = write_rows(tmp_path / "output.jsonl", answers)
    assert recognise(path).name == "openai-batch-output"
    report = import_file(database, path, benchmark="b")
    assert (report.format, report.new, report.models) == ("openai-batch-output", 4, ("gpt-4",))
    assert report.unkept == {"requests that failed": 1}
    with database.read() as connection:
        benchmark = store.benchmarks.benchmark_id(connection, "b")
        rows = list(store.benchmarks.answered_instructions(connection, benchmark, ["gpt-4"]))
    texts = [(row.instruction.turns, [output.text for output in row.samples["gpt-4"]]) for row in rows]
    assert texts == [(("Two?",), ["2", "two"]), (("Three?",), ["3"]), (("Four",), [" 4"])]
    assert [message.role for message in rows[1].instruction.conversation.messages] == ["system", "user"]


def test_replies_without_questions_are_refused(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "a.db"), create=True)
    path = write_rows(tmp_path / "output.jsonl", [replied("q1", choices=chosen("2"))])
    options = ImportOptions(model="m")
    with pytest.raises(InputError, match=r"output\.jsonl, line 1, field 'custom_id'.*import the instructions first"):
        import_file(database, path, benchmark="b", options=options)
    import_file(database, write_rows(tmp_path / "input.jsonl", [asked("q1", CHAT)]), benchmark="b")
    assert import_file(database, path, benchmark="b", options=options).models == ("m",)


def test_requests_that_ask_the_same_share_their_ids(tmp_path: Path) -> None:
    file = read_batch_input(write_rows(tmp_path / "i.jsonl", [asked("q1", CHAT), asked("q2", CHAT)]))
    [item] = file.items
    assert (item.instruction.ids, file.duplicates) == (("q1", "q2"), 1)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([asked("q", {"prompt": ["a", "b"]})], "its prompt is a list of 2 prompts"),
        ([asked("q", {"input": ["a"]})], "its input is a list of 1 prompts"),
        ([{"custom_id": "q", "method": "POST", "url": "/", "body": "x"}], "'body': expected an object"),
    ],
)
def test_questions_that_cannot_be_read_are_refused(tmp_path: Path, rows: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_batch_input(write_rows(tmp_path / "i.jsonl", rows))


def test_a_batch_that_failed_as_a_whole_is_refused(tmp_path: Path) -> None:
    failed = {"custom_id": "q", "response": {"status_code": 500, "body": {}}, "error": None}
    with pytest.raises(InputError, match="all 1 of its requests failed"):
        read_batch_output(write_rows(tmp_path / "o.jsonl", [failed]))
