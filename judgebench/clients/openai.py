"""A model behind an OpenAI-compatible server: what is sent, in the fields that this server takes, and what comes back.

Follows the chat completions format of the OpenAI API as vLLM, llama.cpp, Ollama and the hosted services speak it.

Reasoning models refuse ``max_tokens``, ``temperature`` and ``logprobs``, small servers refuse others. A field that a
server calls unsupported is renamed or left out from then on; what was left out is reported, because a judge asked
without its temperature is not quite the judge that was meant. Fields of a reply that have the wrong type never pass:
they are absent where a completion can live without, and a BadReply otherwise.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

from judgebench.clients.base import Access, cost_usd, sound_token
from judgebench.clients.http import Rejected, Timeouts, Transport, one_line, text_or_none
from judgebench.errors import BadReply, InputError
from judgebench.keys import clean_text
from judgebench.records import ChatPrompt, Completion, Prompt, TokenLogprob

_MAX_COUNT = 2**31 - 1
_OURS = frozenset({"model", "messages", "n", "stream"})
_RENAMED = {"max_tokens": "max_completion_tokens"}
_NEEDS = {"top_logprobs": "logprobs"}
_CODES = frozenset({"unsupported_parameter", "unsupported_value", "unknown_parameter"})
_UNSUPPORTED = re.compile(
    r"unsupported|not (?:yet |currently )?(?:supported|permitted|allowed|available|implemented|recogni[sz]ed)"
    r"|does(?:n't| not) support|unavailable|unknown|unrecogni[sz]ed|unexpected|extra inputs|deprecated|cannot be used",
    re.IGNORECASE,
)
_SEARCHED_CHARS = 4000


@dataclass(frozen=True, slots=True)
class Dialect:
    """The fields a server does not take; none at first."""

    refused: frozenset[str] = frozenset()

    def spoken(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The settings as this server takes them."""
        fields = {}
        for name, value in settings.items():
            spoken = _RENAMED.get(name) if name in self.refused else name
            if spoken is not None and spoken not in self.refused and _NEEDS.get(spoken) not in self.refused:
                fields[spoken] = value
        return fields

    def left_out(self, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """The settings that do not reach the server under any name, sorted."""
        spoken = self.spoken(settings)
        return tuple(sorted(name for name in settings if name not in spoken and _RENAMED.get(name) not in spoken))

    def without(self, name: str) -> "Dialect":
        return Dialect(self.refused | {name})


def refused_field(rejection: Rejected, sent: Collection[str]) -> str | None:
    """The field of ``sent`` that a rejection calls unsupported; None when it is about something else.

    A complaint about a value, such as more tokens than the context holds, is not about the field.
    """
    if rejection.status not in (400, 422):
        return None
    message = rejection.message[:_SEARCHED_CHARS]
    if rejection.code not in _CODES and not _UNSUPPORTED.search(message):
        return None
    if rejection.param in sent:
        return rejection.param
    searches = (re.search(rf"(?<!\w){re.escape(name)}(?!\w)", message) for name in sent)
    matches = [match for match in searches if match]
    return min(matches, key=lambda match: match.start()).group() if matches else None


class OpenAIClient:
    """One model at one address. Only ``access.api_key`` is ever sent as a key; None sends no Authorization header.

    The url ends where ``/chat/completions`` would begin. Raises InputError on an address or key of the wrong form.
    """

    def __init__(self, access: Access, timeouts: Timeouts | None = None) -> None:
        self.model = access.model
        self._transport = Transport(access.url or "", access.api_key, timeouts or Timeouts())
        self._price = access.price
        self._dialect = Dialect()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._transport.base_url!r}, {self.model!r})"

    @property
    def calls(self) -> int:
        """Requests sent so far."""
        return self._transport.calls

    def left_out(self, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """Those of ``settings`` that the server was found not to take, sorted."""
        return self._dialect.left_out(settings)

    async def complete(self, prompt: Prompt, settings: Mapping[str, Any]) -> Completion:
        """One reply; see ``Client.complete``. A prompt that a content filter stopped is a reply without text.

        Raises InputError for a prompt that is no chat, and when ``settings`` name a field that belongs to the client.
        """
        if not isinstance(prompt, ChatPrompt):
            raise InputError(f"{self.model} is asked for words here: likelihoods need template pairwise/likelihood")
        if taken := _OURS & settings.keys():
            raise InputError(f"judge settings cannot hold {sorted(taken)}; the client sets them")
        messages = [{"role": message.role, "content": message.content} for message in prompt.messages]
        while True:  # ends, because each turn removes a field that no later turn sends
            fields = self._dialect.spoken(settings) if self._dialect.refused else settings
            body = {"model": self.model, "messages": messages, **fields}
            started = perf_counter()
            try:
                reply = await self._transport.json("/chat/completions", body)
            except Rejected as rejection:
                if rejection.code == "content_filter":
                    return Completion(text="", finish_reason="content_filter")
                name = refused_field(rejection, fields)
                if name is None:
                    raise
                self._dialect = self._dialect.without(name)
                continue
            completion = chat_completion(reply, perf_counter() - started)
            if self._price is None:
                return completion
            return replace(completion, cost_usd=cost_usd(self._price, completion))

    async def check(self) -> Any:
        """Try the address and the key; costs no tokens. Returns the server's list of models, None when it keeps none.

        Raises JudgeUnreachable, and JudgeRefused when the key is not accepted.
        """
        try:
            return await self._transport.json("/models")
        except BadReply:
            return None
        except Rejected as rejection:
            if rejection.status in (401, 403):
                raise
            return None

    async def models(self) -> tuple["ListedModel", ...]:
        """What the server lists; empty when it keeps no list. Raises as ``check`` does."""
        return listed_models(await self.check())

    async def close(self) -> None:
        await self._transport.close()


def chat_completion(reply: Any, latency_s: float | None = None) -> Completion:
    """A chat completion's first choice, which came after ``latency_s``. Raises BadReply when there is none."""
    choices = reply.get("choices") if isinstance(reply, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise BadReply(f"the judge's reply holds no choice with a message: {one_line(_gist(reply))}")
    content, refusal = message.get("content"), text_or_none(message.get("refusal"))
    text = text_or_none(content) if isinstance(content, str | None) else _joined(content)
    logprobs = choice.get("logprobs")
    prompt_tokens, completion_tokens = counts(reply.get("usage"), "prompt_tokens", "completion_tokens")
    return Completion(
        text=text or refusal or "",
        reasoning=text_or_none(message.get("reasoning")) or text_or_none(message.get("reasoning_content")),
        finish_reason="refusal" if refusal else text_or_none(choice.get("finish_reason")),
        logprobs=None if logprobs is None else _logprobs(logprobs),
        model=text_or_none(reply.get("model")),
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
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
    rows = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    models = (ListedModel(clean_text(entry["id"]), _context(entry)) for entry in rows if text_or_none(entry.get("id")))
    return tuple(sorted(models, key=lambda model: model.name))


def counts(fields: Any, *names: str) -> list[int | None]:
    """The whole numbers that the fields hold under these names, None where there is none."""
    values = [fields.get(name) if isinstance(fields, dict) else None for name in names]
    return [value if type(value) is int and 0 <= value <= _MAX_COUNT else None for value in values]


def _context(entry: Mapping[str, Any]) -> int | None:
    """As vLLM, OpenRouter and Groq name it."""
    lengths = counts(entry, "max_model_len", "context_length", "context_window")
    return next((length for length in lengths if length), None)


def _gist(reply: Any) -> str:
    """What a reply with status 200 that is no completion says: its error, as some proxies send, or its fields."""
    if not isinstance(reply, dict):
        return f"it is a {type(reply).__name__}"
    error = reply.get("error")
    message = error.get("message") if isinstance(error, dict) else error
    return message if isinstance(message, str) else "it has " + (", ".join(list(reply)[:8]) or "no fields")


def _joined(content: Any) -> str:
    """The text parts of a message that is a list of parts. Raises BadReply for anything else."""
    if not isinstance(content, list):
        raise BadReply(f"the judge's message holds a {type(content).__name__} where its text should be")
    parts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"]
    return clean_text("".join(part for part in parts if isinstance(part, str)))


def _logprobs(logprobs: Any) -> tuple[TokenLogprob, ...] | None:
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(content, list) or not content:
        return None
    return tuple(_token(entry) for entry in content)


def _token(entry: Any) -> TokenLogprob:
    top = _named(entry).get("top_logprobs") or []
    if not isinstance(top, list):
        raise BadReply("the judge's log-probabilities hold alternatives that are not a list")
    pairs = [(other["token"], other.get("logprob")) for other in map(_named, top)]
    return sound_token(entry["token"], entry.get("logprob"), pairs)


def _named(entry: Any) -> dict[str, Any]:
    if not isinstance(entry, dict) or not isinstance(entry.get("token"), str):
        raise BadReply("the judge's log-probabilities hold an entry without a token")
    return entry
