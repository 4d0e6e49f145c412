"""Messages of any form as a chat API takes them: what goes together in a message, which ids calls have."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from judgebench.conversations import Call, Calls, Media, Message, Opaque, Part, Reasoning, Refusal, Text


@dataclass(frozen=True, slots=True)
class ChatStyle:
    """What messages may hold."""

    reasoning: bool  # in messages of the assistant
    user_media: tuple[str, ...]  # kinds
    other_media: tuple[str, ...]  # in messages of others
    addresses: tuple[str, ...]  # kinds of files that it may name by an address
    natives: tuple[str, ...] = ()  # forms whose messages are of this style as they came


_SPOKEN = ("audio/wav", "audio/mpeg")
_SHOWN = ("image", "audio", "video")
CHAT = ChatStyle(False, ("image", "audio", "document"), (), ("image",), ("openai-chat",))
REASONING_CHAT = ChatStyle(True, _SHOWN, _SHOWN, _SHOWN, ("vllm", "openai-chat"))


def styled(messages: Iterable[Message], style: ChatStyle) -> list[Message]:
    """The messages without what the style cannot say, and without what only their own form knows."""
    return list(_whole(_together(with_ids([bare(message, style) for message in messages]))))


def bare(message: Message, style: ChatStyle) -> Message:
    """The message without what the style cannot say, and without what only its own form knows."""
    parts = [_usual(part, message.role) for part in message.parts if _fits(part, message.role, style)]
    if message.error and not parts:
        parts = [Text(message.error)]
    name = None if message.role == "tool" else message.name
    return Message(message.role, tuple(parts), name, message.call)


def _fits(part: Part, role: str, style: ChatStyle) -> bool:
    if part == Text(""):
        return False
    if isinstance(part, Media):
        addressed = part.kind in style.addresses
        known = part.url is not None and addressed if part.digest is None else addressed or _is_sent(part)
        return known and part.kind in (style.user_media if role == "user" else style.other_media)
    if isinstance(part, Reasoning):
        return style.reasoning and role == "assistant" and not part.redacted
    if isinstance(part, Call):
        return role == "assistant" and part.kind in ("function", "custom")
    return isinstance(part, Text | Refusal)


def _is_sent(part: Media) -> bool:
    """Whether a file is of a type that goes without an address."""
    return part.kind != "audio" or part.media_type in _SPOKEN


def _usual(part: Part, role: str) -> Part:
    if isinstance(part, Refusal):
        return Refusal(part.text, '{"=": "part"}') if role == "assistant" else Text(part.text)
    return part if isinstance(part, Opaque) else replace(part, extra="")


def with_ids(messages: Sequence[Message]) -> Iterator[Message]:
    """Every call with an id, and every result with that of its call."""
    calls, ids = Calls(), dict[int, str]()
    taken = {part.id for message in messages for part in message.parts if isinstance(part, Call)}
    for message in messages:
        parts = []
        for part in message.parts:
            if isinstance(part, Call):
                number = calls.number(part)
                ids[number] = part.id if part.id is not None else _free(number, taken)
                part = replace(part, id=ids[number])
            parts.append(part)
        call = message.call
        if message.role == "tool":
            number_of = calls.answered(message)
            call = call if call is not None else ids.get(number_of or 0, "call_0")
        yield replace(message, parts=tuple(parts), call=call)


def _free(number: int, taken: set[str | None]) -> str:
    name = f"call_{number}"
    while name in taken:
        name += "_"
    return name


def in_order(messages: Iterable[Message]) -> Iterator[Message]:
    """The messages; one whose texts stand behind its calls, which a chat API does not have, as several.

    One that has more of its source is written as that has it.
    """
    for message in messages:
        ranks = [_rank(part) for part in message.parts]
        ordered = message.raw is not None or message.extra or ranks == sorted(ranks)
        yield from [message] if ordered else _together([message])


def _together(messages: Iterable[Message]) -> Iterator[Message]:
    """Thoughts, texts and calls of the assistant that follow each other in this order as one message, others apart."""
    parts: list[Part] = []
    speaker = Message("", ())
    for message in messages:
        if message.role != "assistant" or message.name != speaker.name or speaker.role != "assistant":
            if speaker.role:
                yield replace(speaker, parts=tuple(parts))
            speaker, parts = message, []
            if message.role != "assistant":
                parts = list(message.parts)
                continue
        for at, part in enumerate(message.parts):
            if parts and not _follows(part, parts[-1], inside=at > 0):
                yield replace(speaker, parts=tuple(parts))
                parts = []
            parts.append(part)
    if speaker.role:
        yield replace(speaker, parts=tuple(parts))


def _follows(part: Part, before: Part, *, inside: bool) -> bool:
    """Whether it may stand in one message behind the part before it."""
    rank, other = _rank(part), _rank(before)
    return rank > other or (rank == other and (rank == 2 or (rank == 1 and inside)))


def _rank(part: Part) -> int:
    return 0 if isinstance(part, Reasoning) else 2 if isinstance(part, Call) else 1


def _whole(messages: Iterable[Message]) -> Iterator[Message]:
    """A message that says nothing says the empty text."""
    for message in messages:
        yield message if message.parts else replace(message, parts=(Text(""),))
