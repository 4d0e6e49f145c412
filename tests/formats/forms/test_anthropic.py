"""Conversations in Anthropic's form come back as they were, and are told from those of other forms."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.conversations import Message, Text, cut, join
from judgebench.formats.forms.anthropic import ANTHROPIC
from judgebench.formats.forms.openai_chat import OPENAI, VLLM
from judgebench.formats.forms.registry import recognise
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

IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PICTURE_TEXT}}
AGENT: dict[str, Any] = {
    "system": "You serve the staff.",
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Book leave as in the picture."},
                IMAGE,
                {"type": "text", "text": "Three days."},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "The tool books.", "signature": "c2ln"},
                {"type": "text", "text": "Let me try."},
                {"type": "tool_use", "id": "toolu_1", "name": "book", "input": {"days": 3}},
            ],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "error 500"}]},
        {"role": "assistant", "content": "It failed."},
        {"role": "user", "content": "And my payslip?"},
        {"role": "assistant", "content": [{"type": "text", "text": "Here it is."}]},
    ],
    "tools": [{"name": "book", "description": "Books leave.", "input_schema": SCHEMA}],
}


def text(value: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": value} | more


def result(**more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": "t1"} | more


def user(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


AWKWARD: list[dict[str, Any]] = [
    {"role": "user", "content": "A plain question."},
    {"role": "user", "content": ""},
    {"role": "user", "content": None},
    {"role": "user"},
    user(),
    user(text("")),
    user(text("one"), text("two")),
    user(text("cached", cache_control={"type": "ephemeral", "ttl": "1h"})),
    user(text("uncached", cache_control=None)),
    {"role": "user", "content": "With a key from tomorrow.", "mood": {"calm": True}},
    user(IMAGE),
    user({**IMAGE, "cache_control": {"type": "ephemeral"}}),
    user({"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}}),
    user({"type": "image", "source": {"type": "file", "file_id": "file_1"}}),
    user({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "no base64 at all"}}),
    user({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk"}}),
    user({"type": "image", "source": {"type": "base64", "data": PICTURE_TEXT}}),
    user({"type": "image", "source": None}),
    user({"type": "image"}),
    user({"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="}}),
    user(
        {
            "type": "document",
            "title": "Terms",
            "context": "of 2026",
            "source": {"type": "text", "media_type": "text/plain", "data": "Pay."},
            "citations": {"enabled": True},
        }
    ),
    user({"type": "document", "source": {"type": "content", "content": [text("A leaf.")]}}),
    user({"type": "document", "source": {"type": "url", "url": "https://example.org/a.pdf"}, "title": None}),
    user({"type": "search_result", "source": "s", "title": "t", "content": [text("found")]}),
    user({"type": "container_upload", "file_id": "file_9"}),
    user(result()),
    user(result(content="")),
    user(result(content=None)),
    user(result(content=[])),
    user(result(content="error 500", is_error=True)),
    user(result(content="fine", is_error=False)),
    user(result(content="odd", is_error="yes")),
    user(result(content=[text("a"), IMAGE])),
    user(result(content=[text("only one")])),
    user(result(content=[{"type": "tool_reference", "tool_name": "x"}])),
    user(result(content=[{"type": "search_result", "source": "s", "title": "t", "content": []}])),
    user(result(content="ok", cache_control={"type": "ephemeral"}), text("Now go on.")),
    user(text("First this."), result(content="ok"), text("then that.")),
    user(result(content="one"), {**result(content="two"), "tool_use_id": "t2"}, text("Both."), IMAGE),
    {**user(result(content="one"), text("x")), "beside": 1},
    user({"type": "tool_result", "content": "without an id"}),
    assistant(text("cited", citations=[{"type": "char_location", "cited_text": "c", "document_index": 0}])),
    assistant({"type": "thinking", "thinking": "hm", "signature": "abc"}, text("So.")),
    assistant({"type": "thinking", "thinking": "", "signature": "abc"}),
    assistant({"type": "thinking", "thinking": "unsigned"}),
    assistant({"type": "thinking", "thinking": "hm", "signature": None}),
    assistant({"type": "redacted_thinking", "data": "Zm9v"}, text("So.")),
    assistant({"type": "tool_use", "id": "t1", "name": "f", "input": {}}),
    assistant({"type": "tool_use", "id": "t1", "name": "f"}),
    assistant({"type": "tool_use", "name": "f", "input": {"a": 1.0, "b": [None, {"c": "\u2028"}]}}),
    assistant({"type": "tool_use", "id": "t1", "name": "f", "input": "no object"}),
    assistant({"type": "tool_use", "id": "t1", "name": "f", "input": {}, "caller": {"type": "direct"}}),
    assistant(text("Before."), {"type": "tool_use", "id": "t1", "name": "f", "input": {}}, text("behind.")),
    assistant(
        {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "q"}},
        {"type": "web_search_tool_result", "tool_use_id": "s1", "content": [{"type": "web_search_result", "url": "u"}]},
        text("It says so."),
    ),
    assistant({"type": "web_search_tool_result", "tool_use_id": "s1", "content": {"error_code": "unavailable"}}),
    assistant({"type": "mcp_tool_use", "id": "m1", "name": "f", "server_name": "s", "input": {}}),
    assistant({"type": "mcp_tool_result", "tool_use_id": "m1", "is_error": False, "content": [text("done")]}),
    assistant(
        {"type": "server_tool_use", "id": "s2", "name": "code_execution", "input": {"code": "1"}},
        {
            "type": "code_execution_tool_result",
            "tool_use_id": "s2",
            "content": {"type": "code_execution_result", "stdout": "1", "return_code": 0, "content": []},
        },
    ),
    assistant({"type": "compaction", "content": "What was before."}),
    assistant({"type": "from_tomorrow", "text": 5}),
    {"role": "system", "content": "Said in between."},
    {"role": "system", "content": [text("Said in between.", cache_control={"type": "ephemeral"})]},
    {"role": "developer", "content": "Rare here."},
    {"role": "narrator", "content": [text("Once."), text("Twice.")]},
    {"role": "user", "content": "a NUL \x00 and a lone \ud800 surrogate"},
    assistant({"type": "tool_use", "id": "t\x00", "name": "\ud800", "input": {"\x00": "\ud800"}}),
    {"role": "assistant", "content": "prefilled", "-": ["x"], "=": "y"},
    user(text("marks", **{"-": ["text"], "=": 1})),
]
TOOLS: list[dict[str, Any]] = [
    {"name": "f", "input_schema": {"type": "object"}},
    {"name": "f", "description": "", "input_schema": {"type": "object"}, "strict": True},
    {"name": "f", "description": None, "type": "custom", "input_schema": {}},
    {"name": "f", "type": None},
    {"type": "web_search_20260318", "name": "web_search", "max_uses": 5, "cache_control": {"type": "ephemeral"}},
    {"type": "bash_20250124", "name": "bash"},
]


def test_the_agent_is_the_same_as_in_other_forms_and_comes_back_equal() -> None:
    assert keys(ANTHROPIC, AGENT) == agent_keys()
    assert same(rewritten(ANTHROPIC, AGENT), AGENT)
    assert recognise(AGENT) is ANTHROPIC


def test_the_agent_goes_into_other_forms_and_back() -> None:
    assert keys(VLLM, carried(ANTHROPIC, AGENT, VLLM)) == agent_keys()
    assert keys(ANTHROPIC, carried(VLLM, IN_VLLM, ANTHROPIC)) == agent_keys()
    assert lost(VLLM, IN_VLLM, ANTHROPIC) == {}


@pytest.mark.parametrize("number", range(len(AWKWARD)))
def test_awkward_messages_come_back_equal(number: int) -> None:
    row = {"messages": [AWKWARD[number]]}
    assert same(rewritten(ANTHROPIC, row), row)


def test_awkward_messages_come_back_equal_from_one_conversation_cut_and_joined() -> None:
    blobs: dict[str, Any] = {}
    row = {"system": [text("S", cache_control={"type": "ephemeral"})], "messages": AWKWARD, "tools": TOOLS}
    conversation = ANTHROPIC.read(row, blobs).conversation
    assert join(*cut(conversation)) == conversation
    assert same(ANTHROPIC.write(conversation, blobs), row)
    assert sum(message.raw is not None for message in conversation.messages) <= 5


@pytest.mark.parametrize("beside", [{}, {"system": None}, {"system": ""}, {"system": []}, {"tools": []}])
@pytest.mark.parametrize("first", ["user", "system"])
def test_what_stands_beside_the_messages_comes_back(beside: dict[str, Any], first: str) -> None:
    row = {"messages": [{"role": first, "content": "Hi."}, user(text("Ho."))], "max_tokens": 9} | beside
    assert same(rewritten(ANTHROPIC, row), row)


def test_results_are_messages_of_tools_and_the_users_text_behind_them_is_the_users() -> None:
    row = {"messages": [user(text("Go.")), assistant(text("a")), user(result(content="r"), text("And now?"))]}
    messages = ANTHROPIC.read(row, {}).conversation.messages
    assert [(message.role, message.text, message.glued) for message in messages[2:]] == [
        ("tool", "r", False),
        ("user", "And now?", True),
    ]
    instruction, _ = cut(ANTHROPIC.read(row, {}).conversation)
    assert instruction.turns == ("Go.", "And now?")


REPLY = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": [text("Yes.")]}


@pytest.mark.parametrize(
    ("beside", "count"),
    [
        ({"response": REPLY}, 1),
        ({"output": [REPLY, REPLY]}, 2),
        ({"completion": REPLY["content"], "model": "claude-x"}, 1),
        ({"response": "Yes.", "model": "claude-x"}, 1),
        ({key: value for key, value in REPLY.items() if key != "id"}, 1),
    ],
)
def test_replies_beside_the_messages_answer_all_of_them(beside: dict[str, Any], count: int) -> None:
    row = {"system": "S", "messages": [{"role": "user", "content": "Is it?"}]} | beside
    assert recognise(row) is ANTHROPIC
    dialogue = ANTHROPIC.read(row, {})
    assert dialogue.prompt == 2
    assert dialogue.model == "claude-x"
    assert [[message.text for message in reply] for reply in dialogue.replies] == [["Yes."]] * count


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [{"role": "user", "content": "Hi."}]},
        {"messages": [{"role": "user", "content": [text("Hi.")]}]},
        {"messages": [{"role": "tool", "content": "x", "tool_call_id": "1"}], "system": "S"},
        {"messages": "no list", "system": "S"},
        {"messages": [["user", "Hi."]], "system": "S"},
        {"messages": [user({"type": {"deep": 1}})]},
    ],
)
def test_rows_that_others_write_too_are_not_claimed(row: dict[str, Any]) -> None:
    assert not ANTHROPIC.recognises(row)


@pytest.mark.parametrize("block", [IMAGE, result(), {"type": "thinking"}, text("x", cache_control={})])
def test_rows_are_told_by_their_blocks(block: dict[str, Any]) -> None:
    assert recognise({"messages": [user(text("Hi."), block)]}) is ANTHROPIC


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"messages": 5}, "messages"),
        ({"messages": [{"content": "x"}]}, r"messages\[0\].role"),
        ({"messages": [{"role": "user", "content": 5}]}, r"messages\[0\].content"),
        ({"messages": [user(text("a"), 7)]}, r"messages\[0\].content\[1\]"),
        ({"messages": [user({"text": "a"})]}, r"messages\[0\].content\[0\].type"),
        ({"messages": [user(text(5))]}, r"messages\[0\].content\[0\].text"),  # type: ignore[arg-type]  # wrong on purpose
        ({"messages": [assistant({"type": "tool_use", "input": {}})]}, r"content\[0\].name"),
        ({"messages": [user()], "tools": {}}, "tools"),
        ({"messages": [user()], "tools": [5]}, r"tools\[0\]"),
        ({"messages": [user()], "tools": [{"input_schema": {}}]}, r"tools\[0\].name"),
        ({"messages": [user()], "system": 5}, "system"),
    ],
)
def test_errors_name_the_field(row: dict[str, Any], field: str) -> None:
    with pytest.raises(ValueError, match=f"^{field}|.*{field}"):
        ANTHROPIC.read(row, {})


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
        (["messages", 1, "content", 0, "signature"], "other"),
        (["messages", 0, "content", 0, "cache_control"], {"type": "ephemeral"}),
        (["messages", 3, "content"], [text("It failed.")]),
        (["messages", 0, "content", 0, "text"], "Book  leave as\nin the picture."),
        (["tools", 0, "cache_control"], {"type": "ephemeral"}),
        (["messages", 2, "content", 0, "is_error"], False),
    ],
)
def test_what_means_nothing_does_not_move_the_keys(path: list[Any], value: Any) -> None:
    assert keys(ANTHROPIC, changed(path, value)) == agent_keys()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["system"], "You serve the guests."),
        (["messages", 0, "content", 2, "text"], "Four days."),
        (["messages", 0, "content", 1, "source", "data"], "aGVsbG8="),
        (["messages", 1, "content", 0, "thinking"], "The tool cancels."),
        (["messages", 1, "content", 2, "input"], {"days": 4}),
        (["messages", 1, "content", 2, "input"], {"days": 3.0}),
        (["messages", 1, "content", 2, "name"], "cancel"),
        (["messages", 2, "content", 0, "content"], "error 501"),
        (["messages", 2, "content", 0, "is_error"], True),
        (["messages", 4, "role"], "narrator"),
        (["tools", 0, "description"], "Cancels leave."),
        (["tools"], []),
    ],
)
def test_what_means_something_moves_a_key(path: list[Any], value: Any) -> None:
    assert keys(ANTHROPIC, changed(path, value)) != agent_keys()


def test_what_the_form_cannot_hold_is_told() -> None:
    sound = {"data": "aGk=", "format": "wav"}
    source = {
        "messages": [
            {"role": "user", "name": "Ann", "content": [{"type": "input_audio", "input_audio": sound}]},
            {"role": "assistant", "content": None, "refusal": "No."},
            {"role": "assistant", "tool_calls": [{"id": "1", "type": "custom", "custom": {"name": "f", "input": "x"}}]},
        ]
    }
    assert lost(OPENAI, source, ANTHROPIC) == {"audio": 1, "name": 1, "refusal": 1}
    written = carried(OPENAI, source, ANTHROPIC)["messages"]
    assert written[0] == {"role": "user", "content": []}
    assert written[1] == {"role": "assistant", "content": "No."}


def test_results_of_several_calls_stand_in_one_message_as_the_api_wants() -> None:
    call = {"type": "function", "function": {"name": "f", "arguments": "{}"}}
    source = {
        "messages": [
            {"role": "user", "content": "Go."},
            {"role": "assistant", "tool_calls": [call | {"id": "1"}, call | {"id": "2"}]},
            {"role": "tool", "tool_call_id": "1", "content": "one"},
            {"role": "tool", "tool_call_id": "2", "content": "two"},
        ]
    }
    written = carried(OPENAI, source, ANTHROPIC)
    assert [block["tool_use_id"] for block in written["messages"][2]["content"]] == ["1", "2"]
    assert keys(ANTHROPIC, written) == keys(OPENAI, source)


BLOCKS = st.one_of(
    objects({"type": st.just("text"), "text": st.text()}, "citations", "cache_control"),
    objects({"type": st.just("tool_use"), "name": st.text()}, "id", "input", "caller"),
    objects({"type": st.just("tool_result"), "tool_use_id": st.text()}, "is_error", "cache_control"),
    objects(
        {"type": st.just("tool_result"), "tool_use_id": st.text()} | {"content": st.text() | st.none()}, "is_error"
    ),
    objects({"type": st.just("thinking"), "thinking": st.text()}, "signature"),
    objects({"type": st.sampled_from(("image", "document"))}, "source", "title"),
    objects({"type": st.text()}, "data", "content", "tool_use_id"),
)
MESSAGES = objects(
    {"role": st.sampled_from(("user", "assistant", "system", "developer", "x"))}
    | {"content": st.text() | st.none() | st.lists(BLOCKS, max_size=4)}
)


@pytest.mark.slow
@given(st.lists(MESSAGES, min_size=1, max_size=4))
def test_whatever_is_read_is_written_again_equal(messages: list[dict[str, Any]]) -> None:
    row = {"messages": messages}
    assert same(rewritten(ANTHROPIC, row), row)


@given(ANYTHING, ANYTHING, ANYTHING)
def test_anything_is_read_or_refused_with_a_reason(messages: Any, system: Any, tools: Any) -> None:
    row = {"messages": messages, "system": system, "tools": tools}
    ANTHROPIC.recognises(row)
    assert "JSON cannot" not in refusal(ANTHROPIC, row)


def test_deep_rows_are_refused() -> None:
    deep: Any = "x"
    for _ in range(5_000):
        deep = [deep]
    with pytest.raises(ValueError, match="nested"):
        ANTHROPIC.read({"messages": [{"role": "user", "content": deep}]}, {})


@pytest.mark.slow
def test_long_rows_take_time_in_proportion() -> None:
    def read(size: int) -> None:
        long = {"messages": [user(*[result(content="x"), text("y")] * size)]}
        assert same(rewritten(ANTHROPIC, long), long)

    assert grows_in_proportion(read, 4_000)


def test_a_file_that_is_not_held_cannot_be_written() -> None:
    conversation = ANTHROPIC.read(AGENT, {}).conversation
    with pytest.raises(ValueError, match="not held"):
        ANTHROPIC.write(conversation, {})


def test_two_texts_of_the_user_stay_two_messages() -> None:
    conversation = ANTHROPIC.read({"messages": [user(text("a"))]}, {}).conversation
    other = Message("user", (Text("b"),), glued=True)
    both = join(conversation, cut(conversation)[1])
    written = ANTHROPIC.write(type(both)((*both.messages, other), (), "anthropic"), {})
    assert len(written["messages"]) == 2
