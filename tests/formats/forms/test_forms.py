"""What holds for every form: one conversation has one key, losses are told, no input is a crash."""

import copy
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgebench.conversations import Blob, Conversation, Media, Message, Text, cut, identity, join, tools_identity
from judgebench.formats.forms import Form, losses
from judgebench.formats.forms.registry import named
from judgebench.keys import content_key
from judgebench.records import Instruction, Output
from tests.formats.forms.agent import ANYTHING, IN_VLLM, PICTURE_TEXT, agent_keys, keys, rewritten, same
from tests.formats.forms.rows import (
    CHAT_MESSAGES,
    IN_OPENAI_CHAT,
    IN_PROMPTFOO,
    IN_RESPONSES,
    IN_SHAREGPT,
    ITEMS,
    SPEECHES,
    VLLM_MESSAGES,
    Row,
    chat_row,
)

AGENT = {
    "openai-chat": IN_OPENAI_CHAT,
    "vllm": IN_VLLM,
    "responses": IN_RESPONSES,
    "sharegpt": IN_SHAREGPT,
    "promptfoo": IN_PROMPTFOO,
}
FORMS = [named(name) for name in AGENT]
AWKWARD = [
    *(("vllm", chat_row(message)) for message in CHAT_MESSAGES + VLLM_MESSAGES),
    *(("responses", {"input": [{"role": "user", "content": "Hm?"}, item]}) for item in ITEMS),
    *(("sharegpt", {"conversations": [{"from": "human", "value": "Hm?"}, item]}) for item in SPEECHES),
]
LOST_OF_THE_AGENT = {
    ("openai-chat", "promptfoo"): {"tool": 1},
    ("openai-chat", "sharegpt"): {"image": 1},
    ("vllm", "openai-chat"): {"reasoning": 1},
    ("vllm", "promptfoo"): {"tool": 1},
    ("vllm", "sharegpt"): {"image": 1, "reasoning": 1},
    ("responses", "openai-chat"): {"reasoning": 1, "signature": 1},
    ("responses", "promptfoo"): {"tool": 1, "signature": 1},
    ("responses", "sharegpt"): {"image": 1, "reasoning": 1, "signature": 1},
    ("responses", "vllm"): {"signature": 1},
    ("sharegpt", "promptfoo"): {"tool": 1},
    ("promptfoo", "openai-chat"): {"reasoning": 1},
    ("promptfoo", "sharegpt"): {"image": 1, "reasoning": 1},
}


def whole_key(conversation: Conversation) -> str:
    return content_key(identity(conversation.messages, normalised=False), tools_identity(conversation.tools))


def test_the_agents_conversation_is_one_in_every_form_that_can_say_it() -> None:
    assert keys(named("responses"), IN_RESPONSES) == agent_keys()
    assert keys(named("openai-chat"), IN_OPENAI_CHAT)[0] == agent_keys()[0]
    prompted = named("promptfoo").read(IN_PROMPTFOO, {}).whole
    spoken = named("vllm").read(IN_VLLM, {}).conversation
    assert identity(prompted.messages, normalised=False) == identity(spoken.messages, normalised=False)


def test_without_image_and_reasoning_it_is_one_with_sharegpt() -> None:
    row: Row = copy.deepcopy(IN_OPENAI_CHAT)
    row["messages"][1]["content"].pop(1)
    assert keys(named("openai-chat"), row) == keys(named("sharegpt"), IN_SHAREGPT)


@pytest.mark.parametrize("target", FORMS, ids=lambda form: form.name)
@pytest.mark.parametrize("source", AGENT)
def test_another_form_says_the_same_or_tells_what_it_loses(source: str, target: Form) -> None:
    blobs: dict[str, Blob] = {}
    conversation = named(source).read(AGENT[source], blobs).whole
    lost = losses(target, conversation, blobs)
    assert lost == LOST_OF_THE_AGENT.get((source, target.name), {})
    row = target.write(conversation, blobs)
    assert json.loads(json.dumps(row)) == row
    if not lost:
        assert whole_key(target.read(row, {}).whole) == whole_key(conversation)


@pytest.mark.parametrize(("source", "row"), AWKWARD, ids=str)
def test_whatever_moves_the_key_is_told(source: str, row: Row) -> None:
    blobs: dict[str, Blob] = {}
    conversation = named(source).read(row, blobs).whole
    for target in FORMS:
        again = target.read(target.write(conversation, blobs), dict(blobs)).whole
        same_key = whole_key(again) == whole_key(conversation)
        assert same_key or losses(target, conversation, blobs), target.name


def test_files_that_are_not_held_are_told() -> None:
    conversation = Conversation((Message("user", (Media("image", "0" * 64, "image/png"), Text("x"))),))
    for form in FORMS:
        assert losses(form, conversation, {}) == Counter(image=1), form.name


def test_a_trajectory_of_one_form_joins_an_instruction_of_another() -> None:
    """Each model's file may have a form of its own; the instruction came with the first of them."""
    for source, row in AGENT.items():
        instruction, _ = cut(named(source).read(row, {}).whole)
        for form in FORMS:
            _, trajectory = cut(form.read(AGENT[form.name], {}).whole)
            written = form.write(join(instruction, trajectory), {})
            _, again = cut(form.read(written, {}).whole)
            assert identity(again.messages, normalised=False) == identity(trajectory.messages, normalised=False)


Change = Callable[[dict[str, Any]], Any]


def call_of(row: Row) -> Row:
    return row["messages"][2]["tool_calls"][0]  # type: ignore[no-any-return]  # a row of JSON


def _rename_ids(row: Row) -> None:
    call_of(row)["id"] = row["messages"][3]["tool_call_id"] = "other"


MEANINGLESS: dict[str, Change] = {
    "ids": _rename_ids,
    "spacing of arguments": lambda row: call_of(row)["function"].update(arguments='{ "days" : 3 }'),
    "arguments as an object": lambda row: call_of(row)["function"].update(arguments={"days": 3}),
    "detail": lambda row: row["messages"][1]["content"][1]["image_url"].update(detail="high"),
    "cache mark": lambda row: row["messages"][1]["content"][0].update(prompt_cache_breakpoint={}),
    "null beside": lambda row: row["messages"][4].update(refusal=None, annotations=[]),
    "text as a part": lambda row: row["messages"][6].update(content=[{"type": "text", "text": "Here it is."}]),
    "developer": lambda row: row["messages"][0].update(role="developer"),
    "shape of tools": lambda row: row.update(tools=json.dumps([row["tools"][0]["function"]])),
    "two messages": lambda row: (
        row["messages"].insert(2, {"role": "assistant", "reasoning": "The tool books."})
        or row["messages"][3].pop("reasoning")
    ),
    "name of the reasoning": lambda row: row["messages"][2].update(
        reasoning_content=row["messages"][2].pop("reasoning")
    ),
}
MEANT: dict[str, Change] = {
    "text of system": lambda row: row["messages"][0].update(content="You serve nobody."),
    "text of user": lambda row: row["messages"][5].update(content="And my pay slip?"),
    "text of reply": lambda row: row["messages"][6].update(content="Here it  is."),
    "role": lambda row: row["messages"][0].update(role="user"),
    "unknown role": lambda row: row["messages"][0].update(role="narrator"),
    "name": lambda row: row["messages"][5].update(name="Ann"),
    "order": lambda row: row["messages"].insert(1, row["messages"].pop(0)),
    "tools": lambda row: row["tools"][0]["function"].update(description="Books."),
    "no tools": lambda row: row.pop("tools"),
    "argument": lambda row: call_of(row)["function"].update(arguments='{"days":3.0}'),
    "called name": lambda row: call_of(row)["function"].update(name="cook"),
    "result": lambda row: row["messages"][3].update(content="error 501"),
    "image": lambda row: row["messages"][1]["content"][1]["image_url"].update(url="data:image/png;base64,QUJD"),
    "reasoning": lambda row: row["messages"][2].update(reasoning="The tool cooks."),
    "message less": lambda row: row["messages"].pop(4),
}


@pytest.mark.parametrize("change", MEANINGLESS.values(), ids=MEANINGLESS)
def test_what_means_nothing_does_not_move_the_keys(change: Change) -> None:
    row: Row = copy.deepcopy(IN_VLLM)
    change(row)
    assert row != IN_VLLM
    assert keys(named("vllm"), row) == agent_keys()
    assert same(rewritten(named("vllm"), row), row)


@pytest.mark.parametrize("change", MEANT.values(), ids=MEANT)
def test_what_means_something_moves_them(change: Change) -> None:
    row: Row = copy.deepcopy(IN_VLLM)
    change(row)
    assert keys(named("vllm"), row) != agent_keys()
    assert same(rewritten(named("vllm"), row), row)


def reads(form: Form, row: Any) -> bool:
    """Whether the form reads the row; then it must write it again."""
    try:
        dialogue = form.read(row, {})
    except ValueError:
        return False
    form.write(dialogue.whole, {})
    return True


COLUMNS = ("messages", "prompt", "conversations", "input", "instructions", "output", "response", "choices", "tools")
OTHERS = ("functions", "system", "images", "items", "model", "provider", "vars", "tool_choice")
VALUES = ANYTHING | st.sampled_from([row[key] for row in AGENT.values() for key in row])


@pytest.mark.slow
@given(st.dictionaries(st.sampled_from(COLUMNS + OTHERS), VALUES, max_size=4))
@settings(max_examples=300, deadline=None)
def test_rows_of_anything_are_read_or_refused(row: Row) -> None:
    for form in FORMS:
        form.recognises(row)
        reads(form, row)


def mutated(value: Any, path: list[int], other: Any) -> Any:
    """The value with ``other`` in the place that ``path`` leads to."""
    if not path or not isinstance(value, dict | list) or not value:
        return other
    changed = copy.copy(value)
    key: Any = path[0] % len(value) if isinstance(value, list) else list(value)[path[0] % len(value)]
    changed[key] = mutated(value[key], path[1:], other)
    return changed


@pytest.mark.slow
@given(st.sampled_from(list(AGENT)), st.lists(st.integers(0, 20), min_size=1, max_size=7), ANYTHING)
@settings(max_examples=500, deadline=None)
def test_wrong_types_anywhere_are_refused_or_come_back(name: str, path: list[int], other: Any) -> None:
    row = mutated(AGENT[name], path, other)
    form = named(name)
    if not reads(form, row) or name == "promptfoo":
        return
    column = {"sharegpt": "conversations", "responses": "input"}.get(name, "messages")
    if isinstance(row.get(column), list):
        again = rewritten(form, row)
        assert same(again[column], row[column])


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_values_nested_without_end_are_refused(form: Form) -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    for column in (*COLUMNS, *OTHERS):
        with pytest.raises(ValueError, match="nested deeper"):
            form.read({column: deep}, {})
    while deep:  # without recursion, which taking it apart would need
        deep = deep.pop()


def test_texts_nested_without_end_are_texts() -> None:
    deep = "[" * 200_000
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": deep}}
    row = chat_row({"role": "assistant", "content": None, "tool_calls": [call]})
    assert same(rewritten(named("openai-chat"), row), row)
    assert reads(named("promptfoo"), {"prompt": {"raw": deep}, "response": {"output": deep}})
    assert reads(named("sharegpt"), {"conversations": [{"from": "function_call", "value": deep}]})


def test_what_is_no_json_is_refused() -> None:
    for form in FORMS:
        for value in (b"bytes", {1, 2}, object()):
            row = {"messages": [{"role": "user", "content": "x", "odd": value}], "prompt": {"raw": "x"}}
            row |= {"conversations": [{"from": "human", "value": "x", "odd": value}], "input": row["messages"]}
            reads(form, row)


def test_a_large_picture_is_held_once() -> None:
    url = "data:image/png;base64," + PICTURE_TEXT[:-4] * 100_000
    part = {"type": "image_url", "image_url": {"url": url}}
    row = {"messages": [{"role": "user", "content": [part, part]}] * 3}
    blobs: dict[str, Blob] = {}
    dialogue = named("openai-chat").read(row, blobs)
    assert len(blobs) == 1
    assert len(str(dialogue)) < 5_000


def test_output_and_instruction_of_a_plain_row_keep_their_keys() -> None:
    dialogue = named("openai-chat").read(chat_row({"role": "assistant", "content": "2"}), {})
    full, trajectory = cut(dialogue.conversation)
    instruction = Instruction(full.turns, full=full)
    assert instruction.key == Instruction(("Hm?", "Hm?")).key
    assert Output("k", "m", "So.", ("2",), trajectory).digest == Output("k", "m", "So.", ("2",)).digest


CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
PARTED = (Text("Then mail my boss."), Text("Be brief."), Text(""))


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_texts_of_one_message_stay_one_text_of_two_lines(form: Form, own: bool) -> None:
    """As a row of another form, and where a row of this form joins an instruction of another."""
    messages = (Message("user", PARTED), Message("assistant", PARTED))
    conversation = Conversation(messages, form=form.name if own else "")
    assert whole_key(form.read(form.write(conversation, {}), {}).whole) == whole_key(conversation)
    assert losses(form, conversation, {}) == {}


@pytest.mark.parametrize("form", [named(name) for name in ("openai-chat", "vllm")], ids=lambda form: form.name)
def test_calls_of_unknown_kinds_are_written_once(form: Form) -> None:
    odd = {"type": "odd", "x": 1}
    row = chat_row({"role": "assistant", "content": "t", "tool_calls": [CALL, odd, CALL]})
    assert same(rewritten(form, row), row)
    prompt = {"prompt": {"raw": json.dumps([*row["messages"], {"role": "user", "content": "q"}])}}
    assert rewritten(named("promptfoo"), prompt) == prompt
