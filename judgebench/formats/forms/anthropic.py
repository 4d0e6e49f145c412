"""Anthropic's Messages: ``system`` beside ``messages``, which hold texts or blocks; tools have an ``input_schema``.

A result of a tool is a block of a user's message: it is read as a message of its own, glued to the rest of the user's.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
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
    Tool,
    packed,
    unpacked,
)
from judgebench.formats.forms import Blobs, Dialogue, Form, faithful
from judgebench.formats.forms.chat_rows import row_dialogue
from judgebench.formats.forms.sources import (
    difference,
    guarded,
    held,
    in_base64,
    kept,
    kind_of,
    object_in,
    restored,
    text_in,
)
from judgebench.formats.forms.translating import regrouped, translated, value_of

_NAME = "anthropic"
_OWN_BLOCKS = ("tool_use", "tool_result", "thinking", "redacted_thinking", "document", "search_result")
_CALLS = ("tool_use", "server_tool_use", "mcp_tool_use")
_RESULT = "tool_result"
_FILES = ("image", "document")
_REPLIES = ("response", "output", "completion")
_BESIDE = ("max_tokens", "temperature", "top_k", "top_p", "stop_sequences", "thinking", "tool_choice", "metadata")
_SYSTEM = ("system", "developer")
_OTHER_ROLES = ("tool", "developer", "function")


def recognises(values: Mapping[str, Any]) -> bool:
    messages = values.get("messages")
    if not isinstance(messages, list) or not all(isinstance(message, Mapping) for message in messages):
        return False
    if any(message.get("role") in _OTHER_ROLES or "tool_calls" in message for message in messages):
        return False
    contents = [message.get("content") for message in messages]
    blocks = [block for content in contents if isinstance(content, list) for block in content]
    tools = values.get("tools")
    return bool(
        any(isinstance(block, Mapping) and _is_own(block) for block in blocks)
        or (messages and isinstance(values.get("system"), str | list))
        or (isinstance(tools, list) and any(isinstance(tool, Mapping) and "input_schema" in tool for tool in tools))
        or any(_is_response(reply) for key in _REPLIES for reply in _several(values.get(key)))
    )


def _is_own(block: Mapping[str, Any]) -> bool:
    kind = block.get("type")
    marks = "cache_control" in block or (kind == "image" and "source" in block)
    return marks or (isinstance(kind, str) and (kind in _OWN_BLOCKS or kind in _CALLS or kind.endswith(_RESULT)))


def _is_response(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get("role") == "assistant" and isinstance(value.get("content"), list)


def _several(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]


@guarded
def read(values: Mapping[str, Any], blobs: Blobs) -> Dialogue:
    """Raises ValueError, with the field, for what is no conversation of this form."""
    system = values.get("system")
    top = tuple(_messages([{"role": "system", "content": system}], blobs, "system")) if system else ()

    def messages(sources: Sequence[Any], place: str) -> tuple[Message, ...]:
        return (*(top if place == "messages" else ()), *_messages(sources, blobs, place))

    tools = _tools([] if values.get("tools") is None else values["tools"])
    extra = {key: values[key] for key in _BESIDE if key in values}
    dialogue = row_dialogue(_row(values), messages, Conversation((), tools, _NAME))
    if not system:
        extra |= {"system": system} if "system" in values else {}
        extra |= {"-": ["system"]} if dialogue.conversation.messages[0].role in _SYSTEM else {}
    if not tools and "tools" in values:
        extra |= {"tools": values["tools"]}
    return replace(dialogue, conversation=replace(dialogue.conversation, extra=packed(extra)))


def _row(values: Mapping[str, Any]) -> dict[str, Any]:
    """The row's messages and replies, the latter without what its server says beside."""
    beside = {"response": values} if "content" in values and values.get("role") == "assistant" else {}
    replies = {key: value for key, value in (dict(values) | beside).items() if key in _REPLIES and value is not None}
    sources = [values, *(reply for value in replies.values() for reply in _several(value))]
    models = [source.get("model") for source in sources if isinstance(source, Mapping)]
    row = {"messages": values.get("messages"), "model": next((model for model in models if model), None)}
    return row | {key: _reply(value) for key, value in replies.items()}


def _reply(value: Any) -> Any:
    """A reply as a message, several as choices."""
    if isinstance(value, list) and value and all(_is_response(item) for item in value):
        return [{"message": _reply(item)} for item in value]
    if isinstance(value, list) and value and all(isinstance(item, Mapping) and "role" not in item for item in value):
        return {"role": "assistant", "content": value}
    if isinstance(value, Mapping) and "content" in value:
        return {"role": "assistant", "content": value["content"]}
    return value


def _messages(sources: Sequence[Any], blobs: Blobs, place: str) -> Iterator[Message]:
    return faithful(sources, lambda source: _read_group(source, blobs), lambda group: _group(group, blobs), place=place)


def _read_group(source: Any, blobs: Blobs) -> list[Message]:
    """The messages in one message of this form: results apart from what stands before and behind them."""
    if not isinstance(source, Mapping):
        raise ValueError(f": must be an object, is {kind_of(source)}")
    role = text_in(source, "role")
    messages: list[Message] = []
    parts: list[Part] = []
    for number, block in enumerate(_blocks(source)):
        try:
            if _is_result(block):
                messages += [Message(role, tuple(parts))] if parts else []
                messages.append(_result(block, blobs))
                parts = []
            else:
                parts.append(_part(block, blobs))
        except ValueError as error:
            raise ValueError(f".content[{number}]{error}") from error
    if messages:
        return [*messages, Message(role, tuple(parts))] if parts else messages
    message = Message(role, tuple(parts))
    return [replace(message, extra=_extra(source, {"role": _role(role)}, message.parts))]


def _blocks(source: Mapping[str, Any]) -> list[Any]:
    content = source.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if content is not None and not isinstance(content, list):
        raise ValueError(f".content: must be a text or a list, is {kind_of(content)}")
    return content or []


def _extra(source: Mapping[str, Any], written: Mapping[str, Any], parts: Sequence[Part]) -> str:
    """What differs from what would be written; ``content`` only says how the content stands there."""
    others = {key: value for key, value in source.items() if key != "content"}
    content = source.get("content")
    how = {} if "content" in source else {"content": "absent"}
    if "content" in source and content is None:
        how = {"content": "null"}
    if isinstance(content, list) and _is_text(parts):
        how = {"content": "list"}
    return packed(difference(others, written) | how)


def _is_text(parts: Sequence[Part]) -> bool:
    return len(parts) == 1 and isinstance(parts[0], Text) and not parts[0].extra


def _is_result(block: Any) -> bool:
    kind = block.get("type") if isinstance(block, Mapping) else None
    return isinstance(kind, str) and kind.endswith(_RESULT) and isinstance(block.get("tool_use_id"), str)


def _result(block: Mapping[str, Any], blobs: Blobs) -> Message:
    kind = block["type"]
    if kind == _RESULT:
        parts = tuple(_part(inner, blobs) for inner in _blocks(block))
    else:
        parts = (Opaque(kind, kept(block.get("content"))),)
    error = "" if block.get("is_error") is True else None
    message = Message("tool", parts, call=block["tool_use_id"], error=error)
    return replace(message, extra=_extra(block, _result_head(message), parts))


def _part(block: Any, blobs: Blobs) -> Part:
    if not isinstance(block, Mapping):
        raise ValueError(f": must be an object, is {kind_of(block)}")
    kind = text_in(block, "type")
    part: Part = Opaque(kind, kept(block))
    if kind == "text":
        part = Text(text_in(block, "text"))
    elif kind == "thinking":
        part = Reasoning(text_in(block, "thinking"), _optional(block, "signature"))
    elif kind == "redacted_thinking":
        part = Reasoning("", text_in(block, "data"), redacted=True)
    elif kind in _CALLS:
        part = Call(text_in(block, "name"), kept(block.get("input", {})), _optional(block, "id"), _call_kind(kind))
    elif kind in _FILES:
        part = _media(kind, block.get("source"), blobs) or part
    if isinstance(part, Opaque):
        return part
    return replace(part, extra=packed(difference(block, _written(part, blobs))))


def _call_kind(kind: str) -> str:
    return "function" if kind == "tool_use" else kind


def _optional(values: Mapping[str, Any], key: str) -> str | None:
    value = values.get(key)
    return value if isinstance(value, str) else None


def _media(kind: str, source: Any, blobs: Blobs) -> Media | None:
    """None where the source is none that is known: the block is then kept as it is."""
    if not isinstance(source, Mapping):
        return None
    media_type, url, name = (_optional(source, key) for key in ("media_type", "url", "file_id"))
    way = source.get("type")
    if way == "base64" and media_type is not None:
        digest = held(source.get("data"), media_type, blobs)
        return None if digest is None else Media(kind, digest, media_type)
    if way == "url" and url is not None:
        return Media(kind, url=url)
    return Media(kind, name=name) if way == "file" and name is not None else None


def _tools(sources: Any) -> tuple[Tool, ...]:
    if not isinstance(sources, list):
        raise ValueError(f"tools: must be a list, is {kind_of(sources)}")
    return tuple(_tool(source, f"tools[{number}]") for number, source in enumerate(sources))


def _tool(source: Any, place: str) -> Tool:
    if not isinstance(source, Mapping):
        raise ValueError(f"{place}: must be an object, is {kind_of(source)}")
    kind, name = _optional(source, "type"), _optional(source, "name")
    if name is None:
        raise ValueError(f"{place}.name: must be a text, is {kind_of(source.get('name'))}")
    tool = Tool(name, _optional(source, "description"), kept(source.get("input_schema", {})))
    if kind not in (None, "custom"):
        rest = {key: value for key, value in source.items() if key not in ("type", "name", "cache_control")}
        tool = Tool(name, None, kept(rest), kind or "")
    return replace(tool, extra=packed(difference(source, _written_tool(tool))))


def _holds(message: Message, part: Part) -> bool:
    match part:
        case Text():
            return True
        case Reasoning():
            return message.role == "assistant"
        case Media(kind, digest, url=url):
            return kind in _FILES and message.role in ("user", "tool") and (digest is not None or _is_address(url))
        case Call(_, arguments, kind=kind):
            return kind == "function" and object_in(arguments) is not None
    return False


def _is_address(url: str | None) -> bool:
    return url is not None and url.startswith(("http://", "https://"))


def write(conversation: Conversation, blobs: Mapping[str, Blob]) -> dict[str, Any]:
    """Raises ValueError for a file that is not in the blobs."""
    native = translated(conversation, _NAME, _holds)
    extra = unpacked(native.extra)
    messages = native.messages
    row: dict[str, Any] = {}
    absent = extra.pop("-", ())
    if len(messages) > 1 and messages[0].role in _SYSTEM and "system" not in absent:
        row["system"] = _group(messages[:1], blobs)["content"]
        messages = messages[1:]
    row["messages"] = [
        _group(group, blobs) for group in regrouped(messages, results_together=conversation.form != _NAME)
    ]
    if native.tools:
        row["tools"] = [restored(_written_tool(tool), unpacked(tool.extra)) for tool in native.tools]
    return extra | row


def _group(group: Sequence[Message], blobs: Mapping[str, Blob]) -> dict[str, Any]:
    """One message of this form."""
    first = group[0]
    if first.raw is not None:
        return dict(json.loads(first.raw))
    if len(group) == 1 and first.role != "tool":
        return _with_content({"role": _role(first.role)}, first, blobs)
    blocks: list[dict[str, Any]] = []
    for message in group:
        if message.role == "tool":
            blocks.append(_with_content(_result_head(message), message, blobs))
        else:
            blocks += [_block(part, blobs) for part in message.parts]
    role = next((message.role for message in group if message.role != "tool"), "user")
    return {"role": _role(role), "content": blocks}


def _role(role: str) -> str:
    return "system" if role == "developer" else role


def _with_content(head: Mapping[str, Any], message: Message, blobs: Mapping[str, Blob]) -> dict[str, Any]:
    extra = unpacked(message.extra)
    how = extra.pop("content", None)
    values = restored(head, extra)
    if how != "absent":
        values["content"] = None if how == "null" else _content(message, how, blobs)
    return values


def _content(message: Message, how: str | None, blobs: Mapping[str, Blob]) -> Any:
    parts = message.parts
    if message.error and message.error not in message.text:
        parts = (*parts, Text(message.error))
    if message.role == "tool" and len(parts) == 1 and isinstance(parts[0], Opaque) and _is_server(parts[0].kind):
        return json.loads(parts[0].value)
    if how != "list" and isinstance(parts[0] if parts else None, Text) and _is_text(parts):
        return message.text or message.error or ""
    return [_block(part, blobs) for part in parts]


def _is_server(kind: str) -> bool:
    return kind.endswith(_RESULT) and kind != _RESULT


def _result_head(message: Message) -> dict[str, Any]:
    kinds = [part.kind for part in message.parts if isinstance(part, Opaque) and _is_server(part.kind)]
    head = {"type": kinds[0] if kinds else _RESULT, "tool_use_id": message.call or "call_0"}
    return head | ({"is_error": True} if message.error is not None else {})


def _block(part: Part, blobs: Mapping[str, Blob]) -> dict[str, Any]:
    if isinstance(part, Opaque):
        return dict(json.loads(part.value))
    return restored(_written(part, blobs), unpacked(part.extra))


def _written(part: Part, blobs: Mapping[str, Blob]) -> dict[str, Any]:
    """The part as a block with nothing but its own."""
    match part:
        case Reasoning(text, signature, redacted):
            if redacted:
                return {"type": "redacted_thinking", "data": signature or text}
            return {"type": "thinking", "thinking": text, "signature": signature or ""}
        case Media(kind):
            return {"type": kind, "source": _source(part, blobs)}
        case Call(name, arguments, id, kind):
            call = {"type": kind if kind in _CALLS else "tool_use", "id": id or "", "name": name}
            return call | {"input": value_of(arguments)}
        case Text(text) | Refusal(text):
            return {"type": "text", "text": text}
    raise ValueError(f"cannot be written: {type(part).__name__}")


def _source(media: Media, blobs: Mapping[str, Blob]) -> dict[str, Any]:
    if media.digest is None:
        return {"type": "url", "url": media.url} if media.url is not None else {"type": "file", "file_id": media.name}
    data = in_base64(media.digest, blobs)
    if data is None:
        raise ValueError(f"the file {media.digest} of a message is not held")
    return {"type": "base64", "media_type": media.media_type or "", "data": data}


def _written_tool(tool: Tool) -> dict[str, Any]:
    values = json.loads(tool.parameters) if tool.parameters else None
    if tool.kind != "function":
        return {"type": tool.kind, "name": tool.name} | (values or {})
    description = {} if tool.description is None else {"description": tool.description}
    return {"name": tool.name} | description | {"input_schema": {"type": "object"} if values is None else values}


ANTHROPIC = Form(_NAME, recognises, read, write)
