"""Scalar reward models behind vLLM's ``/classify``: one number for each output, and no text.

The raw reward is asked for: by default vLLM passes a single label through a sigmoid, where good outputs all reach 1.0
and tie. The server applies the model's chat format to the instruction and the output.
"""

import json
from collections.abc import Mapping
from time import perf_counter
from typing import Any

from judgebench.clients.replies import finite_number, token_counts
from judgebench.clients.transport import Timeouts, Transport
from judgebench.errors import BadReply, JudgeRefused
from judgebench.records import Completion, LikelihoodPrompt, Prompt, clean_text


class RewardClient:
    """One reward model at one address, with or without the ``/v1`` that chat completions end in."""

    def __init__(
        self, base_url: str, model: str, *, api_key: str | None = None, timeouts: Timeouts | None = None
    ) -> None:
        self.model = model
        self._transport = Transport(base_url.rstrip("/").removesuffix("/v1"), api_key, timeouts or Timeouts())

    def __repr__(self) -> str:
        return f"RewardClient({self._transport.base_url!r}, {self.model!r})"

    @property
    def calls(self) -> int:
        """Requests sent so far."""
        return self._transport.calls

    async def complete(self, prompt: Prompt, settings: Mapping[str, Any]) -> Completion:
        """A completion whose text is JSON: ``rewards``, a number for each output. No setting takes part.

        Raises JudgeRefused on a chat prompt, and as ``Client.complete`` does.
        """
        if not isinstance(prompt, LikelihoodPrompt):
            raise JudgeRefused(f"{self.model} is a reward model: it scores outputs, and answers no question about them")
        started = perf_counter()
        replies = [await self._asked(prompt.instruction, output) for output in prompt.outputs]
        counts = [token_counts(reply)["prompt_tokens"] for reply in replies]
        return Completion(
            text=json.dumps({"rewards": [_reward(reply) for reply in replies]}),
            finish_reason="stop",
            model=_model(replies[0]),
            prompt_tokens=None if None in counts else sum(count or 0 for count in counts),
            completion_tokens=0,
            latency_s=perf_counter() - started,
        )

    async def close(self) -> None:
        await self._transport.close()

    async def _asked(self, instruction: str, output: str) -> dict[str, Any]:
        messages = [{"role": "user", "content": instruction}, {"role": "assistant", "content": output}]
        body = {"model": self.model, "messages": messages, "use_activation": False}
        reply = await self._transport.post("/classify", body)
        if not isinstance(reply, dict):
            raise BadReply("the server's reply to a reward question is not an object")
        return reply


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
