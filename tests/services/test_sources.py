"""One instruction that models' files say in different ways: each output keeps the way of its own source."""

import base64
import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from judgebench import services, store
from judgebench.errors import InputError
from judgebench.formats.form_files import DOCUMENTS, form_document
from judgebench.formats.forms import registry as forms
from judgebench.formats.verdicts import RecordedVerdict
from judgebench.records import HumanLabel, Instruction, Judge, Order, Output, Source, Status, Verdict
from judgebench.services.exports import export
from judgebench.services.imports import ImportOptions, import_file
from judgebench.store import transfer
from judgebench.store.database import Database
from judgebench.store.verdicts import VerdictWriter
from tests.formats.writing import write_rows
from tests.services.test_form_files import IMAGE, spoken

DATA = base64.b64encode(IMAGE.data).decode()
SCHEMA = {"type": "object", "properties": {"days": {"type": "integer"}}}
URL = f"data:image/png;base64,{DATA}"
FUNCTION = {"name": "book", "description": "Books leave", "parameters": SCHEMA}


def chat(first: str = "Trying.", **beside: Any) -> dict[str, Any]:
    call = {"id": f"call_{first}", "type": "function", "function": {"name": "book", "arguments": '{"days": 3}'}}
    picture = {"type": "image_url", "image_url": {"url": URL, "detail": "low"}}
    return {
        "tools": [{"type": "function", "function": FUNCTION}],
        "messages": [
            {"role": "developer", "content": "You are HR."},
            {"role": "user", "content": [{"type": "text", "text": "Book leave."}, picture]},
            {"role": "assistant", "content": first, "tool_calls": [call], **beside},
            {"role": "tool", "tool_call_id": f"call_{first}", "content": "error 500"},
            {"role": "assistant", "content": "It failed."},
            {"role": "user", "content": "And my payslip?"},
            {"role": "assistant", "content": "Here it is."},
        ],
    }


ANTHROPIC = {
    "system": [{"type": "text", "text": "You are HR.", "cache_control": {"type": "ephemeral"}}],
    "tools": [{"name": "book", "description": "Books leave", "input_schema": SCHEMA, "cache_control": {"type": "x"}}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Book leave."},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": DATA}},
            ],
        },
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "book", "input": {"days": 3}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "error 500"}]},
        {"role": "assistant", "content": "It failed."},
        {"role": "user", "content": "And my payslip?"},
        {"role": "assistant", "content": "Here it is."},
    ],
}


def gemini(parameters: str) -> dict[str, Any]:
    function = {"name": "book", "description": "Books leave", parameters: SCHEMA}
    return {
        "systemInstruction": {"parts": [{"text": "You are HR."}]},
        "tools": [{"functionDeclarations": [function]}],
        "contents": [
            {
                "role": "user",
                "parts": [{"text": "Book leave."}, {"inlineData": {"mimeType": "image/png", "data": DATA}}],
            },
            {"role": "model", "parts": [{"functionCall": {"name": "book", "args": {"days": 3}}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "book", "response": {"error": "error 500"}}}]},
            {"role": "model", "parts": [{"text": "It failed."}]},
            {"role": "user", "parts": [{"text": "And my payslip?"}]},
            {"role": "model", "parts": [{"text": "Here it is."}]},
        ],
    }


def response_message(role: str, text: str) -> dict[str, Any]:
    kind = {"type": "output_text", "text": text, "annotations": []} if role == "assistant" else text
    return {"type": "message", "role": role, "content": [kind] if role == "assistant" else text}


RESPONSES = {
    "instructions": "You are HR.",
    "tools": [{"type": "function", "strict": True, **FUNCTION}],
    "input": [
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "Book leave."},
                {"type": "input_image", "detail": "auto", "image_url": URL},
            ],
        },
        {"type": "function_call", "call_id": "c1", "name": "book", "arguments": '{"days":3}'},
        {"type": "function_call_output", "call_id": "c1", "output": "error 500"},
        response_message("assistant", "It failed."),
        response_message("user", "And my payslip?"),
        response_message("assistant", "Here it is."),
    ],
}
SHAREGPT = {
    "system": "You are HR.",
    "tools": json.dumps([FUNCTION]),
    "images": [URL],
    "conversations": [
        {"from": "human", "value": "Book leave.<image>"},
        {"from": "function_call", "value": '{"name":"book","arguments":{"days":3}}'},
        {"from": "observation", "value": "error 500"},
        {"from": "gpt", "value": "It failed."},
        {"from": "human", "value": "And my payslip?"},
        {"from": "gpt", "value": "Here it is."},
    ],
}


def inspect() -> dict[str, Any]:
    row = forms.named("openai-chat").read(chat(), {})
    written = forms.named("inspect").write(row.conversation, {IMAGE.digest: IMAGE})
    written["messages"][0]["id"] = "own"
    return written


ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    "m1": ("openai-chat", chat()),
    "m2": ("vllm", chat("Now.", reasoning_content="hm")),
    "m3": ("anthropic", ANTHROPIC),
    "m4": ("gemini", gemini("parameters")),
    "m5": ("gemini", gemini("parametersJsonSchema")),
    "m6": ("responses", RESPONSES),
    "m7": ("sharegpt", SHAREGPT),
    "m8": ("inspect", inspect()),
}
PROMPT = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
PROMPTS: dict[str, tuple[str, dict[str, Any]]] = {
    "p1": (
        "promptfoo",
        {"prompt": {"raw": json.dumps(PROMPT, indent=1), "label": "l"}, "vars": {"y": 2}, "response": {"output": "a"}},
    ),
    "p2": (
        "promptfoo",
        {"prompt": {"raw": json.dumps(PROMPT), "label": "other"}, "vars": {"x": 1}, "response": {"output": "b"}},
    ),
    "p3": ("openai-chat", {"messages": [*PROMPT, {"role": "assistant", "content": "c"}]}),
    "p4": (
        "openai-chat",
        {"messages": [{**PROMPT[0], "name": None}, PROMPT[1], {"role": "assistant", "content": "d"}]},
    ),
}
SIMPLE: dict[str, tuple[str, dict[str, Any]]] = {
    "s1": ("openai-chat", {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "a"}]}),
    "s2": (
        "openai-chat",
        {
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "Hi", "cache": 1}]},
                {"role": "assistant", "content": "b"},
            ]
        },
    ),
    "s3": (
        "anthropic",
        {
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}]},
                {"role": "assistant", "content": "c"},
            ]
        },
    ),
    "s4": ("sharegpt", {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "d"}]}),
}


def written(folder: Path, model: str, form: str, row: dict[str, Any]) -> Path:
    if form not in DOCUMENTS:
        return write_rows(folder / f"{model}.jsonl", [{"model": model, **row}])
    path = folder / f"{model}.json"
    rows = [row] if form == "inspect" else [{**row, "provider": {"id": model}}]
    path.write_text(json.dumps(form_document(form, rows, benchmark="bench", model=model)))
    return path


def sources(folder: Path, rows: dict[str, tuple[str, dict[str, Any]]]) -> dict[str, tuple[str, Path]]:
    return {model: (form, written(folder, model, form, row)) for model, (form, row) in rows.items()}


def parts(path: Path) -> list[Any]:
    """What a file in a form says; of a prompt in a text, its messages."""
    rows = spoken(path)
    for row in rows:
        if isinstance(row.get("prompt"), dict):
            row["prompt"] = json.loads(row["prompt"]["raw"])
    return rows


def check_exports(database: Database, files: dict[str, tuple[str, Path]], folder: Path) -> None:
    for model, (form, path) in files.items():
        out = folder / f"out{path.suffix}"
        export(database, form, out, benchmark="bench", models=[model])
        assert parts(out) == parts(path), (model, form)


def sources_kept(database: Database) -> int:
    query = "SELECT count(*) FROM outputs WHERE messages LIKE '%\"source\":%'"
    with database.read() as connection:
        return int(connection.scalar(sa.text(query)) or 0)


@pytest.mark.slow
@pytest.mark.parametrize("rows", [ROWS, PROMPTS, SIMPLE], ids=["agent", "prompt", "simple"])
@pytest.mark.parametrize("order", [0, 3, 6])
def test_what_came_in_a_form_goes_out_equal(
    tmp_path: Path, database: Database, rows: dict[str, tuple[str, dict[str, Any]]], order: int
) -> None:
    files = sources(tmp_path, rows)
    models = list(files)
    for model in [*models[order % len(models) :], *models[: order % len(models)]]:
        import_file(database, files[model][1], benchmark="bench")
    with database.read() as connection:
        assert (
            len(store.benchmarks.instruction_ids(connection, store.benchmarks.benchmark_id(connection, "bench"))) == 1
        )
    check_exports(database, files, tmp_path)
    transfer.copy(database, str(tmp_path / "copy.db"))
    check_exports(Database(str(tmp_path / "copy.db")), files, tmp_path)
    other = Database(str(tmp_path / "other.db"), create=True)
    export(database, "outputs", tmp_path / "own.csv", benchmark="bench")
    import_file(other, tmp_path / "own.csv", benchmark="bench")
    check_exports(other, files, tmp_path)
    export(other, "outputs", tmp_path / "again.csv", benchmark="bench")
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "own.csv").read_bytes()


def test_only_another_source_is_kept(tmp_path: Path, database: Database) -> None:
    texts = [{"model": "t", "instruction": "Hi", "output": "e"}]
    files = sources(tmp_path, {name: SIMPLE[name] for name in ("s2", "s4", "s3", "s1")} | {"again": SIMPLE["s2"]})
    for count, (_, path) in zip((0, 0, 1, 2, 2), files.values(), strict=True):
        import_file(database, path, benchmark="bench")
        assert sources_kept(database) == count
    import_file(database, write_rows(tmp_path / "t.jsonl", texts), benchmark="bench")
    assert sources_kept(database) == 2
    alike = sources(tmp_path, {"m1": ROWS["m1"], "again": ROWS["m1"]})
    for _, path in alike.values():
        import_file(database, path, benchmark="alike")
    assert sources_kept(database) == 2


def test_models_in_one_file_keep_their_sources_too(tmp_path: Path, database: Database) -> None:
    rows = []
    for model, detail in (("a", "low"), ("b", "high"), ("c", "low")):
        row = {"model": model, **chat()}
        row["messages"][1]["content"][1] = {"type": "image_url", "image_url": {"url": URL, "detail": detail}}
        rows.append(row)
    path = write_rows(tmp_path / "in.jsonl", rows)
    import_file(database, path, benchmark="bench")
    assert sources_kept(database) == 1
    export(database, "openai-chat", tmp_path / "out.jsonl", benchmark="bench")
    assert spoken(tmp_path / "out.jsonl") == spoken(path)


@pytest.mark.parametrize("kind", ["verdicts", "labels"])
def test_verdicts_and_labels_bring_sources(tmp_path: Path, database: Database, kind: str) -> None:
    other = Database(str(tmp_path / "other.db"), create=True)
    files = sources(tmp_path, {name: ROWS[name] for name in ("m1", "m3", "m4")})
    for _, path in files.values():
        import_file(other, path, benchmark="bench")
    import_file(database, files["m3"][1], benchmark="bench")
    with other.read() as connection:
        benchmark = store.benchmarks.benchmark_id(connection, "bench")
        (row,) = store.benchmarks.answered_instructions(connection, benchmark, ["m1", "m3", "m4"])
    outputs = [row.samples[name][0] for name in ("m1", "m3", "m4")]
    if kind == "labels":
        given = [HumanLabel("p", row.instruction.key, a, b, 1.0) for a, b in (("m1", "m3"), ("m3", "m4"))]
        services.labels.add_labels(other, "bench", given)
    else:
        record(other, row.instruction, outputs)
    export(other, kind, tmp_path / "own.jsonl", benchmark="bench")
    import_file(database, tmp_path / "own.jsonl", benchmark="bench", options=ImportOptions(extend=True))
    check_exports(database, files, tmp_path)


def record(database: Database, instruction: Instruction, outputs: Sequence[Output]) -> None:
    """A verdict on each two outputs that follow each other."""
    judge = Judge("j", "j", "none.md", "0")
    with database.write() as connection:
        judge_id = store.judges.add_judge(connection, judge)
        benchmark = store.benchmarks.benchmark_id(connection, "bench")
        run = store.runs.start_run(
            connection, benchmark_id=benchmark, judge_id=judge_id, kind="import", specification={}
        )
        verdicts = [
            RecordedVerdict(judge, instruction, a, b, Order.AB, 0, Verdict(Status.OK, Source.LABEL, 1.0), None)
            for a, b in pairwise(outputs)
        ]
        VerdictWriter(connection, run).add(connection, [verdict.result for verdict in verdicts])


def test_a_source_of_another_instruction_is_refused(tmp_path: Path, database: Database) -> None:
    for _, path in sources(tmp_path, SIMPLE).values():
        import_file(database, path, benchmark="bench")
    export(database, "outputs", tmp_path / "own.jsonl", benchmark="bench")
    changed = (tmp_path / "own.jsonl").read_text().replace('\\"Hi\\"', '\\"Ho\\"')
    (tmp_path / "own.jsonl").write_text(changed)
    with pytest.raises(InputError, match="'output_messages': holds a source of another instruction"):
        import_file(database, tmp_path / "own.jsonl", benchmark="other")


def test_our_own_file_goes_into_a_benchmark_that_says_it_in_another_way(tmp_path: Path, database: Database) -> None:
    files = sources(tmp_path, ROWS)
    other = Database(str(tmp_path / "other.db"), create=True)
    import_file(other, files["m3"][1], benchmark="bench")
    for _, path in files.values():
        import_file(database, path, benchmark="bench")
    export(database, "outputs", tmp_path / "own.jsonl", benchmark="bench")
    import_file(other, tmp_path / "own.jsonl", benchmark="bench")
    check_exports(other, files, tmp_path)
