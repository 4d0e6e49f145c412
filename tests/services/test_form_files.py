"""Conversations through every door: each form in, stored, out in the form and in our own kinds, and in again."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from judgebench import api, services, store
from judgebench.conversations import Blob, Call, Conversation, Media, Message, Reasoning, Text, Tool
from judgebench.errors import Conflict, InputError, UnknownName
from judgebench.formats.form_files import DOCUMENTS, form_document
from judgebench.formats.forms import Form
from judgebench.formats.forms import registry as forms
from judgebench.formats.outputs import read_outputs
from judgebench.services.exports import export
from judgebench.services.imports import import_file
from judgebench.store.database import Database
from tests import mixed
from tests.formats.writing import write_rows
from tests.pictures import png

IMAGE = Blob("image/png", png())
NAMES = list(forms.HELP)
MAKERS = (
    "openai-chat",
    "vllm",
    "responses",
    "anthropic",
    "gemini",
    "sharegpt",
    "inspect",
)  # promptfoo has prompts only
Stored = dict[str, dict[tuple[str, int], str]]  # by the instruction's key: the digests, by model and sample


def said(role: str, text: str) -> Message:
    return Message(role, (Text(text),))


def called(name: str = "book", arguments: str = '{"days": 3}', number: str = "c1") -> Message:
    return Message("assistant", (Call(name, arguments, number),))


AGENT = (
    said("system", "You book leave."),
    said("user", "Book leave."),
    called(),
    Message("tool", (Text("error 500"),), "book", "c1"),
    said("assistant", "It failed."),
    said("user", "And my payslip?"),
    said("assistant", "Here it is."),
)
TALKS = {
    "plain": (said("user", "q"), said("assistant", "a")),
    "turns": (said("user", "q1"), said("assistant", "a1"), said("user", "q2"), said("assistant", "a2")),
    "system": (said("system", "s"), said("user", "q"), said("assistant", "a")),
    "agent": AGENT,
}


def conversation(messages: tuple[Message, ...]) -> Conversation:
    calls = any(isinstance(part, Call) for message in messages for part in message.parts)
    return Conversation(messages, (Tool("book", "Books days.", '{"type": "object"}'),) if calls else ())


def written(form: Form, folder: Path, rows: list[dict[str, Any]]) -> Path:
    if form.name not in DOCUMENTS:
        return write_rows(folder / f"{form.name}.jsonl", [{"model": "m"} | row for row in rows])
    path = folder / f"{form.name}.json"
    path.write_text(json.dumps(form_document(form.name, rows, benchmark="bench", model="m")))
    return path


def source(form: Form, folder: Path) -> Path:
    return written(form, folder, [form.write(conversation(talk), {}) for talk in TALKS.values()])


def by_import(database: Database, path: Path) -> None:
    import_file(database, path, benchmark="bench", options=services.imports.ImportOptions(model="m"))


def by_python(database: Database, path: Path) -> None:
    api.import_files(database, path, benchmark="bench", model="m")


def by_submission(database: Database, path: Path) -> None:
    api.submit(database, path, model="m", benchmark="bench")


def stored(database: Database) -> Stored:
    with database.read() as connection:
        benchmark = store.benchmarks.benchmark_id(connection, "bench")
        names = store.benchmarks.model_names(connection, benchmark)
        return {
            row.instruction.key: {
                (model, output.sample): output.digest for model, several in row.samples.items() for output in several
            }
            for row in store.benchmarks.answered_instructions(connection, benchmark, names)
        }


@pytest.fixture
def other(tmp_path: Path) -> Database:
    return Database(str(tmp_path / "other.db"), create=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("door", [by_import, by_python, by_submission])
def test_each_form_comes_in_and_goes_out_equal(
    tmp_path: Path, database: Database, other: Database, name: str, door: Callable[[Database, Path], None]
) -> None:
    form = forms.named(name)
    path = source(form, tmp_path)
    door(database, path)
    assert len(stored(database)) == len(TALKS)
    before = stored(database)
    ending = "json" if name in DOCUMENTS else "jsonl"
    done = export(database, name, tmp_path / f"out.{ending}", benchmark="bench")
    assert (done.rows, done.lost) == (len(TALKS), {})
    assert spoken(tmp_path / f"out.{ending}") == spoken(path)
    import_file(other, tmp_path / f"out.{ending}", benchmark="bench")
    assert stored(other) == before
    export(other, name, tmp_path / f"again.{ending}", benchmark="bench")
    assert (tmp_path / f"again.{ending}").read_bytes() == (tmp_path / f"out.{ending}").read_bytes()


def spoken(path: Path) -> list[Any]:
    """The rows of a file with what the forms hold of conversations."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".jsonl":
        rows = [json.loads(line) for line in text.splitlines()]
    else:
        document = json.loads(text)
        rows = document["samples"] if "samples" in document else document["results"]["results"]
    beside = ("model", "id", "metadata", "provider", "asked")
    return [{key: value for key, value in row.items() if key not in beside} for row in rows]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ending", ["jsonl", "json.gz", "csv", "parquet"])
def test_our_own_files_hold_conversations_of_every_form(
    tmp_path: Path, other: Database, name: str, ending: str
) -> None:
    database = Database(str(tmp_path / "one.db"), create=True)
    by_import(database, source(forms.named(name), tmp_path))
    export(database, "outputs", tmp_path / f"out.{ending}", benchmark="bench")
    assert import_file(other, tmp_path / f"out.{ending}", benchmark="bench").format == "outputs"
    assert stored(other) == stored(database)
    for kind in ("instructions", "outputs"):
        first, second = tmp_path / f"1{kind}.{ending}", tmp_path / f"2{kind}.{ending}"
        export(database, kind, first, benchmark="bench")
        export(other, kind, second, benchmark="bench")
        assert first.read_bytes() == second.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("origin", MAKERS)
@pytest.mark.parametrize("name", NAMES)
def test_each_form_goes_out_as_each_other(tmp_path: Path, other: Database, origin: str, name: str) -> None:
    database = Database(str(tmp_path / "one.db"), create=True)
    by_import(database, source(forms.named(origin), tmp_path))
    path = tmp_path / ("out.json" if name in DOCUMENTS else "out.jsonl")
    lost = export(database, name, path, benchmark="bench").lost
    import_file(other, path, benchmark="bench")
    assert lost == ({"tool": 1} if name == "promptfoo" else {})
    differing = [key for key, digests in stored(database).items() if stored(other).get(key) != digests]
    assert len(differing) == len(lost)  # what was offered is part of the instruction


@pytest.mark.slow
def test_all_of_a_benchmark_goes_through_our_own_files(tmp_path: Path, database: Database, other: Database) -> None:
    mixed.filled(database)
    for kind in ("verdicts", "outputs", "instructions"):
        for ending in ("jsonl", "csv", "parquet"):
            empty = Database(str(tmp_path / f"{kind}-{ending}.db"), create=True)
            export(database, kind, tmp_path / f"one.{ending}", benchmark="mixed")
            import_file(empty, tmp_path / f"one.{ending}", benchmark="mixed")
            export(empty, kind, tmp_path / f"two.{ending}", benchmark="mixed")
            assert (tmp_path / f"one.{ending}").read_bytes() == (tmp_path / f"two.{ending}").read_bytes(), (
                kind,
                ending,
            )


@pytest.mark.slow
def test_images_are_stored_once_and_travel_in_files(tmp_path: Path, database: Database, other: Database) -> None:
    drawn = Message("assistant", (Media("image", IMAGE.digest, "image/png"), Text("Done.")))
    asked = Message("user", (Text("Like this:"), Media("image", IMAGE.digest, "image/png")))
    form = forms.named("gemini")
    row = form.write(Conversation((asked, drawn)), {IMAGE.digest: IMAGE})
    path = written(form, tmp_path, [row, {**row, "model": "n"}])
    for benchmark in ("bench", "again"):
        report = import_file(database, path, benchmark=benchmark)
    assert (report.messages.images, report.messages.not_shown) == (1, {})
    for kind, ending in (("outputs", "csv"), ("outputs", "parquet"), ("gemini", "jsonl")):
        empty = Database(str(tmp_path / f"{kind}{ending}.db"), create=True)
        export(database, kind, tmp_path / f"out.{ending}", benchmark="bench")
        import_file(empty, tmp_path / f"out.{ending}", benchmark="bench")
        with empty.read() as connection:
            assert store.blobs.read(connection, [IMAGE.digest]) == {IMAGE.digest: IMAGE}
        assert stored(empty) == stored(database)


@pytest.mark.slow
def test_samples_are_stored_apart_and_come_back(tmp_path: Path, database: Database, other: Database) -> None:
    choices = [{"message": {"role": "assistant", "content": text}} for text in ("x", "y", "x")]
    row = {"messages": [{"role": "user", "content": "q"}], "response": {"model": "m", "choices": choices}}
    rows = [{"instruction": "r", "output": text, "model": "m", "epoch": epoch} for epoch, text in ((1, "x"), (2, "y"))]
    assert import_file(database, write_rows(tmp_path / "a.jsonl", [row]), benchmark="bench").messages.samples == 2
    report = import_file(
        database,
        write_rows(tmp_path / "b.jsonl", rows),
        benchmark="bench",
        options=services.imports.ImportOptions(extend=True),
    )
    assert report.messages.samples == 1
    assert sorted(map(len, stored(database).values())) == [2, 3]
    for name in NAMES:
        empty = Database(str(tmp_path / f"{name}.db"), create=True)
        export(database, name, tmp_path / "out.json", benchmark="bench")
        import_file(empty, tmp_path / "out.json", benchmark="bench")
        assert stored(empty) == stored(database), name


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("reply", ["done", "call"])
def test_what_was_given_stays_given(tmp_path: Path, name: str, reply: str) -> None:
    """A prompt with calls and results in it, which forms divide into messages in different ways."""
    database, other = (Database(str(tmp_path / f"{side}.db"), create=True) for side in ("one", "two"))
    trying = Message("assistant", (Text("Let me try."), Call("book", "{}", "c1")))
    prompt = [said("user", "q"), trying, Message("tool", (Text("r"),), "book", "c1"), said("user", "go on")]
    form = forms.named("openai-chat")
    row = form.write(Conversation(tuple(prompt)), {})
    output: Any = form.write(Conversation((called(number="c2"),)), {})["messages"] if reply == "call" else reply
    by_import(database, write_rows(tmp_path / "a.jsonl", [row | {"output": output}]))
    ending = "json" if name in DOCUMENTS else "jsonl"
    export(database, name, tmp_path / f"out.{ending}", benchmark="bench")
    import_file(other, tmp_path / f"out.{ending}", benchmark="bench")
    assert stored(other) == stored(database)
    assert import_file(database, tmp_path / f"out.{ending}", benchmark="bench").known == 1


def test_what_a_form_cannot_hold_is_counted(tmp_path: Path, database: Database) -> None:
    thought = Message("assistant", (Reasoning("hm"), Text("a")))
    row = forms.named("vllm").write(Conversation((said("user", "q"), thought)), {})
    by_import(database, written(forms.named("vllm"), tmp_path, [row]))
    assert export(database, "vllm", tmp_path / "a.jsonl", benchmark="bench").lost == {}
    assert export(database, "sharegpt", tmp_path / "b.jsonl", benchmark="bench").lost == {"reasoning": 1}


def test_other_outputs_in_messages_are_a_conflict(tmp_path: Path, database: Database) -> None:
    form = forms.named("openai-chat")
    by_import(database, source(form, tmp_path))
    changed = (*AGENT[:2], called(arguments='{"days": 4}'), *AGENT[3:])
    path = written(form, tmp_path, [form.write(conversation(changed), {})])
    with pytest.raises(Conflict, match="'m' is stored with another output"):
        by_import(database, path)


def test_what_is_asked_for_wrongly_is_refused(tmp_path: Path, database: Database) -> None:
    by_import(database, source(forms.named("vllm"), tmp_path))
    with pytest.raises(InputError, match=r"must end in \.json or \.jsonl"):
        export(database, "gemini", tmp_path / "a.csv", benchmark="bench")
    with pytest.raises(UnknownName, match="model"):
        export(database, "gemini", tmp_path / "a.json", benchmark="bench", models=["none"])
    with pytest.raises(InputError, match="leave --model"):
        export(database, "verdicts", tmp_path / "a.json", benchmark="bench", models=["m"])
    api.submit(database, source(forms.named("vllm"), tmp_path), model="n", benchmark="bench")
    with pytest.raises(InputError, match="name one by --model"):
        export(database, "inspect", tmp_path / "a.json", benchmark="bench")
    assert export(database, "inspect", tmp_path / "a.json", benchmark="bench", models=["n"]).rows == len(TALKS)


@pytest.mark.slow
def test_what_no_database_holds_as_text_survives_in_messages(tmp_path: Path, database: Database) -> None:
    talk = [{"role": "user", "content": "a\0\ud800"}, {"role": "assistant", "content": "b\0", "name": "\udfff"}]
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"model": "m", "messages": talk}))
    import_file(database, path, benchmark="bench")
    export(database, "openai-chat", tmp_path / "b.jsonl", benchmark="bench")
    assert json.loads((tmp_path / "b.jsonl").read_text())["messages"] == talk
    for ending in ("csv", "parquet", "jsonl"):
        other = Database(str(tmp_path / f"{ending}.db"), create=True)
        export(database, "outputs", tmp_path / f"c.{ending}", benchmark="bench")
        import_file(other, tmp_path / f"c.{ending}", benchmark="bench")
        assert stored(other) == stored(database)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NAMES if name != "promptfoo"])
def test_a_file_that_is_not_stored_is_left_out_and_counted(tmp_path: Path, database: Database, name: str) -> None:
    asked = Message("user", (Text("Like this:"), Media("image", IMAGE.digest, "image/png")))
    drawn = Message("assistant", (Media("image", IMAGE.digest, "image/png"),))
    talks = [(asked, said("assistant", "Done.")), (said("user", "Draw."), drawn), TALKS["system"]]
    gemini = forms.named("gemini")
    rows = [gemini.write(Conversation(talk), {IMAGE.digest: IMAGE}) for talk in talks]
    by_import(database, written(gemini, tmp_path, rows))
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE blobs SET bytes = NULL")
    path = tmp_path / ("out.json" if name in DOCUMENTS else "out.jsonl")
    done = export(database, name, path, benchmark="bench")
    assert (done.rows, done.lost) == (3, {"image": 2})
    assert [len(forms.named(name).read(row, {}).whole.messages) for row in spoken(path)][::2] == [2, 3]
    report = import_file(database, path, benchmark="again")
    assert (report.new, report.messages.images) == (3, 0)


@pytest.mark.slow
def test_nulls_that_parquet_adds_are_left_out_and_counted(tmp_path: Path, database: Database, other: Database) -> None:
    def called(**arguments: Any) -> list[dict[str, Any]]:
        call = {"id": "c", "type": "function", "function": {"name": "book", "arguments": arguments}}
        return [{"role": "user", "content": "q"}, {"role": "assistant", "content": None, "tool_calls": [call]}]

    rows = [
        {"model": "m", "messages": called(days=3, at={"city": "Rome"})},
        {"model": "n", "messages": called(nights=2, at={"street": "x"})},
        {"model": "o", "messages": called(days=3, at={"city": "Rome"})},
    ]
    import_file(database, write_rows(tmp_path / "a.jsonl", rows), benchmark="bench")
    report = import_file(other, write_rows(tmp_path / "a.parquet", rows), benchmark="bench")
    assert report.messages.nulls == 6
    assert stored(other) == stored(database)
    pairs = [
        {"conversation_a": a["messages"], "conversation_b": b["messages"], "model_a": a["model"], "model_b": b["model"]}
        for a, b in (rows[:2], rows[1::-1])
    ]
    labelled = write_rows(tmp_path / "b.parquet", [pair | {"winner": "tie"} for pair in pairs])
    report = import_file(other, labelled, benchmark="bench")
    assert (report.new, report.duplicate, report.messages.nulls) == (1, 1, 8)


@pytest.mark.slow
@pytest.mark.parametrize("put_out", ["x", 5, {"a": 1}, [1], {"role": "assistant", "content": "c"}])
@pytest.mark.parametrize("raw", ["q", json.dumps([{"role": "user", "content": "q"}])])
def test_variables_of_promptfoo_stay_beside_their_prompt(
    tmp_path: Path, database: Database, raw: str, put_out: Any
) -> None:
    row = {"prompt": {"raw": raw}, "vars": {"days": 3}, "response": {"output": put_out}}
    by_import(database, written(forms.named("promptfoo"), tmp_path, [row]))
    export(database, "promptfoo", tmp_path / "out.json", benchmark="bench")
    assert spoken(tmp_path / "out.json") == [row]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_what_was_asked_stays_so_where_a_form_loses_some_of_it(tmp_path: Path, database: Database, name: str) -> None:
    """Replies to earlier turns are a model's, though the form has no place for a tool or a picture."""
    asked = Message("user", (Text("q1"), Media("image", IMAGE.digest, "image/png")))
    talk = Conversation((asked, *TALKS["turns"][1:]), (Tool("book", "Books days.", '{"type": "object"}'),))
    path = written(forms.named("gemini"), tmp_path, [forms.named("gemini").write(talk, {IMAGE.digest: IMAGE})])
    by_import(database, path)
    ending = "json" if name in DOCUMENTS else "jsonl"
    done = export(database, name, tmp_path / f"out.{ending}", benchmark="bench")
    assert done.lost == {"promptfoo": {"tool": 1}, "sharegpt": {"image": 1}}.get(name, {})
    [row] = read_outputs(tmp_path / f"out.{ending}").outputs
    assert [message.role for message in row.instruction.conversation.messages] == ["user", "user"]
    assert [len(segment.messages) for segment in row.output.placed(row.instruction).segments] == [1, 1]
