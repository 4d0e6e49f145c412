"""Items of OpenAI's Responses API: messages, reasoning, calls and their results, each an item of its own."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from judgebench.conversations import (
    Blob,
    Call,
    Conversation,
    Media,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    packed,
    unpacked,
)
from judgebench.formats.forms import Blobs, Dialogue, Form, faithful
from judgebench.formats.forms.chat_rows import ReadMessages, answered, is_turn_by_turn, prompt_column, turn_by_turn
from judgebench.formats.forms.chat_style import ChatStyle, bare, with_ids
from judgebench.formats.forms.chat_tools import known_tools, read_tools, written_tool, written_tools
from judgebench.formats.forms.sources import (
    data_url,
    guarded,
    held,
    in_base64,
    kept,
    kind_of,
    of_shape,
    parsed_data_url,
    restored,
    shape_of,
    text_in,
    with_difference,
)

_FILES = ("image", "document")
_STYLE = ChatStyle(True, _FILES, _FILES, _FILES)
_CALLS = {"function_call": ("function", "arguments"), "custom_tool_call": ("custom", "input")}
_CALL_TYPES = {kind: item_type for item_type, (kind, _) in _CALLS.items()}
_RESULTS = ("function_call_output", "custom_tool_call_output")
_USERS = ("mcp_approval_response",)  # items that a user says, which are no messages
_TYPES = ("message", "reasoning", "item_reference", "compaction", "mcp_list_tools", *_CALLS, *_RESULTS)
_PROMPTS = ("input", "items", "prompt")
_REPLIES = ("output", "response", "completion")
_MODELS = ("assistant", "tool")
_PICTURE = "image_generation_call"


def _is_item(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    kind = value.get("type", "message")
    known = kind in _TYPES or (isinstance(kind, str) and kind.endswith(("_call", "_call_output")))
    return known and (kind != "message" or isinstance(value.get("role"), str))


def _are_items(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, Mapping) for v in value) and _is_item(value[0])


def _output(values: Mapping[str, Any]) -> tuple[str, Any] | None:
    """The column of the reply and its items or text: of the row, or of the response in it."""
    response = values.get("response")
    if isinstance(response, Mapping) and _are_items(response.get("output")):
        return "response.output", response["output"]
    column = next((name for name in _REPLIES if values.get(name) is not None), None)
    return None if column is None else (column, values[column])


def _recognises(values: Mapping[str, Any]) -> bool:
    if prompt_column(values) is not None:
        return False
    output = _output(values)
    return values.get("object") == "response" or any(
        _are_items(value) for value in (values.get("input"), values.get("items"), output and output[1])
    )


def _read(values: Mapping[str, Any], blobs: Blobs) -> Dialogue:
    def messages(items: list[Any], place: str) -> tuple[Message, ...]:
        read, write = partial(read_item, blobs=blobs), partial(written_item, blobs=blobs)
        return tuple(faithful(items, read, write, place=place))

    before, extra = _read_instructions(values, messages)
    column = next((name for name in _PROMPTS if values.get(name) is not None), "input")
    prompt = (*before, *_read_side(values.get(column), column, messages, "user"))
    output = _output(values)
    tools, raw_tools, beside = read_tools(values)
    extra = packed(unpacked(beside) | unpacked(extra))
    conversation = Conversation(prompt, tools, "responses", extra, raw_tools)
    model = values.get("model") or (values["response"].get("model") if isinstance(values.get("response"), dict) else "")
    name = model if isinstance(model, str) and model else None
    if output is None and not prompt:
        raise ValueError("input: must be a text or a list of items")
    if output is None:
        ended = prompt[-1].role in _MODELS
        return Dialogue(conversation, 0 if ended else len(prompt), model=name)
    column, value = output
    dialogue = Dialogue(conversation, model=name)
    if is_turn_by_turn(dialogue, value):
        return turn_by_turn(dialogue, value, column)
    return answered(dialogue, tuple(_read_replies(value, column, messages)), column)


def _read_replies(value: Any, column: str, read: ReadMessages) -> Iterator[tuple[Message, ...]]:
    """One reply, a text or items, or a list of several."""
    if not (isinstance(value, list) and value and all(isinstance(reply, str | list) for reply in value)):
        yield _read_side(value, column, read, "assistant")
        return
    for at, reply in enumerate(value):
        yield _read_side(reply, f"{column}[{at}]", read, "assistant")


def _read_instructions(values: Mapping[str, Any], read: ReadMessages) -> tuple[tuple[Message, ...], str]:
    """The messages that stand apart from the input, and how many they are where they are items."""
    instructions = values.get("instructions")
    if isinstance(instructions, str) and instructions:
        return (Message("system", (Text(instructions),), extra=of_shape("instructions")),), ""
    if isinstance(instructions, list) and instructions:
        messages = read(instructions, "instructions")
        return messages, of_shape(["instructions", len(messages)])
    if instructions in (None, "", []):
        return (), ""
    raise ValueError(f"instructions: must be a text or a list of items, is {kind_of(instructions)}")


def _read_side(value: Any, column: str, read: ReadMessages, role: str) -> tuple[Message, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (Message(role, (Text(value),)),)
    if not isinstance(value, list):
        raise ValueError(f"{column}: must be a text or a list of items, is {kind_of(value)}")
    return read(value, column)


def read_item(item: Any, blobs: Blobs) -> list[Message]:
    if not isinstance(item, Mapping):
        raise ValueError(f": must be an item, an object with a type, is {kind_of(item)}")
    kind = text_in(item, "type") if item.get("type") is not None or "role" not in item else "message"
    if kind == "message":
        message = _read_message(item, blobs)
    elif kind == "reasoning":
        message = Message("assistant", _read_reasoning(item))
    elif kind in _CALLS:
        message = Message("assistant", (_read_call(item, kind),))
    elif kind == _PICTURE and (digest := held(item.get("result") or None, "image/png", blobs)):
        message = Message("assistant", (Media("image", digest, "image/png"),), extra=of_shape(_PICTURE))
    elif kind in _RESULTS:
        call = None if item.get("call_id") is None else str(item["call_id"])
        parts = _read_content(item, "output", blobs)
        message = Message("tool", parts, call=call, extra=of_shape("custom" if kind != _RESULTS[0] else None))
    else:
        return [_read_other(item, kind)]
    return [replace(message, extra=with_difference(message.extra, item, written_item([message], blobs)))]


def _read_other(item: Mapping[str, Any], kind: str) -> Message:
    """An item that means nothing here, of the side that it stands on."""
    if kind in _USERS:
        return Message("user", (Opaque(kind, kept(item)),), extra=of_shape("item"))
    result = kind.endswith("_call_output")
    call = item["call_id"] if result and isinstance(item.get("call_id"), str) else None
    role = "tool" if result else "assistant"
    return Message(role, (Opaque(kind, kept(item)),), call=call, extra=of_shape("item"))


def _read_message(item: Mapping[str, Any], blobs: Blobs) -> Message:
    role = text_in(item, "role")
    parts = _read_content(item, "content", blobs)
    if len(parts) == 1 and isinstance(parts[0], Text) and isinstance(item["content"], list):
        parts = (replace(parts[0], extra=packed({"=": "list"} | unpacked(parts[0].extra))),)
    name = item.get("name")
    return Message(role, parts, name if isinstance(name, str) else None)


def _read_content(item: Mapping[str, Any], key: str, blobs: Blobs) -> tuple[Part, ...]:
    content = item.get(key)
    if content is None:
        return ()
    if isinstance(content, str):
        return (Text(content),)
    if not isinstance(content, list):
        raise ValueError(f".{key}: must be a text or a list of parts, is {kind_of(content)}")
    role = item.get("role", "user")
    parts = []
    for at, part in enumerate(content):
        try:
            parts.append(_read_part(part, role, blobs))
        except ValueError as error:
            raise ValueError(f".{key}[{at}]{error}") from error
    if key == "output" and len(parts) == 1 and isinstance(parts[0], Text):
        parts = [replace(parts[0], extra=packed({"=": "list"} | unpacked(parts[0].extra)))]
    return tuple(parts)


def _read_part(item: Any, role: Any, blobs: Blobs) -> Part:
    if not isinstance(item, Mapping):
        raise ValueError(f": must be a part, an object with a type, is {kind_of(item)}")
    kind = text_in(item, "type")
    part: Part
    if kind in ("input_text", "output_text", "text"):
        part = Text(text_in(item, "text"))
    elif kind == "refusal":
        part = Refusal(text_in(item, "refusal"))
    elif kind == "input_image":
        part = _read_image(item, blobs)
    elif kind == "input_file":
        part = _read_file(item, blobs)
    else:
        return Opaque(kind, kept(item))
    written = _written_part(part, role, blobs)
    return replace(part, extra=with_difference(part.extra, item, written or {}))


def _read_image(item: Mapping[str, Any], blobs: Blobs) -> Media:
    url = item.get("image_url")
    if isinstance(url, str):
        file = parsed_data_url(url)
        digest = held(file[1], file[0], blobs) if file else None
        return Media("image", digest, file[0]) if file and digest else Media("image", url=url)
    return Media("image", url=text_in(item, "file_id"), extra=of_shape("file_id"))


def _read_file(item: Mapping[str, Any], blobs: Blobs) -> Media:
    name = item["filename"] if isinstance(item.get("filename"), str) else None
    file = parsed_data_url(item["file_data"]) if isinstance(item.get("file_data"), str) else None
    digest = held(file[1], file[0], blobs) if file else None
    key = "file_url" if isinstance(item.get("file_url"), str) else "file_id"
    url = item[key] if isinstance(item.get(key), str) else None
    shape = of_shape(key if url is not None and key != "file_url" else None)
    return Media("document", digest, file[0] if file and digest else None, url, name, shape)


def _written_part(part: Part, role: str, blobs: Mapping[str, Blob]) -> dict[str, Any] | None:
    match part:
        case Text(text):
            kind = "output_text" if role == "assistant" else "input_text"
            beside: dict[str, Any] = {"annotations": []} if role == "assistant" else {}
            written: dict[str, Any] | None = {"type": kind, "text": text} | beside
        case Refusal(text):
            written = {"type": "refusal", "refusal": text}
        case Media(kind="image"):
            written = _written_image(part, blobs)
        case Media(kind="document"):
            written = _written_file(part, blobs)
        case Opaque():
            return dict(json.loads(part.value))
        case _:
            return None
    return None if written is None else restored(written, unpacked(part.extra))


def _written_image(part: Media, blobs: Mapping[str, Blob]) -> dict[str, Any] | None:
    data = in_base64(part.digest, blobs)
    key = "image_url" if shape_of(part.extra) is None else "file_id"
    url = part.url if data is None else data_url(part.media_type, data)
    return None if url is None else {"type": "input_image", "detail": "auto", key: url}


def _written_file(part: Media, blobs: Mapping[str, Blob]) -> dict[str, Any]:
    data = in_base64(part.digest, blobs)
    values = {
        "filename": part.name,
        shape_of(part.extra) or "file_url": part.url,
        "file_data": data and data_url(part.media_type, data),
    }
    return {"type": "input_file"} | {key: value for key, value in values.items() if value is not None}


def _read_reasoning(item: Mapping[str, Any]) -> tuple[Part, ...]:
    """A model's thoughts, or else their summary; none where the item holds neither of them, nor what encrypts them."""
    content, summary = (_texts(item, key) for key in ("content", "summary"))
    sealed = item.get("encrypted_content")
    signature = sealed if isinstance(sealed, str) and sealed else None
    text = "\n".join(content or summary)
    if not text and signature is None:
        return ()
    return (Reasoning(text, signature, redacted=not text, extra=of_shape("content" if content else None)),)


def _texts(item: Mapping[str, Any], key: str) -> list[str]:
    listed = item.get(key) if isinstance(item.get(key), list) else []
    texts = [part.get("text") for part in listed or () if isinstance(part, Mapping)]
    return [text for text in texts if isinstance(text, str) and text]


def _written_reasoning(part: Reasoning) -> dict[str, Any]:
    kind, other = ("reasoning_text", "content") if shape_of(part.extra) == "content" else ("summary_text", "summary")
    written: dict[str, Any] = {"type": "reasoning", "summary": []}
    if part.text:
        written[other] = [{"type": kind, "text": part.text}]
    return written | ({"encrypted_content": part.signature} if part.signature is not None else {})


def _read_call(item: Mapping[str, Any], item_type: str) -> Call:
    kind, key = _CALLS[item_type]
    identifier = None if item.get("call_id") is None else str(item["call_id"])
    return Call(text_in(item, "name"), text_in(item, key), identifier, kind)


def written_item(group: list[Message], blobs: Mapping[str, Blob]) -> dict[str, Any]:
    (message,) = group
    first = message.parts[0] if message.parts else None
    extra = unpacked(message.extra)
    if isinstance(first, Opaque) and extra.get("=") == "item":
        return dict(json.loads(first.value))
    if isinstance(first, Media) and extra.get("=") == _PICTURE:
        return restored({"type": _PICTURE, "result": in_base64(first.digest, blobs)}, extra)
    if isinstance(first, Reasoning):
        return restored(_written_reasoning(first), extra)
    if isinstance(first, Call):
        kind = _CALL_TYPES.get(first.kind, "function_call")
        call = {"type": kind, "name": first.name, _CALLS[kind][1]: first.arguments}
        return restored(call | ({"call_id": first.id} if first.id is not None else {}), extra)
    content = _written_content(message, blobs)
    if message.role == "tool":
        kind = _RESULTS[1] if extra.get("=") == "custom" else _RESULTS[0]
        call_id = {"call_id": message.call} if message.call is not None else {}
        return restored({"type": kind, "output": content} | call_id, extra)
    name = {"name": message.name} if message.name is not None else {}
    return restored({"type": "message", "role": message.role, "content": content} | name, extra)


def _written_content(message: Message, blobs: Mapping[str, Blob]) -> Any:
    if not message.parts:
        return []
    only = message.parts[0]
    if len(message.parts) == 1 and isinstance(only, Text) and not only.extra:
        return only.text
    written = (_written_part(part, message.role, blobs) for part in message.parts)
    return [part for part in written if part is not None]


def _write(conversation: Conversation, blobs: Mapping[str, Blob]) -> dict[str, Any]:
    if conversation.form != "responses":
        messages = [bare(message, _STYLE) for message in conversation.messages]
        items = [item for part in _items(list(with_ids(messages))) for item in [_written_foreign(part, blobs)]]
        tools = [
            _written_flat(written_tool(replace(t, extra=of_shape("typed")))) for t in known_tools(conversation.tools)
        ]
        return {"input": [_numbered(item, at) for at, item in enumerate(items, 1)]} | (
            {"tools": tools} if tools else {}
        )
    row = written_tools(conversation, native=True)
    first, *rest = conversation.messages or (Message("", ()),)
    shape = shape_of(conversation.extra)
    if shape_of(first.extra) == "instructions":
        return row | {"instructions": first.text, "input": _sources(rest, blobs)}
    if isinstance(shape, list):
        apart, within = conversation.messages[: shape[1]], conversation.messages[shape[1] :]
        return row | {"instructions": _sources(apart, blobs), "input": _sources(within, blobs)}
    return row | {"input": _sources(conversation.messages, blobs)}


def _sources(messages: Sequence[Message], blobs: Mapping[str, Blob]) -> list[Any]:
    return [source for message in messages for source in _source(message, blobs)]


def _source(message: Message, blobs: Mapping[str, Blob]) -> list[Any]:
    """The items of a message: one, where it came in this form."""
    if message.raw is not None:
        return [json.loads(message.raw)]
    mixed = len(message.parts) > 1 and any(isinstance(part, Reasoning | Call) for part in message.parts)
    return [written_item([one], blobs) for one in (_items([message]) if mixed else [message])]


def _items(messages: Iterable[Message]) -> Iterator[Message]:
    """The messages so divided that each is an item."""
    custom: set[str | None] = set()
    for message in messages:
        runs: list[list[Part]] = []
        for part in message.parts:
            alone = isinstance(part, Reasoning | Call | Refusal)
            if isinstance(part, Call) and part.kind == "custom":
                custom.add(part.id)
            if runs and not alone and not isinstance(runs[-1][-1], Reasoning | Call | Refusal):
                runs[-1].append(part)
            else:
                runs.append([part])
        shape = of_shape("custom") if message.role == "tool" and message.call in custom else ""
        yield from (replace(message, parts=tuple(run), extra=shape) for run in runs or [[Text("")]])


def _written_foreign(message: Message, blobs: Mapping[str, Blob]) -> dict[str, Any]:
    """An item of a message that came in another form."""
    first = message.parts[0]
    if isinstance(first, Reasoning):
        return written_item(
            [replace(message, parts=(replace(first, signature=None, extra=of_shape("content")),))], blobs
        )
    if message.role == "assistant" and isinstance(first, Text) and not _is_parted(message):
        return {"type": "message", "role": "assistant", "content": message.text}
    return written_item([replace(message, name=None)], blobs)


def _is_parted(message: Message) -> bool:
    """Whether it is several texts."""
    return len(message.parts) > 1 and all(isinstance(part, Text) for part in message.parts)


def _numbered(item: dict[str, Any], number: int) -> dict[str, Any]:
    """The item with the id that the API wants of those that it makes itself."""
    if item["type"] == "reasoning":
        return item | {"id": f"rs_{number}"}
    if item["type"] == "message" and isinstance(item["content"], list) and item["role"] == "assistant":
        return item | {"id": f"msg_{number}", "status": "completed"}
    return item


def _written_flat(tool: dict[str, Any]) -> dict[str, Any]:
    return {"parameters": None, "strict": None} | tool if tool["type"] == "function" else tool


RESPONSES = Form("responses", _recognises, guarded(_read), _write)
