import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from judgebench.clients.embedded import EmbeddedClient
from judgebench.clients.embedded.engine import Engine
from judgebench.errors import InputError
from judgebench.records import ChatPrompt, Completion, LikelihoodPrompt, Prompt, PromptMessage

QUESTION = "What is the capital of France?"
CHAT = ChatPrompt((PromptMessage("user", QUESTION),))


@pytest.fixture(autouse=True)
def _read_once(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every client of these tests shares the session's engine instead of reading the weights again."""
    monkeypatch.setattr(Engine, "load", classmethod(lambda cls, path: engine))


@asynccontextmanager
async def opened() -> AsyncIterator[EmbeddedClient]:
    client = EmbeddedClient()
    try:
        yield client
    finally:
        await client.close()


def ask(prompt: Prompt, **settings: Any) -> Completion:
    async def main() -> Completion:
        async with opened() as client:
            return await client.complete(prompt, settings)

    return asyncio.run(main())


@pytest.mark.slow
def test_likelihoods_come_as_compact_json() -> None:
    completion = ask(LikelihoodPrompt(QUESTION, ("Paris.", "")))
    found = json.loads(completion.text)
    assert list(found) == ["conditional", "unconditional", "tokens", "truncated"]
    assert all(len(column) == 2 for column in found.values())
    assert completion.text == json.dumps(found, separators=(",", ":"))
    assert completion.finish_reason == "stop"
    assert completion.model == "SmolLM2-135M-Instruct"
    assert completion.cost_usd == 0
    assert completion.latency_s is not None
    assert completion.completion_tokens == 0
    assert completion.prompt_tokens == 37 + sum(found["tokens"])


def test_a_likelihood_prompt_without_outputs_has_empty_columns() -> None:
    assert json.loads(ask(LikelihoodPrompt(QUESTION, ())).text)["conditional"] == []


def test_a_chat_gives_one_token_and_twenty_alternatives_by_default() -> None:
    completion = ask(CHAT)
    assert completion.text == "The"
    assert completion.finish_reason == "length"
    assert (completion.prompt_tokens, completion.completion_tokens) == (37, 1)
    assert completion.logprobs is not None
    assert [len(token.top) for token in completion.logprobs] == [20]


def test_a_chat_stops_at_the_end_of_its_turn() -> None:
    completion = ask(CHAT, max_tokens=50, top_logprobs=0, temperature=0.0)
    assert completion.text == "The capital of France is Paris."
    assert completion.finish_reason == "stop"
    assert completion.logprobs is not None
    assert "".join(token.token for token in completion.logprobs) == completion.text
    assert completion.completion_tokens == len(completion.logprobs) + 1  # the end token


def test_a_chat_that_fills_the_context_gets_the_empty_reply() -> None:
    completion = ask(ChatPrompt((PromptMessage("user", "word " * 3000),)), max_tokens=5)
    assert (completion.text, completion.finish_reason, completion.completion_tokens) == ("", "length", 0)


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_tokens", 0), ("max_tokens", "5"), ("max_tokens", True), ("top_logprobs", 21), ("temperature", 0.7)],
)
def test_a_setting_out_of_range_is_an_input_error(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=f"{name}: {value!r}"):
        ask(CHAT, **{name: value})


@pytest.mark.slow
def test_many_at_once_get_each_their_own_answer() -> None:
    async def main() -> list[Completion]:
        async with opened() as client:
            prompts = [LikelihoodPrompt(QUESTION, (text,)) for text in ("Paris.", "Rome.", "Paris.", "A banana.")]
            return await asyncio.gather(*(client.complete(prompt, {}) for prompt in prompts))

    texts = [completion.text for completion in asyncio.run(main())]
    assert texts[0] == texts[2]
    assert len(set(texts)) == 3


def test_cancelling_stops_a_generation_and_leaves_the_client_usable(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate, taken = engine.generate, []

    async def main() -> Completion:
        loop, started = asyncio.get_running_loop(), asyncio.Event()

        def watched(*arguments: Any) -> Iterator[Any]:
            for step in generate(*arguments):
                taken.append(step)
                loop.call_soon_threadsafe(started.set)
                yield step

        async with opened() as client:
            monkeypatch.setattr(engine, "generate", watched)
            story = ChatPrompt((PromptMessage("user", "Write a long story about a fox."),))
            running = asyncio.create_task(client.complete(story, {"max_tokens": 1000}))
            queued = asyncio.create_task(client.complete(story, {"max_tokens": 1000}))
            await started.wait()  # only reached while the event loop is free
            running.cancel()
            queued.cancel()
            assert all(
                isinstance(result, asyncio.CancelledError)
                for result in await asyncio.gather(running, queued, return_exceptions=True)
            )
            monkeypatch.setattr(engine, "generate", generate)
            return await client.complete(CHAT, {})

    assert asyncio.run(main()).text == "The"
    assert len(taken) < 200


def test_the_weights_are_read_only_when_first_asked(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine, "load", None)
    asyncio.run(EmbeddedClient().close())
