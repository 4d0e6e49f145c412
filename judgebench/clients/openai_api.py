"""Judges behind any server that speaks the OpenAI chat completions format: hosted, vLLM, llama.cpp, Ollama, proxies.

One question is one POST over ``transport``; nothing is retried here but a request whose fields the server does not
take. The openai SDK is not used: its own client code costs ten times the processor time of the request.
"""

from collections.abc import Mapping
from dataclasses import replace
from time import perf_counter
from typing import Any

from judgebench.clients.dialect import Dialect, refused_field
from judgebench.clients.likelihood import Likelihoods
from judgebench.clients.prices import Price, cost_usd
from judgebench.clients.replies import ListedModel, Rejected, chat_completion, listed_models
from judgebench.clients.transport import Timeouts, Transport
from judgebench.errors import BadReply, InputError
from judgebench.records import ChatPrompt, Completion, Prompt

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
