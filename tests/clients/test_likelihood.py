"""Likelihoods against a server whose model is a table: every number can be worked out by hand."""

import json
import math
from typing import Any

import pytest

from judgebench.clients.base import Access
from judgebench.clients.likelihood import LikelihoodClient
from judgebench.errors import BadReply, JudgeRefused
from judgebench.records import LikelihoodPrompt, Prompt
from tests.clients.asking import KEY, QUICK, ask, ask_all
from tests.fault_server import FaultServer, Reply, Request

PROMPT = LikelihoodPrompt("why is it so", ("it is so", "no"))


def client_of(url: str) -> LikelihoodClient:
    return LikelihoodClient(Access("judge", url, KEY), QUICK)


def conversation(body: dict[str, Any]) -> list[str]:
    """Words as tokens, between the marks of a chat format."""
    tokens = ["<s>"]
    for message in body["messages"]:
        tokens += [f"<{message['role']}>", *message["content"].split(), "</>"]
    return [*tokens, "<assistant>"] if body["add_generation_prompt"] else tokens


def logprob(tokens: list[str], index: int) -> float:
    """A word heard before has probability 1/2, any other 1/8; marks are certain."""
    if tokens[index].startswith("<"):
        return 0.0
    return math.log(1 / 2 if tokens[index] in tokens[:index] else 1 / 8)


def table_model(index: int, request: Request) -> Reply:
    tokens = conversation(request.json)
    entries: list[Any] = [None]
    for at in range(1, len(tokens)):
        chosen = {"logprob": logprob(tokens, at), "rank": 3, "decoded_token": tokens[at]}
        entries.append({str(abs(hash(tokens[at]))): chosen, "1": {"logprob": -0.01, "rank": 1, "decoded_token": "x"}})
    reply = json.loads(Reply.chat("x").body)
    return Reply.of(reply | {"prompt_logprobs": entries})


def test_outputs_are_scored_after_the_instruction_and_by_themselves() -> None:
    with FaultServer(table_model) as server:
        completion = ask(client_of(server.url), PROMPT)
        first = server.requests[0].json
    numbers = json.loads(completion.text)
    assert numbers["conditional"] == pytest.approx([3 * math.log(1 / 2), math.log(1 / 8)])
    assert numbers["unconditional"] == pytest.approx([3 * math.log(1 / 8), math.log(1 / 8)])
    assert numbers["tokens"] == [4, 2]  # the words and the mark that ends the turn
    assert (first["prompt_logprobs"], first["max_tokens"], first["temperature"]) == (0, 1, 0)
    assert completion.completion_tokens == 0
    assert completion.latency_s is not None


def test_an_empty_output_is_the_end_of_its_turn() -> None:
    with FaultServer(table_model) as server:
        numbers = json.loads(ask(client_of(server.url), LikelihoodPrompt("why", ("", "why"))).text)
    assert numbers["tokens"] == [1, 2]
    assert numbers["conditional"] == pytest.approx([0.0, math.log(1 / 2)])


def test_both_orders_asked_together_cost_one_pass() -> None:
    swapped = LikelihoodPrompt(PROMPT.instruction, PROMPT.outputs[::-1])
    prompts: list[Prompt] = [PROMPT, swapped, PROMPT]
    with FaultServer(table_model) as server:
        client = client_of(server.url)
        one, other, again = ask_all(client, prompts)
        assert client.calls == len(server.requests) == 6  # two contexts, and two outputs after each
    texts = [json.loads(reply.text) for reply in (one, other, again) if not isinstance(reply, BaseException)]
    assert texts[0] == texts[2]
    assert texts[1]["conditional"] == texts[0]["conditional"][::-1]


def test_a_failure_is_not_remembered() -> None:
    def script(index: int, request: Request) -> Reply:
        return Reply.of([]) if index == 0 else table_model(index, request)

    with FaultServer(script) as server:
        client = client_of(server.url)
        with pytest.raises(JudgeRefused, match="prompt_logprobs"):
            ask(client, PROMPT)
        assert ask(client, PROMPT).finish_reason == "stop"


@pytest.mark.parametrize("entry", [7, {}, {"5": None}, {"5": {"logprob": "high"}}, {"5": {"logprob": float("nan")}}])
def test_odd_entries_are_bad_replies(entry: Any) -> None:
    with FaultServer(lambda index, request: Reply.of({"prompt_logprobs": [None, entry]})) as server:  # noqa: SIM117
        with pytest.raises(BadReply):
            ask(client_of(server.url), PROMPT)


def test_a_server_without_prompt_log_probabilities_refuses() -> None:
    with FaultServer(lambda index, request: Reply.chat("x")) as server:  # noqa: SIM117
        with pytest.raises(JudgeRefused, match="embedded judge"):
            ask(client_of(server.url), PROMPT)
