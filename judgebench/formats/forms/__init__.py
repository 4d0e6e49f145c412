"""Forms in which conversations are written by others: one module a form, and ``registry`` with the table of them.

Every form is read so that it can be written again: a message that would not come back equal keeps its source, so that
no reader can lose anything in silence.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
    identity,
)

Blobs = dict[str, Blob]  # by the digest of their bytes


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What a row holds: a conversation, or a prompt and the replies to it."""

    conversation: Conversation
    prompt: int = 0  # how many of its messages were asked, whoever said them; 0: by their roles
    replies: tuple[tuple[Message, ...], ...] = ()  # to the whole conversation, several where there are samples
    model: str | None = None  # that replied, as the row has it
    sample: int | None = None  # which of several outputs of the model this row is, from 0, where its form says so
    reference: str | None = None  # a gold answer, where the form has a place for it
    failed: bool = False  # the model was asked and there is no reply, since the request failed

    @property
    def whole(self) -> Conversation:
        """The conversation with the first of the replies in it."""
        replies = self.replies[0] if self.replies else ()
        return replace(self.conversation, messages=(*self.conversation.messages, *replies))


@dataclass(frozen=True, slots=True)
class Form:
    """How rows of a form are recognised, read and written.

    ``recognises`` and ``read`` take a row's values; ``read`` puts files that it holds into the blobs it is given, and
    raises ValueError for what is not of this form, naming the field. ``write`` makes the row of a conversation whose
    replies stand in it, and reads files from the blobs.
    """

    name: str
    recognises: Callable[[Mapping[str, Any]], bool]
    read: Callable[[Mapping[str, Any], Blobs], Dialogue]
    write: Callable[[Conversation, Mapping[str, Blob]], dict[str, Any]]


def faithful(
    sources: Sequence[Any],
    read: Callable[[Any], list[Message]],
    write: Callable[[list[Message]], Any],
    *,
    place: str = "messages",
) -> Iterator[Message]:
    """The messages that each source is read into; the first of them keeps a source that they are not written as.

    ``place`` is the field that holds the sources; errors of ``read`` begin with the field within one: ".role: ...".
    """
    for number, source in enumerate(sources):
        try:
            group = read(source)
        except ValueError as error:
            raise ValueError(f"{place}[{number}]{error}") from error
        if not group:
            raise ValueError(f"{place}[{number}]: was read as nothing")
        same = canonical(write(group)) == canonical(source)
        first = group[0] if same else replace(group[0], raw=json.dumps(source, ensure_ascii=False))
        yield first
        yield from (replace(message, glued=True) for message in group[1:])


def groups(messages: Sequence[Message]) -> Iterator[list[Message]]:
    """Messages that stood in one message of their source, together."""
    group: list[Message] = []
    for message in messages:
        if group and not message.glued:
            yield group
            group = []
        group.append(message)
    if group:
        yield group


def written(form: Form, conversation: Conversation, blobs: Mapping[str, Blob]) -> dict[str, Any]:
    """The row of a conversation, without files whose bytes are not among the blobs."""
    messages = tuple(
        replace(message, parts=tuple(part for part in message.parts if not _is_gone(part, blobs)))
        for message in conversation.messages
    )
    return form.write(replace(conversation, messages=messages), blobs)


def _is_gone(part: Part, blobs: Mapping[str, Blob]) -> bool:
    return isinstance(part, Media) and part.digest is not None and part.digest not in blobs


def losses(form: Form, conversation: Conversation, blobs: Mapping[str, Blob]) -> Counter[str]:
    """What a row of the form cannot say of the conversation, by kind: seen by reading the row that it is written as."""
    if not conversation.messages:
        return Counter()
    again = form.read(written(form, conversation, blobs), dict(blobs)).whole
    lost = _kinds(conversation) - _kinds(again)
    before, after = (identity(side.messages, normalised=False) for side in (conversation, again))
    return lost if lost or before == after else Counter({"other": 1})


def _kinds(conversation: Conversation) -> Counter[str]:
    kinds = Counter({"tool": len(conversation.tools)})
    for message in conversation.messages:
        kinds["name"] += message.role != "tool" and message.name is not None
        kinds["error"] += message.error is not None
        kinds["inserted"] += message.inserted
        for part in message.parts:
            match part:
                case Text(text):
                    kinds["character"] += len(text)
                case Refusal(text):
                    kinds["character"] += len(text)
                    kinds["refusal"] += 1
                case Reasoning(signature=signature):
                    kinds["reasoning"] += 1
                    kinds["signature"] += signature is not None
                case Media(kind):
                    kinds[kind] += 1
                case Call():
                    kinds["call"] += 1
                case Opaque(kind):
                    kinds[kind] += 1
    return kinds


def canonical(value: Any) -> str:
    """JSON in which equal values are equal texts, 1 and 1.0 not being equal."""
    return json.dumps(value, sort_keys=True, ensure_ascii=True)
