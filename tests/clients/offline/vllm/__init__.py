"""Stands in for the package ``vllm``: the signatures of its offline mode as of 0.32, without a model.

It prefers "A", follows a JSON schema's enum or a choice, and remembers what it was asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from vllm.sampling_params import SamplingParams  # type: ignore[import-untyped]  # itself, once it is on the path

__all__ = ["LLM", "SamplingParams"]


@dataclass
class Logprob:
    logprob: float
    rank: int | None = None
    decoded_token: str | None = None


@dataclass
class CompletionOutput:
    index: int
    text: str
    token_ids: Sequence[int]
    cumulative_logprob: float | None
    logprobs: list[dict[int, Logprob]] | None
    finish_reason: str | None = "stop"


@dataclass
class RequestOutput:
    request_id: str
    prompt_token_ids: list[int] | None
    outputs: list[CompletionOutput]


@dataclass
class _Seen:
    loaded: list[dict[str, Any]] = field(default_factory=list)
    batches: list[list[Any]] = field(default_factory=list)
    params: list[Any] = field(default_factory=list)


seen = _Seen()


class LLM:
    def __init__(self, model: str, **arguments: Any) -> None:
        if model == "absent":
            raise OSError("absent is not a local folder")
        seen.loaded.append({"model": model, **arguments})

    def chat(
        self,
        messages: Sequence[Sequence[dict[str, str]]],
        sampling_params: Sequence[SamplingParams] | None = None,
        use_tqdm: bool = True,
    ) -> list[RequestOutput]:
        assert sampling_params is not None
        assert not use_tqdm
        seen.batches.append(list(messages))
        seen.params += sampling_params
        if any("explode" in message["content"] for chat in messages for message in chat):
            raise RuntimeError("CUDA out of memory")
        return [self._answer(number, params) for number, params in enumerate(sampling_params)]

    def _answer(self, number: int, params: SamplingParams) -> RequestOutput:
        text = "A"
        if params.structured_outputs is not None:
            constraint = params.structured_outputs
            text = constraint.choice[0] if constraint.choice else '{"word": "larch-41"}'
        top = {7: Logprob(-0.1, 1, "A"), 8: Logprob(-2.4, 2, "B")} if params.logprobs else None
        output = CompletionOutput(0, text, [7], -0.1, None if top is None else [top])
        return RequestOutput(str(number), [1, 2, 3], [output])
