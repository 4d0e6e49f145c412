"""ShareGPT: a list of speakers and what they said, as LLaMA-Factory and others train on it."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from judgebench.conversations import Blob, Call, Conversation, Media, Message, Part, Refusal, Text, packed, unpacked
from judgebench.formats.forms import Blobs, Dialogue, Form, faithful
from judgebench.formats.forms.chat_rows import with_replies
from judgebench.formats.forms.chat_style import ChatStyle, styled
from judgebench.formats.forms.chat_tools import known_tools, listed_tools, written_tool
from judgebench.formats.forms.sources import (
    data_url,
    guarded,
    held,
    in_base64,
    kept,
    kind_of,
    object_in,
    of_shape,
    parsed_data_url,
    restored,
    shape_of,
    text_in,
    with_difference,
)

_COLUMNS = ("conversations", "conversation", "messages")
_ROLES = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "model": "assistant",
    "function_call": "assistant",
    "observation": "tool",
    "tool": "tool",
    "function_response": "tool",
}
_SPEAKERS = {"user": "human", "assistant": "gpt", "tool": "observation", "developer": "system"}
_MEDIA = {"images": "image", "image": "image", "videos": "video", "audios": "audio"}  # column -> kind
_TOKEN = re.compile("<(image|video|audio)>")
_STYLE = ChatStyle(reasoning=False, user_media=(), other_media=(), addresses=())


def _are_items(value: Any) -> bool:
    listed = isinstance(value, list) and bool(value)
    return listed and all(isinstance(item, Mapping) and "from" in item and "value" in item for item in value)


def _recognises(values: Mapping[str, Any]) -> bool:
    return any(_are_items(values.get(column)) for column in _COLUMNS)


def _read(values: Mapping[str, Any], blobs: Blobs) -> Dialogue:
    column = next((name for name in _COLUMNS if isinstance(values.get(name), list)), None)
    if column is None or not values[column]:
        raise ValueError("conversations: must be a list of objects with from and value")
    files = _Files(values, blobs)

    def messages(sources: list[Any], place: str) -> tuple[Message, ...]:
        return tuple(faithful(sources, lambda item: [_read_item(item, files)], _written_item, place=place))

    conversation = _beside(values, messages(values[column], column))
    files.check()
    return with_replies(conversation, values, messages)


def _beside(values: Mapping[str, Any], messages: tuple[Message, ...]) -> Conversation:
    """The conversation with what its row says beside its messages: a system message, tools."""
    extra = {key: values[key] for key in ("system", "tools") if key in values and not values[key]}
    if values.get("system"):
        messages = (Message("system", (Text(text_in(values, "system")),), extra=of_shape("beside")), *messages)
    if isinstance(values.get("image"), str):
        extra["="] = "image"
    tools = listed_tools(values["tools"], "tools") if values.get("tools") else ()
    if values.get("tools") and not tools:
        extra["tools"] = values["tools"]
    raw_tools = kept(values["tools"]) if tools and values["tools"] != _written_tools(tools) else None
    return Conversation(messages, tools, "sharegpt", packed(extra), raw_tools)


class _Files:
    """The files of a row, which stand in its texts as tokens: the first image is the first <image>."""

    def __init__(self, values: Mapping[str, Any], blobs: Blobs) -> None:
        self._waiting = {
            kind: list(_listed(values[column], kind, blobs))
            for column, kind in _MEDIA.items()
            if values.get(column) not in (None, "", [])
        }
        for waiting in self._waiting.values():
            waiting.reverse()

    def parts(self, text: str) -> tuple[Part, ...]:
        """The text, with files in the place of their tokens."""
        parts: list[Part] = []
        end = 0
        for token in _TOKEN.finditer(text):
            kind = token[1]
            if kind not in self._waiting:
                continue
            if not self._waiting[kind]:
                raise ValueError(f".value: holds a <{kind}> for which the row names no file")
            parts += [*([Text(text[end : token.start()])] if end < token.start() else []), self._waiting[kind].pop()]
            end = token.end()
        return (*parts, Text(text[end:])) if end < len(text) or not parts else tuple(parts)

    def check(self) -> None:
        """Raises ValueError where a file stands nowhere in the texts."""
        for kind, waiting in self._waiting.items():
            if waiting:
                raise ValueError(f"{kind}s: {len(waiting)} more than there are <{kind}> in the texts")


def _listed(value: Any, kind: str, blobs: Blobs) -> Iterator[Media]:
    for at, item in enumerate(value if isinstance(value, list) else [value]):
        path = item.get("path") if isinstance(item, Mapping) else item
        data = item.get("bytes") if isinstance(item, Mapping) else item
        if isinstance(data, bytes):
            blob = Blob("", data)
            yield Media(kind, blobs.setdefault(blob.digest, blob).digest, name=path if isinstance(path, str) else None)
        elif isinstance(path, str):
            file = parsed_data_url(path)
            digest = held(file[1], file[0], blobs) if file else None
            yield Media(kind, digest, file[0]) if file and digest else Media(kind, url=path)
        else:
            raise ValueError(f"{kind}s[{at}]: must be a path or an address, is {kind_of(item)}")


def _read_item(item: Any, files: _Files) -> Message:
    if not isinstance(item, Mapping):
        raise ValueError(f": must be an object with from and value, is {kind_of(item)}")
    speaker = text_in(item, "from")
    role = _ROLES.get(speaker.lower(), speaker)
    if item.get("value") is None:
        parts: tuple[Part, ...] = ()
    else:
        text = text_in(item, "value")
        parts = (_read_calls(text) if speaker == "function_call" else ()) or files.parts(text)
    name = item.get("name")
    message = Message(role, parts, name if isinstance(name, str) else None)
    return replace(message, extra=with_difference("", item, _written_item([message])))


def _read_calls(text: str) -> tuple[Part, ...]:
    """The calls in the value of a function_call, an object or a list of them; none where it holds something else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    items = value if isinstance(value, list) else [value]
    if not all(isinstance(item, Mapping) and isinstance(item.get("name"), str) for item in items):
        return ()
    return tuple(_read_call(item, listed=isinstance(value, list)) for item in items)


def _read_call(item: Mapping[str, Any], *, listed: bool) -> Call:
    arguments = item.get("arguments", "")
    text = arguments if isinstance(arguments, str) else kept(arguments)
    call = Call(item["name"], text, extra=of_shape("list" if listed else None))
    return replace(call, extra=with_difference(call.extra, item, _written_call(call)))


def _written_call(call: Call) -> dict[str, Any]:
    value = object_in(call.arguments)
    written = {"name": call.name, "arguments": call.arguments if value is None else value}
    return restored(written, unpacked(call.extra))


def _written_item(group: list[Message]) -> dict[str, Any]:
    (message,) = group
    calls = [part for part in message.parts if isinstance(part, Call)]
    written: dict[str, Any] = {"from": _SPEAKERS.get(message.role, message.role), "value": _written_text(message)}
    if calls:
        values = [_written_call(call) for call in calls]
        listed = len(values) > 1 or shape_of(calls[0].extra) == "list"
        written = {"from": "function_call", "value": kept(values if listed else values[0])}
    if message.name is not None:
        written["name"] = message.name
    return restored(written, unpacked(message.extra))


def _written_text(message: Message) -> str:
    """Its texts and files; texts without anything between them are one, of several lines."""
    parts = (
        part for part in message.parts if isinstance(part, Media) or (isinstance(part, Text | Refusal) and part.text)
    )
    texts = []
    for is_file, run in groupby(parts, key=lambda part: isinstance(part, Media)):
        texts.append(("" if is_file else "\n").join(f"<{p.kind}>" if isinstance(p, Media) else p.text for p in run))
    return "".join(texts)


def _written_tools(tools: Sequence[Any]) -> str:
    return kept([written_tool(tool) for tool in tools])


def _write(conversation: Conversation, blobs: Mapping[str, Blob]) -> dict[str, Any]:
    if conversation.form != "sharegpt":
        messages = [part for message in styled(conversation.messages, _STYLE) for part in _apart(message)]
        tools = [replace(tool, extra=of_shape("bare")) for tool in known_tools(conversation.tools)]
        row: dict[str, Any] = {"conversations": [_written_item([message]) for message in messages]}
        return row | ({"tools": _written_tools(tools)} if tools else {})
    conversation = replace(conversation, messages=tuple(_with_files(conversation.messages, blobs)))
    first, *rest = conversation.messages or (Message("", ()),)
    beside = shape_of(first.extra) == "beside"
    messages = rest if beside else list(conversation.messages)
    row = {"conversations": [item for message in messages for item in _sources(message)]}
    row |= ({"system": first.text} if beside else {}) | _written_files(conversation, blobs)
    if conversation.tools:
        raw = conversation.raw_tools
        row["tools"] = json.loads(raw) if raw else _written_tools(conversation.tools)
    return restored(row, unpacked(conversation.extra))


def _sources(message: Message) -> list[Any]:
    """The items of a message: one, where it came in this form."""
    if message.raw is not None:
        return [json.loads(message.raw)]
    kinds = {isinstance(part, Call) for part in message.parts}
    return [_written_item([one]) for one in ([message] if len(kinds) < 2 else _apart(message))]


def _apart(message: Message) -> Iterator[Message]:
    """What one speaker says at a time: a text, or calls."""
    calls = tuple(part for part in message.parts if isinstance(part, Call))
    if message.text or not calls:
        yield Message(message.role, (Text(message.text),))
    if calls:
        yield Message(message.role, calls)


def _with_files(messages: Iterable[Message], blobs: Mapping[str, Blob]) -> Iterator[Message]:
    """The messages without files that are neither held nor have an address."""
    for message in messages:
        lost = {
            part
            for part in message.parts
            if isinstance(part, Media) and (part.url is None if part.digest is None else part.digest not in blobs)
        }
        yield replace(message, parts=tuple(p for p in message.parts if p not in lost)) if lost else message


def _written_files(conversation: Conversation, blobs: Mapping[str, Blob]) -> dict[str, Any]:
    """The columns of files, in the order of their tokens."""
    row: dict[str, Any] = {}
    for part in (part for message in conversation.messages for part in message.parts):
        if isinstance(part, Media):
            data = in_base64(part.digest, blobs)
            row.setdefault(f"{part.kind}s", []).append(part.url if data is None else data_url(part.media_type, data))
    if shape_of(conversation.extra) == "image" and "images" in row:
        row["image"] = row.pop("images")[0]
    return row


SHAREGPT = Form("sharegpt", _recognises, guarded(_read), _write)
