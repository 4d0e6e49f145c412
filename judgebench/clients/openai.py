"""Which request fields a server takes, learned from its complaints. Pure.

Reasoning models refuse ``max_tokens``, ``temperature`` and ``logprobs``, small servers refuse others. A field that
a server calls unsupported is renamed or left out from then on; what was left out is reported, because a judge asked
without its temperature is not quite the judge that was meant.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

from judgebench.clients.base import Price, cost_usd
from judgebench.clients.http import Timeouts, Transport
from judgebench.clients.likelihood import Likelihoods
from judgebench.clients.replies import ListedModel, Rejected, chat_completion, listed_models
from judgebench.errors import BadReply, InputError
from judgebench.records import ChatPrompt, Completion, Prompt

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
    found = (re.search(rf"(?<!\w){re.escape(name)}(?!\w)", message) for name in sent)
    matches = [match for match in found if match]
    return min(matches, key=lambda match: match.start()).group() if matches else None


_OURS = frozenset({"model", "messages", "n", "stream"})


class OpenAIClient:
    """One model at one address. Only ``api_key`` is ever sent as a key; None sends no Authorization header.

    ``base_url`` ends where ``/chat/completions`` would begin. Raises InputError on an address or key of the wrong form.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        api_key: str | None = None,
        timeouts: Timeouts | None = None,
        price: Price | None = None,
    ) -> None:
        self.model = model
        self._transport = Transport(base_url, api_key, timeouts or Timeouts())
        self._price = price
        self._dialect = Dialect()
        self._likelihoods = Likelihoods(self._transport, model)

    def __repr__(self) -> str:
        return f"OpenAIClient({self._transport.base_url!r}, {self.model!r})"

    @property
    def calls(self) -> int:
        """Requests sent so far."""
        return self._transport.calls

    def left_out(self, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """Those of ``settings`` that the server was found not to take, sorted."""
        return self._dialect.left_out(settings)

    async def complete(self, prompt: Prompt, settings: Mapping[str, Any]) -> Completion:
        """One reply; see ``Client.complete``. A prompt that a content filter stopped is a reply without text.

        A likelihood prompt uses no settings and is several requests; see ``likelihood``.
        Raises InputError when ``settings`` name a field that belongs to the client.
        """
        if not isinstance(prompt, ChatPrompt):
            return await self._likelihoods.answer(prompt)
        if taken := _OURS & settings.keys():
            raise InputError(f"judge settings cannot hold {sorted(taken)}; the client sets them")
        messages = [{"role": message.role, "content": message.content} for message in prompt.messages]
        try:
            return await self._ask(messages, settings)
        except Rejected as rejection:
            if rejection.code != "content_filter":
                raise
            return Completion(text="", finish_reason="content_filter")

    async def models(self) -> tuple[ListedModel, ...]:
        """What the server lists; empty when it keeps no list. Costs no tokens, so it tries the address and the key.

        Raises JudgeUnreachable, and JudgeRefused when the key is not accepted.
        """
        try:
            return listed_models(await self._transport.get("/models"))
        except BadReply:
            return ()
        except Rejected as rejection:
            if rejection.status in (401, 403):
                raise
            return ()

    async def close(self) -> None:
        await self._transport.close()

    async def _ask(self, messages: list[dict[str, str]], settings: Mapping[str, Any]) -> Completion:
        """Ends, because each turn of the loop removes a field that no later turn sends."""
        while True:
            fields = self._dialect.spoken(settings)
            started = perf_counter()
            try:
                reply = await self._transport.post(
                    "/chat/completions", {"model": self.model, "messages": messages, **fields}
                )
            except Rejected as rejection:
                name = refused_field(rejection, fields)
                if name is None:
                    raise
                self._dialect = self._dialect.without(name)
                continue
            completion = chat_completion(reply, perf_counter() - started)
            cost = cost_usd(self._price, completion)
            return completion if cost is None else replace(completion, cost_usd=cost)
