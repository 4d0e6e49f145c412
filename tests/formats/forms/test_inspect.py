"""Samples of Inspect's logs come back as they were; a scaffold's words are no part of what was asked."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.conversations import cut, join
from judgebench.formats.forms.anthropic import ANTHROPIC
from judgebench.formats.forms.gemini import GEMINI
from judgebench.formats.forms.inspect import INSPECT
from judgebench.formats.forms.openai_chat import OPENAI, VLLM
from judgebench.formats.forms.registry import recognise
from tests.formats.forms import test_anthropic, test_gemini
from tests.formats.forms.agent import (
    ANYTHING,
    IN_VLLM,
    PICTURE_TEXT,
    SCHEMA,
    agent_keys,
    carried,
    keys,
    lost,
    objects,
    refusal,
    rewritten,
    same,
)
from tests.growth import grows_in_proportion

IMAGE = {"type": "image", "image": f"data:image/png;base64,{PICTURE_TEXT}", "detail": "auto"}
ASKED = {
    "id": "m2",
    "role": "user",
    "source": "input",
    "content": [
        {"type": "text", "text": "Book leave as in the picture."},
        IMAGE,
        {"type": "text", "text": "Three days."},
    ],
}
AGENT: dict[str, Any] = {
    "id": "leave-1",
    "epoch": 2,
    "input": [ASKED, {"id": "m6", "role": "user", "source": "input", "content": "And my payslip?"}],
    "target": "booked",
    "messages": [
        {"id": "m1", "role": "system", "content": "You serve the staff."},
        ASKED,
        {
            "id": "m3",
            "role": "assistant",
            "source": "generate",
            "content": [
                {"type": "reasoning", "reasoning": "The tool books.", "signature": "c2ln", "redacted": False},
                {"type": "text", "text": "Let me try.", "refusal": None},
            ],
            "tool_calls": [
                {"id": "c1", "function": "book", "arguments": {"days": 3}, "parse_error": None, "type": "function"}
            ],
            "model": "m",
        },
        {"id": "m4", "role": "tool", "content": "error 500", "tool_call_id": "c1", "function": "book"},
        {"id": "m5", "role": "assistant", "source": "generate", "content": "It failed."},
        {"id": "m6", "role": "user", "source": "input", "content": "And my payslip?"},
        {"id": "m7", "role": "assistant", "source": "generate", "content": [{"type": "text", "text": "Here it is."}]},
    ],
    "output": {"model": "m", "choices": [{"message": {"role": "assistant", "content": "Here it is."}}]},
    "events": [
        {"event": "sample_init"},
        {"event": "model", "tools": [{"name": "book", "description": "Books leave.", "parameters": SCHEMA}]},
        {"event": "model", "tools": []},
    ],
}


def sample(*messages: Any, **more: Any) -> dict[str, Any]:
    first = {"role": "user", "source": "input", "content": "Go."}
    return {"id": 1, "epoch": 1, "input": "Go.", "target": "", "messages": [first, *messages]} | more


def assistant(*content: Any, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(content)} | more


def calling(**more: Any) -> dict[str, Any]:
    call = {"id": "1", "function": "f", "arguments": {}, "type": "function"} | more
    return {"role": "assistant", "content": "", "tool_calls": [call]}


def result(**more: Any) -> dict[str, Any]:
    return {"role": "tool", "content": "x", "tool_call_id": "1", "function": "f"} | more


TEXT = {"type": "text", "text": "x"}
AWKWARD: list[dict[str, Any]] = [
    {"role": "user", "content": "A plain question.", "source": "input"},
    {"role": "user", "content": ""},
    {"role": "user", "content": None},
    {"role": "user"},
    {"role": "user", "content": []},
    {"role": "user", "content": [TEXT]},
    {"role": "user", "content": [TEXT, TEXT]},
    {"role": "user", "content": [TEXT | {"internal": {"a": 1}}]},
    {"role": "user", "content": "x", "tool_call_id": ["1"]},
    {"role": "user", "content": "x", "source": "operator", "metadata": {"a": [None, 1.0]}},
    {"role": "user", "content": "x", "mood": {"calm": True}},
    {"role": "user", "content": [IMAGE]},
    {"role": "user", "content": [{"type": "image", "image": "https://example.org/a.png"}]},
    {"role": "user", "content": [{"type": "image", "image": "pictures/a.png", "detail": "high"}]},
    {"role": "user", "content": [{"type": "image", "image": "data:image/png;base64,no base64 at all"}]},
    {"role": "user", "content": [{"type": "image", "image": "data:image/svg+xml,<svg/>"}]},
    {"role": "user", "content": [{"type": "image", "image": f"data:;base64,{PICTURE_TEXT}"}]},
    {"role": "user", "content": [{"type": "audio", "audio": "data:audio/mpeg;base64,aGk=", "format": "mp3"}]},
    {"role": "user", "content": [{"type": "audio", "audio": "a.wav", "format": "wav"}]},
    {"role": "user", "content": [{"type": "audio", "audio": "a.mp3", "format": "mp3"}]},
    {"role": "user", "content": [{"type": "video", "video": "data:video/quicktime;base64,aGk=", "format": "mov"}]},
    {
        "role": "user",
        "content": [
            {"type": "document", "document": "data:application/pdf;base64,JVBERg==", "filename": "a.pdf"}
            | {"mime_type": "application/pdf", "citations": False}
        ],
    },
    {"role": "user", "content": [{"type": "document", "document": "a.pdf"}]},
    {"role": "user", "content": [{"type": "data", "data": {"a": 1}}]},
    {"role": "user", "content": [{"type": "from_tomorrow", "x": 1}]},
    assistant(TEXT | {"refusal": True}),
    assistant(TEXT | {"refusal": None, "citations": None}),
    assistant(TEXT | {"citations": [{"type": "url", "url": "u"}]}),
    assistant({"type": "reasoning", "reasoning": "hm"}),
    assistant({"type": "reasoning", "reasoning": "hm", "summary": "h", "signature": None, "redacted": False}),
    assistant({"type": "reasoning", "reasoning": "Zm9v", "summary": "h", "signature": "s", "redacted": True}, TEXT),
    assistant(
        {"type": "tool_use", "tool_type": "web_search", "id": "1", "name": "s", "arguments": "q", "result": "r"}, TEXT
    ),
    assistant(TEXT, tool_calls=[]),
    assistant(TEXT, tool_calls=None),
    assistant(TEXT, model="m", source="generate"),
    calling(),
    calling(type=None),
    calling(type="custom"),
    calling(id=None),
    calling(arguments=None),
    calling(arguments="no object"),
    calling(arguments={"a": 1.0, "b": [None, {"c": "\u2028"}]}),
    calling(parse_error="cut short", view={"format": "markdown", "content": "x"}),
    {"role": "assistant", "tool_calls": [{"function": "f"}, {"function": "g", "id": "2"}]},
    {"role": "assistant", "content": "before", "tool_calls": [{"function": "f", "arguments": {}, "id": "1"}]},
    {"role": "assistant", "content": None, "tool_calls": [{"function": "f", "arguments": {}, "id": "1"}]},
    result(),
    result(error=None),
    result(error={"type": "timeout", "message": "boom"}),
    result(content="", error={"type": "timeout", "message": "boom"}),
    result(content="boom", error={"type": "unknown", "message": "boom"}),
    result(error={"type": "timeout", "message": ""}),
    result(error={"type": "timeout"}),
    result(error="odd"),
    result(content=[TEXT, IMAGE]),
    result(content=[TEXT]),
    result(function=None),
    result(tool_call_id=None),
    {"role": "tool", "content": "neither"},
    {"role": "system", "content": "in between"},
    {"role": "developer", "content": "rare here"},
    {"role": "narrator", "content": "a NUL \x00 and a lone \ud800 surrogate"},
    calling(function="\ud800", arguments={"\x00": "\ud800"}),
    assistant(TEXT | {"-": ["text"], "=": "list"}),
    {"role": "user", "content": "marks", "-": ["role"], "=": "list"},
]


def test_the_agent_is_the_same_as_in_other_forms_and_comes_back_equal() -> None:
    assert keys(INSPECT, AGENT) == agent_keys()
    row = rewritten(INSPECT, AGENT)
    assert same(row["messages"], AGENT["messages"])
    assert same(row["input"], AGENT["input"])
    assert same(row["events"][0]["tools"], AGENT["events"][1]["tools"])
    assert (row["id"], row["target"]) == ("leave-1", "booked")
    assert recognise(AGENT) is INSPECT
    assert recognise(row) is INSPECT
    assert same(rewritten(INSPECT, row), row)


def test_what_the_sample_says_beside_is_told() -> None:
    dialogue = INSPECT.read(AGENT, {})
    assert (dialogue.model, dialogue.sample, dialogue.reference) == ("m", 1, "booked")
    dialogue = INSPECT.read(sample(assistant(TEXT), target=["a", "b"], model="openai/x"), {})
    assert (dialogue.model, dialogue.sample) == ("openai/x", 0)
    assert dialogue.reference == "Each of these 2 answers is right by itself.\n\n(1) a\n\n(2) b"


FORMS = [(VLLM, IN_VLLM), (ANTHROPIC, test_anthropic.AGENT), (GEMINI, test_gemini.AGENT)]


@pytest.mark.parametrize(("form", "row"), FORMS)
def test_the_agent_goes_into_other_forms_and_back(form: Any, row: dict[str, Any]) -> None:
    assert keys(form, carried(INSPECT, AGENT, form)) == agent_keys()
    assert keys(INSPECT, carried(form, row, INSPECT)) == agent_keys()
    assert lost(form, row, INSPECT) == {}


@pytest.mark.parametrize("number", range(len(AWKWARD)))
def test_awkward_messages_come_back_equal(number: int) -> None:
    row = sample(AWKWARD[number])
    assert same(rewritten(INSPECT, row)["messages"], row["messages"])


def test_awkward_messages_come_back_equal_from_one_conversation_cut_and_joined() -> None:
    blobs: dict[str, Any] = {}
    row = sample(*AWKWARD)
    conversation = INSPECT.read(row, blobs).conversation
    assert join(*cut(conversation)) == conversation
    assert same(INSPECT.write(conversation, blobs)["messages"], row["messages"])
    assert sum(message.raw is not None for message in conversation.messages) <= 5


def instruction(row: dict[str, Any]) -> tuple[tuple[str, ...], list[tuple[int, list[str]]]]:
    dialogue = INSPECT.read(row, {})
    asked, trajectory = cut(dialogue.conversation, prompt=dialogue.prompt)
    return asked.turns, [(s.after, [message.role for message in s.messages]) for s in trajectory.segments]


def test_what_a_scaffold_says_is_not_asked() -> None:
    row = sample(assistant(TEXT), {"role": "user", "content": "Continue."}, assistant(TEXT))
    assert instruction(row) == (("Go.",), [(1, ["assistant", "user", "assistant"])])
    assert same(rewritten(INSPECT, row)["messages"], row["messages"])
    assert lost(INSPECT, row, INSPECT) == {}


def test_logs_that_do_not_tell_sources_ask_what_users_say() -> None:
    row = sample(assistant(TEXT), {"role": "user", "content": "And?"}, assistant(TEXT))
    del row["messages"][0]["source"]
    assert instruction(row) == (("Go.", "And?"), [(1, ["assistant"]), (2, ["assistant"])])


@pytest.mark.parametrize("told", [True, False])
def test_examples_in_the_input_are_asked(told: bool) -> None:
    examples: list[dict[str, Any]] = [
        {"role": "user", "content": "2+2?"},
        {"role": "assistant", "content": "4"},
        {"role": "user", "content": "3+3?"},
    ]
    if told:
        examples = [message | {"source": "input"} for message in examples]
    row = {"epoch": 1, "input": examples, "messages": [*examples, {"role": "assistant", "content": "6"}]}
    turns, segments = instruction(row)
    assert turns == ("2+2?", "3+3?")
    assert segments == [(3, ["assistant"])]


def test_a_sample_without_an_answer_is_a_prompt() -> None:
    assert INSPECT.read(sample(), {}).prompt == 1


def test_a_sample_without_messages_is_its_input_and_its_output() -> None:
    output = {"choices": [{"message": {"role": "assistant", "content": "Yes."}}]}
    dialogue = INSPECT.read({"epoch": 1, "input": "Is it?", "output": output, "messages": []}, {})
    assert [message.text for message in dialogue.conversation.messages] == ["Is it?", "Yes."]


def test_several_choices_are_samples() -> None:
    choices = [{"message": {"role": "assistant", "content": text}} for text in "ab"]
    row = sample({"role": "assistant", "content": "a"}, output={"model": "m", "choices": choices})
    dialogue = INSPECT.read(row, {})
    assert [reply[0].text for reply in dialogue.replies] == ["a", "b"]
    assert dialogue.prompt == len(dialogue.conversation.messages) == 1


PLACE = "attachment://" + "0a" * 16


def test_attachments_are_read_where_they_are_named() -> None:
    row = sample({"role": "assistant", "content": [{"type": "image", "image": PLACE}, {"type": "text", "text": PLACE}]})
    row |= {"attachments": {"0a" * 16: "A long text."}}
    conversation = INSPECT.read(row, {}).conversation
    assert conversation.messages[1].text == "A long text."
    asked = {"epoch": 1, "input": PLACE, "messages": [], "attachments": row["attachments"]}
    assert INSPECT.read(asked, {}).conversation.turns == ("A long text.",)


def test_attachments_that_are_missing_or_too_many_are_refused() -> None:
    with pytest.raises(ValueError, match="attachments: has no text"):
        INSPECT.read(sample({"role": "assistant", "content": PLACE}), {})
    bomb = sample(*[{"role": "assistant", "content": PLACE}] * 300, attachments={"0a" * 16: "x" * (1 << 20)})
    with pytest.raises(ValueError, match="attachments: more than"):
        INSPECT.read(bomb, {})


@pytest.mark.parametrize("row", [{}, {"messages": []}, {"epoch": 1, "messages": []}, {"epoch": 1, "input": "x"}])
def test_other_rows_are_not_claimed(row: dict[str, Any]) -> None:
    assert not INSPECT.recognises(row)


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (sample(5), r"messages\[1\]"),
        (sample({}), r"messages\[1\].role"),
        (sample({"role": "user", "content": 5}), r"messages\[1\].content"),
        (sample({"role": "user", "content": [5]}), r"messages\[1\].content\[0\]"),
        (sample({"role": "user", "content": [{"type": "image"}]}), r"content\[0\].image"),
        (sample(assistant(tool_calls=5)), r"messages\[1\].tool_calls"),
        (sample(assistant(tool_calls=[{}])), r"tool_calls\[0\].function"),
        (sample(messages=5), "messages"),
        (sample(messages=[], input=5), "input"),
        (sample(epoch="x"), "epoch"),
        (sample(events=[{"event": "model", "tools": [5]}]), "events"),
    ],
)
def test_errors_name_the_field(row: dict[str, Any], field: str) -> None:
    with pytest.raises(ValueError, match=field):
        INSPECT.read(row, {})


def changed(path: list[Any], value: Any) -> dict[str, Any]:
    """The agent with one value put elsewhere."""
    row = copy.deepcopy(AGENT)
    target: Any = row
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return row


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["messages", 2, "content", 0, "signature"], "other"),
        (["messages", 2, "id"], "other"),
        (["messages", 2, "tool_calls", 0, "view"], {"format": "text", "content": "x"}),
        (["messages", 3, "function"], None),
        (["messages", 1, "content", 1, "detail"], "high"),
        (["epoch"], 1),
    ],
)
def test_what_means_nothing_does_not_move_the_keys(path: list[Any], value: Any) -> None:
    assert keys(INSPECT, changed(path, value)) == agent_keys()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["messages", 0, "content"], "You serve the guests."),
        (["messages", 1, "content", 1, "image"], "data:image/png;base64,aGVsbG8="),
        (["messages", 2, "content", 0, "reasoning"], "The tool cancels."),
        (["messages", 2, "content", 1, "refusal"], True),
        (["messages", 2, "tool_calls", 0, "arguments"], {"days": 4}),
        (["messages", 2, "tool_calls", 0, "function"], "cancel"),
        (["messages", 3, "content"], "error 501"),
        (["messages", 3, "error"], {"type": "timeout", "message": "error 500"}),
        (["messages", 5, "source"], None),
        (["events", 1, "tools"], []),
    ],
)
def test_what_means_something_moves_a_key(path: list[Any], value: Any) -> None:
    assert keys(INSPECT, changed(path, value)) != agent_keys()


def test_what_a_model_says_behind_its_calls_keeps_its_place() -> None:
    call = {"type": "tool_use", "id": "1", "name": "f", "input": {}}
    row = {"messages": [{"role": "user", "content": "Go."}, {"role": "assistant", "content": [call, TEXT, call]}]}
    written = carried(ANTHROPIC, row, INSPECT)
    assert [message["role"] for message in written["messages"]] == ["user", "assistant", "assistant"]
    assert keys(INSPECT, written) == keys(ANTHROPIC, row)


def test_what_the_form_cannot_hold_is_told() -> None:
    source = {
        "messages": [
            {"role": "user", "name": "Ann", "content": "Hi."},
            {"role": "assistant", "tool_calls": [{"id": "1", "type": "custom", "custom": {"name": "f", "input": "x"}}]},
        ]
    }
    assert lost(OPENAI, source, INSPECT) == {"name": 1}


PARTS = st.one_of(
    objects({"type": st.just("text"), "text": st.text()}, "refusal", "citations"),
    objects({"type": st.just("reasoning"), "reasoning": st.text()}, "signature", "redacted", "summary"),
    objects({"type": st.just("image"), "image": st.text()}, "detail"),
    objects({"type": st.just("document"), "document": st.text()}, "filename", "mime_type"),
    objects({"type": st.text()}, "data"),
)
CALLS = objects({"function": st.text()}, "id", "arguments", "type", "parse_error")
MESSAGES = st.one_of(
    objects({"role": st.sampled_from(("user", "assistant", "system", "x"))}, "source", "id")
    .flatmap(lambda head: st.lists(PARTS, max_size=3).map(lambda parts: head | {"content": parts})),
    objects({"role": st.just("assistant"), "content": st.text(), "tool_calls": st.lists(CALLS, max_size=3)}, "model"),
    objects({"role": st.just("tool"), "content": st.text()}, "error", "function", "tool_call_id"),
)  # fmt: skip


@given(st.lists(MESSAGES, min_size=1, max_size=4))
def test_whatever_is_read_is_written_again_equal(messages: list[dict[str, Any]]) -> None:
    row = sample(*messages)
    if not refusal(INSPECT, row):
        assert same(rewritten(INSPECT, row)["messages"], row["messages"])


@given(ANYTHING, ANYTHING, ANYTHING, ANYTHING, ANYTHING)
def test_anything_is_read_or_refused_with_a_reason(one: Any, two: Any, three: Any, four: Any, five: Any) -> None:
    row = {"epoch": 1, "input": one, "messages": two, "output": three, "attachments": four, "events": five}
    assert INSPECT.recognises(row)
    assert "JSON cannot" not in refusal(INSPECT, row)
    row = sample(output=three, attachments=four, events=[{"event": "model", "tools": five}], target=two, id=one)
    assert "JSON cannot" not in refusal(INSPECT, row)


@pytest.mark.slow
def test_long_rows_take_time_in_proportion() -> None:
    def read(size: int) -> None:
        row = sample(*[calling(), result()] * size)
        row["input"] = row["messages"]
        assert same(rewritten(INSPECT, row)["messages"], row["messages"])

    assert grows_in_proportion(read, 4_000)
