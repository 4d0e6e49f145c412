"""Google's Gemini: ``contents`` with parts, ``systemInstruction`` and ``tools`` beside them, ``candidates`` as replies.

Keys may be in camel case, as the service writes them, or in snake case, as its Python library takes them. Calls often
have no ids: results answer them by order and name.
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
    packed,
    unpacked,
)
from judgebench.formats.forms import Blobs, Dialogue, Form, faithful
from judgebench.formats.forms.gemini_tools import read_tools, written_tools
from judgebench.formats.forms.sources import (
    difference,
    guarded,
    held,
    in_base64,
    kept,
    kind_of,
    object_in,
    of_shape,
    restored,
    shape_of,
    text_in,
    with_difference,
)
from judgebench.formats.forms.translating import regrouped, translated, value_of

_NAME = "gemini"
_SYSTEM = "systemInstruction"
_SNAKES = {
    "inline_data": "inlineData",
    "file_data": "fileData",
    "mime_type": "mimeType",
    "file_uri": "fileUri",
    "function_call": "functionCall",
    "function_response": "functionResponse",
    "executable_code": "executableCode",
    "code_execution_result": "codeExecutionResult",
    "tool_call": "toolCall",
    "tool_response": "toolResponse",
    "thought_signature": "thoughtSignature",
}
_CAMELS = {camel: snake for snake, camel in _SNAKES.items()}
_FILES = ("inlineData", "fileData")
_CALLS = ("executableCode", "toolCall")  # of tools that the service runs itself
_RESULTS = ("codeExecutionResult", "toolResponse")
_BESIDE_PART = ("thought", "thoughtSignature", "videoMetadata", "mediaResolution")
_ROLES = {"model": "assistant"}
_TEXTS = ("output", "result", "error")  # keys of a response that is one text
_REPLIES = ("response", "output", "completion")
_BESIDE = ("generationConfig", "generation_config", "toolConfig", "tool_config", "safetySettings", "safety_settings")
_URL_SAFE = str.maketrans("-_", "+/")
_STANDARD = str.maketrans("+/", "-_")


def recognises(values: Mapping[str, Any]) -> bool:
    contents = _request(values).get("contents")
    if not isinstance(contents, list) or not all(isinstance(content, Mapping) for content in contents):
        return False
    alone = not contents and any(values.get(key) for key in (_SYSTEM, "system_instruction"))
    return alone or any("parts" in content for content in contents)


def _request(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row, or the request that a line of a batch's file holds."""
    request = values.get("request")
    return request if isinstance(request, Mapping) and "contents" in request else values


@guarded
def read(values: Mapping[str, Any], blobs: Blobs) -> Dialogue:
    """Raises ValueError, with the field, for what is no conversation of this form."""
    request = _request(values)
    sources = request.get("contents")
    key = next((key for key in (_SYSTEM, "system_instruction") if key in request), _SYSTEM)
    system = request.get(key)
    if not isinstance(sources, list) or not (sources or system):
        raise ValueError(f"contents: must be a list of contents, is {'empty' if sources == [] else kind_of(sources)}")
    top = tuple(_contents([system], blobs, key, "system")) if system else ()
    messages = (*top, *_contents(sources, blobs, "contents"))
    beside = {name: request[name] for name in _BESIDE if name in request}
    tools, raw_tools = read_tools(request.get("tools"))
    if not top:
        beside |= {key: system} if key in request else {}
        beside |= {"-": [_SYSTEM]} if messages[0].role == "system" else {}
    elif key != _SYSTEM:
        beside |= {"=": key}
    if not tools and "tools" in request:
        beside |= {"tools": request["tools"]}
    conversation = Conversation(messages, tools, _NAME, packed(beside), raw_tools)
    replies = tuple(_replies(values, blobs))
    ended = messages[-1].role in ("assistant", "tool") and not replies
    return Dialogue(conversation, 0 if ended else len(messages), replies, _model(values))


def _model(values: Mapping[str, Any]) -> str | None:
    response = values.get("response")
    holders = (values, response if isinstance(response, Mapping) else {}, _request(values))
    names = [holder.get(key) for holder in holders for key in ("modelVersion", "model_version", "model")]
    return next((name for name in names if isinstance(name, str) and name), None)


def _replies(values: Mapping[str, Any], blobs: Blobs) -> Iterator[tuple[Message, ...]]:
    """The candidates, or texts that stand beside the contents."""
    response = values.get("response")
    candidates = (response if isinstance(response, Mapping) else values).get("candidates")
    if candidates is not None:
        if not isinstance(candidates, list) or not all(isinstance(candidate, Mapping) for candidate in candidates):
            raise ValueError("candidates: must be a list of objects")
        for number, candidate in enumerate(candidates):
            content = candidate.get("content") or {"parts": []}
            yield tuple(_contents([content], blobs, f"candidates[{number}].content", "assistant"))
        return
    replies: Any = next((values[key] for key in _REPLIES if values.get(key) is not None), [])
    for text in replies if isinstance(replies, list) else [replies]:
        if not isinstance(text, str):
            raise ValueError(f"{'/'.join(_REPLIES)}: must be a text or an object with candidates, is {kind_of(text)}")
        yield (Message("assistant", (Text(text),)),)


def _contents(sources: Sequence[Any], blobs: Blobs, place: str, role: str | None = None) -> Iterator[Message]:
    return faithful(
        sources, lambda source: _read_group(source, blobs, role), lambda group: _group(group, blobs), place=place
    )


def _read_group(source: Any, blobs: Blobs, role: str | None) -> list[Message]:
    """The messages in one content: results apart from what stands before and behind them."""
    if isinstance(source, str) and role is not None:
        return [Message(role, (Text(source),))]
    if not isinstance(source, Mapping):
        raise ValueError(f": must be an object, is {kind_of(source)}")
    role = role or _role(source)
    messages: list[Message] = []
    parts: list[Part] = []
    for number, item in enumerate(_items(source)):
        try:
            result = _result(item, blobs)
            if result is None:
                parts.append(_part(item, blobs))
                continue
        except ValueError as error:
            raise ValueError(f".parts[{number}]{error}") from error
        messages += [Message(role, tuple(parts)), result] if parts else [result]
        parts = []
    if parts or not messages:
        messages.append(Message(role, tuple(parts)))
    frame = dict(source) | ({"parts": []} if isinstance(source.get("parts"), list) else {})
    change = difference(frame, _frame(messages))
    first = messages[0]
    if change:
        nested = {"content": change} if first.role == "tool" else change
        messages[0] = replace(first, extra=packed(unpacked(first.extra) | nested))
    return messages


def _role(source: Mapping[str, Any]) -> str:
    role = source.get("role")
    if role is not None and not isinstance(role, str):
        raise ValueError(f".role: must be a text, is {kind_of(role)}")
    return _ROLES.get(role, role) if role else "user"


def _items(source: Mapping[str, Any]) -> list[Any]:
    items = source.get("parts")
    if items is not None and not isinstance(items, list):
        raise ValueError(f".parts: must be a list, is {kind_of(items)}")
    return items or []


def _frame(group: Sequence[Message]) -> dict[str, Any]:
    """A content without its parts."""
    role = next((message.role for message in group if message.role != "tool"), "user")
    roles = {"assistant": "model", "developer": "system"}
    return ({} if role == "system" else {"role": roles.get(role, role)}) | {"parts": []}


def _camel(source: Mapping[str, Any]) -> dict[str, Any]:
    """The part in camel case; what its author wrote within calls and results is left as it is."""
    values = {_SNAKES.get(key, key): value for key, value in source.items()}
    files = {key: values[key] for key in _FILES if isinstance(values.get(key), Mapping)}
    return values | {key: {_SNAKES.get(k, k): v for k, v in file.items()} for key, file in files.items()}


def _snake(values: Mapping[str, Any]) -> dict[str, Any]:
    """As ``_camel``, back."""
    files = {key: {_CAMELS.get(k, k): v for k, v in values[key].items()} for key in _FILES if key in values}
    return {_CAMELS.get(key, key): files.get(key, value) for key, value in values.items()}


def _is_snake(source: Mapping[str, Any]) -> bool:
    inner = [value for key, value in source.items() if _SNAKES.get(key, key) in _FILES and isinstance(value, Mapping)]
    return any(key in _SNAKES for values in (source, *inner) for key in values)


def _result(item: Any, blobs: Blobs) -> Message | None:
    """The message of a tool in a part that is a result; None for other parts."""
    values = _camel(item) if isinstance(item, Mapping) else {}
    shape = ["snake"] if _is_snake(values and item) else []
    kind = next((kind for kind in _RESULTS if kind in values), None)
    response = values.get("functionResponse")
    if isinstance(response, Mapping):
        parts, error, how = _response(response, blobs)
        shape += [how] if how else []
        call, name = (response[key] if isinstance(response.get(key), str) else None for key in ("id", "name"))
        message = Message("tool", parts, name=name, call=call, error=error, extra=of_shape(shape or None))
    elif kind is not None:
        message = Message("tool", (Opaque(kind, kept(values[kind])),), extra=of_shape(shape or None))
    else:
        return None
    return replace(message, extra=with_difference(message.extra, item, _written_result(message, blobs)))


def _response(response: Mapping[str, Any], blobs: Blobs) -> tuple[tuple[Part, ...], str | None, str | None]:
    """Its parts, its error, and which shape it has where that is not the usual one."""
    value = response.get("response")
    files = response.get("parts")
    media = tuple(_part(file, blobs) for file in files) if isinstance(files, list) else ()
    if "response" not in response:
        return media, None, "absent"
    if isinstance(value, Mapping) and len(value) == 1:
        ((key, text),) = value.items()
        if key in _TEXTS and isinstance(text, str):
            return (Text(text), *media), "" if key == "error" else None, "result" if key == "result" else None
    failed = isinstance(value, Mapping) and value.get("error") is not None and "output" not in value
    return (Text(kept(value)), *media), "" if failed else None, "object"


def _part(item: Any, blobs: Blobs) -> Part:
    if not isinstance(item, Mapping):
        raise ValueError(f": must be an object, is {kind_of(item)}")
    values = _camel(item)
    kind = next((key for key in values if key not in _BESIDE_PART), "part")
    part: Part = Opaque(str(kind), kept(dict(item)))
    signature = values.get("thoughtSignature")
    shape = ["snake"] if _is_snake(item) else []
    if "text" in values:
        text = text_in(values, "text")
        thought = values.get("thought") is True
        part = Reasoning(text, signature if isinstance(signature, str) else None) if thought else Text(text)
    elif kind == "functionCall" and isinstance(values[kind], Mapping):
        part = _call(values[kind])
    elif kind in _CALLS:
        part = Call(str(kind), kept(values[kind]), kind=str(kind))
    elif kind in _FILES and isinstance(values[kind], Mapping):
        part, safe = _media(values[kind], blobs)
        shape += ["safe"] if safe else []
    if isinstance(part, Opaque):
        return Opaque(part.kind, kept(dict(item)))
    part = replace(part, extra=of_shape(shape or None))
    return replace(part, extra=with_difference(part.extra, item, _written(part, blobs)))


def _call(call: Mapping[str, Any]) -> Call:
    try:
        name = text_in(call, "name")
    except ValueError as error:
        raise ValueError(f".functionCall{error}") from error
    return Call(name, kept(call.get("args", {})), call["id"] if isinstance(call.get("id"), str) else None)


def _media(file: Mapping[str, Any], blobs: Blobs) -> tuple[Part, bool]:
    """The file, and whether its base64 is the one for addresses, which Python's library writes."""
    media_type = file["mimeType"] if isinstance(file.get("mimeType"), str) else None
    major = (media_type or "").partition("/")[0]
    kind = major if major in ("image", "audio", "video") else "document"
    if isinstance(file.get("fileUri"), str):
        return Media(kind, media_type=media_type, url=file["fileUri"]), False
    data = file.get("data")
    standard = data.translate(_URL_SAFE) if isinstance(data, str) else None
    digest = held(standard, media_type or "", blobs)
    if digest is None or (standard != data and ("+" in str(data) or "/" in str(data))):
        return Opaque("inlineData", ""), False
    return Media(kind, digest, media_type), standard != data


def _holds(message: Message, part: Part) -> bool:
    match part:
        case Text():
            return True
        case Reasoning(redacted=redacted):
            return message.role == "assistant" and not redacted
        case Media(digest=digest, url=url):
            return message.role not in ("system", "developer") and (digest is not None or url is not None)
        case Call(_, arguments, kind=kind):
            return kind == "function" and object_in(arguments) is not None
    return False


def write(conversation: Conversation, blobs: Mapping[str, Blob]) -> dict[str, Any]:
    """Raises ValueError for a file that is not in the blobs."""
    own = conversation.form == _NAME
    native = translated(conversation, _NAME, _holds)
    messages = native.messages if own else _one_system(native.messages)
    extra = unpacked(native.extra)
    key, absent = extra.pop("=", _SYSTEM), extra.pop("-", ())
    row: dict[str, Any] = {}
    if messages and messages[0].role in ("system", "developer") and _SYSTEM not in absent:
        row[key] = _source(messages[:1], blobs)
        messages = messages[1:]
    row["contents"] = [_source(group, blobs) for group in regrouped(messages, results_together=not own)]
    if native.tools:
        row["tools"] = json.loads(native.raw_tools) if native.raw_tools else written_tools(native.tools)
    return extra | row


def _one_system(messages: Sequence[Message]) -> tuple[Message, ...]:
    """What several system messages say in one before all others."""
    systems = [message for message in messages if message.role in ("system", "developer")]
    if not systems:
        return tuple(messages)
    parts = tuple(part for message in systems for part in message.parts)
    others = (message for message in messages if message.role not in ("system", "developer"))
    return (Message("system", parts), *others)


def _source(group: Sequence[Message], blobs: Mapping[str, Blob]) -> Any:
    raw = group[0].raw
    return _group(group, blobs) if raw is None else json.loads(raw)


def _group(group: Sequence[Message], blobs: Mapping[str, Blob]) -> dict[str, Any]:
    """One content."""
    extra = unpacked(group[0].extra)
    change = extra.get("content", {}) if group[0].role == "tool" else extra
    content = restored(_frame(group), change)
    if content.get("parts") == []:
        content["parts"] = list(_written_parts(group, blobs))
    return content


def _written_parts(group: Sequence[Message], blobs: Mapping[str, Blob]) -> Iterator[dict[str, Any]]:
    for message in group:
        if message.role == "tool":
            extra = {key: value for key, value in unpacked(message.extra).items() if key != "content"}
            yield restored(_written_result(message, blobs), extra)
        else:
            yield from (_written_part(part, blobs) for part in message.parts)


def _written_part(part: Part, blobs: Mapping[str, Blob]) -> dict[str, Any]:
    if isinstance(part, Opaque):
        return dict(json.loads(part.value))
    return restored(_written(part, blobs), unpacked(part.extra))


def _written_result(message: Message, blobs: Mapping[str, Blob]) -> dict[str, Any]:
    """The result as a part with nothing but its own."""
    shape = shape_of(message.extra) or []
    first = message.parts[0] if message.parts else None
    if isinstance(first, Opaque) and first.kind in _RESULTS:
        kind = _CAMELS[first.kind] if "snake" in shape else first.kind
        return {kind: json.loads(first.value)}
    values = {"id": message.call, "name": message.name or ("" if message.call is not None else None)}
    response: dict[str, Any] = {key: value for key, value in values.items() if value is not None}
    text = message.text
    if message.error and message.error not in text:
        text = f"{text}\n{message.error}" if text else message.error
    if "object" in shape:
        response["response"] = json.loads(text)
    elif "absent" not in shape:
        response["response"] = {"result" if "result" in shape else _key(message): text}
    files = [_written_part(part, blobs) for part in message.parts if isinstance(part, Media | Opaque)]
    if files:
        response["parts"] = files
    written = {"functionResponse": response}
    return _snake(written) if "snake" in shape else written


def _key(message: Message) -> str:
    return "output" if message.error is None else "error"


def _written(part: Part, blobs: Mapping[str, Blob]) -> dict[str, Any]:
    """The part with nothing but its own."""
    shape = shape_of(getattr(part, "extra", "")) or []
    match part:
        case Text(text) | Refusal(text):
            written: dict[str, Any] = {"text": text}
        case Reasoning(text, signature):
            written = {"text": text, "thought": True}
            written |= {} if signature is None else {"thoughtSignature": signature}
        case Call(name, arguments, id, kind):
            written = {kind: value_of(arguments)}
            if kind not in _CALLS:
                named = {"name": name, "args": value_of(arguments)}
                written = {"functionCall": named if id is None else {"id": id} | named}
        case Media():
            written = _written_file(part, blobs, safe="safe" in shape)
        case _:
            raise ValueError(f"cannot be written: {type(part).__name__}")
    return _snake(written) if "snake" in shape else written


def _written_file(media: Media, blobs: Mapping[str, Blob], *, safe: bool) -> dict[str, Any]:
    usual = {} if media.kind == "document" else {"mimeType": f"{media.kind}/*"}
    typed = usual if media.media_type is None else {"mimeType": media.media_type}
    if media.digest is None:
        return {"fileData": typed | {"fileUri": media.url}}
    data = in_base64(media.digest, blobs)
    if data is None:
        raise ValueError(f"the file {media.digest} of a message is not held")
    return {"inlineData": typed | {"data": data.translate(_STANDARD) if safe else data}}


GEMINI = Form(_NAME, recognises, read, write)
