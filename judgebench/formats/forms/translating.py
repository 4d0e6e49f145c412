"""From one form into another: what the other cannot hold is left out and counted, what it must have is filled in."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from judgebench.conversations import ASKING, Call, Conversation, Media, Message, Opaque, Part, Refusal, Text, bare
from judgebench.formats.forms import groups
from judgebench.formats.forms.chat_style import with_ids
from judgebench.formats.forms.sources import kept


@dataclass(frozen=True, slots=True)
class Reach:
    """What a form can hold of a conversation that comes from another."""

    form: str
    holds: Callable[[Message, Part], bool]
    names: bool = False  # of participants
    inserted: bool = False  # messages of a scaffold, marked as such
    roles: tuple[str, ...] = (*ASKING, "assistant", "tool")

    def losses(self, conversation: Conversation) -> Counter[str]:
        """What the form cannot hold, by its kind; nothing for a conversation of the form itself."""
        return Counter() if conversation.form == self.form else Counter(self._lost(conversation))

    def translated(self, conversation: Conversation) -> Conversation:
        """The conversation as one of the form: refusals it does not know become texts, other losses are left out."""
        if conversation.form == self.form:
            return conversation
        other = bare(conversation, self.form)
        messages = tuple(self._held(message) for message in linked(other.messages))
        tools = tuple(tool for tool in other.tools if tool.kind == "function")
        return replace(other, messages=messages, tools=tools)

    def _held(self, message: Message) -> Message:
        parts = [part if self.holds(message, part) else _nearest(part) for part in message.parts]
        name = message.name if self.names or message.role == "tool" else None
        return replace(message, parts=tuple(part for part in parts if part is not None), name=name)

    def _lost(self, conversation: Conversation) -> Iterator[str]:
        for message in conversation.messages:
            yield from (_kind(part) for part in message.parts if not self.holds(message, part))
            if message.name and message.role != "tool" and not self.names:
                yield "name"
            if message.role not in self.roles:
                yield "role"
            if message.inserted and not self.inserted:
                yield "inserted"
        yield from ("tool" for tool in conversation.tools if tool.kind != "function")


def _nearest(part: Part) -> Part | None:
    """What a form has instead of a part that it does not have; None: nothing."""
    if isinstance(part, Refusal):
        return Text(part.text)
    if isinstance(part, Call):
        arguments = part.arguments if isinstance(parsed(part.arguments), dict) else kept({"arguments": part.arguments})
        return replace(part, kind="function", arguments=arguments)
    return None


def parsed(text: str) -> Any:
    """The JSON value in the text; None also for what is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _kind(part: Part) -> str:
    return part.kind if isinstance(part, Media | Opaque) else type(part).__name__.lower()


def linked(messages: Sequence[Message]) -> Iterator[Message]:
    """The messages, every call with an id, every result with the id and the name of its call."""
    names: dict[str | None, str] = {}
    for message in with_ids(messages):
        names |= {part.id: part.name for part in message.parts if isinstance(part, Call)}
        named = message.role == "tool" and message.name is None and message.call in names
        yield replace(message, name=names[message.call]) if named else message


def regrouped(messages: Sequence[Message], *, results_together: bool) -> Iterator[list[Message]]:
    """As ``groups``, but a message is only glued to or by a result: two texts of a user are two messages.

    ``results_together``: results that follow each other stand in one message, as these servers want them.
    """
    before: Message | None = None
    checked: list[Message] = []
    for message in messages:
        roles = [] if before is None else [message.role, before.role]
        both = results_together and roles == ["tool", "tool"]
        checked.append(replace(message, glued="tool" in roles and (message.glued or both)))
        before = message
    return groups(checked)
