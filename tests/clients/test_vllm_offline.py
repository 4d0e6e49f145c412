"""A model in this process, asked in batches, with a stand-in for the package vllm of the same signatures."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from judgebench.clients.base import Access, Price
from judgebench.clients.probe import enforced
from judgebench.clients.vllm_offline import OfflineClient, open_offline
from judgebench.errors import InputError, JudgeError, JudgeRefused, MissingExtra
from judgebench.records import ChatPrompt, LikelihoodPrompt, PromptMessage
from tests.cli.conftest import Invoke, invoke, outputs, submitted

__all__ = ["invoke", "outputs", "submitted"]  # fixtures


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the stand-in was asked."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "offline"))
    for name in ("vllm", "vllm.sampling_params"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import vllm  # type: ignore[import-untyped,unused-ignore]  # the stand-in

    return vllm.seen


def chat(text: str = "A or B?") -> ChatPrompt:
    return ChatPrompt((PromptMessage("system", "Judge."), PromptMessage("user", text)))


def asked(client: OfflineClient, *questions: tuple[Any, dict[str, Any]]) -> list[Any]:
    async def run() -> list[Any]:
        try:
            return await asyncio.gather(*(client.complete(*question) for question in questions), return_exceptions=True)
        finally:
            await client.close()

    return asyncio.run(run())


@pytest.mark.slow
def test_what_is_asked_together_is_one_batch_and_the_model_is_loaded_once(seen: Any) -> None:
    client = open_offline(Access("org/q", price=Price(1e6, 1e6), vllm="--tensor-parallel-size 2"))
    replies = asked(client, *[(chat(f"question {number}"), {"temperature": 0, "max_tokens": 8}) for number in range(9)])
    assert [reply.text for reply in replies] == ["A"] * 9
    assert (replies[0].prompt_tokens, replies[0].completion_tokens, replies[0].cost_usd) == (3, 1, 4.0)
    assert [len(batch) for batch in seen.batches] == [9]
    assert seen.batches[0][8][1] == {"role": "user", "content": "question 8"}
    assert seen.loaded == [{"model": "org/q", "generation_config": "vllm", "tensor_parallel_size": 2}]
    assert (seen.params[0].temperature, seen.params[0].max_tokens) == (0, 8)
    assert client.calls == 9


@pytest.mark.slow
def test_log_probabilities_and_constraints_are_asked_as_of_a_server(seen: Any) -> None:
    (reply,) = asked(open_offline(Access("q")), (chat(), {"logprobs": True, "top_logprobs": 5}))
    assert (reply.logprobs[0].token, reply.logprobs[0].top) == ("A", (("A", -0.1), ("B", -2.4)))
    assert seen.params[0].logprobs == 5
    assert asyncio.run(enforced(open_offline(Access("q")), {"temperature": 0})) == "json_schema"
    (reply,) = asked(open_offline(Access("q")), (chat(), {"structured_outputs": {"choice": ["B"]}}))
    assert (reply.text, reply.logprobs) == ("B", None)


@pytest.mark.slow
def test_what_goes_wrong_fails_the_batch_and_not_the_next_one(seen: Any) -> None:
    async def run() -> str:
        client = open_offline(Access("q"))
        with pytest.raises(JudgeError, match="RuntimeError: CUDA out of memory"):
            await client.complete(chat("explode"), {})
        reply = await client.complete(chat(), {})
        await client.close()
        return reply.text

    assert asyncio.run(run()) == "A"
    (failure,) = asked(open_offline(Access("absent")), (chat(), {}))
    assert isinstance(failure, JudgeRefused)
    assert "cannot load absent: OSError" in str(failure)


def test_what_it_cannot_be_asked_is_an_input_error(seen: Any) -> None:
    strange, likely = asked(
        open_offline(Access("q")), (chat(), {"reasoning_effort": "low"}), (LikelihoodPrompt("a", ("b", "c")), {})
    )
    assert isinstance(strange, InputError)
    assert isinstance(likely, InputError)
    with pytest.raises(InputError, match="adapters are judged on a server"):
        open_offline(Access("a", vllm="--model q --lora-modules a=./a"))


def test_without_vllm_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(MissingExtra, match="name the judge vllm:NAME"):
        open_offline(Access("q"))


def test_a_run_asks_it_as_any_judge(seen: Any, submitted: Invoke) -> None:
    study = ("--benchmark", "bench", "--pair", "alpha,beta", "--format", "json")
    ran = submitted("run", "--judge", "vllm-offline:org/q", "--template", "pairwise/letter", *study)
    assert (ran.code, ran.json["ok"], ran.json["calls"]) == (0, 8, 8), ran.err
    assert sum(len(batch) for batch in seen.batches) == 8
    assert len(seen.loaded) == 1
