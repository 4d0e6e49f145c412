"""Scalar reward models behind vLLM's ``/classify``: one number for an output in its conversation, and no text.

The raw reward is asked for: by default vLLM passes a single label through a sigmoid, where good outputs all reach 1.0
and tie. The server applies the model's chat format to the conversation.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from time import perf_counter
from typing import Any

from judgebench.clients.base import Price, cost_usd
from judgebench.clients.http import Timeouts, Transport
from judgebench.clients.replies import finite_number, token_counts
from judgebench.errors import BadReply, JudgeRefused
from judgebench.records import ChatPrompt, Completion, Prompt, clean_text


class RewardClient:
    """One reward model at one address, with or without the ``/v1`` that chat completions end in."""

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
        self._price = price
        self._transport = Transport(base_url.rstrip("/").removesuffix("/v1"), api_key, timeouts or Timeouts())

    def __repr__(self) -> str:
        return f"RewardClient({self._transport.base_url!r}, {self.model!r})"

    @property
    def calls(self) -> int:
        """Requests sent so far."""
        return self._transport.calls

    async def complete(self, prompt: Prompt, settings: Mapping[str, Any]) -> Completion:
        """The reward of the conversation that ``prompt`` is, as the completion's text. No setting takes part.

        Raises JudgeRefused unless the conversation ends with an output, and as ``Client.complete`` does.
        """
        if not isinstance(prompt, ChatPrompt) or prompt.messages[-1].role != "assistant":
            raise JudgeRefused(f"{self.model} is a reward model: ask it by a template such as pointwise/reward")
        started = perf_counter()
        messages = [{"role": message.role, "content": message.content} for message in prompt.messages]
        body = {"model": self.model, "messages": messages, "use_activation": False}
        reply = await self._transport.post("/classify", body)
        if not isinstance(reply, dict):
            raise BadReply("the server's reply to a reward question is not an object")
        completion = Completion(
            text=json.dumps(_reward(reply)),
            finish_reason="stop",
            model=_model(reply),
            prompt_tokens=token_counts(reply)["prompt_tokens"],
            completion_tokens=0,
            latency_s=perf_counter() - started,
        )
        return replace(completion, cost_usd=cost_usd(self._price, completion))

    async def close(self) -> None:
        await self._transport.close()


def _reward(reply: dict[str, Any]) -> float:
    data = reply.get("data")
    entry = data[0] if isinstance(data, list) and data else None
    values = entry.get("probs") if isinstance(entry, dict) else None
    if not isinstance(values, list) or len(values) != 1:
        raise BadReply("the server's reply holds no single reward; is this a reward model with one label?")
    return finite_number(values[0])


def _model(reply: dict[str, Any]) -> str | None:
    name = reply.get("model")
    return clean_text(name) if isinstance(name, str) else None
