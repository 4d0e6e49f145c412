"""Conversations as a judge reads them: fenced text, and what of them is not shown.

Whatever somebody else wrote stands inside a fence: between two lines that bear a mark which occurs in none of the
texts. What cannot be shown as text has a line of its own that says so. Names of tools, roles and kinds stand in these
lines, so they are cleaned first: no name can end its line. What says the same to ``conversations.identity`` is shown
alike, so that a developer's message reads as the system's.
"""

import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from judgebench.conversations import (
    REPLYING,
    Call,
    Calls,
    Conversation,
    Media,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    Tool,
    Trajectory,
)
from judgebench.judging.pictures import Spots
from judgebench.keys import one_json

_MOST_NAME = 64  # characters of a name that is shown in a line of ours
_ODD = re.compile(r"[^\w.-]")
_TITLES = {"user": "user message", "system": "system message", "developer": "system message"}
IMAGE = "image"  # the kind of parts that some templates show
CHAT = ("system", "developer", "user", "assistant")  # roles that every chat server takes
_GIVEN = "given assistant message"


@dataclass(frozen=True, slots=True)
class Hidden:
    """A part that is not shown."""

    title: str  # of its line
    part: Media | Reasoning | Opaque
    kind: str  # as it is counted


@dataclass(frozen=True, slots=True)
class Block:
    """What stands in a fence."""

    title: str
    content: tuple["str | Hidden | Block", ...]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Blocks that belong together: an instruction's message, or what a model did at one place."""

    title: str  # of the message, or the place as "after user message 1"
    blocks: tuple[Hidden | Block, ...]
    after: int = 0  # of a model's: how many messages of the instruction stand before it


def fence(name: str, text: str, mark: str) -> str:
    """``text`` verbatim between two lines that bear the mark."""
    return f"<<< begin {name} {mark}\n{text}\nend {name} {mark} >>>"


def line(title: str, mark: str) -> str:
    """A line of ours that no text can write."""
    return f"<<< {title} {mark} >>>"


def written(blocks: Iterable[str | Hidden | Block], mark: str, spots: Spots | None = None) -> str:
    """The blocks as text, one below the other. ``spots``: where images are to stand; None: no image is shown."""
    return "\n".join(_written(block, mark, spots) for block in blocks)


def _written(block: str | Hidden | Block, mark: str, spots: Spots | None) -> str:
    match block:
        case str():
            return block
        case Hidden(title, Media(digest=digest), kind) if spots is not None and kind == IMAGE:
            return spots.line(title, digest, mark)
        case Hidden(title):
            return line(f"{title}, not shown", mark)
        case Block(title, content):
            return fence(title, written(content, mark, spots), mark)


def cleaned(name: str) -> str:
    """``name`` as it may stand in a line of ours."""
    return _ODD.sub("?", name)[:_MOST_NAME] or "?"


def asked(conversation: Conversation) -> tuple[Stretch, ...]:
    """What was asked: the tools that were offered, if any, and then a stretch a message."""
    return _Reader("the instruction").asked(conversation)


def done(conversation: Conversation, trajectory: Trajectory, holder: str) -> tuple[Stretch, ...]:
    """What a model said and did about ``conversation``, a stretch a place. ``holder``: whose it is, "output A" say."""
    reader = _Reader(holder)
    messages = [stretch.title for stretch in _after_tools(conversation, reader.asked(conversation))]
    reader.begin_output()
    return tuple(
        Stretch(
            f"after {messages[segment.after - 1]}" if segment.after else "before the first message",
            reader.stream(segment.messages, "text"),
            segment.after,
        )
        for segment in trajectory.segments
    )


def _after_tools(conversation: Conversation, stretches: tuple[Stretch, ...]) -> tuple[Stretch, ...]:
    return stretches[1:] if conversation.tools else stretches


def side(conversation: Conversation, stretches: Sequence[Stretch], mark: str, spots: Spots | None = None) -> str:
    """All that a model said and did, with the places where there are several, or one that is not at the end."""
    places = len(stretches) > 1 or any(stretch.after < len(conversation.messages) for stretch in stretches)
    texts: list[str] = []
    for stretch in stretches:
        texts += [line(stretch.title, mark)] if places else []
        texts += [_written(block, mark, spots) for block in stretch.blocks]
    return "\n".join(texts)


def dialogue(
    name: str,
    conversation: Conversation,
    asking: Sequence[Stretch],
    doing: Sequence[Stretch],
    mark: str,
    spots: Spots | None = None,
) -> str:
    """Everything in the order in which it was said; what the model said and did bears its name."""
    parts: list[Hidden | Block] = list(asking[0].blocks) if conversation.tools else []
    left = deque(doing)
    for at, message in enumerate((*_after_tools(conversation, tuple(asking)), Stretch("", ()))):
        while left and left[0].after <= at:
            parts += [
                replace(block, title=f"{name}, {block.title}") if isinstance(block, Block) else block
                for block in left.popleft().blocks
            ]
        parts += message.blocks
    return written(parts, mark, spots)


def texts(stretches: Iterable[Stretch]) -> Iterator[str]:
    """Everything that is shown, titles included."""
    for stretch in stretches:
        yield stretch.title
        for block in stretch.blocks:
            yield from _texts(block)


def _texts(block: str | Hidden | Block) -> Iterator[str]:
    match block:
        case str():
            yield block
        case Hidden(title):
            yield title
        case Block(title, content):
            yield title
            for inner in content:
                yield from _texts(inner)


def hidden(stretches: Iterable[Stretch]) -> Iterator[Hidden]:
    """What is not shown."""
    for stretch in stretches:
        for block in stretch.blocks:
            yield from _hidden(block)


def _hidden(block: str | Hidden | Block) -> Iterator[Hidden]:
    if isinstance(block, Hidden):
        yield block
    elif isinstance(block, Block):
        for inner in block.content:
            yield from _hidden(inner)


class _Reader:
    """Makes blocks of messages, and numbers what is in them: messages of a role, calls, and parts that are not shown.

    A conversation is read before a trajectory, so that a result of the model's is known to answer a call that was
    given.
    """

    def __init__(self, holder: str) -> None:
        self._holder = holder
        self._calls = Calls()
        self._given = 0  # calls that stand in the instruction
        self._is_output = False
        self._counts: Counter[str] = Counter()

    def asked(self, conversation: Conversation) -> tuple[Stretch, ...]:
        stretches = [Stretch("tools", tuple(map(_tool, conversation.tools)))] if conversation.tools else []
        for is_given, group in groupby(conversation.messages, key=lambda message: message.role in REPLYING):
            messages = list(group)
            stretches += self._given_run(messages) if is_given else map(self._message, messages)
        return tuple(stretches)

    def _message(self, message: Message) -> Stretch:
        title = f"{self._numbered(_role(message))}{_by(message)}"
        return Stretch(title, (Block(title, self._parts(message)),))

    def _given_run(self, messages: Sequence[Message]) -> list[Stretch]:
        """One stretch has it all, as the borders of these messages mean nothing."""
        blocks = self.stream(messages, _GIVEN)
        title = blocks[-1].title if blocks else _GIVEN
        return [Stretch(title, blocks), *(Stretch(title, ()) for _ in messages[1:])]

    def begin_output(self) -> None:
        """What comes next is the output's own, and is numbered anew."""
        self._is_output = True
        self._counts.clear()

    def stream(self, messages: Iterable[Message], title: str) -> tuple[Hidden | Block, ...]:
        """Messages of a model and results of its calls, one after the other; texts without anything between them are
        one, as borders of messages mean nothing there."""
        blocks: list[Hidden | Block] = []
        for name, group in groupby(_spoken_parts(messages), key=lambda item: item[0]):
            items = list(group)
            if name is not None:
                heading = f"{self._numbered(title)}{name}" if title == _GIVEN else f"{title}{name}"
                blocks.append(Block(heading, tuple(part.text for _, _, part in items if isinstance(part, Text))))
                continue
            for _, message, part in items:
                blocks.append(self._other(message) if part is None else self._part(part))
        return tuple(blocks)

    def _other(self, message: Message) -> Block:
        return self._result(message) if message.role == "tool" else self._inserted(message)

    def _inserted(self, message: Message) -> Block:
        """What the model's scaffold said to it."""
        return Block(f"{self._numbered(f'inserted {_role(message)}')}{_by(message)}", self._parts(message))

    def _result(self, message: Message) -> Block:
        number = self._calls.answered(message)
        source = "an unknown tool call" if number is None else self._call(number)
        if number is None and message.name:
            source += f" of {cleaned(message.name)}"
        parts = self._parts(message)
        if message.error and message.error not in message.text:
            parts += (message.error,)
        return Block(f"result of {source}" + ("" if message.error is None else ", an error"), parts)

    def _parts(self, message: Message) -> tuple[str | Hidden | Block, ...]:
        """Those that say anything."""
        parts = (part for part in message.parts if not isinstance(part, Text) or part.text)
        return tuple(part.text if isinstance(part, Text) else self._part(part) for part in parts)

    def _part(self, part: Part) -> Hidden | Block:
        match part:
            case Text(text):
                return Block("text", (text,))
            case Refusal(text):
                return Block("refusal", (text,))
            case Call(name, arguments, kind=kind):
                number = self._calls.number(part)
                self._given += not self._is_output
                how = "" if kind == "function" else f", {cleaned(kind)}"
                return Block(f"{self._call(number)}{how}: {cleaned(name)}", (one_json(arguments),))
            case _:
                kind = _kind(part)
                return Hidden(f"{self._numbered(kind)}, in {self._holder}", part, kind)

    def _call(self, number: int) -> str:
        return f"given tool call {number}" if number <= self._given else f"tool call {number - self._given}"

    def _numbered(self, title: str) -> str:
        self._counts[title] += 1
        return f"{title} {self._counts[title]}"


def _spoken_parts(messages: Iterable[Message]) -> Iterator[tuple[str | None, Message, Part | None]]:
    """Each part of a model's messages, with the speaker's name where it is a text that is not empty; messages of others
    as a whole."""
    for message in messages:
        if message.role != "assistant":
            yield None, message, None
            continue
        for part in message.parts:
            if not isinstance(part, Text):
                yield None, message, part
            elif part.text:
                yield _by(message), message, part


def _role(message: Message) -> str:
    return _TITLES.get(message.role, f"message of role {cleaned(message.role)}")


def _by(message: Message) -> str:
    return "" if message.name is None else f" by {cleaned(message.name)}"


def _kind(part: Media | Reasoning | Opaque) -> str:
    if isinstance(part, Reasoning):
        return "redacted reasoning" if part.redacted else "reasoning"
    return cleaned(part.kind)


def _tool(tool: Tool) -> Block:
    how = "" if tool.kind == "function" else f", {cleaned(tool.kind)}"
    told = [text for text in (tool.description, one_json(tool.parameters)) if text]
    return Block(f"tool definition{how}: {cleaned(tool.name)}", tuple(told))


def without_reasoning(trajectory: Trajectory) -> Trajectory:
    """The trajectory without what its model thought."""
    segments = (replace(segment, messages=tuple(map(_spoken, segment.messages))) for segment in trajectory.segments)
    return replace(trajectory, segments=tuple(segments))


def _spoken(message: Message) -> Message:
    return replace(message, parts=tuple(part for part in message.parts if not isinstance(part, Reasoning)))


def beyond_text(messages: Iterable[Message], tools: Sequence[Tool] = ()) -> list[str]:
    """What of these a chat of nothing but texts cannot hold: "tools", "image" ...; reasoning may be left out."""
    names = {"tools"} if tools else set()
    for message in messages:
        if message.role == "tool":
            names.add("tools")
        elif message.role not in CHAT:
            names.add(f"role {cleaned(message.role)}")
        for part in message.parts:
            if isinstance(part, Call):
                names.add("tools")
            elif isinstance(part, Media | Opaque):
                names.add(_kind(part))
    return sorted(names)
