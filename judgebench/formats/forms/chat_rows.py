"""Rows that hold chat messages: a conversation in one column, or a prompt in one and replies to it in another."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from judgebench.conversations import ASKING, Conversation, Message, Text
from judgebench.formats.forms import Dialogue
from judgebench.formats.forms.sources import kind_of

_PROMPTS = ("messages", "prompt", "conversation", "conversations")
_REPLIES = ("response", "completion", "output", "choices", "answer")
_MODELS = ("assistant", "tool")
ReadMessages = Callable[[list[Any], str], tuple[Message, ...]]


def _is_message(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("role"), str)


def _are_messages(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_message(item) for item in value)


def prompt_column(values: Mapping[str, Any]) -> str | None:
    """The column of a row that holds messages, or the text that a message replies to."""
    listed = next((name for name in _PROMPTS if _are_messages(values.get(name))), None)
    replied = isinstance(values.get("prompt"), str) and any(_speaks(values.get(name)) for name in _REPLIES)
    return listed or ("prompt" if replied else None)


def _speaks(value: Any) -> bool:
    """Whether a reply is more than texts."""
    return _is_message(value) or _are_messages(value) or bool(_choices(value))


def _choices(value: Any) -> list[Any]:
    """The choices of a completion, of a line of a batch's file of results, or of a list of choices."""
    if isinstance(value, Mapping):
        return _choices(value.get("choices") or value.get("body"))
    listed = isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value)
    return list(value) if listed and all("message" in item or _is_completed(item) for item in value) else []


def _is_completed(choice: Mapping[str, Any]) -> bool:
    return isinstance(choice.get("text"), str) and "type" not in choice


def holds_messages(values: Mapping[str, Any]) -> bool:
    return prompt_column(values) is not None


def chat_columns(values: Mapping[str, Any]) -> Iterator[list[Any]]:
    """The messages of the row's prompt and those of its replies, as they came."""
    for value in (values.get(prompt_column(values) or ""), *(values.get(name) for name in _REPLIES)):
        choices = [choice.get("message") for choice in _choices(value)]
        yield choices or (value if isinstance(value, list) else [value])


def row_dialogue(values: Mapping[str, Any], read: ReadMessages, empty: Conversation) -> Dialogue:
    """What a row holds. ``empty``: the conversation without its messages."""
    column = prompt_column(values)
    if column is None:
        raise ValueError(_missing(values))
    source = values[column]
    messages = (Message("user", (Text(source),)),) if isinstance(source, str) else read(source, column)
    return with_replies(replace(empty, messages=messages), values, read)


def with_replies(conversation: Conversation, values: Mapping[str, Any], read: ReadMessages) -> Dialogue:
    """The conversation, with the replies in another column of its row."""
    model = values.get("model")
    messages = conversation.messages
    dialogue = Dialogue(conversation, model=model if isinstance(model, str) else None)
    answer = _reply_column(values, messages)
    if answer is not None:
        return _replied(dialogue, values[answer], answer, read)
    return dialogue if messages and messages[-1].role in _MODELS else replace(dialogue, prompt=len(messages))


def _missing(values: Mapping[str, Any]) -> str:
    for name in _PROMPTS:
        if isinstance(values.get(name), list):
            bad = next((at for at, item in enumerate(values[name]) if not _is_message(item)), 0)
            return f"{name}[{bad}].role: must be a text, of a message with role and content"
    return "messages: must be a list of messages, each an object with role and content"


def _reply_column(values: Mapping[str, Any], messages: tuple[Message, ...]) -> str | None:
    """A conversation that a model ends has its answer; what stands as "answer" beside it is another's."""
    names = [name for name in _REPLIES if values.get(name) is not None]
    others = {"answer"} if messages and messages[-1].role in _MODELS else set()
    if not _choices(values.get("choices")):
        others.add("choices")  # of a question, not of a completion
    return next((name for name in names if name not in others), None)


def _replied(dialogue: Dialogue, value: Any, column: str, read: ReadMessages) -> Dialogue:
    if is_turn_by_turn(dialogue, value):
        return turn_by_turn(dialogue, value, column)
    model = dialogue.model or (value.get("model") if isinstance(value, Mapping) else None)
    replies = tuple(_replies(value, column, read))
    return answered(replace(dialogue, model=model if isinstance(model, str) else None), replies, column)


def answered(dialogue: Dialogue, replies: tuple[tuple[Message, ...], ...], column: str) -> Dialogue:
    """The prompt with its replies; one in which the dialogue goes on belongs to the conversation."""
    messages = dialogue.conversation.messages
    if all(message.role in _MODELS for reply in replies for message in reply):
        return replace(dialogue, prompt=len(messages), replies=replies)
    if len(replies) > 1:
        raise ValueError(f"{column}: holds messages that no model says, in one of several replies")
    conversation = replace(dialogue.conversation, messages=(*messages, *replies[0]))
    return replace(dialogue, conversation=conversation, prompt=len(messages))


def is_turn_by_turn(dialogue: Dialogue, value: Any) -> bool:
    """Whether the reply is a list of texts, and the prompt has several turns."""
    texts = isinstance(value, list) and len(value) > 1 and all(isinstance(item, str) for item in value)
    return texts and len(dialogue.conversation.turns) > 1


def turn_by_turn(dialogue: Dialogue, texts: list[str], column: str) -> Dialogue:
    """One text a turn of the user, each behind its turn."""
    turns = len(dialogue.conversation.turns)
    messages: list[Message] = []
    if len(texts) != turns or any(message.role not in ASKING for message in dialogue.conversation.messages):
        raise ValueError(f"{column}: holds {len(texts)} texts to {turns} turns; must be one text, or one a turn")
    rest = iter(texts)
    for message in dialogue.conversation.messages:
        messages.append(message)
        if message.role == "user":
            messages.append(Message("assistant", (Text(next(rest)),)))
    return replace(dialogue, conversation=replace(dialogue.conversation, messages=tuple(messages)), prompt=0)


def _replies(value: Any, column: str, read: ReadMessages) -> Iterator[tuple[Message, ...]]:
    """The replies to a prompt, at least one."""
    if choices := _choices(value):
        for at, choice in enumerate(choices):
            yield _reply(choice["message"] if "message" in choice else choice["text"], f"{column}[{at}].message", read)
    elif isinstance(value, list) and not _are_messages(value):
        if not value:
            raise ValueError(f"{column}: holds no reply; an empty reply is the empty text")
        for at, item in enumerate(value):
            yield _reply(item, f"{column}[{at}]", read)
    else:
        yield _reply(value, column, read)


def _reply(value: Any, place: str, read: ReadMessages) -> tuple[Message, ...]:
    if isinstance(value, str):
        return (Message("assistant", (Text(value),)),)
    if isinstance(value, Mapping):
        return read([value if "role" in value else {"role": "assistant"} | dict(value)], place)
    if _are_messages(value):
        return read(value, place)
    raise ValueError(f"{place}: must be a text, a message or a list of messages, is {kind_of(value)}")
