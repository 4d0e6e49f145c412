"""Chat messages come back as they came, and mean what they mean in other forms."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgebench.conversations import Media, Message, Reasoning, Text, cut, join
from judgebench.formats.forms.openai_chat import OPENAI, VLLM
from tests.formats.forms.agent import ANYTHING, IN_VLLM, agent_keys, keys, objects, refusal, rewritten, same
from tests.formats.forms.rows import CHAT_MESSAGES, IN_OPENAI_CHAT, VLLM_MESSAGES, Row, chat_row


@pytest.mark.parametrize("message", CHAT_MESSAGES, ids=str)
def test_awkward_messages_come_back_equal(message: Row) -> None:
    row = chat_row(message)
    assert OPENAI.recognises(row)
    assert same(rewritten(OPENAI, row), row)


@pytest.mark.parametrize("message", VLLM_MESSAGES, ids=str)
def test_reasoning_comes_back_under_the_names_that_it_had(message: Row) -> None:
    row = chat_row(message)
    assert VLLM.recognises(row)
    assert same(rewritten(VLLM, row), row)


def test_the_agents_conversation_comes_back_equal() -> None:
    assert same(rewritten(VLLM, IN_VLLM), IN_VLLM)
    assert same(rewritten(OPENAI, IN_OPENAI_CHAT), IN_OPENAI_CHAT)
    assert keys(OPENAI, IN_OPENAI_CHAT)[0] == agent_keys()[0]


TEXTS = st.text(max_size=6)
PARTS = st.one_of(
    objects({"type": st.just("text"), "text": TEXTS}, "prompt_cache_breakpoint"),
    objects({"type": st.just("refusal"), "refusal": TEXTS}),
    objects({"type": st.sampled_from(["image_url", "video_url"]), "image_url": objects({"url": TEXTS}, "detail")}),
    objects({"type": st.just("file"), "file": objects({}, "file_id", "filename", "file_data")}),
    objects({"type": TEXTS}),
)
CALLS = objects({"function": objects({"name": TEXTS}, "arguments", "strict")}, "id", "type", "custom", "index")
MESSAGES = objects(
    {"role": st.sampled_from(["system", "user", "assistant", "tool", "function", "narrator"])},
    "name",
    "tool_call_id",
    "refusal",
    "reasoning",
    "thinking",
    "audio",
    "annotations",
).flatmap(
    lambda message: st.fixed_dictionaries(
        {key: st.just(value) for key, value in message.items()},
        optional={
            "content": TEXTS | st.none() | st.lists(PARTS, max_size=3),
            "tool_calls": st.none() | st.lists(CALLS, max_size=2),
            "function_call": objects({"name": TEXTS}, "arguments"),
        },
    )
)


@pytest.mark.slow
@given(st.lists(MESSAGES, min_size=1, max_size=4))
@settings(max_examples=400, deadline=None)
def test_messages_with_anything_in_them_come_back_equal(messages: list[Row]) -> None:
    row = {"messages": messages}
    if not refusal(VLLM, row):
        assert same(rewritten(VLLM, row), row)
        dialogue = VLLM.read(row, {})
        assert same(VLLM.write(join(*cut(dialogue.conversation)), {}), row)


@given(ANYTHING)
@settings(max_examples=200, deadline=None)
def test_content_of_any_kind_is_refused_or_comes_back(content: object) -> None:
    row = chat_row({"role": "user", "content": content})
    reason = refusal(OPENAI, row)
    refused = reason.startswith(("messages[1].content", "holds the number"))  # NaN and infinity are no numbers of JSON
    assert refused if reason else same(rewritten(OPENAI, row), row)


def message_of(row: Row) -> Message:
    return VLLM.read(chat_row(row), {}).conversation.messages[1]


def test_thoughts_come_first_and_the_same_one_once() -> None:
    message = message_of({"role": "assistant", "content": "a", "reasoning": "hm", "reasoning_content": "hm"})
    assert [type(part) for part in message.parts] == [Reasoning, Text]


def test_an_address_is_kept_and_a_file_held() -> None:
    url = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    (part,) = message_of({"role": "user", "content": [url]}).parts
    assert part == Media("image", url="https://example.org/a.png")


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (3, "messages[1].role"),
        ({"role": "user", "content": [3]}, "messages[1].content[0]: must be a part"),
        ({"role": "user", "content": [{}]}, "messages[1].content[0].type: must be a text, is null"),
        ({"role": "user", "content": [{"type": "text"}]}, "messages[1].content[0].text: must be a text, is null"),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": 3}}]},
            "messages[1].content[0].image_url.url: must be a text, is a number",
        ),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": None}]},
            "messages[1].content[0].image_url: must be an object, is null",
        ),
        ({"role": "assistant", "tool_calls": {}}, "messages[1].tool_calls: must be a list, is an object"),
        ({"role": "assistant", "tool_calls": [{}]}, "messages[1].tool_calls[0].function: must be an object"),
        (
            {"role": "assistant", "tool_calls": [{"function": {"name": 3}}]},
            "messages[1].tool_calls[0].function.name: must be a text",
        ),
        ({"role": "assistant", "function_call": {}}, "messages[1].function_call.name: must be a text, is null"),
    ],
    ids=str,
)
def test_what_is_of_another_kind_is_refused_by_the_name_of_its_field(message: Row, field: str) -> None:
    assert refusal(OPENAI, chat_row(message)).startswith(field)
