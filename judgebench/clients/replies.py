"""What a chat completion says: its text, what was thought before it, its log-probabilities, and what it took.

Servers send content as null, as a text, or as a list of parts. Fields of a reply that have the wrong type never pass:
they are absent where a completion can live without, and a BadReply otherwise. A reply without a word is no answer.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from judgebench.clients.base import sound_token
from judgebench.clients.http import one_line, text_or_none
from judgebench.errors import BadReply
from judgebench.judging.parsing import WITHHELD
from judgebench.judging.parsing.thinking import without_thinking
from judgebench.keys import clean_text
from judgebench.records import Completion, TokenLogprob

_MAX_COUNT = 2**31 - 1
_CUT = ("length", "max_tokens", "max_output_tokens", "model_length")
_THOUGHT = ("thinking", "reasoning", "reasoning_content", "thought")


class EmptyReply(BadReply):
    """A reply without a word, which was paid for."""

    def __init__(self, why: str, completion: Completion) -> None:
        super().__init__(f"empty: {why}")
        self.why = why
        self.completion = completion


def chat_completion(reply: Any, latency_s: float | None = None) -> Completion:
    """A chat completion's first choice, which came after ``latency_s``.

    Its text may be blank where the server says why: a filter, or its length limit. Raises EmptyReply where it is blank
    otherwise, and BadReply when there is no choice.
    """
    choices = reply.get("choices") if isinstance(reply, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise BadReply(f"the judge's reply holds no choice with a message: {one_line(_gist(reply))}")
    refusal = text_or_none(message.get("refusal"))
    text, thought = _texts(message.get("content"))
    prompt_tokens, completion_tokens = counts(reply.get("usage"), "prompt_tokens", "completion_tokens")
    completion = Completion(
        text=text or refusal or "",
        reasoning=text_or_none(message.get("reasoning")) or text_or_none(message.get("reasoning_content")) or thought,
        finish_reason="refusal" if refusal else _finish(choice.get("finish_reason")),
        logprobs=_logprobs(choice.get("logprobs")),
        model=text_or_none(reply.get("model")),
        prompt_tokens=prompt_tokens or None,  # a prompt is never of no tokens: such a server does not count
        completion_tokens=completion_tokens,
        latency_s=latency_s,
    )
    if not text.strip() or text.lstrip()[0] in "<[":
        _check_written(completion, message)
    return completion


def _check_written(completion: Completion, message: Mapping[str, Any]) -> None:
    """Raises EmptyReply."""
    reason = (completion.finish_reason or "").casefold()
    if written(completion) or reason in WITHHELD or reason == "length":
        return
    if message.get("tool_calls") or message.get("function_call"):
        why = "the reply calls a tool and says nothing"
    elif completion.reasoning or completion.text.strip():
        why = "the reply holds only reasoning"
    else:
        why = "the reply has no text"
    raise EmptyReply(why, completion)


def written(completion: Completion) -> str:
    """Its text without what was thought."""
    return without_thinking(completion.text, is_apart=bool(completion.reasoning)).strip()


def _finish(reason: Any) -> str | None:
    text = text_or_none(reason)
    return "length" if text is not None and text.casefold() in _CUT else text


def counts(fields: Any, *names: str) -> list[int | None]:
    """The whole numbers that the fields hold under these names, None where there is none."""
    values = [fields.get(name) if isinstance(fields, dict) else None for name in names]
    return [value if type(value) is int and 0 <= value <= _MAX_COUNT else None for value in values]


def _gist(reply: Any) -> str:
    """What a reply with status 200 that is no completion says: its error, as some proxies send, or its fields."""
    if not isinstance(reply, dict):
        return f"it is a {type(reply).__name__}"
    error = reply.get("error")
    message = error.get("message") if isinstance(error, dict) else error
    return message if isinstance(message, str) else "it has " + (", ".join(list(reply)[:8]) or "no fields")


def _texts(content: Any) -> tuple[str, str | None]:
    """The text of a message, and what was thought, of its content in whichever form. Raises BadReply."""
    if isinstance(content, str | None):
        return text_or_none(content) or "", None
    parts = [content] if isinstance(content, dict) else content
    if not isinstance(parts, list):
        raise BadReply(f"the judge's message holds a {type(content).__name__} where its text should be")
    thought = clean_text("".join(_part(part, _THOUGHT) for part in parts if _is_thought(part)))
    return clean_text("".join(_part(part, ("text",)) for part in parts if not _is_thought(part))), thought or None


def _is_thought(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") in _THOUGHT


def _part(part: Any, names: Sequence[str]) -> str:
    """The text of a part, under one of these names or under text."""
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        return ""
    values = [part.get(name) for name in (*names, "text")]
    value = next((value for value in values if value), "")
    if isinstance(value, list):
        return "".join(_part(inner, names) for inner in value[:1000] if not isinstance(inner, list))
    return value if isinstance(value, str) else ""


def _logprobs(logprobs: Any) -> tuple[TokenLogprob, ...] | None:
    """None where any of them is not as it should be: a verdict is read from the text then."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(content, list) or not content:
        return None
    tokens = []
    for entry in content:
        top = (entry.get("top_logprobs") or []) if isinstance(entry, dict) else None
        if not isinstance(top, list) or not all(_is_token(one) for one in (entry, *top)):
            return None
        tokens.append(
            sound_token(entry["token"], entry.get("logprob"), [(other["token"], other.get("logprob")) for other in top])
        )
    return tuple(tokens)


def _is_token(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("token"), str)
