"""OpenAI's batches: the questions that were put (input), and what came back (output), joined by ``custom_id``.

An input line has ``method``, ``url`` and ``body``, the request; an output line ``response`` with the reply's ``body``.
The output holds no questions: its ids are looked up among those of the benchmark, into which the input goes first.
Bodies are those of chat completions, of Responses, and of the older completions.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from judgebench.errors import InputError
from judgebench.formats import Format
from judgebench.formats.documents import file_rows
from judgebench.formats.exchanges import ExchangeReader
from judgebench.formats.fields import Columns
from judgebench.formats.known import NOTHING, Known, joined
from judgebench.formats.outputs import FAILED, InstructionRow, InstructionsFile, OutputsFile, gather_outputs
from judgebench.formats.reading import Filename, FileRow, ReadLimits

_ASKED = ("messages", "input", "prompt", "instructions", "tools")  # of a body what was asked


def read_batch_input(filename: Filename, *, limits: ReadLimits | None = None) -> InstructionsFile:
    """The questions, each with its ``custom_id`` as its id. Raises InputError naming file, line and field."""
    reader = ExchangeReader(Columns({}), limits=limits)
    items: dict[str, InstructionRow] = {}
    repeated = 0
    for row in file_rows(filename, limits=limits):
        body = _object(row, "body", row.values.get("body"))
        values = _asked(row, body)
        instruction = reader.instruction(FileRow(row.place, values | {"id": row.text("custom_id")}))
        earlier = items.get(instruction.key)
        if earlier is None:
            items[instruction.key] = InstructionRow(instruction, row.place)
            continue
        repeated += 1
        ids = tuple(sorted({*earlier.instruction.ids, *instruction.ids}))
        items[instruction.key] = replace(earlier, instruction=replace(earlier.instruction, ids=ids))
    used = {"instruction": "body", "id": "custom_id"}
    return InstructionsFile(str(filename), tuple(items.values()), repeated, used, reader.blobs)


def _asked(row: FileRow, body: Mapping[str, Any]) -> dict[str, Any]:
    """What a request's body asks, without its settings."""
    values = {name: body[name] for name in _ASKED if body.get(name) is not None}
    for name in ("prompt", "input"):
        listed = values.get(name)
        if isinstance(listed, list) and any(not isinstance(item, Mapping) for item in listed):
            raise row.error("body", f"its {name} is a list of {len(listed)} prompts: make a request of each")
    if isinstance(values.get("input"), str) and values.get("instructions"):
        values["input"] = [{"role": "user", "content": values["input"]}]
    return values


def read_batch_output(filename: Filename, *, limits: ReadLimits | None = None, known: Known = NOTHING) -> OutputsFile:
    """The replies, to the benchmark's instructions with these ids. Raises InputError naming file, line and field."""
    failed, rows = 0, list[FileRow]()
    for row in file_rows(filename, limits=limits):
        response = row.values.get("response")
        status = response.get("status_code", 200) if isinstance(response, Mapping) else None
        if row.values.get("error") or status != 200 or not isinstance(response, Mapping):
            failed += 1
            continue
        joined(known, row, "custom_id")
        rows.append(_reply_row(row, _object(row, "response", response.get("body"))))
    if not rows:
        raise InputError(f"{filename}: all {failed} of its requests failed")
    file = gather_outputs(rows, str(filename), known=known)
    return replace(file, unkept={FAILED: failed} if failed else {})


def _reply_row(row: FileRow, body: Mapping[str, Any]) -> FileRow:
    """The line as a row of outputs that names its instruction by its id."""
    values = {"id": row.values["custom_id"], "output": _replies(row, body)}
    model = body.get("model")
    return FileRow(row.place, values | ({"model": model} if isinstance(model, str) and model else {}))


def _object(row: FileRow, column: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise row.error(column, "expected an object")
    return value


def _replies(row: FileRow, body: Mapping[str, Any]) -> Any:
    """What was replied: a list of samples, each a list of messages or of one text."""
    choices, items = body.get("choices"), body.get("output")
    if isinstance(choices, list) and choices and all(isinstance(choice, Mapping) for choice in choices):
        messages = [choice.get("message") for choice in choices]
        if all(isinstance(message, Mapping) for message in messages):
            return [[message] for message in messages]
        return [[row.as_text("response", choice.get("text"))] for choice in choices]
    if isinstance(items, list) and items:
        return [items]
    raise row.error("response", "its body holds neither choices nor output: expected a chat completion or a response")


OPENAI_BATCH_INPUT = Format(
    name="openai-batch-input",
    holds="instructions",
    help="The input of an OpenAI batch: custom_id, method, url and body, a request a line.",
    recognises=lambda sample: sample.holds("custom_id", "method", "url", "body"),
    read=read_batch_input,
)
OPENAI_BATCH_OUTPUT = Format(
    name="openai-batch-output",
    holds="outputs",
    help="The output of an OpenAI batch: custom_id and response; its input is imported first.",
    recognises=lambda sample: sample.holds("custom_id", "response") and not sample.holds("body"),
    read=read_batch_output,
    joins=True,
)
