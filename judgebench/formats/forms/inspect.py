"""Samples of logs of Inspect, the evaluation framework of the UK AI Security Institute: ``input`` and ``messages``.

Images and long texts stand under ``attachments``. What was asked are the messages whose source is the sample's input;
those that a scaffold put between the model's ("Continue.") are marked as inserted.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from judgebench.conversations import (
    ASKING,
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
from judgebench.formats.forms import Blobs, Dialogue, Form, canonical, faithful
from judgebench.formats.forms.sources import (
    data_url,
    difference,
    guarded,
    held,
    in_base64,
    kept,
    kind_of,
    object_in,
    parsed_data_url,
    restored,
    shape_of,
    text_in,
    with_difference,
)
from judgebench.formats.forms.translating import translated, value_of
from judgebench.formats.references import alternatives

_NAME = "inspect"
_ATTACHMENT = re.compile("attachment://[0-9a-f]{32}")
_MOST_ATTACHED = 256 << 20  # characters in all the places of a sample that name attachments
_FILES = ("image", "audio", "video", "document")
_FORMATS = {"audio/wav": "wav", "audio/mpeg": "mp3", "video/mp4": "mp4", "video/mpeg": "mpeg", "video/quicktime": "mov"}
_MOST_EPOCHS = 2**31
_BESIDE = ("id", "target", "choices", "metadata")  # of the sample, whoever answered it
_CALL_KINDS = ("function", "custom")


def recognises(values: Mapping[str, Any]) -> bool:
    return {"epoch", "input"} <= values.keys() and bool({"messages", "output"} & values.keys())


@guarded
def read(values: Mapping[str, Any], blobs: Blobs) -> Dialogue:
    """Raises ValueError, with the field, for what is no sample of a log."""
    attached = _Attachments(values.get("attachments"))
    sources = attached.resolved(values.get("messages")) or []
    given = attached.resolved(values.get("input"))
    output = attached.resolved(values.get("output"))
    if not isinstance(sources, list):
        raise ValueError(f"messages: must be a list, is {kind_of(sources)}")
    sources = sources or [*_input_messages(given), *_choices(output)[:1]]
    messages = _marked(_messages(sources, blobs, "messages"), sources)
    tools = tuple(_tools(attached.resolved(_event_tools(values.get("events")))))
    beside = {key: values[key] for key in _BESIDE if values.get(key) is not None}
    conversation = Conversation(messages, tools, _NAME, packed(beside))
    prompt = _prompt(messages, sources, given)
    model, epoch, reference = _model(values, output), _epoch(values), _reference(values)
    failed = bool(values.get("error")) and all(message.role in ASKING for message in messages)
    dialogue = Dialogue(conversation, prompt, (), model, epoch, reference, failed)
    choices = _choices(output)
    if len(choices) > 1 and prompt in (0, len(messages) - 1) and _replies_once(messages, prompt):
        replies = tuple(tuple(_messages([choice], blobs, "output.choices")) for choice in choices)
        prompted = replace(conversation, messages=messages[:-1])
        return replace(dialogue, conversation=prompted, prompt=len(prompted.messages), replies=replies)
    return dialogue


class _Attachments:
    """Texts that stand in a place of their own. Raises ValueError for names of none and for too many in all."""

    def __init__(self, values: Any) -> None:
        self._values = values if isinstance(values, Mapping) else {}
        self._characters = 0

    def resolved(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value) if _ATTACHMENT.fullmatch(value) else value
        if isinstance(value, list):
            return [self.resolved(item) for item in value]
        return {key: self.resolved(item) for key, item in value.items()} if isinstance(value, Mapping) else value

    def _text(self, name: str) -> str:
        text = self._values.get(name.removeprefix("attachment://"))
        if not isinstance(text, str):
            raise ValueError(f"attachments: has no text {name[:60]}, which a message names")
        self._characters += len(text)
        if self._characters > _MOST_ATTACHED:
            raise ValueError(f"attachments: more than {_MOST_ATTACHED:,} characters in all the places that name them")
        return text


def _input_messages(given: Any) -> list[Any]:
    if isinstance(given, str):
        return [{"role": "user", "content": given, "source": "input"}]
    if not isinstance(given, list) or not given:
        raise ValueError(f"input: must be a text or a list of messages, is {kind_of(given)}")
    return given


def _choices(output: Any) -> list[Any]:
    choices = output.get("choices") if isinstance(output, Mapping) else None
    choices = choices if isinstance(choices, list) else []
    return [choice["message"] for choice in choices if isinstance(choice, Mapping) and "message" in choice]


def _marked(messages: Iterator[Message], sources: Sequence[Any]) -> tuple[Message, ...]:
    """The messages, those of a scaffold marked where the log says what the sample's input is."""
    told = any(_source_of(source) == ("user", "input") for source in sources)
    return tuple(
        replace(message, inserted=told and message.role == "user" and source.get("source") != "input")
        for message, source in zip(messages, sources, strict=True)
    )


def _source_of(source: Any) -> tuple[Any, Any]:
    return (source.get("role"), source.get("source")) if isinstance(source, Mapping) else (None, None)


def _prompt(messages: Sequence[Message], sources: Sequence[Any], given: Any) -> int:
    """How many messages were asked, whoever said them: example replies in the input, or all where none is a reply."""
    told = any(source.get("source") for source in sources)
    examples = {_sense(item) for item in given if isinstance(item, Mapping)} if isinstance(given, list) else set()
    last = 0
    for at, source in enumerate(sources, 1):
        given_here = source.get("source") == "input" or not told
        if source.get("role") not in ASKING and given_here and _sense(source) in examples:
            last = at
    while last and last < len(sources) and sources[last].get("source") == "input":
        last += 1
    replied = any(message.inserted or message.role not in ASKING for message in messages[last:])
    return last if replied else len(messages)


def _sense(source: Mapping[str, Any]) -> str:
    return canonical([source.get("role"), source.get("content")])


def _replies_once(messages: Sequence[Message], prompt: int) -> bool:
    return messages[-1].role == "assistant" and all(message.role in ASKING for message in messages[prompt:-1])


def _model(values: Mapping[str, Any], output: Any) -> str | None:
    names = (output.get("model") if isinstance(output, Mapping) else None, values.get("model"))
    return next((name for name in names if isinstance(name, str) and name), None)


def _epoch(values: Mapping[str, Any]) -> int:
    epoch = values.get("epoch", 1)
    if not isinstance(epoch, int) or isinstance(epoch, bool) or not 1 <= epoch <= _MOST_EPOCHS:
        raise ValueError(f"epoch: must be a whole number from 1 to {_MOST_EPOCHS:,}")
    return epoch - 1


def _reference(values: Mapping[str, Any]) -> str | None:
    target = values.get("target")
    return alternatives([text for text in (target if isinstance(target, list) else [target]) if isinstance(text, str)])


def _event_tools(events: Any) -> list[Any]:
    """The tools that the sample's first model was offered."""
    for event in events if isinstance(events, list) else ():
        if isinstance(event, Mapping) and event.get("event") == "model":
            return event["tools"] if isinstance(event.get("tools"), list) else []
    return []


def _tools(sources: Sequence[Any]) -> Iterator[Tool]:
    for number, source in enumerate(sources):
        if not isinstance(source, Mapping) or not isinstance(source.get("name"), str):
            raise ValueError(f"events: tools[{number}].name of a model's event must be a text")
        description, schema = source.get("description"), source.get("parameters")
        tool = Tool(
            source["name"],
            description if isinstance(description, str) else None,
            "" if schema is None else kept(schema),
        )
        yield replace(tool, extra=packed(difference(source, _written_tool(tool))))


def _messages(sources: Sequence[Any], blobs: Blobs, place: str) -> Iterator[Message]:
    return faithful(
        sources, lambda source: [_read_message(source, blobs)], lambda group: _written(group[0], blobs), place=place
    )


def _read_message(source: Any, blobs: Blobs) -> Message:
    if not isinstance(source, Mapping):
        raise ValueError(f": must be an object, is {kind_of(source)}")
    role = text_in(source, "role")
    content = source.get("content")
    parts = (*_content_parts(content, blobs), *_calls(source.get("tool_calls")))
    message = Message(role, parts, extra=packed({"=": "list"} if isinstance(content, list) and _is_text(parts) else {}))
    if role == "tool":
        name, call = (source[key] if isinstance(source.get(key), str) else None for key in ("function", "tool_call_id"))
        message = replace(message, name=name, call=call, error=_error(source.get("error")))
    return replace(message, extra=with_difference(message.extra, source, _written(message, blobs)))


def _error(error: Any) -> str | None:
    if error is None:
        return None
    message = error.get("message") if isinstance(error, Mapping) else None
    return message if isinstance(message, str) else ""


def _is_text(parts: Sequence[Part]) -> bool:
    return len(parts) == 1 and isinstance(parts[0], Text) and not parts[0].extra


def _content_parts(content: Any, blobs: Blobs) -> Iterator[Part]:
    if isinstance(content, str):
        yield Text(content)
        return
    if not isinstance(content, list | None):
        raise ValueError(f".content: must be a text or a list, is {kind_of(content)}")
    for number, item in enumerate(content or ()):
        try:
            yield _part(item, blobs)
        except ValueError as error:
            raise ValueError(f".content[{number}]{error}") from error


def _part(item: Any, blobs: Blobs) -> Part:
    if not isinstance(item, Mapping):
        raise ValueError(f": must be an object, is {kind_of(item)}")
    kind = text_in(item, "type")
    part: Part
    if kind == "text":
        text = text_in(item, "text")
        part = Refusal(text) if item.get("refusal") is True else Text(text)
    elif kind == "reasoning":
        part = _reasoning(item)
    elif kind in _FILES:
        part = _media(kind, item, blobs)
    else:
        return Opaque(kind, kept(dict(item)))
    return replace(part, extra=packed(difference(item, _written_part(part, blobs))))


def _reasoning(item: Mapping[str, Any]) -> Reasoning:
    text = text_in(item, "reasoning")
    if item.get("redacted") is True:
        return Reasoning("", text, redacted=True)
    return Reasoning(text, item["signature"] if isinstance(item.get("signature"), str) else None)


def _media(kind: str, item: Mapping[str, Any], blobs: Blobs) -> Media:
    """The file in a data URL, or only where it is said to lie."""
    url = text_in(item, kind)
    file = parsed_data_url(url)
    digest = held(file[1], file[0], blobs) if file else None
    name = item["filename"] if isinstance(item.get("filename"), str) else None
    return Media(kind, digest, file[0], name=name) if file and digest else Media(kind, url=url, name=name)


def _calls(calls: Any) -> Iterator[Call]:
    if not isinstance(calls, list | None):
        raise ValueError(f".tool_calls: must be a list, is {kind_of(calls)}")
    for number, item in enumerate(calls or ()):
        if not isinstance(item, Mapping) or not isinstance(item.get("function"), str):
            raise ValueError(f".tool_calls[{number}].function: must be a text")
        call_id, kind = (item[key] if isinstance(item.get(key), str) else None for key in ("id", "type"))
        call = Call(item["function"], kept(item.get("arguments", {})), call_id, kind or "function")
        yield replace(call, extra=packed(difference(item, _written_call(call))))


def _holds(message: Message, part: Part) -> bool:
    match part:
        case Text() | Refusal():
            return True
        case Reasoning():
            return message.role == "assistant"
        case Media(digest=digest, url=url):
            return digest is not None or url is not None
        case Call(_, arguments, kind=kind):
            return kind in _CALL_KINDS and object_in(arguments) is not None
    return False


def write(conversation: Conversation, blobs: Mapping[str, Blob]) -> dict[str, Any]:
    """A sample of a log. Raises ValueError for a file that is not in the blobs."""
    native = translated(conversation, _NAME, _holds)
    messages = native.messages if conversation.form == _NAME else tuple(_calls_last(native.messages))
    written = [_source(message, blobs) for message in messages]
    if any(message.inserted for message in messages):
        for message, source in zip(messages, written, strict=True):
            if message.role == "user" and not message.inserted:
                source.setdefault("source", "input")
    row: dict[str, Any] = {"epoch": 1, "input": _input(messages, written), "target": "", "messages": written}
    replies = [source for source in written if source.get("role") == "assistant"]
    if replies:
        row["output"] = {"choices": [{"message": replies[-1], "stop_reason": "stop"}]}
    if native.tools:
        row["events"] = [_event([restored(_written_tool(tool), unpacked(tool.extra)) for tool in native.tools])]
    return row | unpacked(native.extra)


def _calls_last(messages: Sequence[Message]) -> Iterator[Message]:
    """What a model says behind its calls as a message of its own, since calls stand behind all else in a message."""
    for message in messages:
        parts: list[Part] = []
        for part in message.parts:
            if parts and isinstance(parts[-1], Call) and not isinstance(part, Call):
                yield replace(message, parts=tuple(parts))
                parts = []
            parts.append(part)
        yield replace(message, parts=tuple(parts))


def _input(messages: Sequence[Message], written: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The messages of the input where they are told, else all before the first reply."""
    inputs = [source for source in written if source.get("source") == "input"]
    first = next((at for at, message in enumerate(messages) if message.role in ("assistant", "tool")), len(messages))
    return inputs or list(written[:first])


def _event(tools: list[dict[str, Any]]) -> dict[str, Any]:
    """A call of a model, of which only the tools are known."""
    rest = {"tool_choice": "auto", "config": {}, "output": {}}
    return {"event": "model", "model": "unknown", "input": [], "tools": tools} | rest


def _source(message: Message, blobs: Mapping[str, Blob]) -> dict[str, Any]:
    return _written(message, blobs) if message.raw is None else dict(json.loads(message.raw))


def _written(message: Message, blobs: Mapping[str, Blob]) -> dict[str, Any]:
    values: dict[str, Any] = {"role": "system" if message.role == "developer" else message.role}
    values["content"] = _content(message, blobs)
    calls = [restored(_written_call(part), unpacked(part.extra)) for part in message.parts if isinstance(part, Call)]
    if calls:
        values["tool_calls"] = calls
    if message.role == "tool":
        told = {"tool_call_id": message.call, "function": message.name}
        values |= {key: value for key, value in told.items() if value is not None}
        if message.error is not None:
            values["error"] = {"type": "unknown", "message": message.error or message.text}
    return restored(values, unpacked(message.extra))


def _content(message: Message, blobs: Mapping[str, Blob]) -> Any:
    parts = [part for part in message.parts if not isinstance(part, Call)]
    if not parts:
        return ""
    if _is_text(parts) and not (_is_text(message.parts) and shape_of(message.extra) == "list"):
        return message.text
    return [
        json.loads(part.value)
        if isinstance(part, Opaque)
        else restored(_written_part(part, blobs), unpacked(part.extra))
        for part in parts
    ]


def _written_call(call: Call) -> dict[str, Any]:
    return {"id": call.id or "", "function": call.name, "arguments": value_of(call.arguments), "type": call.kind}


def _written_part(part: Part, blobs: Mapping[str, Blob]) -> dict[str, Any]:
    """The part with nothing but its own."""
    match part:
        case Text(text):
            return {"type": "text", "text": text}
        case Refusal(text):
            return {"type": "text", "text": text, "refusal": True}
        case Reasoning(text, signature, redacted):
            if redacted:
                return {"type": "reasoning", "reasoning": signature or text, "redacted": True}
            return {"type": "reasoning", "reasoning": text} | ({} if signature is None else {"signature": signature})
        case Media():
            return _written_media(part, blobs)
    raise ValueError(f"cannot be written: {type(part).__name__}")


def _written_media(media: Media, blobs: Mapping[str, Blob]) -> dict[str, Any]:
    place = media.url
    if media.digest is not None:
        data = in_base64(media.digest, blobs)
        if data is None:
            raise ValueError(f"the file {media.digest} of a message is not held")
        place = data_url(media.media_type, data)
    values: dict[str, Any] = {"type": media.kind, media.kind: place}
    if media.kind in ("audio", "video"):
        usual = "wav" if media.kind == "audio" else "mp4"
        values["format"] = _FORMATS.get(media.media_type or "", usual)
    return values if media.name is None else values | {"filename": media.name}


def _written_tool(tool: Tool) -> dict[str, Any]:
    values = {"name": tool.name, "description": tool.description or ""}
    return values | ({"parameters": json.loads(tool.parameters)} if tool.parameters else {})


INSPECT = Form(_NAME, recognises, read, write)
