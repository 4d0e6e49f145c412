"""What of a row is the instruction, and what the output: every message in its place, and no two outputs in one text."""

import base64
from typing import Any

import pytest

from judgebench.conversations import Call, Conversation, Media, Message, Segment, Text, Trajectory, join
from judgebench.errors import InputError
from judgebench.formats import Sample
from judgebench.formats.exchanges import Exchange, ExchangeReader, holds_conversation, holds_outputs
from judgebench.formats.fields import Columns
from judgebench.formats.forms import registry as forms
from judgebench.formats.message_columns import message_cell
from judgebench.formats.reading import FileRow, Place, ReadLimits
from judgebench.records import Instruction, Output
from tests.pictures import png

CALL = {"id": "c1", "type": "function", "function": {"name": "book", "arguments": '{"days": 3}'}}
AGENT = [
    {"role": "system", "content": "You book leave."},
    {"role": "user", "content": [{"type": "text", "text": "Book"}, {"type": "text", "text": "leave."}]},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": "error 500"},
    {"role": "assistant", "content": "It failed."},
    {"role": "user", "content": "And my payslip?"},
    {"role": "assistant", "content": "Here it is."},
]
PIXEL = base64.b64encode(png()).decode()


def read(columns: dict[str, str] | None = None, limits: ReadLimits | None = None, **values: Any) -> Exchange:
    return ExchangeReader(Columns(columns or {}), limits=limits).read(FileRow(Place("a.json", "row", 1), values))


def texts(exchange: Exchange) -> list[tuple[str, ...]]:
    return [(*output.earlier, output.text) for output in exchange.outputs]


def talk(*turns: str) -> list[dict[str, str]]:
    """Messages "u: text", "a: text" and "s: text"."""
    roles = {"u": "user", "a": "assistant", "s": "system"}
    return [{"role": roles[turn[0]], "content": turn[3:]} for turn in turns]


def test_an_agents_messages_all_keep_their_places() -> None:
    exchange = read(messages=AGENT, model="aida")
    asked, [output] = exchange.instruction, exchange.outputs
    assert (asked.turns, asked.plain, exchange.model) == (("Book\nleave.", "And my payslip?"), False, "aida")
    assert [message.role for message in asked.conversation.messages] == ["system", "user", "user"]
    assert output.text == "Here it is."
    whole = join(asked.conversation, output.placed(asked))
    assert [message.role for message in whole.messages] == [message["role"] for message in AGENT]
    assert whole.messages[2].parts[0] == Call("book", '{"days": 3}', "c1")
    assert forms.named(whole.form).write(whole, {})["messages"] == AGENT


def test_what_differs_in_its_system_message_is_another_instruction() -> None:
    keys = {read(messages=talk(f"s: {system}", "u: q", "a: x")).instruction.key for system in ("one", "two")}
    assert len(keys) == 2
    assert Instruction(("q",)).key not in keys


def test_models_with_other_first_replies_share_the_instruction() -> None:
    one, other = (read(messages=talk("u: q", f"a: {reply}", "u: r", "a: end")) for reply in ("x", "y"))
    assert one.instruction == other.instruction == Instruction(("q", "r"))
    assert [texts(exchange) for exchange in (one, other)] == [[("x", "end")], [("y", "end")]]
    assert one.outputs[0].trajectory is None


@pytest.mark.parametrize("output", ["x", ["x"], {"role": "assistant", "content": "x"}, talk("a: x")])
@pytest.mark.parametrize("column", ["messages", "prompt", "instruction", "turns"])
def test_a_prompt_in_a_column_of_its_own_is_the_instruction(column: str, output: Any) -> None:
    exchange = read(**{column: talk("u: q", "a: given", "u: r"), "output": output})
    roles = [message.role for message in exchange.instruction.conversation.messages]
    assert (roles, texts(exchange)) == (["user", "assistant", "user"], [("x",)])
    assert exchange.outputs[0].placed(exchange.instruction).segments[0].after == 3


def test_a_conversation_that_nobody_answered_is_a_prompt() -> None:
    exchange = read(messages=talk("u: q", "a: given", "u: r"))
    assert len(exchange.instruction.conversation.messages) == 3
    assert exchange.outputs == ()


def test_a_plain_conversation_is_the_same_as_texts() -> None:
    plain = Instruction(("q", "r"))
    assert read(messages=talk("u: q", "a: x", "u: r", "a: y")).instruction == plain
    parted = read(messages=[{"role": "user", "content": [{"type": "text", "text": "q"}]}, *talk("a: x")])
    assert parted.instruction.key == Instruction(("q",)).key
    assert parted.instruction.full is not None
    said_nothing = [read(messages=[*talk("u: q"), {"role": "assistant", "content": content}]) for content in (None, "")]
    assert {exchange.outputs[0].digest for exchange in said_nothing} == {Output("", "", "").digest}
    assert all(exchange.outputs[0].empty for exchange in said_nothing)


@pytest.mark.parametrize(
    ("turns", "output", "read_as"),
    [
        (["q"], ["x", "y"], [("x",), ("y",)]),
        (["q"], ["x"], [("x",)]),
        (["q"], [["x"], ["y"]], [("x",), ("y",)]),
        (["q"], [{"content": "x"}, {"content": "y"}], [("x",), ("y",)]),
        (["q"], [talk("a: x"), talk("a: y")], [("x",), ("y",)]),
        (["q", "r"], ["x", "y"], [("x", "y")]),
        (["q", "r"], "y", [("y",)]),
        (["q", "r"], [["x", "y"], ["z", "z"]], [("x", "y"), ("z", "z")]),
    ],
)
def test_several_texts_are_turns_or_samples_and_never_one_text(
    turns: list[str], output: Any, read_as: list[tuple[str, ...]]
) -> None:
    assert texts(read(turns=turns, output=output)) == read_as


@pytest.mark.parametrize("output", [["x", "y", "z"], [["x", "y", "z"]], [["x"], []], [["x"], "y"]])
def test_other_numbers_of_texts_are_refused(output: Any) -> None:
    with pytest.raises(InputError, match=r"a\.json, row 1, field 'output'"):
        read(turns=["q", "r"], output=output)


def test_choices_of_a_completion_are_samples() -> None:
    choices = [{"message": {"role": "assistant", "content": text}} for text in "xy"]
    exchange = read(messages=talk("u: q"), response={"model": "gpt", "choices": choices})
    assert (texts(exchange), exchange.model) == ([("x",), ("y",)], "gpt")


def test_what_alpaca_puts_beside_an_instruction_is_part_of_it() -> None:
    row = {"instruction": "Translate.", "input": "Hallo", "output": "Hello"}
    assert read(**row).instruction == Instruction(("Translate.\nHallo",))
    assert read(**row | {"input": " "}).instruction == Instruction(("Translate.",))
    exchange = read(**row | {"system": "Be brief.", "history": [["Ready?", "Yes."]]})
    said = [(message.role, message.text) for message in exchange.instruction.conversation.messages]
    assert said == [("system", "Be brief."), ("user", "Ready?"), ("assistant", "Yes."), ("user", "Translate.\nHallo")]
    assert texts(exchange) == [("Hello",)]
    with pytest.raises(InputError, match="'history': expected a list of pairs"):
        read(**row | {"history": ["Ready?"]})


def test_images_are_held_by_their_digests_and_bounded() -> None:
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
    reader = ExchangeReader(Columns({}))
    exchange = reader.read(FileRow(Place("a.json", "row", 1), {"messages": [{"role": "user", "content": [image]}]}))
    [part] = exchange.instruction.conversation.messages[0].parts
    assert isinstance(part, Media)
    assert [(digest, blob.data) for digest, blob in reader.blobs.items()] == [(part.digest, png())]
    with pytest.raises(InputError, match=r"row 1, field 'messages': holds an image of 75 bytes; at most 9"):
        read(messages=[{"role": "user", "content": [image]}], limits=ReadLimits(image_bytes=9))


def test_nul_and_lone_surrogates_stay_in_messages_and_leave_texts() -> None:
    exchange = read(messages=talk("s: s", "u: a\0\ud800", "a: b\0"))
    assert exchange.instruction.turns == ("a\ufffd\ufffd",)
    assert exchange.instruction.conversation.turns == ("a\0\ud800",)
    assert (exchange.outputs[0].text, exchange.outputs[0].placed(exchange.instruction).texts) == ("b\ufffd", ("b\0",))


@pytest.mark.parametrize("messages", [[], [{"role": "user", "content": ""}], talk("s:  ", "u:  "), [{"content": ""}]])
def test_what_asks_nothing_is_refused(messages: Any) -> None:
    with pytest.raises(InputError, match=r"a\.json, row 1, field 'messages': .*(no instruction|is empty)"):
        read(messages=messages, output="x")


def test_what_a_sample_holds() -> None:
    def sample(**values: Any) -> Sample:
        return Sample(".json", (values,), tuple(values))

    assert holds_outputs(sample(prompt="q", response="a"))
    assert holds_outputs(sample(conversation=talk("u: q", "a: x")))
    assert holds_conversation(sample(messages=talk("u: q")))
    assert not holds_outputs(sample(messages=talk("u: q")))
    assert not holds_conversation(sample(prompt="q", response="a"))


def test_conversations_of_a_mapped_column_are_read_as_such() -> None:
    exchange = read({"instruction": "talk"}, talk=AGENT, messages=talk("u: other"))
    assert isinstance(exchange.instruction.full, Conversation)
    assert exchange.outputs[0].text == "Here it is."


def own(trajectory: Trajectory, **values: Any) -> Exchange:
    instruction = Instruction(("Book leave.",))
    cell = message_cell(trajectory, {})
    return read(**{"instruction_key": instruction.key, "instruction": "Book leave.", "output_messages": cell, **values})


def test_a_file_of_ours_is_believed_only_as_far_as_its_messages_bear_it_out() -> None:
    call = Message("assistant", (Call("book", "{}"),))
    done = own(Trajectory((Segment(1, (call,)),), plain=True), output="").outputs[0]
    assert not done.plain
    assert done.digest != Output("", "", "").digest
    reply = Message("assistant", (Text("Done."),))
    assert own(Trajectory((Segment(1, (reply,)),)), output="Done.").outputs[0] == Output(done.instruction, "", "Done.")


@pytest.mark.parametrize("segment", [Segment(99, ()), Segment(-5, ()), Segment(10**30, ()), Segment(1, (), 9)])
def test_places_in_a_file_of_ours_are_places_of_its_instruction(segment: Segment) -> None:
    with pytest.raises(InputError, match=r"a\.json, row 1, field 'output_messages': "):
        own(Trajectory((segment,)), output="")


def test_texts_beside_messages_in_a_file_of_ours_say_the_same() -> None:
    trajectory = Trajectory((Segment(1, (Message("assistant", (Text("Done."), Call("book", "{}"))),)),))
    assert own(trajectory, output="Done.") == own(trajectory, output=None) == own(trajectory, output=["Done."])
    with pytest.raises(InputError, match="field 'output': says another text than 'output_messages'"):
        own(trajectory, output="Refused.")
    asked = message_cell(Conversation((Message("system", (Text("Hi"),)), *Conversation.of_turns(["x"]).messages)), {})
    with pytest.raises(InputError, match="field 'instruction': says another text than 'messages'"):
        own(trajectory, output="Done.", messages=asked)


@pytest.mark.parametrize(
    "media_type", ["image/p\0ng", "image/\ud800", "image/" + "x" * 100, "png", "", "a/b/c", "a b/c"]
)
def test_what_is_no_media_type_is_not_stored_as_one(media_type: str) -> None:
    url = f"data:{media_type};base64,{PIXEL}"
    content = [{"type": "image_url", "image_url": {"url": url}}]
    reader = ExchangeReader(Columns({}))
    exchange = reader.read(FileRow(Place("a", "row", 1), {"messages": [{"role": "user", "content": content}]}))
    (blob,) = reader.blobs.values()
    assert blob.media_type == "application/octet-stream"
    assert forms.named("openai-chat").write(exchange.instruction.conversation, reader.blobs)["messages"][0][
        "content"
    ] == (content)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 1e400])
def test_numbers_that_json_has_not_are_refused_in_conversations(number: float) -> None:
    with pytest.raises(InputError, match=r"a\.json, row 1: .*which JSON has not"):
        read(messages=[*AGENT, {"role": "assistant", "content": "x", "strange": {"a": [number]}}])
    assert read(messages=AGENT, score=float("nan")).outputs  # a cell of a table that holds nothing
