"""Judges that answer by numbers instead of words: how probable given outputs are, and scalar rewards. For vLLM.

Likelihoods are asked as prompt log-probabilities of a conversation. The instruction is the user's turn and the output
the assistant's, in the model's own chat format; "by itself" is the same with an empty user's turn. The output's tokens
are those after what this conversation shares with its beginning, the instruction and the head of the assistant's turn;
they include what the chat format writes to end a turn. The server's tokenizer reads the texts: one that holds a control
token's spelling is read as if it held the token.

Rewards come from ``/classify``. The raw reward is asked for: by default vLLM passes a single label through a sigmoid,
where good outputs all reach 1.0 and tie. The server applies the model's chat format to the conversation.
"""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any, Generic, TypeVar

from judgebench.clients.base import Access, cost_usd, finite_number
from judgebench.clients.http import Timeouts, Transport, text_or_none
from judgebench.clients.openai import OpenAIClient
from judgebench.clients.replies import counts
from judgebench.errors import BadReply, JudgeRefused
from judgebench.records import ChatPrompt, Completion, LikelihoodPrompt, Prompt

_ONE_PASS = {"max_tokens": 1, "temperature": 0, "prompt_logprobs": 0}
_KEPT_CONTEXTS = 64
_KEPT_SCORES = 4096
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class _Token:
    number: str  # in the server's vocabulary
    logprob: float | None  # None: the first, which follows nothing


@dataclass(frozen=True, slots=True)
class _Score:
    logprob: float  # of the output, natural, summed over its tokens
    tokens: int  # of the output
    read: int  # tokens of the whole conversation


class LikelihoodClient(OpenAIClient):
    """A model that is also asked how probable outputs are. Scores are remembered, so that both orders cost one pass."""

    def __init__(self, access: Access, timeouts: Timeouts | None = None) -> None:
        super().__init__(access, timeouts)
        self._contexts: _Memory[list[_Token]] = _Memory(_KEPT_CONTEXTS)
        self._scores: _Memory[_Score] = _Memory(_KEPT_SCORES)

    async def complete(self, prompt: Prompt, settings: Mapping[str, Any]) -> Completion:
        """For a likelihood prompt JSON: ``conditional``, ``unconditional`` and ``tokens``, a number for each output.

        Such a prompt uses no settings and is several requests. Raises JudgeRefused when the server gives no prompt
        log-probabilities, and as ``Client.complete`` does.
        """
        if not isinstance(prompt, LikelihoodPrompt):
            return await super().complete(prompt, settings)
        started = perf_counter()
        given = [await self._score(prompt.instruction, output) for output in prompt.outputs]
        alone = [await self._score("", output) for output in prompt.outputs]
        numbers = {
            "conditional": [score.logprob for score in given],
            "unconditional": [score.logprob for score in alone],
            "tokens": [score.tokens for score in given],
        }
        return Completion(
            text=json.dumps(numbers),
            finish_reason="stop",
            model=self.model,
            prompt_tokens=sum(score.read for score in (*given, *alone)),
            completion_tokens=0,
            latency_s=perf_counter() - started,
        )

    async def _score(self, instruction: str, output: str) -> _Score:
        return await self._scores.of((instruction, output), lambda: self._scored(instruction, output))

    async def _scored(self, instruction: str, output: str) -> _Score:
        context = await self._contexts.of(instruction, lambda: self._read(instruction, None))
        whole = await self._read(instruction, output)
        shared = 0
        for one, other in zip(context, whole, strict=False):
            if one.number != other.number:
                break
            shared += 1
        logprobs = [finite_number(token.logprob) for token in whole[shared:]]
        return _Score(sum(logprobs), len(logprobs), len(whole))

    async def _read(self, instruction: str, output: str | None) -> list[_Token]:
        """The conversation's tokens; without an output, up to where the assistant's turn would begin."""
        messages = [{"role": "user", "content": instruction}]
        if output is not None:
            messages.append({"role": "assistant", "content": output})
        body = {"model": self.model, "messages": messages, "add_generation_prompt": output is None, **_ONE_PASS}
        return _prompt_tokens(await self._transport.ask("/chat/completions", body))


@dataclass(slots=True)
class _Entry(Generic[Value]):
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    value: Value | None = None


class _Memory(Generic[Value]):
    """The answers to the last questions, each asked once even by those who ask at the same time."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: OrderedDict[Hashable, _Entry[Value]] = OrderedDict()

    async def of(self, key: Hashable, ask: Callable[[], Awaitable[Value]]) -> Value:
        entry = self._entries.setdefault(key, _Entry())
        self._entries.move_to_end(key)
        if len(self._entries) > self._size:
            self._entries.popitem(last=False)
        async with entry.lock:
            if entry.value is None:
                entry.value = await ask()
            return entry.value


def _prompt_tokens(reply: Any) -> list[_Token]:
    entries = reply.get("prompt_logprobs") if isinstance(reply, dict) else None
    if not isinstance(entries, list):
        raise JudgeRefused("the server gives no prompt_logprobs; ask likelihoods of vLLM or of the embedded judge")
    return [_token(entry) for entry in entries]


def _token(entry: Any) -> _Token:
    """The prompt's own token comes first, before its alternatives."""
    if entry is None:
        return _Token("", None)
    if not isinstance(entry, dict) or not entry:
        raise BadReply("the judge's prompt log-probabilities hold an entry without a token")
    number, value = next(iter(entry.items()))
    return _Token(number, finite_number(value.get("logprob") if isinstance(value, dict) else None))


class RewardClient:
    """One reward model at one address, with or without the ``/v1`` that chat completions end in."""

    def __init__(self, access: Access, timeouts: Timeouts | None = None) -> None:
        self.model = access.model
        self._price = access.price
        root = (access.url or "").rstrip("/").removesuffix("/v1")
        self._transport = Transport(replace(access, url=root), timeouts or Timeouts())

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
        reply = await self._transport.ask("/classify", body)
        if not isinstance(reply, dict):
            raise BadReply("the server's reply to a reward question is not an object")
        completion = Completion(
            text=json.dumps(_reward(reply)),
            finish_reason="stop",
            model=text_or_none(reply.get("model")),
            prompt_tokens=counts(reply.get("usage"), "prompt_tokens")[0],
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
