"""Rows in the forms of OpenAI's APIs, ShareGPT and promptfoo: the agent's conversation, and awkward ones."""

import json
from typing import Any

from tests.formats.forms.agent import IN_VLLM, PICTURE_TEXT, SCHEMA

Row = dict[str, Any]
PICTURE_URL = f"data:image/png;base64,{PICTURE_TEXT}"
BOOK = {"name": "book", "description": "Books leave.", "parameters": SCHEMA}


def _without_reasoning() -> Row:
    messages: list[Row] = [
        {key: value for key, value in message.items() if key != "reasoning"}
        for message in IN_VLLM["messages"]  # type: ignore[attr-defined]  # a row of JSON
    ]
    return {"messages": messages, "tools": IN_VLLM["tools"]}


IN_OPENAI_CHAT = _without_reasoning()
IN_RESPONSES: Row = {
    "instructions": "You serve the staff.",
    "input": [
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "Book leave as in the picture."},
                {"type": "input_image", "detail": "low", "image_url": PICTURE_URL},
                {"type": "input_text", "text": "Three days."},
            ],
        },
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [],
            "content": [{"type": "reasoning_text", "text": "The tool books."}],
            "encrypted_content": "gAAA",
        },
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "phase": "commentary",
            "content": [{"type": "output_text", "text": "Let me try.", "annotations": [], "logprobs": []}],
        },
        {"type": "function_call", "id": "fc_1", "call_id": "call_a", "name": "book", "arguments": '{ "days": 3 }'},
        {"type": "function_call_output", "call_id": "call_a", "output": "error 500"},
        {"role": "assistant", "content": "It failed."},
        {"role": "user", "content": "And my payslip?"},
        {"role": "assistant", "content": [{"type": "output_text", "text": "Here it is.", "annotations": []}]},
    ],
    "tools": [{"type": "function", **BOOK, "strict": True}],
}
IN_SHAREGPT: Row = {
    "system": "You serve the staff.",
    "conversations": [
        {"from": "human", "value": "Book leave as in the picture.\nThree days."},
        {"from": "gpt", "value": "Let me try."},
        {"from": "function_call", "value": '{"name": "book", "arguments": {"days": 3}}'},
        {"from": "observation", "value": "error 500"},
        {"from": "gpt", "value": "It failed."},
        {"from": "human", "value": "And my payslip?"},
        {"from": "gpt", "value": "Here it is."},
    ],
    "tools": json.dumps([BOOK]),
}
IN_PROMPTFOO: Row = {
    "prompt": {"raw": json.dumps(IN_VLLM["messages"][:-1]), "label": "leave"},
    "response": {"output": "Here it is.", "tokenUsage": {"total": 9}},
    "provider": {"id": "openai:gpt-4o-mini"},
    "vars": {"days": 3},
}

_USER: Row = {"role": "user", "content": "Hm?"}
_CALL: Row = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CHAT_MESSAGES: list[Row] = [
    {"role": "user", "content": ""},
    {"role": "user", "content": None},
    {"role": "user"},
    {"role": "user", "content": []},
    {"role": "user", "content": [{"type": "text", "text": "alone in a list"}]},
    {"role": "user", "content": [{"type": "text", "text": ""}]},
    {"role": "user", "content": "named", "name": "Ann"},
    {"role": "user", "content": "named nothing", "name": None},
    {"role": "user", "content": "NUL \x00 and half a pair \ud800"},
    {"role": "user", "content": ["bare text", {"type": "text", "text": "and a part"}]},
    {"role": "user", "content": {"type": "text", "text": "one part, no list"}},
    {"role": "user", "content": [{"type": "text", "text": "cached", "prompt_cache_breakpoint": {"mode": "explicit"}}]},
    {"role": "user", "content": [{"type": "input_text", "text": "of another API"}]},
    {"role": "user", "content": [{"type": "text", "text": "filled by Parquet", "image_url": None}]},
    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": PICTURE_URL, "detail": "original"}}]},
    {"role": "user", "content": [{"type": "image_url", "image_url": PICTURE_URL}]},
    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}]},
    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,@@@"}}]},
    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJ=\n"}}]},
    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:;base64,QUJD"}}]},
    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:text/plain,no%20base64"}}]},
    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;charset=x;base64,QUJD"}}]},
    {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "QUJD", "format": "mp3"}}]},
    {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "QUJD", "format": "flac"}}]},
    {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "no base64!", "format": "wav"}}]},
    {"role": "user", "content": [{"type": "audio_url", "audio_url": {"url": "data:audio/wav;base64,QUJD"}}]},
    {"role": "user", "content": [{"type": "video_url", "video_url": {"url": "https://example.org/a.mp4"}}]},
    {"role": "user", "content": [{"type": "file", "file": {"file_data": "data:application/pdf;base64,QUJD"}}]},
    {"role": "user", "content": [{"type": "file", "file": {"file_data": "QUJD", "filename": "a.pdf"}}]},
    {"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1", "filename": "a.pdf"}}]},
    {"role": "user", "content": [{"type": "file", "file": {}}]},
    {"role": "user", "content": [{"type": "hologram", "beams": [1, 1.0, True]}]},
    {"role": "user", "content": "odd keys", "-": 1, "=": "list", "": {"-": ["role"]}},
    {"role": "user", "content": [{"type": "text", "text": "odd keys", "-": ["text"], "=": "bare"}]},
    {"role": "narrator", "content": "Night fell."},
    {"role": "developer", "content": [{"type": "text", "text": "Be brief."}]},
    {"role": "assistant", "content": None, "refusal": "I will not."},
    {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}], "refusal": "No."},
    {"role": "assistant", "content": "fine", "refusal": None, "annotations": [], "audio": None, "tool_calls": None},
    {"role": "assistant", "content": None, "tool_calls": []},
    {"role": "assistant", "content": {"answer": "42", "tokens": 3}},
    {"role": "assistant", "tool_calls": [_CALL]},
    {"role": "assistant", "content": "", "tool_calls": [_CALL, _CALL | {"id": "c2"}]},
    {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f"}}]},
    {"role": "assistant", "content": None, "tool_calls": [{"id": 7, "function": {"name": "f", "arguments": None}}]},
    {"role": "assistant", "content": None, "tool_calls": [_CALL | {"function": {"name": "f", "arguments": '{"a":'}}]},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [_CALL | {"function": {"name": "f", "arguments": {"a": 1.0}}}],
    },
    {"role": "assistant", "content": None, "tool_calls": [_CALL | {"function": {"name": "f", "arguments": [1]}}]},
    {
        "role": "assistant",
        "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "sql", "input": "SELECT 1"}}],
    },
    {"role": "assistant", "tool_calls": [{"id": "c", "type": "mystery", "mystery": {"x": 1}}, _CALL]},
    {"role": "assistant", "tool_calls": [_CALL | {"index": 0, "object": {"=": "object"}}]},
    {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
    {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}, "tool_calls": [_CALL]},
    {"role": "assistant", "content": None, "audio": {"id": "audio_1"}},
    {"role": "assistant", "audio": {"id": "audio_1", "data": "QUJD", "transcript": "Hello", "expires_at": 1}},
    {"role": "function", "name": "f", "content": "done"},
    {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
    {"role": "tool", "tool_call_id": "c1", "content": [{"type": "image_url", "image_url": {"url": PICTURE_URL}}]},
    {"role": "tool", "tool_call_id": None, "name": "f", "content": None},
    {"role": "tool", "content": "whose?", "tool_call_id": 12},
]
VLLM_MESSAGES: list[Row] = [
    {"role": "assistant", "content": "a", "reasoning": "hm"},
    {"role": "assistant", "content": "a", "reasoning_content": "hm"},
    {"role": "assistant", "content": "a", "thinking": "hm"},
    {"role": "assistant", "content": "a", "reasoning": "hm", "reasoning_content": "hm"},
    {"role": "assistant", "content": "a", "reasoning": "hm", "reasoning_content": "or", "thinking": ""},
    {"role": "assistant", "content": "a", "reasoning": None, "reasoning_content": None},
    {"role": "assistant", "content": None, "reasoning": ["no", "text"], "reasoning_details": [{"text": "x"}]},
    {"role": "assistant", "reasoning": "only thought"},
]
ITEMS: list[Row] = [
    {"role": "user", "content": "no type"},
    {"type": "message", "role": "user", "content": []},
    {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "alone"}]},
    {"type": "message", "role": "user", "content": None},
    {"type": None, "role": "user", "content": "filled"},
    {"role": "user", "content": [{"type": "input_image", "detail": "auto", "image_url": PICTURE_URL}]},
    {"role": "user", "content": [{"type": "input_image", "image_url": "https://example.org/a.png"}]},
    {"role": "user", "content": [{"type": "input_image", "detail": "high", "file_id": "file-1", "image_url": None}]},
    {"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]},
    {"role": "user", "content": [{"type": "input_file", "file_url": "https://example.org/a.pdf", "detail": "low"}]},
    {"role": "user", "content": [{"type": "input_file", "filename": "a", "file_data": "data:a/b;base64,QUJD"}]},
    {"role": "user", "content": [{"type": "input_file"}]},
    {"role": "user", "content": [{"type": "input_smell", "smell": "roses"}]},
    {"role": "narrator", "content": "Night fell.", "name": "x"},
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "bare"}], "id": "m"},
    {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "a", "annotations": [{"type": "url_citation"}]}] * 2,
    },
    {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "refusal", "refusal": "No."}],
        "phase": "final_answer",
    },
    {"type": "reasoning", "id": "rs", "summary": []},
    {"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "gAAA"},
    {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "a"}], "content": None},
    {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": t} for t in "ab"], "status": None},
    {"type": "reasoning", "summary": [{"text": "a"}], "content": [{"type": "reasoning_text", "text": "b"}]},
    {"type": "reasoning", "summary": "odd"},
    {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{", "status": "incomplete", "namespace": "n"},
    {"type": "function_call", "call_id": None, "name": "f", "arguments": ""},
    {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_image", "image_url": PICTURE_URL}]},
    {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "alone"}]},
    {"type": "function_call_output", "call_id": 3, "output": "", "id": "fco"},
    {"type": "custom_tool_call", "call_id": "c", "name": "sql", "input": "SELECT 1", "id": "ctc"},
    {"type": "custom_tool_call_output", "call_id": "c", "output": "1"},
    {"type": "web_search_call", "id": "ws", "status": "completed", "action": {"type": "search", "query": "x"}},
    {"type": "image_generation_call", "id": "ig", "status": "completed", "result": PICTURE_TEXT},
    {"type": "image_generation_call", "id": "ig", "status": "failed", "result": None},
    {"type": "computer_call_output", "call_id": "c", "output": {"type": "computer_screenshot", "image_url": "u"}},
    {"type": "mcp_approval_response", "approval_request_id": "a", "approve": True},
    {"type": "compaction", "encrypted_content": "gAAA"},
    {"type": "item_reference", "id": "msg_1"},
]
SPEECHES: list[Row] = [
    {"from": "human", "value": ""},
    {"from": "Human", "value": "capital"},
    {"from": "user", "value": "as in chat", "weight": 0},
    {"from": "human", "value": None},
    {"from": "human", "value": "an <image> without a file"},
    {"from": "system", "value": "in its place"},
    {"from": "narrator", "value": "Night fell."},
    {"from": "chatgpt", "value": "a"},
    {"from": "bing", "value": "b", "text": None, "markdown": None},
    {"from": "model", "value": "c"},
    {"from": "function_call", "value": '{"name":"f","arguments":{"a":1}}'},
    {"from": "function_call", "value": '{"name": "f", "arguments": "{\\"a\\": 1}"}'},
    {"from": "function_call", "value": '[{"name": "f", "arguments": {}}, {"name": "g", "arguments": {"x": 1e400}}]'},
    {"from": "function_call", "value": '[{"name": "f", "arguments": {}}]'},
    {"from": "function_call", "value": '{"name": "f"}'},
    {"from": "function_call", "value": "f(1)"},
    {"from": "function_call", "value": "[]"},
    {"from": "observation", "value": '{"ok": true}'},
    {"from": "tool", "value": "done", "name": "f"},
    {"from": "function_response", "value": "done"},
]
OUTPUTS: list[Any] = [
    "",
    "text",
    [_CALL],
    [{"function": {"name": "f", "arguments": "{}"}}],
    {"name": "f", "arguments": "{}"},
    {"role": "assistant", "content": "both", "tool_calls": [_CALL], "refusal": None},
    {"content": "both", "tool_calls": [_CALL]},
    {"answer": 4, "sure": 1.0},
    ["a", "b"],
    [],
    17,
    False,
]


def chat_row(message: Row) -> Row:
    return {"messages": [_USER, message, _USER, {"role": "assistant", "content": "So."}]}
