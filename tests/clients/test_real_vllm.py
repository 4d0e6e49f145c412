"""A real vLLM server on any machine that has one, driven as a judge. It takes minutes on a CPU.

JUDGEBENCH_TEST_VLLM=/path/to/its/python JUDGEBENCH_TEST_VLLM_MODEL=/path/to/weights pytest -m slow ...
"""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from judgebench.clients.openai_api import OpenAIClient
from judgebench.clients.probe import check
from judgebench.clients.replies import ListedModel, Rejected
from judgebench.clients.transport import Timeouts
from judgebench.clients.vllm_server import VllmServer, command, free_port
from judgebench.records import ChatPrompt, LikelihoodPrompt, Message

PROGRAM = os.environ.get("JUDGEBENCH_TEST_VLLM", "")
WEIGHTS = os.environ.get("JUDGEBENCH_TEST_VLLM_MODEL", "")
FLAGS = ["--served-model-name", "small", "--max-model-len", "2048", "--enforce-eager"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (PROGRAM and WEIGHTS), reason="JUDGEBENCH_TEST_VLLM and ..._MODEL name no server"),
]
QUESTION = ChatPrompt((Message("user", "Which is larger, A = 3 or B = 5? Answer A or B."),))
Value = TypeVar("Value")


def served(tmp_path: Path, use: Callable[[OpenAIClient], Awaitable[Value]]) -> Value:
    async def run() -> Value:
        port = free_port()
        argv = command(WEIGHTS, port, program=PROGRAM, flags=FLAGS)
        async with VllmServer(WEIGHTS, port, argv=argv, log=tmp_path / "vllm.log") as server:
            client = OpenAIClient(server.url, "small", timeouts=Timeouts(total_s=120))
            try:
                return await use(client)
            finally:
                await client.close()

    return asyncio.run(run())


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

        too_long = ChatPrompt((Message("user", "word " * 5000),))
        with pytest.raises(Rejected) as caught:
            await client.complete(too_long, {"max_tokens": 5})
        print(caught.value)
        assert caught.value.only_this
        assert client.left_out({"max_tokens": 5}) == ()

        with pytest.raises(Rejected) as caught:
            await OpenAIClient(client._transport.base_url, "other").complete(QUESTION, {})
        print(caught.value)
        assert not caught.value.only_this

    served(tmp_path, use)
