"""What a judge's server answered, as our records and errors. Pure: bodies in, values out.

Follows the chat completions format of the OpenAI API as vLLM, llama.cpp, Ollama and the hosted services speak it.
Fields of the wrong type never pass: they are absent where a completion can live without, and a BadReply otherwise.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

from judgebench.errors import BadReply, JudgeError, JudgeRefused, JudgeUnreachable
from judgebench.records import Completion, TokenLogprob, clean_text

_MESSAGE_CHARS = 300
_FLOOR = -9999.0  # what OpenAI and vLLM write for a log-probability of minus infinity
_MAX_COUNT = 2**31 - 1
_TRANSIENT = frozenset({408, 409, 425, 429})


class Rejected(JudgeRefused):
    """A status that says no."""

    def __init__(self, text: str, *, status: int, code: str | None, param: str | None, message: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code  # the server's short name for the reason
        self.param = param  # the request's field that it blames
        self.message = message  # the server's own words, whole

    @property
    def only_this(self) -> bool:
        """Whether other questions may fare better: neither key nor quota is at fault, nor the model's name."""
        if self.status == 404:
            return self.code not in (None, "model_not_found")
        return self.status not in (401, 402, 403, 429)


class Overloaded(JudgeUnreachable):
    """A status that asks to try later: 408, 409, 425, 429 or 5xx."""

    def __init__(self, text: str, *, status: int, retry_after_s: float | None) -> None:
        super().__init__(text)
        self.status = status
        self.retry_after_s = retry_after_s  # what the server asked for, uncapped; None: it did not say


def failure(where: str, status: int, headers: Mapping[str, str], body: str) -> JudgeError:
    """The error that a status outside 2xx is. ``headers`` and ``body`` hold no key; names in lower case."""
    if 300 <= status < 400:
        target = _shown(headers.get("location", "nowhere"))
        return JudgeRefused(f"{where} redirects to {target}; no key goes there: give the final address yourself")
    code, param, message = _reason(body)
    text = f"{where} answered {status}: {_shown(message).rstrip('.') or 'without a reason'}"
    if status >= 500 or (status in _TRANSIENT and code != "insufficient_quota"):
        return Overloaded(text, status=status, retry_after_s=retry_after_s(headers.get("retry-after"), time()))
    hint = {401: "; check the key", 403: "; check the key", 404: "; check the address and the model's name"}
    return Rejected(text + hint.get(status, ""), status=status, code=code, param=param, message=message)


def retry_after_s(value: str | None, now: float) -> float | None:
    """Seconds to wait by a Retry-After header, a number or an HTTP date (RFC 9110, 10.2.3); None when it says nothing.

    ``now`` is the Unix time that a date is compared with.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            date = parsedate_to_datetime(value)
        except (ValueError, OverflowError):
            return None
        seconds = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now
    return max(0.0, seconds) if math.isfinite(seconds) else None


def chat_completion(reply: Any, latency_s: float | None = None) -> Completion:
    """A chat completion's first choice, which came after ``latency_s``. Raises BadReply when there is none."""
    choices = reply.get("choices") if isinstance(reply, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise BadReply(f"the judge's reply holds no choice with a message: {_shown(_gist(reply))}")
    text, tokens = _content(message.get("content")), token_counts(reply)
    refusal = _text(message.get("refusal"))
    return Completion(
        text=text or refusal or "",
        reasoning=_text(message.get("reasoning")) or _text(message.get("reasoning_content")),
        finish_reason="refusal" if refusal else _text(choice.get("finish_reason")),
        logprobs=_logprobs(choice.get("logprobs")),
        model=_text(reply.get("model")),
        prompt_tokens=tokens["prompt_tokens"],
        completion_tokens=tokens["completion_tokens"],
        latency_s=latency_s,
    )


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model in a server's list."""

    name: str
    context_tokens: int | None  # None: the server does not tell


def listed_models(reply: Any) -> tuple[ListedModel, ...]:
    """The models of a list, by name; empty when it is no list. Entries without a name are passed over."""
    entries = reply.get("data") if isinstance(reply, dict) else None
    found = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    models = (ListedModel(clean_text(entry["id"]), _context(entry)) for entry in found if _text(entry.get("id")))
    return tuple(sorted(models, key=lambda model: model.name))


def token_counts(reply: Mapping[str, Any]) -> dict[str, int | None]:
    """``prompt_tokens`` and ``completion_tokens`` as the server counted them, None where it did not."""
    usage = reply.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    return {name: _count(counts.get(name)) for name in ("prompt_tokens", "completion_tokens")}


def finite_number(value: Any) -> float:
    """A log-probability or reward as a number that every store holds. Raises BadReply when it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise BadReply(f"the judge sent {str(value)[:40]!r} where a log-probability or a reward should be")
    return float(min(max(value, _FLOOR), -_FLOOR))


def _reason(body: str) -> tuple[str | None, str | None, str]:
    """The code, the field blamed and the message of an error body, whichever of the usual shapes it has."""
    try:
        reply = json.loads(body)
    except (ValueError, RecursionError):
        return None, None, body
    error = reply.get("error", reply) if isinstance(reply, dict) else reply
    if not isinstance(error, dict):
        return None, None, error if isinstance(error, str) else body
    message = error.get("message") or error.get("detail") or body
    return _text(error.get("code")), _text(error.get("param")), message if isinstance(message, str) else body


def _context(entry: Mapping[str, Any]) -> int | None:
    """As vLLM, OpenRouter and Groq name it."""
    counts = (_count(entry.get(name)) for name in ("max_model_len", "context_length", "context_window"))
    return next((count for count in counts if count), None)


def _gist(reply: Any) -> str:
    """What a reply with status 200 that is no completion says: its error, as some proxies send, or its fields."""
    if not isinstance(reply, dict):
        return f"it is a {type(reply).__name__}"
    error = reply.get("error")
    message = error.get("message") if isinstance(error, dict) else error
    return message if isinstance(message, str) else "it has " + (", ".join(list(reply)[:8]) or "no fields")


def _shown(message: str) -> str:
    """One line of printable text, cut."""
    line = " ".join(clean_text(message[: 8 * _MESSAGE_CHARS]).split())
    line = "".join(character if character.isprintable() else "\ufffd" for character in line)
    return line if len(line) <= _MESSAGE_CHARS else line[:_MESSAGE_CHARS] + "..."


def _content(content: Any) -> str:
    """A message's text; null is no text, and of a list of parts the text ones count."""
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"]
        content = "".join(part for part in parts if isinstance(part, str))
    if content is not None and not isinstance(content, str):
        raise BadReply(f"the judge's message holds a {type(content).__name__} where its text should be")
    return clean_text(content or "")


def _text(value: Any) -> str | None:
    return clean_text(value) if isinstance(value, str) else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_COUNT else None


def _logprobs(logprobs: Any) -> tuple[TokenLogprob, ...] | None:
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(content, list) or not content:
        return None
    return tuple(_token(entry) for entry in content)


def _token(entry: Any) -> TokenLogprob:
    token, logprob = _pair(entry)
    top = entry.get("top_logprobs") or []
    if not isinstance(top, list):
        raise BadReply("the judge's log-probabilities hold alternatives that are not a list")
    return TokenLogprob(token, logprob, tuple(sorted(map(_pair, top), key=lambda pair: -pair[1])))


def _pair(entry: Any) -> tuple[str, float]:
    if not isinstance(entry, dict) or not isinstance(entry.get("token"), str):
        raise BadReply("the judge's log-probabilities hold an entry without a token")
    return clean_text(entry["token"]), finite_number(entry.get("logprob"))
