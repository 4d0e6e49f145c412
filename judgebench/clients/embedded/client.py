"""The judge client of the embedded judge: the one method the runner calls, computed in one worker thread.

The weights are found and verified when the client is made, and read when it is first asked. Nothing is written to
disk, nothing is sent anywhere. How likelihoods become a preference is not decided here.
"""

import asyncio
import json
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

from judgebench.clients.base import Access
from judgebench.clients.embedded import weights_file
from judgebench.clients.embedded.engine import Engine, OutputLikelihoods
from judgebench.clients.embedded.tokenizer import prompt_tokens
from judgebench.errors import InputError
from judgebench.records import ChatPrompt, Completion, LikelihoodPrompt, Prompt

_MOST_ALTERNATIVES = 20  # as OpenAI-compatible servers allow


class EmbeddedClient:
    """Answers one prompt at a time, in the order asked, off the event loop.

    Raises MissingExtra when made where the extra or the weights are not installed, InputError when the weights are
    not the expected ones.
    """

    model = weights_file.MODEL

    def __init__(self) -> None:
        self.calls = 0  # prompts answered or under way
        self._path = weights_file.locate()
        self._engine: Engine | None = None
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="embedded-judge")

    @classmethod
    def open(cls, access: Access) -> "EmbeddedClient":
        return cls()

    async def complete(self, prompt: Prompt, settings: Mapping[str, Any]) -> Completion:
        """Ask the model. ``settings`` may hold max_tokens (1 or more), top_logprobs (0 to 20), temperature (0 only).

        A likelihood prompt uses none of them; its completion is described in docs/embedded-judge.md. Cancelling
        drops what is queued and stops a generation at its next token; a likelihood in progress (seconds) is
        finished in the thread and kept for the next who asks. Raises InputError for a setting out of its range.
        """
        max_tokens = _count(settings, "max_tokens", 1, range(1, 2**31))
        top = _count(settings, "top_logprobs", _MOST_ALTERNATIVES, range(_MOST_ALTERNATIVES + 1))
        if settings.get("temperature"):
            raise InputError(f"temperature: {settings['temperature']!r}: the embedded judge is greedy; use 0")
        cancelled = threading.Event()
        self.calls += 1

        def answer() -> Completion:
            if isinstance(prompt, LikelihoodPrompt):
                return self._likelihoods(prompt)
            return self._chat(prompt, max_tokens, top, cancelled)

        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, answer)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async def close(self) -> None:
        """Drop what is queued and wait for what is in progress. The client answers nothing afterwards."""
        await asyncio.to_thread(self._worker.shutdown, cancel_futures=True)

    def _loaded(self) -> Engine:
        if self._engine is None:
            self._engine = Engine.load(self._path)
        return self._engine

    def _likelihoods(self, prompt: LikelihoodPrompt) -> Completion:
        engine = self._loaded()
        start = time.perf_counter()
        likelihoods = engine.likelihoods(prompt)
        return Completion(
            text=_as_json(likelihoods),
            finish_reason="stop",
            model=weights_file.MODEL,
            prompt_tokens=likelihoods.instruction_tokens + sum(likelihoods.tokens),
            completion_tokens=0,
            cost_usd=0.0,
            latency_s=time.perf_counter() - start,
        )

    def _chat(self, prompt: ChatPrompt, max_tokens: int, top: int, cancelled: threading.Event) -> Completion:
        """A prompt that leaves no room in the context gets the empty reply, finished by ``length``."""
        engine = self._loaded()
        start = time.perf_counter()
        tokens = prompt_tokens(prompt.messages, engine.tokenizer)
        room = min(max_tokens, max(engine.context_tokens - len(tokens), 0))
        steps = []
        for step in islice(engine.generate(tokens, top), room):
            steps.append(step)
            if cancelled.is_set():
                break
        spoken = [step for step in steps if not step.ends]
        return Completion(
            text=engine.tokenizer.decode([step.number for step in spoken]),
            finish_reason="length" if spoken == steps else "stop",
            logprobs=tuple(step.logprob for step in spoken),
            model=weights_file.MODEL,
            prompt_tokens=len(tokens),
            completion_tokens=len(steps),
            cost_usd=0.0,
            latency_s=time.perf_counter() - start,
        )


def _as_json(likelihoods: OutputLikelihoods) -> str:
    """Six decimals: below that, float32 sums differ between machines anyway."""
    fields = {
        "conditional": [round(value, 6) for value in likelihoods.conditional],
        "unconditional": [round(value, 6) for value in likelihoods.unconditional],
        "tokens": likelihoods.tokens,
        "truncated": likelihoods.truncated,
    }
    return json.dumps(fields, separators=(",", ":"))


def _count(settings: Mapping[str, Any], name: str, default: int, allowed: range) -> int:
    value = settings.get(name, default)
    if type(value) is not int or value not in allowed:
        raise InputError(
            f"{name}: {value!r}: the embedded judge takes a whole number from {allowed.start} to {allowed.stop - 1}"
        )
    return value
