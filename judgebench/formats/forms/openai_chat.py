"""Messages of OpenAI's chat API, and of the servers that speak it and keep a model's reasoning apart, vLLM first."""

import json
from collections.abc import Callable, Iterator, Mapping
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
from judgebench.formats.forms.chat_rows import chat_columns, holds_messages, row_dialogue
from judgebench.formats.forms.chat_style import CHAT, REASONING_CHAT, ChatStyle, in_order, styled
from judgebench.formats.forms.chat_tools import read_tools, written_tools
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

_REASONING_KEYS = ("reasoning", "reasoning_content", "thinking")
_AUDIO_TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg"}
_AUDIO_FORMATS = {media_type: name for name, media_type in _AUDIO_TYPES.items()}
_INPUT_IMAGE = "input_image"
_NO_IMAGE = "an image without a byte, and without an address"
_URL_PARTS = {"image_url": "image", "video_url": "video", "audio_url": "audio"}
_RESULTS = ("tool", "function")


def read_message(source: Any, blobs: Blobs) -> list[Message]:
    if not isinstance(source, Mapping):
        raise ValueError(f": must be a message, an object with a role, is {kind_of(source)}")
    role = text_in(source, "role")
    parts = (
        *_read_reasoning(source),
        *_read_content(source.get("content"), blobs),
        *_read_refusal(source),
        *_read_audio(source, blobs),
        *_read_calls(source),
    )
    name, call = source.get("name"), source.get("tool_call_id")
    message = Message(
        "tool" if role in _RESULTS else role,
        parts,
        name=name if isinstance(name, str) else None,
        call=None if call is None else str(call),
    )
    return [replace(message, extra=with_difference("", source, written_message([message], blobs)))]


def written_message(group: list[Message], blobs: Mapping[str, Blob]) -> dict[str, Any]:
    (message,) = group
    values: dict[str, Any] = {"role": message.role}
    if message.name is not None:
        values["name"] = message.name
    values |= _written_reasoning(message)
    values["content"] = _written_content(message, blobs)
    values |= _written_refusal(message) | _written_audio(message, blobs) | _written_calls(message)
    if message.call is not None:
        values["tool_call_id"] = message.call
    return restored(values, unpacked(message.extra))


def _read_reasoning(source: Mapping[str, Any]) -> Iterator[Reasoning]:
    """One part for each thought; some servers tell the same one under two names."""
    keys_of: dict[str, list[str]] = {}
    for key in _REASONING_KEYS:
        if isinstance(source.get(key), str) and source[key]:
            keys_of.setdefault(source[key], []).append(key)
    for text, keys in keys_of.items():
        yield Reasoning(text, extra=of_shape(keys if keys != ["reasoning"] else None))


def _written_reasoning(message: Message) -> dict[str, Any]:
    thoughts = [part for part in message.parts if isinstance(part, Reasoning)]
    return {key: part.text for part in thoughts for key in shape_of(part.extra) or ["reasoning"]}


def _read_content(content: Any, blobs: Blobs) -> list[Part]:
    if content is None:
        return []
    if isinstance(content, str):
        return [Text(content)]
    if isinstance(content, Mapping):
        return [_read_object(content, blobs)]
    if not isinstance(content, list):
        raise ValueError(f".content: must be a text, a list of parts or null, is {kind_of(content)}")
    parts = [_placed(f".content[{at}]", _read_part, item, blobs) for at, item in enumerate(content)]
    if len(parts) == 1 and isinstance(parts[0], Text):
        parts = [replace(parts[0], extra=packed({"=": "list"} | unpacked(parts[0].extra)))]
    return parts


def _placed(place: str, read: Callable[[Any, Blobs], Part], item: Any, blobs: Blobs) -> Part:
    try:
        return read(item, blobs)
    except ValueError as error:
        raise ValueError(f"{place}{error}") from error


def _read_object(content: Mapping[str, Any], blobs: Blobs) -> Part:
    """Some files have an object where a text belongs, with the text as its "answer"."""
    if isinstance(content.get("answer"), str):
        return Text(content["answer"])
    return _placed(".content", _read_part, content, blobs)


def _read_part(item: Any, blobs: Blobs) -> Part:
    if isinstance(item, str):
        return Text(item)
    if not isinstance(item, Mapping):
        raise ValueError(f": must be a part, an object with a type, is {kind_of(item)}")
    kind = text_in(item, "type")
    part: Part
    if kind in ("text", "input_text", "output_text"):
        part = Text(text_in(item, "text"))
    elif kind == "refusal":
        part = Refusal(text_in(item, "refusal"), of_shape("part"))
    elif kind in _URL_PARTS:
        part = _read_url(item, kind, blobs)
    elif kind == _INPUT_IMAGE and not isinstance(item.get("file_id"), str):
        part = _read_input_image(item, blobs)
    elif kind == "image" and item.get(kind) == "":
        raise ValueError(f".{kind}: {_NO_IMAGE}")
    elif kind == "input_audio":
        part = _read_input_audio(item, blobs)
    elif kind == "file":
        part = _read_file(item, blobs)
    else:
        return Opaque(kind, kept(item))
    written = written_part(part, blobs)
    return Opaque(kind, kept(item)) if written is None else _with_rest(part, item, written)


def _with_rest(part: Part, source: Mapping[str, Any], written: Mapping[str, Any]) -> Part:
    """The part, with what its source says beside what it is written as."""
    return part if isinstance(part, Opaque) else replace(part, extra=with_difference(part.extra, source, written))


def _inner(item: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = item.get(key)
    if not isinstance(value, Mapping):
        raise ValueError(f".{key}: must be an object, is {kind_of(value)}")
    return value


def _read_url(item: Mapping[str, Any], kind: str, blobs: Blobs) -> Media:
    bare = isinstance(item.get(kind), str)
    url = item[kind] if bare else _placed_text(item, kind, "url")
    if not url:
        raise ValueError(f".{kind}: {_NO_IMAGE if kind == 'image_url' else 'is empty'}")
    media = _media_at(url, _URL_PARTS[kind], blobs)
    shape = [kind, "bare"] if bare else [kind] if kind != _usual_type(media) else None
    return replace(media, extra=of_shape(shape))


def _read_input_image(item: Mapping[str, Any], blobs: Blobs) -> Media:
    """As the Responses API has it; chats hold it, too."""
    url = item.get("image_url")
    if not isinstance(url, str) or not url:
        raise ValueError(f".image_url: {_NO_IMAGE}")
    return replace(_media_at(url, "image", blobs), extra=of_shape([_INPUT_IMAGE]))


def _placed_text(item: Mapping[str, Any], key: str, inner_key: str) -> str:
    try:
        return text_in(_inner(item, key), inner_key)
    except ValueError as error:
        raise ValueError(str(error) if str(error).startswith(f".{key}") else f".{key}{error}") from error


def _media_at(url: str, kind: str, blobs: Blobs) -> Media:
    """The file in a data URL, or only its address."""
    file = parsed_data_url(url)
    digest = held(file[1], file[0], blobs) if file else None
    return Media(kind, digest, file[0]) if file and digest else Media(kind, url=url)


def _read_input_audio(item: Mapping[str, Any], blobs: Blobs) -> Media:
    name = _placed_text(item, "input_audio", "format")
    media_type = _AUDIO_TYPES.get(name, f"audio/{name}")
    text = _placed_text(item, "input_audio", "data")
    return Media("audio", held(text, media_type, blobs), media_type)


def _read_file(item: Mapping[str, Any], blobs: Blobs) -> Media:
    file = _inner(item, "file")
    name, address, text = (file.get(key) for key in ("filename", "file_id", "file_data"))
    data = parsed_data_url(text) if isinstance(text, str) else None
    digest = held(data[1] if data else text, data[0] if data else "", blobs)
    return Media(
        "document",
        digest,
        data[0] if data and digest else None,
        address if isinstance(address, str) else None,
        name if isinstance(name, str) else None,
        of_shape(None if data else ["file", "bare"]),
    )


def _usual_type(media: Media) -> str | None:
    """The type of the part that says it, where its source was of none."""
    if media.kind == "image":
        return "image_url"
    if media.kind == "video":
        return "video_url"
    if media.kind == "audio":
        return "input_audio" if media.media_type in _AUDIO_FORMATS else "audio_url"
    return "file" if media.kind == "document" else None


def written_part(part: Part, blobs: Mapping[str, Blob]) -> dict[str, Any] | None:
    """None where it cannot be written."""
    match part:
        case Text(text):
            written: dict[str, Any] | None = {"type": "text", "text": text}
        case Refusal(text):
            written = {"type": "refusal", "refusal": text}
        case Media():
            written = _written_media(part, blobs)
        case Opaque():
            return dict(json.loads(part.value))
        case _:
            return None
    return restored(written, unpacked(part.extra)) if written is not None else None


def _written_media(part: Media, blobs: Mapping[str, Blob]) -> dict[str, Any] | None:
    kind, *bare = shape_of(part.extra) or [_usual_type(part)]
    data = in_base64(part.digest, blobs)
    if kind == "file":
        address = data if bare or data is None else data_url(part.media_type, data)
        values = {"filename": part.name, "file_id": part.url, "file_data": address}
        return {"type": kind, kind: {key: value for key, value in values.items() if value is not None}}
    if kind == "input_audio":
        name = _AUDIO_FORMATS.get(part.media_type or "", (part.media_type or "").removeprefix("audio/"))
        return None if data is None else {"type": kind, kind: {"data": data, "format": name}}
    url = part.url if data is None else data_url(part.media_type, data)
    if kind == _INPUT_IMAGE:
        return None if url is None else {"type": kind, "image_url": url}
    return None if url is None or kind is None else {"type": kind, kind: url if bare else {"url": url}}


def _written_content(message: Message, blobs: Mapping[str, Blob]) -> Any:
    parts = [part for part in message.parts if _in_content(part)]
    if not parts:
        return None
    if len(parts) == 1 and isinstance(parts[0], Text) and not parts[0].extra:
        return parts[0].text
    return [item for item in (written_part(part, blobs) for part in parts) if item is not None]


def _in_content(part: Part) -> bool:
    apart = isinstance(part, Reasoning | Call) or (isinstance(part, Refusal) and shape_of(part.extra) != "part")
    return not apart and not (isinstance(part, Media) and shape_of(part.extra) == ["audio"])


def _read_refusal(source: Mapping[str, Any]) -> list[Refusal]:
    return [Refusal(source["refusal"])] if isinstance(source.get("refusal"), str) and source["refusal"] else []


def _written_refusal(message: Message) -> dict[str, Any]:
    refusals = [part.text for part in message.parts if isinstance(part, Refusal) and not _in_content(part)]
    return {"refusal": refusals[0]} if refusals else {}


def _read_audio(source: Mapping[str, Any], blobs: Blobs) -> list[Media]:
    """What a model spoke: it says neither type nor format."""
    audio = source.get("audio")
    if not isinstance(audio, Mapping):
        return []
    name = audio["id"] if isinstance(audio.get("id"), str) else None
    return [Media("audio", held(audio.get("data"), "", blobs), name=name, extra=of_shape(["audio"]))]


def _written_audio(message: Message, blobs: Mapping[str, Blob]) -> dict[str, Any]:
    spoken = [part for part in message.parts if isinstance(part, Media) and not _in_content(part)]
    if not spoken:
        return {}
    values = {"id": spoken[0].name, "data": in_base64(spoken[0].digest, blobs)}
    return {"audio": {key: value for key, value in values.items() if value is not None}}


def _read_calls(source: Mapping[str, Any]) -> list[Part]:
    calls = source.get("tool_calls")
    if not isinstance(calls, list | None):
        raise ValueError(f".tool_calls: must be a list, is {kind_of(calls)}")
    parts = [_placed(f".tool_calls[{at}]", _read_call, item, {}) for at, item in enumerate(calls or ())]
    if isinstance(source.get("function_call"), Mapping):
        parts.append(_placed(".function_call", _read_function_call, source["function_call"], {}))
    return parts


def _read_call(item: Any, blobs: Blobs) -> Part:
    if not isinstance(item, Mapping):
        raise ValueError(f": must be an object, is {kind_of(item)}")
    kind = item["type"] if isinstance(item.get("type"), str) else "function"
    identifier = None if item.get("id") is None else str(item["id"])
    if kind == "custom":
        call = Call(_placed_text(item, kind, "name"), _placed_text(item, kind, "input"), identifier, kind)
    elif kind == "function":
        name = _placed_text(item, kind, "name")
        arguments, shape = _read_arguments(_inner(item, kind).get("arguments", ""))
        call = Call(name, arguments, identifier, extra=of_shape(shape))
    else:
        return Opaque(kind, kept(item))
    return _with_rest(call, item, _written_call(call))


def _read_arguments(value: Any) -> tuple[str, str | None]:
    """The arguments as text, and "object" where they came as one."""
    return (value, None) if isinstance(value, str) else (kept(value), "object")


def _read_function_call(item: Any, blobs: Blobs) -> Part:
    call = Call(text_in(item, "name"), _read_arguments(item.get("arguments", ""))[0], extra=of_shape("function_call"))
    return _with_rest(call, item, _written_call(call))


def _written_call(call: Call) -> dict[str, Any]:
    shape = shape_of(call.extra)
    arguments = json.loads(call.arguments) if shape == "object" else call.arguments
    inner = {"name": call.name, "arguments": arguments}
    if shape == "function_call":
        return restored(inner, unpacked(call.extra))
    if call.kind == "custom":
        inner = {"name": call.name, "input": arguments}
    values = {"id": call.id} if call.id is not None else {}
    return restored(values | {"type": call.kind, call.kind: inner}, unpacked(call.extra))


def _written_calls(message: Message) -> dict[str, Any]:
    calls = [(shape_of(part.extra), _written_call(part)) for part in message.parts if isinstance(part, Call)]
    listed = [call for shape, call in calls if shape != "function_call"]
    single = [call for shape, call in calls if shape == "function_call"]
    return ({"tool_calls": listed} if listed else {}) | ({"function_call": single[0]} if single else {})


def _read(values: Mapping[str, Any], blobs: Blobs, *, form: str) -> Dialogue:
    def messages(sources: list[Any], place: str) -> tuple[Message, ...]:
        read, write = partial(read_message, blobs=blobs), partial(written_message, blobs=blobs)
        return tuple(faithful(sources, read, write, place=place))

    tools, raw_tools, extra = read_tools(values)
    return row_dialogue(values, messages, Conversation((), tools, form, extra, raw_tools))


def _write(conversation: Conversation, blobs: Mapping[str, Blob], *, style: ChatStyle) -> dict[str, Any]:
    written = [message_source(message, blobs) for message in chat_messages(conversation, style)]
    return {"messages": written} | written_tools(conversation, native=conversation.form in style.natives)


def chat_messages(conversation: Conversation, style: ChatStyle) -> list[Message]:
    """Its messages as ``written_message`` takes them."""
    if conversation.form not in style.natives:
        return styled(conversation.messages, style)
    return list(in_order(conversation.messages))


def message_source(message: Message, blobs: Mapping[str, Blob]) -> Any:
    """The message as its source had it."""
    return written_message([message], blobs) if message.raw is None else json.loads(message.raw)


def _holds_reasoning(values: Mapping[str, Any]) -> bool:
    """Whether a message of the row, or of its reply, keeps a model's reasoning apart."""
    messages = [message for column in chat_columns(values) for message in column if isinstance(message, Mapping)]
    return any(key in message for message in messages for key in _REASONING_KEYS)


OPENAI = Form("openai-chat", holds_messages, guarded(partial(_read, form="openai-chat")), partial(_write, style=CHAT))
VLLM = Form(
    "vllm",
    lambda values: holds_messages(values) and _holds_reasoning(values),
    guarded(partial(_read, form="vllm")),
    partial(_write, style=REASONING_CHAT),
)
