"""From one form into another: what the other cannot hold is left out and counted, what it must have is filled in."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from judgebench.conversations import Call, Conversation, Message, Part, Refusal, Text, bare
from judgebench.formats.forms import groups
from judgebench.formats.forms.chat_style import with_ids

Holds = Callable[[Message, Part], bool]  # whether a form has a place for the part of the message


def translated(conversation: Conversation, form: str, holds: Holds) -> Conversation:
    """The conversation as one of the form, if it is of another: what it does not hold becomes the nearest that it does,
    or is left out; names of participants and tools that are no functions are left out."""
    if conversation.form == form:
        return conversation
    other = bare(conversation, form)
    messages = tuple(_held(message, holds) for message in linked(other.messages))
    return replace(other, messages=messages, tools=tuple(tool for tool in other.tools if tool.kind == "function"))


def _held(message: Message, holds: Holds) -> Message:
    parts = [part if holds(message, part) else _nearest(part) for part in message.parts]
    name = message.name if message.role == "tool" else None
    return replace(message, parts=tuple(part for part in parts if part is not None), name=name)


def _nearest(part: Part) -> Part | None:
    """What a form has instead of a part that it does not have; None: nothing."""
    if isinstance(part, Refusal):
        return Text(part.text)
    return replace(part, kind="function") if isinstance(part, Call) else None


def value_of(arguments: str) -> Any:
    """A call's arguments for forms that hold them as an object; a text that is none, in one."""
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):
        return {"arguments": arguments}


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
