"""Conversations: who said what, with tool calls, results and reasoning, whichever form they came in.

What was asked (system, developer and user messages, tool definitions) is an instruction's ``Conversation``; what a
model did (its own messages, its calls and their results) is an output's ``Trajectory``, which says where each of its
messages stands. ``cut`` takes a conversation apart, ``join`` puts it together again.

Nothing is lost: keys of a source that mean nothing here are kept in ``extra``, and a message that its form would not
give back equal keeps its source in ``raw``. Neither is part of its identity.
"""

import hashlib
import json
import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby
from typing import Any

from judgebench.keys import normalise_text, one_json, written_json

ASKING = ("system", "developer", "user")  # roles whose messages are asked; those of unknown roles are, too
REPLYING = ("assistant", "tool")  # of these what a model said and did is made, unless it was given
_SHORT, _DIGITS = 16, 12  # characters: of either end of what is shortened; of a digest
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Text:
    text: str
    extra: str = ""  # JSON object: keys of the source that mean nothing here; as for every part


@dataclass(frozen=True, slots=True)
class Refusal:
    """A text by which a model declines, where its server marks it as one."""

    text: str
    extra: str = ""


@dataclass(frozen=True, slots=True)
class Reasoning:
    """What a model thought before it spoke, where its server kept it apart."""

    text: str
    signature: str | None = None
    redacted: bool = False  # the text is not for reading
    extra: str = ""


@dataclass(frozen=True, slots=True)
class Media:
    """An image, audio, video or document: held by the digest of its bytes, or only named by its address."""

    kind: str  # "image", "audio", "video" or "document"
    digest: str | None = None  # SHA-256 of the file's bytes, 64 hexadecimal digits; None: not held
    media_type: str | None = None  # "image/png"
    url: str | None = None  # where it is said to lie; never fetched
    name: str | None = None
    extra: str = ""


@dataclass(frozen=True, slots=True)
class Blob:
    """A file that a ``Media`` part holds by its digest."""

    media_type: str
    data: bytes

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True)
class Call:
    """A model's call of a tool."""

    name: str
    arguments: str  # a JSON object in nearly all cases, as text
    id: str | None = None
    kind: str = "function"
    extra: str = ""


@dataclass(frozen=True, slots=True)
class Opaque:
    """Anything else, kept as it is."""

    kind: str
    value: str  # JSON


Part = Text | Refusal | Reasoning | Media | Call | Opaque


@dataclass(frozen=True, slots=True)
class Message:
    """One message. A tool's result is a message of the role "tool"."""

    role: str
    parts: tuple[Part, ...]
    name: str | None = None  # of the participant; of a result, of the tool
    call: str | None = None  # of a result: the id of its call
    error: str | None = None  # of a result: why the call failed; empty where its source does not say
    glued: bool = False  # it stood in one message of the source with the message before it
    inserted: bool = False  # a scaffold's, between the model's messages: not asked, but part of what came of it
    extra: str = ""
    raw: str | None = None  # JSON: its source in the conversation's form, where that would not be written again equal

    @property
    def text(self) -> str:
        """What of it can be read as text, its texts joined by line breaks."""
        return "\n".join(part.text for part in self.parts if isinstance(part, Text | Refusal))


@dataclass(frozen=True, slots=True)
class Tool:
    """What a model may call."""

    name: str
    description: str | None
    parameters: str  # JSON Schema; empty: none
    kind: str = "function"
    extra: str = ""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Messages in their order, and the tools that were offered."""

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    form: str = ""  # the form of its source, which ``raw`` of its messages is in; empty: none
    extra: str = ""  # JSON object: what stood beside its messages
    raw_tools: str | None = None  # as ``raw`` of a message

    @property
    def plain(self) -> bool:
        """Whether it is one or several texts of a user, and nothing else."""
        return not self.tools and all(_is_plain(message, "user") for message in self.messages)

    @property
    def turns(self) -> tuple[str, ...]:
        """The texts of its user's messages; other messages left out."""
        return tuple(message.text for message in self.messages if message.role == "user")

    @classmethod
    def of_turns(cls, turns: Iterable[str]) -> "Conversation":
        return cls(tuple(Message("user", (Text(turn),)) for turn in turns))


@dataclass(frozen=True, slots=True)
class Segment:
    """Messages of a model that follow each other."""

    after: int  # how many messages of the instruction stand before them
    messages: tuple[Message, ...]
    given: int = 0  # how many of those before were given: forms divide these in different ways, so no identity has it


@dataclass(frozen=True, slots=True)
class Trajectory:
    """What a model said and did, and where in the conversation."""

    segments: tuple[Segment, ...]
    form: str = ""  # as of a conversation
    plain: bool = False  # one text after each of the last turns, and nothing else
    source: Conversation | None = None  # what was asked, as its own source says it; None: as the instruction does

    @property
    def messages(self) -> tuple[Message, ...]:
        return tuple(message for segment in self.segments for message in segment.messages)

    @property
    def texts(self) -> tuple[str, ...]:
        """What the model wrote to be read: neither calls nor results nor reasoning; one text a segment that has any."""
        spoken = (_spoken(segment.messages) for segment in self.segments)
        return tuple(text for text in spoken if text)


def cut(conversation: Conversation, *, prompt: int = 0) -> tuple[Conversation, Trajectory]:
    """What was asked, and what a model did. The first ``prompt`` messages were asked, whoever said them."""
    asking: list[Message] = []
    replying: dict[int, list[Message]] = {}  # by how many messages stand before
    for at, message in enumerate(conversation.messages):
        if at < prompt or not _is_done(message):
            asking.append(message)
        else:
            replying.setdefault(len(asking), []).append(message)
    instruction = replace(conversation, messages=tuple(asking))
    return instruction, placed(Trajectory(_segments(asking, replying.items()), conversation.form), asking)


def placed(trajectory: Trajectory, asking: Sequence[Message]) -> Trajectory:
    """The trajectory, which is plain or not by what it holds and where. Raises ValueError for what ``cut`` never makes:
    places that are none of the instruction's messages', and messages that no model makes."""
    segments = trajectory.segments
    places = [segment.after for segment in segments]
    if any(not 0 <= place <= len(asking) for place in places) or sorted(set(places)) != places:
        raise ValueError(f"its messages stand at {str(places)[:40]}, of {len(asking)} places in the instruction")
    if segments != _segments(asking, [(segment.after, segment.messages) for segment in segments]):
        raise ValueError("it says of a place how many messages before it were given, and they are not so many")
    strangers = [message.role for message in trajectory.messages if not _is_done(message)]
    if strangers:
        raise ValueError(f"a message of the role {strangers[0][:40]!r} is asked, not made")
    replies = _reply_places(asking)
    plain = places == replies[len(replies) - len(segments) :] and all(
        _is_plain(message, "assistant") for message in trajectory.messages
    )
    return replace(trajectory, plain=plain)


def _segments(asking: Sequence[Message], stream: Iterable[tuple[int, Iterable[Message]]]) -> tuple[Segment, ...]:
    """Messages of a model, each behind so many of an instruction's."""
    given = list(accumulate((_is_done(message) for message in asking), initial=0))
    return tuple(Segment(after, tuple(messages), given[after]) for after, messages in stream)


def _is_done(message: Message) -> bool:
    """Whether it is something that a model did, or that a scaffold inserted."""
    return message.inserted or message.role in REPLYING


def anchored(trajectory: Trajectory, asking: Sequence[Message]) -> Trajectory:
    """The trajectory with its places in an instruction that is the same but divides what was given in other ways."""
    places = [0]  # by how many messages were asked before: how many stand before, with those given behind them
    for at, message in enumerate(asking, 1):
        if _is_done(message):
            places[-1] = at
        else:
            places.append(at)
    stream = (
        (places[min(segment.after - segment.given, len(places) - 1)], segment.messages)
        for segment in trajectory.segments
    )
    return replace(trajectory, segments=_segments(asking, stream))


def plain_trajectory(instruction: Conversation, replies: Sequence[str]) -> Trajectory:
    """One text after each of the instruction's last turns."""
    places = _reply_places(instruction.messages)[-len(replies) :]
    messages = ([Message("assistant", (Text(reply),))] for reply in replies)
    return Trajectory(_segments(instruction.messages, zip(places, messages, strict=True)), plain=True)


def join(instruction: Conversation, trajectory: Trajectory) -> Conversation:
    """The conversation that ``cut`` took apart. Of two forms it has the trajectory's, and of the other nothing.

    Where the trajectory has its own source of what was asked, that is what stands in it.
    """
    if trajectory.source is not None:
        instruction = trajectory.source
        trajectory = anchored(trajectory, instruction.messages)
    if trajectory.form not in ("", instruction.form):
        instruction = bare(instruction, trajectory.form)
    messages: list[Message] = []
    before = 0
    for segment in trajectory.segments:
        messages += [*instruction.messages[before : segment.after], *segment.messages]
        before = segment.after
    messages += instruction.messages[before:]
    return replace(instruction, messages=tuple(messages))


def bare(conversation: Conversation, form: str = "") -> Conversation:
    """The conversation in another form: without what only the form of its source has."""
    messages = tuple(_bare_message(message) for message in conversation.messages)
    tools = tuple(replace(tool, extra="") for tool in conversation.tools)
    return Conversation(messages, tools, form)


def _bare_message(message: Message) -> Message:
    parts = tuple(part if isinstance(part, Opaque) else replace(part, extra="") for part in message.parts)
    return replace(message, parts=parts, extra="", raw=None)


def _reply_places(asking: Sequence[Message]) -> list[int]:
    """How many messages stand before the reply to each of the user's."""
    return [at for at, message in enumerate(asking, 1) if message.role == "user"]


def _is_plain(message: Message, role: str) -> bool:
    """A model's message may say nothing."""
    texts = all(isinstance(part, Text) for part in message.parts) and (bool(message.parts) or role == "assistant")
    return texts and message.role == role and message.name is None


def held_files(messages: Iterable[Message], kind: str | None = None) -> list[str]:
    """The digests of the files that the messages hold, of this kind or of any, each once, in their order."""
    parts = (part for message in messages for part in message.parts if isinstance(part, Media))
    mine = (part.digest for part in parts if kind is None or part.kind == kind)
    return list(dict.fromkeys(digest for digest in mine if digest is not None))


def _spoken(messages: Iterable[Message]) -> str:
    texts = (message.text for message in messages if message.role == "assistant")
    return "\n".join(text for text in texts if text)


def visible(messages: Iterable[Message]) -> str:
    """What can be read in them, separated by empty lines: texts, calls with their arguments, results, errors, and files
    by what tells them apart; neither reasoning nor what only its source understands."""
    texts = (text for message in messages for text in (*map(_visible, message.parts), message.error))
    return "\n\n".join(text for text in texts if text)


def _visible(part: Part) -> str:
    match part:
        case Text(text) | Refusal(text):
            return text
        case Call(name, arguments):
            return f"{name} {one_json(arguments)}"
        case Media(kind, digest, url=url, name=name):
            return f"{kind} {digest or url or name}"
        case _:
            return ""


def brief(conversation: Conversation) -> str:
    """Its user's texts, and before each in brackets, shortened, what else was asked: a line that tells it from others
    in a list."""
    notes = [_note("tools", ", ".join(tool.name for tool in conversation.tools))] if conversation.tools else []
    blocks: list[str] = []
    for message in conversation.messages:
        if message.role != "user":
            notes.append(_note(_speaker(message), visible([message])))
            continue
        notes += [f"[{_shortened(_speaker(message))}]"] if message.name else []
        blocks.append(" ".join((*notes, *map(_brief_part, message.parts))))
        notes = []
    return "\n\n".join((*blocks, " ".join(notes)) if notes else blocks)


def _brief_part(part: Part) -> str:
    match part:
        case Text(text) | Refusal(text):
            return text
        case Media(kind, digest, url=url, name=name):
            return f"[{kind} {(digest or '')[:_DIGITS] or _shortened(url or name or '')}]"
        case Opaque(kind):
            return f"[{_shortened(kind)}]"
        case _:
            return _note(type(part).__name__.lower(), _visible(part))


def _speaker(message: Message) -> str:
    return f"{message.role} {message.name}" if message.name else message.role


def _note(title: str, text: str) -> str:
    return f"[{_shortened(title)}: {_shortened(text)}]"


def _shortened(text: str) -> str:
    """On one line, with its beginning and its end: prompts often begin alike."""
    words = " ".join(text.split())
    return words if len(words) <= 2 * _SHORT else f"{words[:_SHORT].rstrip()}…{words[-_SHORT:].lstrip()}"


class Calls:
    """Numbers the calls of a conversation from 1, and knows which of them a result answers.

    A result names its call by the call's id; without one it answers the first open call of its name.
    """

    def __init__(self) -> None:
        self._by_id: dict[str, int] = {}
        self._open: OrderedDict[int, str] = OrderedDict()  # names of calls without a result, in their order
        self._open_named: dict[str, OrderedDict[int, None]] = {}  # the same by name
        self._count = 0

    def number(self, call: Call) -> int:
        """The number of a call that comes next."""
        self._count += 1
        if call.id is not None:
            self._by_id[call.id] = self._count
        self._open[self._count] = call.name
        self._open_named.setdefault(call.name, OrderedDict())[self._count] = None
        return self._count

    def answered(self, result: Message) -> int | None:
        """The number of the call that the result answers; None where there is none."""
        number = self._by_id.get(result.call) if result.call is not None else None
        if number is None:
            matches = self._open if result.name is None else self._open_named.get(result.name, ())
            number = next(iter(matches), None)
        if number is not None and number in self._open:
            del self._open_named[self._open.pop(number)][number]
        return number


def identity(messages: Iterable[Message], *, normalised: bool, calls: Calls | None = None) -> list[Any]:
    """What is said in ``messages``, as a value to make a content key of.

    Left out are ids, signatures and everything that its source says beside; a model's texts without anything between
    them are one, whichever parts or messages they stood in, and two messages of others stay two. What differs for a
    judge (see ``judging.showing``) differs here, white space aside where it is ``normalised``: with texts as
    instructions are matched. ``calls``: of what stands before these messages.
    """
    calls = calls or Calls()
    items: list[list[Any]] = []
    for message in messages:
        role = "system" if message.role == "developer" else message.role
        speaker: list[Any] = [role, message.name]
        if role == "tool":
            number = calls.answered(message)
            speaker = [role, number, message.error is not None, *([] if number is not None else [message.name])]
        content = [_item(part, calls, normalised=normalised) for part in message.parts]
        if message.error and message.error not in message.text:
            content.append(["text", message.error])
        content = [item for item in content if item != ["text", ""]]
        if role == "assistant" and items and items[-1][0] == speaker:
            items[-1][1] += content
        elif content or role != "assistant":
            items.append([speaker, content])
    stream = ((speaker, _joined(content, normalised=normalised)) for speaker, content in items)
    return [[speaker, content] for speaker, content in stream if content or speaker[0] != "assistant"]


def answers(instruction: Conversation, trajectory: Trajectory) -> list[int | None]:
    """The numbers of the calls, those that were given counted, that the results in a trajectory answer."""
    calls = Calls()
    identity(instruction.messages, normalised=False, calls=calls)
    done = identity(trajectory.messages, normalised=False, calls=calls)
    return [speaker[1] for speaker, _ in done if speaker[0] == "tool"]


def _joined(content: Sequence[list[Any]], *, normalised: bool) -> list[list[Any]]:
    """Texts that follow each other as one: only then is it the same text, whichever parts it stood in."""
    joined: list[list[Any]] = []
    for is_text, group in groupby(content, key=lambda item: item[0] == "text" and isinstance(item[1], str)):
        items = list(group)
        text = "\n".join(item[1] for item in items) if is_text else ""
        text = normalise_text(text) if normalised else text
        joined += items if not is_text else [["text", text]] if text else []
    return joined


def _item(part: Part, calls: Calls, *, normalised: bool) -> list[Any]:
    match part:
        case Text(text):
            return ["text", text]
        case Refusal(text):
            return ["refusal", normalise_text(text) if normalised else text]
        case Reasoning(text, redacted=redacted):
            return ["reasoning", text, redacted]
        case Media(kind, digest, url=url, name=name):
            return [kind, digest or url or name]
        case Call(name, arguments, kind=kind):
            return ["call", calls.number(part), kind, name, _parsed(arguments)]
        case Opaque(kind, value):
            return [kind, _parsed(value)]


def tools_identity(tools: Iterable[Tool]) -> list[Any]:
    """What is offered, as a value to make a content key of."""
    return [[tool.kind, tool.name, tool.description or "", _parsed(tool.parameters)] for tool in tools]


def _parsed(text: str) -> list[str]:
    """The JSON value in ``text``, in which 1 and 1.0 differ, or else the text."""
    written = written_json(text)
    return ["text", text] if written is None else ["json", written]


def packed(values: Mapping[str, Any]) -> str:
    """The values as a JSON object; empty where there are none."""
    return json.dumps(values, ensure_ascii=False) if values else ""


def unpacked(extra: str) -> dict[str, Any]:
    """What ``packed`` made a text of."""
    return dict(json.loads(extra)) if extra else {}


def encoded_conversation(conversation: Conversation) -> str:
    """The conversation as JSON that holds all of it, in characters that every store takes."""
    return _dumped(_conversation_values(conversation))


def _conversation_values(conversation: Conversation) -> dict[str, Any]:
    values = {
        "messages": [_message_values(message) for message in conversation.messages],
        "tools": [_part_values(tool) for tool in conversation.tools],
        "form": conversation.form,
        "extra": unpacked(conversation.extra),
        "raw_tools": None if conversation.raw_tools is None else json.loads(conversation.raw_tools),
    }
    return {name: value for name, value in values.items() if value not in (None, "", [], {})}


def decoded_conversation(text: str) -> Conversation:
    return _conversation(json.loads(text))


def _conversation(values: Mapping[str, Any]) -> Conversation:
    raw_tools = values.get("raw_tools")
    return Conversation(
        tuple(_message(message) for message in values.get("messages", ())),
        tuple(_tool(tool) for tool in values.get("tools", ())),
        values.get("form", ""),
        packed(values.get("extra", {})),
        None if raw_tools is None else json.dumps(raw_tools, ensure_ascii=False),
    )


def encoded_trajectory(trajectory: Trajectory) -> str:
    """As ``encoded_conversation``."""
    segments = [
        [s.after, [_message_values(message) for message in s.messages], *([s.given] if s.given else [])]
        for s in trajectory.segments
    ]
    values = {"segments": segments, "form": trajectory.form, "plain": trajectory.plain}
    if trajectory.source is not None:
        values["source"] = _conversation_values(trajectory.source)
    return _dumped({name: value for name, value in values.items() if value not in ("", False)})


def decoded_trajectory(text: str) -> Trajectory:
    values = json.loads(text)
    segments = (
        Segment(after, tuple(_message(m) for m in messages), *given) for after, messages, *given in values["segments"]
    )
    source = values.get("source")
    source = None if source is None else _conversation(source)
    return Trajectory(tuple(segments), values.get("form", ""), values.get("plain", False), source)


def _dumped(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _SURROGATE.sub(lambda lone: f"\\u{ord(lone[0]):04x}", text)


_KINDS: Mapping[str, type[Any]] = {"t": Text, "f": Refusal, "r": Reasoning, "m": Media, "c": Call, "o": Opaque}
_LETTERS = {kind: letter for letter, kind in _KINDS.items()}
_JSON_FIELDS = ("extra", "raw")  # texts that hold JSON, which is stored as the JSON that it is


def _message_values(message: Message) -> dict[str, Any]:
    parts = [_part_values(part) for part in message.parts]
    return {"role": message.role, "parts": parts} | dict(_told(message, ("role", "parts")))


def _part_values(part: Part | Tool) -> Any:
    if isinstance(part, Text) and not part.extra:
        return part.text
    kind = {} if isinstance(part, Tool) else {"k": _LETTERS[type(part)]}
    return kind | dict(_told(part, ()))


def _told(value: Any, apart: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """The fields that are not as they are by default."""
    for name, field in type(value).__dataclass_fields__.items():
        content = getattr(value, name)
        if name not in apart and content != field.default:
            yield name, json.loads(content) if name in _JSON_FIELDS and content else content


def _field_values(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: json.dumps(value, ensure_ascii=False) if name in _JSON_FIELDS else value
        for name, value in values.items()
        if name != "k"
    }


def _message(values: Mapping[str, Any]) -> Message:
    parts = tuple(_part(part) for part in values["parts"])
    return Message(**_field_values(values) | {"parts": parts})


def _part(values: Any) -> Part:
    if isinstance(values, str):
        return Text(values)
    part: Part = _KINDS[values["k"]](**_field_values(values))
    return part


def _tool(values: Mapping[str, Any]) -> Tool:
    return Tool(**_field_values(values))
