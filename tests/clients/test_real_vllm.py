"""A real vLLM server on any machine that has one, driven as a judge. It takes minutes on a CPU.

JUDGEBENCH_TEST_VLLM=/path/to/its/python JUDGEBENCH_TEST_VLLM_MODEL=/path/to/weights pytest -m slow ...
"""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

from judgebench import engine, store
from judgebench.bias.position import position
from judgebench.clients.base import Access
from judgebench.clients.http import Rejected, Timeouts
from judgebench.clients.openai import ListedModel, OpenAIClient
from judgebench.clients.probe import check
from judgebench.clients.vllm_server import VllmServer, free_port
from judgebench.records import ChatPrompt, LikelihoodPrompt, PromptMessage, Status
from judgebench.spec import Study, make
from judgebench.spec.serving import VllmServing
from judgebench.store.database import Database
from tests.filling import asked, stored

PROGRAM = os.environ.get("JUDGEBENCH_TEST_VLLM", "")
WEIGHTS = os.environ.get("JUDGEBENCH_TEST_VLLM_MODEL", "")
FLAGS = ["--served-model-name", "small", "--max-model-len", "2048", "--enforce-eager"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (PROGRAM and WEIGHTS), reason="JUDGEBENCH_TEST_VLLM and ..._MODEL name no server"),
]
QUESTION = ChatPrompt((PromptMessage("user", "Which is larger, A = 3 or B = 5? Answer A or B."),))
Value = TypeVar("Value")


def serving(tmp_path: Path, flags: Sequence[str]) -> VllmServing:
    return VllmServing(WEIGHTS, tuple(flags), PROGRAM, str(tmp_path / "vllm.log"))


def served(tmp_path: Path, use: Callable[[OpenAIClient], Awaitable[Value]]) -> Value:
    async def run() -> Value:
        port = free_port()
        async with VllmServer(serving(tmp_path, FLAGS), port) as server:
            client = OpenAIClient(Access("small", server.url), Timeouts(total_s=120))
            try:
                return await use(client)
            finally:
                await client.close()

    return asyncio.run(run())


JUDGES = ("pairwise/two-way", "pairwise/json-verdict", "pairwise/letter", "pointwise/yes-no", "pairwise/likelihood")


def test_judges_of_every_kind_give_verdicts_and_the_bias_of_a_small_one_shows(tmp_path: Path) -> None:
    """Two-way and JSON by schema, a letter and yes or no by logits, and likelihoods, as any judge is run.

    So small a model answers "A or B" by a sentence that is cut; a second question, under a constraint, helps.
    """
    database = Database(str(tmp_path / "judgebench.db"), create=True)
    stored(database, asked(4), ["m1", "m2", "m3"])
    flags = [*FLAGS[:3], "4096", *FLAGS[4:]]
    port = free_port()

    def judged(template: str, url: str) -> Mapping[Status, int]:
        judge = {"model": "small", "url": url, "template": template, "name": template}
        design = {} if template.startswith("pointwise") else {"all_pairs": True}
        wanted = make(
            Study, {"benchmark": "bench", "judge": judge, "concurrency": 8, "reask": True, **design}, where="t"
        )
        return engine.run.run(database, wanted, environment={}).tally.ended

    async def run() -> dict[str, Mapping[Status, int]]:
        async with VllmServer(serving(tmp_path, flags), port) as server:
            return {template: await asyncio.to_thread(judged, template, server.url) for template in JUDGES}

    ended = asyncio.run(run())
    print(ended)
    for template, counts in ended.items():
        given = counts.get(Status.OK, 0) + counts.get(Status.TIE, 0)
        assert given >= 0.5 * sum(counts.values()), template
        assert not counts.get(Status.FAILED)
    with database.read() as connection:
        table = store.arrays.verdict_table(connection, 1, judges=["pairwise/letter"]).table
    found = position(table)
    print(found.consistency, found.log_odds_soft)
    assert found.log_odds_soft.excludes_zero


def test_everything_a_judge_may_be_asked(tmp_path: Path) -> None:
    async def use(client: OpenAIClient) -> None:
        assert await client.models() == (ListedModel("small", 2048),)

        report = await check(client, {"temperature": 0, "max_tokens": 32, "logprobs": True})
        print(report)
        assert (report.model, report.logprobs, report.json_schema, report.choice) == ("small", True, True, True)
        assert (report.left_out, report.context_tokens) == ((), 2048)

        soft = await client.complete(
            QUESTION, {"temperature": 0, "max_tokens": 1, "logprobs": True, "top_logprobs": 20}
        )
        assert soft.logprobs is not None
        assert len(soft.logprobs[0].top) == 20
        assert soft.finish_reason == "length"

        prompt = LikelihoodPrompt(
            "What is the capital of France?", ("The capital of France is Paris.", "Bananas bark.")
        )
        numbers = json.loads((await client.complete(prompt, {})).text)
        print(numbers)
        gain = [given - alone for given, alone in zip(numbers["conditional"], numbers["unconditional"], strict=True)]
        assert gain[0] > gain[1]
        assert all(value < 0 for value in numbers["conditional"] + numbers["unconditional"])

        too_long = ChatPrompt((PromptMessage("user", "word " * 5000),))
        with pytest.raises(Rejected) as caught:
            await client.complete(too_long, {"max_tokens": 5})
        print(caught.value)
        assert caught.value.only_this
        assert client.left_out({"max_tokens": 5}) == ()

        with pytest.raises(Rejected) as caught:
            await OpenAIClient(Access("other", client._transport.base_url)).complete(QUESTION, {})
        print(caught.value)
        assert not caught.value.only_this

    served(tmp_path, use)
