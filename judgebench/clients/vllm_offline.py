"""A model that vLLM holds in this process, asked in batches: whatever is in flight together is computed together.

For whoever runs inside vLLM's own environment. What is sent to a server as fields are ``SamplingParams`` here.
"""

import asyncio
import gc
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import islice
from time import perf_counter
from typing import Any

from judgebench.clients.base import Access, cost_usd, sound_token
from judgebench.clients.replies import EmptyReply, chat_completion
from judgebench.errors import InputError, JudgeError, JudgeRefused, MissingExtra
from judgebench.records import ChatPrompt, Completion, Prompt, TokenLogprob, spoken_message
from judgebench.spec.serving import VllmServing

_QUIET_S = 0.005  # without another question, after which a batch is complete
_SAME = frozenset(
    {"temperature", "max_tokens", "min_tokens", "top_p", "top_k", "min_p", "seed", "stop", "stop_token_ids"}
    | {"presence_penalty", "frequency_penalty", "repetition_penalty", "ignore_eos", "logit_bias", "bad_words"}
)  # fields that bear one name at a server and in SamplingParams


@dataclass(slots=True)
class _Question:
    messages: list[dict[str, Any]]
    settings: Mapping[str, Any]
    answer: "asyncio.Future[Completion]"


def open_offline(access: Access) -> "OfflineClient":
    """Raises InputError for flags that cannot be read, and MissingExtra where vLLM cannot be imported."""
    try:
        serving = VllmServing.parse(access.model, access.vllm)
    except ValueError as error:
        raise InputError(f"vllm: {error}") from error
    if serving.adapters:
        raise InputError("adapters are judged on a server: name the judge vllm:NAME instead of vllm-offline:NAME")
    try:
        vllm = import_module("vllm")
    except ImportError as error:
        raise MissingExtra(
            "vllm-offline needs vLLM in this environment, which cannot be imported here: run judgebench in vLLM's own, "
            "or name the judge vllm:NAME, which runs it as a program"
        ) from error
    return OfflineClient(vllm, serving, access)


class OfflineClient:
    """``vllm.LLM``, loaded when it is first asked."""

    def __init__(self, vllm: Any, serving: VllmServing, access: Access) -> None:
        self.model = serving.loads
        self.calls = 0
        self._vllm = vllm
        self._arguments = {"generation_config": "vllm"} | serving.arguments()
        self._price = access.price
        self._llm: Any = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="vllm")  # it computes one batch at a time
        self._waiting: list[_Question] = []
        self._asking: asyncio.Task[None] | None = None

    async def complete(self, prompt: Prompt, settings: Mapping[str, Any]) -> Completion:
        """See ``Client.complete``. Raises InputError for a setting that vLLM does not take."""
        if not isinstance(prompt, ChatPrompt):
            raise InputError(f"{self.model} is asked for words here: likelihoods need the judge vllm:NAME")
        self.calls += 1
        messages = [spoken_message(message) for message in prompt.messages]
        answer: asyncio.Future[Completion] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Question(messages, self._sampling(settings), answer))
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask_all())
        return await answer

    async def close(self) -> None:
        """Gives the GPU's memory back as far as vLLM does."""
        if self._asking is not None:
            self._asking.cancel()
        self._llm = None
        self._thread.shutdown(wait=False)
        gc.collect()

    def _sampling(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """Arguments of SamplingParams."""
        arguments: dict[str, Any] = {}
        for name, value in settings.items():
            if name in _SAME:
                arguments[name] = value
            elif name == "max_completion_tokens":
                arguments["max_tokens"] = value
            elif name == "logprobs":
                arguments["logprobs"] = settings.get("top_logprobs", 1) if value else None
            elif name == "response_format" and isinstance(value, Mapping) and value.get("type") == "json_schema":
                arguments["structured_outputs"] = {"json": value["json_schema"]["schema"]}
            elif name == "structured_outputs":
                arguments[name] = value
            elif name != "top_logprobs":
                raise InputError(f"vllm-offline takes no setting {name!r}: leave it out, or name the judge vllm:NAME")
        return arguments

    async def _ask_all(self) -> None:
        """Until nothing waits: a batch of what has come, and then of what came meanwhile."""
        while self._waiting:
            count = 0
            while len(self._waiting) > count:
                count = len(self._waiting)
                await asyncio.sleep(_QUIET_S)
            batch, self._waiting = self._waiting, []
            loop = asyncio.get_running_loop()
            try:
                answers = await loop.run_in_executor(self._thread, self._answers, batch)
            except Exception as error:  # noqa: BLE001  # whatever vLLM raises ends each of the batch's questions
                failure = error if isinstance(error, JudgeError) else JudgeError(f"{type(error).__name__}: {error}")
                answers = [failure] * len(batch)
            for question, answer in zip(batch, answers, strict=True):
                if question.answer.done():  # it was cancelled
                    continue
                if isinstance(answer, JudgeError):
                    question.answer.set_exception(answer)
                else:
                    question.answer.set_result(answer)

    def _answers(self, batch: Sequence[_Question]) -> list[Completion | JudgeError]:
        """In vLLM's own thread."""
        started = perf_counter()
        if self._llm is None:
            try:
                self._llm = self._vllm.LLM(model=self.model, **self._arguments)
            except Exception as error:  # whatever vLLM raises while it loads
                raise JudgeRefused(f"vLLM cannot load {self.model}: {type(error).__name__}: {error}") from error
        params = [self._params(question.settings) for question in batch]
        outputs = self._llm.chat([question.messages for question in batch], params, use_tqdm=False)
        latency_s = perf_counter() - started
        return [self._completion(output, latency_s) for output in outputs]

    def _params(self, settings: Mapping[str, Any]) -> Any:
        constraint = settings.get("structured_outputs")
        if constraint is None:
            return self._vllm.SamplingParams(**settings)
        structured = import_module(f"{self._vllm.__name__}.sampling_params").StructuredOutputsParams(**constraint)
        return self._vllm.SamplingParams(**{**settings, "structured_outputs": structured})

    def _completion(self, output: Any, latency_s: float) -> Completion | JudgeError:
        written = output.outputs[0]
        message = {"content": written.text}
        tokens = {"prompt_tokens": len(output.prompt_token_ids or ()), "completion_tokens": len(written.token_ids)}
        reply = {
            "choices": [{"message": message, "finish_reason": written.finish_reason}],
            "usage": tokens,
            "model": self.model,
        }
        try:
            completion = chat_completion(reply, latency_s)
        except EmptyReply as error:
            return EmptyReply(error.why, replace(error.completion, cost_usd=cost_usd(self._price, error.completion)))
        return replace(completion, logprobs=_logprobs(written), cost_usd=cost_usd(self._price, completion))


def _logprobs(written: Any) -> tuple[TokenLogprob, ...] | None:
    """vLLM's own: for each token, those of the likeliest by their numbers, and of the one that was drawn."""
    if not written.logprobs:
        return None
    tokens = []
    for number, likeliest in zip(written.token_ids, written.logprobs, strict=False):
        drawn = likeliest[number]
        ranked = islice(sorted(likeliest.values(), key=lambda entry: -entry.logprob), 20)
        tokens.append(
            sound_token(
                drawn.decoded_token or "", drawn.logprob, [(one.decoded_token or "", one.logprob) for one in ranked]
            )
        )
    return tuple(tokens)
