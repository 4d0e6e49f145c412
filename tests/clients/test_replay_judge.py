"""A real server of another make: the judge that replays published verdicts."""

import asyncio
import gzip
import json
import math
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from judgebench.clients.http import Rejected
from judgebench.errors import JudgeUnreachable
from judgebench.records import ChatPrompt, PromptMessage
from tests.clients.asking import ask, client_of

SHARED = Path(__file__).parents[2].parent / "shared"
TOOL = SHARED / "tools" / "replay_judge.py"
ANNOTATIONS = SHARED / "data" / "alpaca_eval" / "claude-2" / "annotations.json.gz"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not (TOOL.exists() and ANNOTATIONS.exists()), reason="../shared has no replay judge or data"),
]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, TOOL, "--port", str(port), ANNOTATIONS], stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}/v1"
    try:
        asyncio.run(_until_up(address))
        yield address
    finally:
        server.terminate()
        server.wait(10)


async def _until_up(address: str) -> None:
    client = client_of(address, key=None)
    for _ in range(200):
        try:
            await client.models()
            break
        except JudgeUnreachable:
            await asyncio.sleep(0.05)
    await client.close()


def test_it_answers_with_the_recorded_preference_as_log_probabilities(url: str) -> None:
    row = next(row for row in json.loads(gzip.decompress(ANNOTATIONS.read_bytes())) if row["preference"] is not None)
    text = "\n\n".join([row["instruction"], row["output_1"], row["output_2"]])
    settings = {"logprobs": True, "top_logprobs": 5}
    completion = ask(client_of(url, key=None), ChatPrompt((PromptMessage("user", text),)), settings)
    first_wins = 1 - (row["preference"] - 1)
    assert completion.logprobs is not None
    assert math.exp(dict(completion.logprobs[0].top)["A"]) == pytest.approx(first_wins, abs=2e-6)
    assert completion.text == ("A" if first_wins >= 0.5 else "B")


def test_an_unrecorded_pair_is_refused_for_this_question_only(url: str) -> None:
    with pytest.raises(Rejected, match="no recorded pair") as caught:
        ask(client_of(url, key=None))
    assert caught.value.only_this
