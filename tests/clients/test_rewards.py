"""Scalar rewards, as vLLM's pooling server gives them."""

import json
from typing import Any

import pytest

from judgebench.clients.base import Access
from judgebench.clients.likelihood import RewardClient
from judgebench.errors import BadReply, JudgeRefused
from judgebench.records import ChatPrompt, PromptMessage
from tests.clients.asking import KEY, QUICK, ask
from tests.clients.asking import PROMPT as QUESTION
from tests.fault_server import FaultServer, Reply, Request

PROMPT = ChatPrompt((PromptMessage("user", "Why?"), PromptMessage("assistant", "Because of the weather.")))


def rewarding(index: int, request: Request) -> Reply:
    """The longer, the better."""
    reward = len(request.json["messages"][1]["content"]) / 10
    data = [{"index": 0, "label": "LABEL_0", "probs": [reward], "num_classes": 1}]
    return Reply.of({"model": "reward", "data": data, "usage": {"prompt_tokens": 9, "completion_tokens": 0}})


def client_of(url: str) -> RewardClient:
    return RewardClient(Access("reward", url, KEY), QUICK)


def test_an_output_gets_its_raw_reward() -> None:
    with FaultServer(rewarding) as server:
        client = client_of(server.url)
        completion = ask(client, PROMPT)
        assert client.calls == 1
    assert json.loads(completion.text) == 2.3
    assert (completion.model, completion.prompt_tokens, completion.completion_tokens) == ("reward", 9, 0)
    request = server.requests[0]
    assert request.path == "/classify"
    assert request.json["use_activation"] is False
    assert request.json["messages"] == [
        {"role": "user", "content": "Why?"},
        {"role": "assistant", "content": "Because of the weather."},
    ]


@pytest.mark.parametrize(
    "reply",
    [
        {"data": []},
        {"data": [{"probs": [0.3, 0.7]}]},
        {"data": [{"probs": [None]}]},
        {"data": [{"probs": [float("nan")]}]},
        [],
    ],
)
def test_what_is_no_single_number_is_a_bad_reply(reply: Any) -> None:
    with FaultServer(lambda index, request: Reply.of(reply)) as server, pytest.raises(BadReply):
        ask(client_of(server.url), PROMPT)


def test_a_reward_model_answers_no_question() -> None:
    with pytest.raises(JudgeRefused, match="reward model"):
        ask(client_of("http://127.0.0.1:9"), QUESTION)
