"""Results of promptfoo: a prompt as it was sent, and what a provider put out."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from judgebench.conversations import Blob, Call, Conversation, Message, Text, packed, unpacked
from judgebench.formats.forms import Blobs, Dialogue, Form, faithful
from judgebench.formats.forms.chat_style import REASONING_CHAT, in_order
from judgebench.formats.forms.openai_chat import chat_messages, message_source, read_message, written_message
from judgebench.formats.forms.sources import guarded, kept, kind_of, of_shape, restored, shape_of, text_in

_BESIDE = ("vars",)


def rows(document: Any) -> Iterator[Mapping[str, Any]]:
    """The results in a file that promptfoo writes, one a row. Raises ValueError where it holds none."""
    results = document.get("results") if isinstance(document, Mapping) else None
    listed = results.get("results") if isinstance(results, Mapping) else results
    if not isinstance(listed, list):
        raise ValueError("results.results: must be a list of results, each with prompt and response")
    for at, row in enumerate(listed):
        if not isinstance(row, Mapping):
            raise ValueError(f"results.results[{at}]: must be an object, is {kind_of(row)}")
        yield row


def _recognises(values: Mapping[str, Any]) -> bool:
    prompt, response = values.get("prompt"), values.get("response")
    raw = prompt.get("raw") if isinstance(prompt, Mapping) else None
    return isinstance(raw, str) and (response is None or isinstance(response, Mapping))


def _read(values: Mapping[str, Any], blobs: Blobs) -> Dialogue:
    prompt = values.get("prompt")
    if not isinstance(prompt, Mapping):
        raise ValueError(f"prompt: must be an object with raw, is {kind_of(prompt)}")
    try:
        text = text_in(prompt, "raw")
    except ValueError as error:
        raise ValueError(f"prompt{error}") from error
    sources = _chat(text)
    messages = _messages(sources, "prompt.raw", blobs) if sources else (Message("user", (Text(text),)),)
    extra = {key: values[key] for key in _BESIDE if values.get(key)} | ({"=": "list"} if sources else {})
    conversation = Conversation(messages, form="promptfoo", extra=packed(extra))
    response = values.get("response")
    replies = _replies(response, blobs)
    failed = not replies and (isinstance(response, Mapping) or bool(values.get("error")))
    return Dialogue(conversation, len(messages), replies, _model(values), failed=failed)


def _chat(text: str) -> list[Any]:
    """The chat messages in a prompt; none where it is a text."""
    if not text.lstrip().startswith("["):
        return []
    try:
        items = json.loads(text)
    except (ValueError, RecursionError):
        return []
    listed = isinstance(items, list) and all(isinstance(i, Mapping) and isinstance(i.get("role"), str) for i in items)
    return items if listed else []


def _messages(sources: list[Any], place: str, blobs: Blobs) -> tuple[Message, ...]:
    read, write = partial(read_message, blobs=blobs), partial(written_message, blobs=blobs)
    return tuple(faithful(sources, read, write, place=place))


def _model(values: Mapping[str, Any]) -> str | None:
    provider = values.get("provider")
    name = provider.get("id") if isinstance(provider, Mapping) else provider
    return name if isinstance(name, str) and name else None


def _replies(response: Any, blobs: Blobs) -> tuple[tuple[Message, ...], ...]:
    if not isinstance(response, Mapping) or response.get("output") is None:
        return ()
    output = response["output"]
    if isinstance(output, str):
        return ((Message("assistant", (Text(output),)),),)
    message = _as_message(output)
    if message is None:
        return ((Message("assistant", (Text(kept(output)),), extra=of_shape("json")),),)
    try:
        (reply,) = read_message(message[0], blobs)
    except ValueError as error:
        raise ValueError(f"response.output{error}") from error
    shaped = replace(reply, extra=packed(unpacked(reply.extra) | {"=": message[1]}))
    same = kept(_written_output(shaped, blobs)) == kept(output)
    return ((shaped if same else replace(shaped, raw=kept(output)),),)


def _as_message(output: Any) -> tuple[dict[str, Any], str] | None:
    """A message of an output that is calls, or a message, and which of them it is; None for any other value."""
    if isinstance(output, list):
        calls = bool(output) and all(isinstance(item, Mapping) and _is_call(item) for item in output)
        return ({"role": "assistant", "tool_calls": output}, "calls") if calls else None
    if not isinstance(output, Mapping):
        return None
    if isinstance(output.get("tool_calls"), list) or isinstance(output.get("role"), str):
        return {"role": "assistant"} | dict(output), "message"
    called = set(output) == {"name", "arguments"} and all(isinstance(value, str) for value in output.values())
    return ({"role": "assistant", "function_call": output}, "call") if called else None


def _is_call(item: Mapping[str, Any]) -> bool:
    return isinstance(item.get("function"), Mapping) and isinstance(item["function"].get("name"), str)


def _written_output(message: Message, blobs: Mapping[str, Blob]) -> Any:
    if message.raw is not None:
        return json.loads(message.raw)
    shape = shape_of(message.extra)
    if shape == "json":
        return json.loads(message.text)
    kinds = {type(part) for part in message.parts}
    if shape is None and kinds == {Text}:
        return "\n".join(part.text for part in message.parts if isinstance(part, Text) and part.text)
    written = written_message([message], blobs)
    if shape == "call":
        return written["function_call"]
    return written["tool_calls"] if shape == "calls" or (shape is None and kinds == {Call}) else written


def _write(conversation: Conversation, blobs: Mapping[str, Blob]) -> dict[str, Any]:
    native = conversation.form == "promptfoo"
    listed = list(in_order(conversation.messages)) if native else chat_messages(conversation, REASONING_CHAT)
    *messages, last = listed or [Message("user", ())]
    row: dict[str, Any] = {}
    if last.role == "assistant":
        row = {"response": {"output": _written_output(last, blobs)}}
    else:
        messages.append(last)
    extra = unpacked(conversation.extra) if native else {}
    row["prompt"] = {"raw": _written_prompt(messages, blobs, listed=extra.get("=") == "list")}
    return restored(row, extra)


def _written_prompt(messages: list[Message], blobs: Mapping[str, Blob], *, listed: bool) -> str:
    written = [message_source(message, blobs) for message in messages]
    single = len(written) == 1 and written[0].keys() == {"role", "content"} and written[0]["role"] == "user"
    if single and not listed and isinstance(written[0]["content"], str) and not _chat(written[0]["content"]):
        return str(written[0]["content"])
    return kept(written)


PROMPTFOO = Form("promptfoo", _recognises, guarded(_read), _write)
