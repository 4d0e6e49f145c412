"""Conversations in Gemini's form come back as they were, in the case of keys that they had."""

import base64
import copy
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.conversations import cut, join
from judgebench.formats.forms.anthropic import ANTHROPIC
from judgebench.formats.forms.gemini import _SNAKES, GEMINI
from judgebench.formats.forms.openai_chat import OPENAI, VLLM
from judgebench.formats.forms.registry import recognise
from tests.formats.forms.agent import (
    ANYTHING,
    IN_VLLM,
    PICTURE,
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

CALL = {"functionCall": {"name": "book", "args": {"days": 3}}}
AGENT: dict[str, Any] = {
    "systemInstruction": {"parts": [{"text": "You serve the staff."}]},
    "contents": [
        {
            "role": "user",
            "parts": [
                {"text": "Book leave as in the picture."},
                {"inlineData": {"mimeType": "image/png", "data": PICTURE_TEXT}},
                {"text": "Three days."},
            ],
        },
        {
            "role": "model",
            "parts": [
                {"text": "The tool books.", "thought": True},
                {"text": "Let me try."},
                CALL | {"thoughtSignature": "c2ln"},
            ],
        },
        {"role": "user", "parts": [{"functionResponse": {"name": "book", "response": {"output": "error 500"}}}]},
        {"role": "model", "parts": [{"text": "It failed."}]},
        {"role": "user", "parts": [{"text": "And my payslip?"}]},
        {"role": "model", "parts": [{"text": "Here it is."}]},
    ],
    "tools": [
        {"functionDeclarations": [{"name": "book", "description": "Books leave.", "parametersJsonSchema": SCHEMA}]}
    ],
}
SAFE = base64.urlsafe_b64encode(b"\xfb\xff\xfe?").decode()


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "parts": list(parts)}


def model(*parts: Any) -> dict[str, Any]:
    return {"role": "model", "parts": list(parts)}


def result(response: Any, **more: Any) -> dict[str, Any]:
    return {"functionResponse": {"name": "f", "response": response} | more}


AWKWARD: list[dict[str, Any]] = [
    user({"text": "A plain question."}),
    user({"text": ""}),
    user(),
    {"role": "user"},
    {"role": "user", "parts": None},
    {"parts": [{"text": "without a role"}]},
    {"role": None, "parts": [{"text": "with none"}]},
    {"role": "", "parts": [{"text": "with an empty one"}]},
    {"parts": []},
    user({"text": "one"}, {"text": "two"}),
    {**user({"text": "x"}), "mood": {"calm": True}},
    user({"text": "x", "thought": False}),
    user({"text": "x", "thought": None}),
    user({"inlineData": {"mimeType": "image/png", "data": PICTURE_TEXT}}),
    user({"inline_data": {"mime_type": "image/png", "data": PICTURE_TEXT}}),
    user({"inlineData": {"mime_type": "image/png", "data": PICTURE_TEXT}}),
    user({"inline_data": {"mimeType": "image/png", "data": PICTURE_TEXT}}),
    user({"inlineData": {"mimeType": "image/png", "data": PICTURE_TEXT, "displayName": "a.png"}}),
    user({"inline_data": {"mime_type": "audio/wav", "data": SAFE}}),
    user({"inlineData": {"mimeType": "audio/wav", "data": SAFE.replace("-", "+")}}),
    user({"inlineData": {"mimeType": "application/pdf", "data": "JVBERg=="}}),
    user({"inlineData": {"data": PICTURE_TEXT}}),
    user({"inlineData": {"mimeType": "image/png", "data": "no base64 at all"}}),
    user({"inlineData": {"mimeType": "image/png"}}),
    user({"inlineData": None}),
    user({"fileData": {"mimeType": "video/mp4", "fileUri": "https://example.org/v"}, "videoMetadata": {"fps": 1}}),
    user({"file_data": {"file_uri": "gs://bucket/a.png", "mime_type": "image/png"}}),
    user({"fileData": {"fileUri": "https://example.org/unknown"}}),
    user({}),
    user({"fromTomorrow": {"a": 1}}),
    user({"thoughtSignature": "c2ln"}),
    model({"text": "hm", "thought": True}),
    model({"text": "hm", "thought": True, "thoughtSignature": "c2ln"}),
    model({"text": "hm", "thought": True, "thought_signature": "c2ln"}),
    model({"text": "said", "thoughtSignature": "c2ln"}),
    model({"text": "", "thoughtSignature": "c2ln"}),
    model(CALL),
    model({"functionCall": {"name": "f"}}),
    model({"functionCall": {"name": "f", "args": None}}),
    model({"functionCall": {"id": "1", "name": "f", "args": {"a": 1.0, "b": [None]}}, "thoughtSignature": "c2ln"}),
    model({"function_call": {"name": "f", "args": {"inline_data": {"mime_type": "x"}}}}),
    model({"functionCall": {"name": "f", "args": {}}}, {"functionCall": {"name": "f", "args": {}}}, {"text": "both"}),
    model({"executableCode": {"language": "PYTHON", "code": "1"}}, {"text": "ran"}),
    model(
        {"text": "run:"},
        {"executable_code": {"language": "PYTHON", "code": "1"}},
        {"code_execution_result": {"outcome": "OUTCOME_OK", "output": "1"}},
        {"text": "one"},
    ),
    model({"codeExecutionResult": {"outcome": "OUTCOME_FAILED"}}),
    model({"toolCall": {"toolType": "GOOGLE_SEARCH", "id": "1"}}, {"toolResponse": {"id": "1", "response": {}}}),
    user(result({"output": "fine"})),
    user(result({"result": "fine"})),
    user(result({"error": "error 500"})),
    user(result({"error": {"code": 500}})),
    user(result({"output": {"a": 1}})),
    user(result({"a": 1.0, "b": [None]})),
    user(result({})),
    user(result(None)),
    user(result("no object")),
    user({"functionResponse": {"name": "f"}}),
    user({"functionResponse": {}}),
    user({"functionResponse": None}),
    user(result({"output": "x"}, id="1", willContinue=False)),
    user({"function_response": {"id": "1", "name": "f", "response": {"output": "x"}}}),
    user(result({"output": "x"}, parts=[{"inlineData": {"mimeType": "image/png", "data": PICTURE_TEXT}}])),
    user(result({"output": "x"}), result({"output": "y"}), {"text": "Both are there."}),
    user({"text": "First"}, result({"output": "x"}), {"text": "then"}),
    {"role": "function", "parts": [result({"output": "x"})]},
    {"parts": [result({"output": "x"})]},
    {"role": "tool", "parts": [{"text": "no result"}]},
    {"role": "assistant", "parts": [{"text": "another's word"}]},
    {"role": "system", "parts": [{"text": "in between"}]},
    {"role": "narrator", "parts": [{"text": "a NUL \x00 and a lone \ud800 surrogate"}]},
    model({"functionCall": {"name": "\ud800", "args": {"\x00": "\ud800"}}}),
    user({"text": "marks", "-": ["text"], "=": ["snake"]}),
]


def test_the_agent_is_the_same_as_in_other_forms_and_comes_back_equal() -> None:
    assert keys(GEMINI, AGENT) == agent_keys()
    assert same(rewritten(GEMINI, AGENT), AGENT)
    assert recognise(AGENT) is GEMINI


def snaked(value: Any) -> Any:
    own = ("systemInstruction", "functionDeclarations", "parametersJsonSchema")
    names = {key: re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", key) for key in (*own, *_SNAKES.values())}
    if isinstance(value, list):
        return [snaked(item) for item in value]
    return {names.get(key, key): snaked(item) for key, item in value.items()} if isinstance(value, dict) else value


def test_keys_in_snake_case_say_the_same_and_come_back_in_snake_case() -> None:
    row = snaked(AGENT)
    assert keys(GEMINI, row) == agent_keys()
    assert same(rewritten(GEMINI, row), row)


@pytest.mark.parametrize(("form", "row"), [(VLLM, IN_VLLM)])
def test_the_agent_goes_into_other_forms_and_back(form: Any, row: dict[str, Any]) -> None:
    assert keys(form, carried(GEMINI, AGENT, form)) == agent_keys()
    assert keys(GEMINI, carried(form, row, GEMINI)) == agent_keys()
    assert lost(form, row, GEMINI) == {}
    assert keys(ANTHROPIC, carried(GEMINI, AGENT, ANTHROPIC)) == agent_keys()
    assert keys(GEMINI, carried(ANTHROPIC, carried(form, row, ANTHROPIC), GEMINI)) == agent_keys()


@pytest.mark.parametrize("number", range(len(AWKWARD)))
def test_awkward_contents_come_back_equal(number: int) -> None:
    row = {"contents": [AWKWARD[number]]}
    assert same(rewritten(GEMINI, row), row)


def test_awkward_contents_come_back_equal_from_one_conversation_cut_and_joined() -> None:
    blobs: dict[str, Any] = {}
    row = {"system_instruction": "S", "contents": AWKWARD}
    conversation = GEMINI.read(row, blobs).conversation
    assert join(*cut(conversation)) == conversation
    assert same(GEMINI.write(conversation, blobs), row)
    assert sum(message.raw is not None for message in conversation.messages) <= 6


@pytest.mark.parametrize(
    "beside",
    [
        {},
        {"systemInstruction": None},
        {"system_instruction": {}},
        {"systemInstruction": {"role": "user", "parts": [{"text": "S"}]}},
        {"systemInstruction": {"parts": [{"text": "S"}, {"text": "T"}]}, "generationConfig": {"temperature": 0}},
        {"systemInstruction": {"parts": []}},
        {"tools": []},
        {"tools": [{"googleSearch": {}}]},
        {"tools": [{"functionDeclarations": []}]},
        {"tools": [{"googleSearch": {}, "functionDeclarations": [{"name": "f"}]}]},
        {"tools": [{"functionDeclarations": [{"name": "f", "parameters": {"type": "OBJECT"}, "response": {}}]}]},
        {"tools": [{"function_declarations": [{"name": "f", "parameters": {"type": "object"}}]}]},
    ],
)
@pytest.mark.parametrize("first", ["user", "system"])
def test_what_stands_beside_the_contents_comes_back(beside: dict[str, Any], first: str) -> None:
    row = {"contents": [{"role": first, "parts": [{"text": "Hi."}]}]} | beside
    assert same(rewritten(GEMINI, row), row)


def test_types_in_capitals_are_those_of_json_schema() -> None:
    row = copy.deepcopy(AGENT)
    declared = row["tools"][0]["functionDeclarations"][0]
    del declared["parametersJsonSchema"]
    declared["parameters"] = {"type": "OBJECT", "properties": {"days": {"type": "INTEGER"}}, "required": ["days"]}
    assert keys(GEMINI, row) == agent_keys()
    assert same(rewritten(GEMINI, row), row)


def test_calls_without_ids_are_answered_by_order_and_name_and_get_ids_where_they_must() -> None:
    call, other = {"functionCall": {"name": "f", "args": {}}}, {"functionCall": {"name": "g", "args": {}}}
    answers = [{"functionResponse": {"name": name, "response": {"output": name}}} for name in "gf"]
    row = {"contents": [user({"text": "Go."}), model(call, other), user(*answers)]}
    written = carried(GEMINI, row, ANTHROPIC)
    assert [block["id"] for block in written["messages"][1]["content"]] == ["call_1", "call_2"]
    assert [block["tool_use_id"] for block in written["messages"][2]["content"]] == ["call_2", "call_1"]
    assert keys(GEMINI, carried(ANTHROPIC, written, GEMINI)) == keys(GEMINI, row)


@pytest.mark.parametrize(
    ("beside", "texts"),
    [
        ({"candidates": [{"content": model({"text": "Yes."}), "finishReason": "STOP"}]}, ["Yes."]),
        ({"candidates": [{"content": model({"text": text})} for text in "ab"]}, ["a", "b"]),
        ({"candidates": [{"finishReason": "SAFETY"}]}, [""]),
        ({"response": {"candidates": [{"content": {"parts": [{"text": "Yes."}]}}]}}, ["Yes."]),
        ({"output": "Yes."}, ["Yes."]),
        ({"completion": ["a", "b"]}, ["a", "b"]),
        ({}, []),
    ],
)
def test_candidates_answer_the_contents(beside: dict[str, Any], texts: list[str]) -> None:
    contents = [user({"text": "a"}), model({"text": "b"}), user({"text": "c"})]
    dialogue = GEMINI.read({"contents": contents, "modelVersion": "gemini-x"} | beside, {})
    assert ["".join(message.text for message in reply) for reply in dialogue.replies] == texts
    assert all(message.role == "assistant" for reply in dialogue.replies for message in reply)
    assert (dialogue.prompt, dialogue.model) == (3, "gemini-x")


def test_a_line_of_a_batch_is_its_request_and_its_response() -> None:
    request = {"contents": [user({"text": "a"})], "systemInstruction": {"parts": [{"text": "S"}]}}
    row = {"key": "k", "request": request, "response": {"candidates": [{"content": model({"text": "b"})}]}}
    assert recognise(row) is GEMINI
    dialogue = GEMINI.read(row, {})
    assert [message.role for message in dialogue.conversation.messages] == ["system", "user"]
    assert len(dialogue.replies) == 1


@pytest.mark.parametrize("contents", [None, "x", [], [5], [{"role": "user"}], [{"text": "x"}]])
def test_other_rows_are_not_claimed(contents: Any) -> None:
    assert not GEMINI.recognises({"contents": contents})


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"contents": 5}, "contents"),
        ({"contents": []}, "contents"),
        ({"contents": ["x"]}, r"contents\[0\]"),
        ({"contents": [{"role": 5}]}, r"contents\[0\].role"),
        ({"contents": [{"parts": {}}]}, r"contents\[0\].parts"),
        ({"contents": [user("x")]}, r"contents\[0\].parts\[0\]"),
        ({"contents": [user({"text": 5})]}, r"contents\[0\].parts\[0\].text"),
        ({"contents": [user({"functionCall": {}})]}, r"parts\[0\].functionCall.name"),
        ({"contents": [user()], "systemInstruction": 5}, "systemInstruction"),
        ({"contents": [user()], "tools": 5}, "tools"),
        ({"contents": [user()], "tools": [5]}, r"tools\[0\]"),
        ({"contents": [user()], "tools": [{"functionDeclarations": 5}]}, r"tools\[0\].functionDeclarations"),
        ({"contents": [user()], "tools": [{"functionDeclarations": [{}]}]}, r"functionDeclarations\[0\].name"),
        ({"contents": [user()], "candidates": 5}, "candidates"),
        ({"contents": [user()], "output": 5}, "output"),
    ],
)
def test_errors_name_the_field(row: dict[str, Any], field: str) -> None:
    with pytest.raises(ValueError, match=field):
        GEMINI.read(row, {})


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
        (["contents", 1, "parts", 2, "thoughtSignature"], "other"),
        (["contents", 1, "parts", 2, "functionCall", "id"], "1"),
        (["contents", 2, "role"], "function"),
        (["contents", 2, "parts", 0, "functionResponse", "response"], {"result": "error 500"}),
        (["contents", 0, "parts", 0, "text"], "Book  leave as\nin the picture."),
    ],
)
def test_what_means_nothing_does_not_move_the_keys(path: list[Any], value: Any) -> None:
    assert keys(GEMINI, changed(path, value)) == agent_keys()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["systemInstruction"], "You serve the guests."),
        (["contents", 0, "parts", 2, "text"], "Four days."),
        (["contents", 0, "parts", 1, "inlineData", "data"], "aGVsbG8="),
        (["contents", 1, "parts", 0, "text"], "The tool cancels."),
        (["contents", 1, "parts", 2, "functionCall"], {"name": "book", "args": {"days": 4}}),
        (["contents", 1, "parts", 2, "functionCall"], {"name": "cancel", "args": {"days": 3}}),
        (["contents", 2, "parts", 0, "functionResponse", "response"], {"output": "error 501"}),
        (["contents", 2, "parts", 0, "functionResponse", "response"], {"error": "error 500"}),
        (["contents", 4, "role"], "narrator"),
        (["tools", 0, "functionDeclarations", 0, "description"], "Cancels leave."),
        (["tools"], []),
    ],
)
def test_what_means_something_moves_a_key(path: list[Any], value: Any) -> None:
    assert keys(GEMINI, changed(path, value)) != agent_keys()


def test_files_are_held_by_their_bytes_in_either_base64() -> None:
    data = b"\xfb\xff\xfe?"
    digests = set()
    for text in (base64.b64encode(data), base64.urlsafe_b64encode(data)):
        blobs: dict[str, Any] = {}
        part = {"inlineData": {"mimeType": "image/png", "data": text.decode()}}
        GEMINI.read({"contents": [user(part)]}, blobs)
        digests |= {(digest, blob.data) for digest, blob in blobs.items()}
    assert [content for _, content in digests] == [data]


def test_what_the_form_cannot_hold_is_told() -> None:
    source = {
        "messages": [
            {"role": "system", "content": "S"},
            {"role": "user", "name": "Ann", "content": "Hi."},
            {"role": "system", "content": "T"},
            {"role": "assistant", "content": None, "refusal": "No."},
            {"role": "assistant", "tool_calls": [{"id": "1", "type": "custom", "custom": {"name": "f", "input": "x"}}]},
        ]
    }
    assert lost(OPENAI, source, GEMINI) == {"name": 1, "refusal": 1}
    written = carried(OPENAI, source, GEMINI)
    assert written["systemInstruction"] == {"parts": [{"text": "S"}, {"text": "T"}]}
    assert written["contents"][-1]["parts"][0]["functionCall"]["args"] == {"arguments": "x"}


def test_files_at_addresses_stay_of_their_kind() -> None:
    url = {"type": "image_url", "image_url": {"url": "https://example.org/a"}}
    source = {"messages": [{"role": "user", "content": [url, {"type": "text", "text": "?"}]}]}
    assert keys(GEMINI, carried(OPENAI, source, GEMINI)) == keys(OPENAI, source)


BASE64 = st.binary(max_size=5).map(lambda data: base64.b64encode(data).decode())
PARTS = st.one_of(
    objects({"text": st.text()}, "thought", "thoughtSignature", "thought_signature"),
    objects({"functionCall": objects({"name": st.text()}, "args", "id")}, "thoughtSignature"),
    objects({"function_call": objects({"name": st.text()}, "args", "id")}),
    objects({"functionResponse": objects({}, "name", "response", "id")}),
    objects({"functionResponse": st.fixed_dictionaries({"response": objects({}, "output", "error", "result")})}),
    objects({"function_response": objects({"name": st.text()}, "response")}, "thought_signature"),
    objects({"inlineData": objects({}, "mimeType", "mime_type", "data")}),
    objects({"inline_data": objects({"data": BASE64})}),
    objects({"file_data": objects({"file_uri": st.text()}, "mime_type")}),
    objects({"executableCode": ANYTHING}),
    objects({"code_execution_result": ANYTHING}),
    objects({}, "fromTomorrow"),
)
CONTENTS = objects(
    {"parts": st.lists(PARTS, max_size=4) | st.none(), "role": st.sampled_from(("user", "model", "function", "x"))}
)


@given(st.lists(CONTENTS, min_size=1, max_size=4))
def test_whatever_is_read_is_written_again_equal(contents: list[dict[str, Any]]) -> None:
    row = {"contents": contents}
    if not refusal(GEMINI, row):
        assert same(rewritten(GEMINI, row), row)


@given(ANYTHING, ANYTHING, ANYTHING, ANYTHING)
def test_anything_is_read_or_refused_with_a_reason(contents: Any, system: Any, tools: Any, candidates: Any) -> None:
    row = {"contents": contents, "systemInstruction": system, "tools": tools, "candidates": candidates}
    GEMINI.recognises(row)
    assert "JSON cannot" not in refusal(GEMINI, row)
    row = {"contents": [user({"text": "x"})], "systemInstruction": system, "tools": tools, "candidates": candidates}
    assert "JSON cannot" not in refusal(GEMINI, row)


@pytest.mark.slow
def test_long_rows_take_time_in_proportion() -> None:
    def read(size: int) -> None:
        row = {"contents": [user(*[result({"output": "x"}), {"text": "y"}] * size)]}
        assert same(rewritten(GEMINI, row), row)

    assert grows_in_proportion(read, 4_000)


def test_a_file_that_is_not_held_cannot_be_written() -> None:
    blobs: dict[str, Any] = {}
    conversation = GEMINI.read(AGENT, blobs).conversation
    assert [blob.data for blob in blobs.values()] == [PICTURE]
    with pytest.raises(ValueError, match="not held"):
        GEMINI.write(conversation, {})
