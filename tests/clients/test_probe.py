"""What the start-up probe finds out about servers of several kinds."""

import asyncio

import pytest

from judgebench.clients.openai import ListedModel, OpenAIClient
from judgebench.clients.probe import Report, check
from judgebench.errors import BadReply, JudgeRefused, JudgeUnreachable
from judgebench.spec import load_template
from tests.clients.asking import client_of
from tests.fault_server import FaultServer, Reply, Request

SETTINGS = {"temperature": 0, "max_tokens": 8, "logprobs": True}


def probed(client: OpenAIClient) -> Report:
    async def run() -> Report:
        try:
            return await check(client, SETTINGS)
        finally:
            await client.close()

    return asyncio.run(run())


def able(index: int, request: Request) -> Reply:
    """A server that can do everything."""
    if request.method == "GET":
        return Reply.of({"data": [{"id": "other", "max_model_len": 9}, {"id": "judge", "max_model_len": 8192}]})
    body = request.json
    top = [{"token": "B", "logprob": -0.1}, {"token": "A", "logprob": -2.0}]
    logprobs = {"content": [{"token": "B", "logprob": -0.1, "top_logprobs": top}]} if body.get("logprobs") else None
    text = "B"
    if "response_format" in body:
        words = body["response_format"]["json_schema"]["schema"]["properties"]["word"]["enum"]
        text = f'{{"word": "{words[1]}"}}'
    if "structured_outputs" in body:
        text = body["structured_outputs"]["choice"][0]
    return Reply.chat(text, choice={"logprobs": logprobs}, model="judge-2026")


def ignorant(index: int, request: Request) -> Reply:
    """A server that ignores every field it does not know."""
    return Reply.chat("B", model="judge-2026")


def strict(index: int, request: Request) -> Reply:
    """A server that complains of fields it does not know, and lists nothing."""
    if request.method == "GET":
        return Reply.error(404)
    for field in request.json.keys() - {"model", "messages", "max_tokens"}:
        return Reply.error(400, f"unrecognized request argument: {field}")
    return Reply.chat("B", model="judge-2026")


def test_an_able_server_is_seen_as_able() -> None:
    with FaultServer(able) as server:
        report = probed(client_of(server.url))
    assert (report.model, report.logprobs, report.json_schema, report.choice) == ("judge-2026", True, True, True)
    assert (report.left_out, report.context_tokens) == ((), 8192)
    assert report.latency_s is not None


def test_ignored_constraints_do_not_count_as_held() -> None:
    with FaultServer(ignorant) as server:
        report = probed(client_of(server.url))
    assert (report.logprobs, report.json_schema, report.choice, report.left_out) == (False, False, False, ())


def test_refused_fields_are_reported() -> None:
    with FaultServer(strict) as server:
        report = probed(client_of(server.url))
    assert (report.logprobs, report.json_schema, report.choice) == (False, False, False)
    assert (report.left_out, report.context_tokens) == (("logprobs", "temperature"), None)


def test_a_refused_constraint_is_one_that_does_not_hold() -> None:
    def script(index: int, request: Request) -> Reply:
        bad = request.method == "POST" and request.json.keys() & {"response_format", "structured_outputs"}
        return Reply.error(400, "malformed") if bad else able(index, request)

    with FaultServer(script) as server:
        report = probed(client_of(server.url))
    assert (report.logprobs, report.json_schema, report.choice) == (True, False, False)


def test_a_wrong_key_and_a_dead_server_are_one_error() -> None:
    with FaultServer(lambda index, request: Reply.error(401, "bad key")) as server:
        with pytest.raises(JudgeRefused, match="check the key"):
            probed(client_of(server.url))
        url = server.url
    with pytest.raises(JudgeUnreachable):
        probed(client_of(url))


def models(reply: Reply) -> tuple[ListedModel, ...]:
    async def run(url: str) -> tuple[ListedModel, ...]:
        client = client_of(url)
        try:
            return await client.models()
        finally:
            await client.close()

    with FaultServer(lambda index, request: reply) as server:
        names = asyncio.run(run(server.url))
        assert [(request.method, request.path) for request in server.requests] == [("GET", "/v1/models")]
    return names


def test_the_list_of_models_tries_address_and_key_without_a_question() -> None:
    entries = [{"id": "b", "context_length": 5}, {"id": "a", "max_model_len": "long"}, {"id": 7}, "odd"]
    assert models(Reply.of({"data": entries})) == (ListedModel("a", None), ListedModel("b", 5))


@pytest.mark.parametrize("reply", [Reply.error(404), Reply.of({"data": None}), Reply.of([]), Reply(body=b"<html>")])
def test_a_server_without_a_list_is_no_error(reply: Reply) -> None:
    assert models(reply) == ()


@pytest.mark.parametrize("reply", [Reply.error(401), Reply.error(403), Reply(302, headers={"Location": "/login"})])
def test_a_key_that_is_not_accepted_is_one(reply: Reply) -> None:
    with pytest.raises(JudgeRefused):
        models(reply)


def test_a_trial_is_tried_as_a_run_sends_it() -> None:
    template = load_template("pairwise/three-way")

    async def run(url: str) -> Report:
        client = client_of(url)
        try:
            return await check(client, {"max_tokens": 9, "logprobs": True}, template)
        finally:
            await client.close()

    def script(index: int, request: Request) -> Reply:
        return Reply.of({"data": []}) if request.method == "GET" else Reply.chat("So [[A]].")

    with FaultServer(script) as server:
        report = asyncio.run(run(server.url))
        first = server.requests[1].json
        assert (first["max_tokens"], first["logprobs"]) == (9, True)
        assert "5 is larger than 3." in server.requests[1].text
    assert (report.verdict, report.detail) == ("ok", None)
    with FaultServer(lambda _, request: Reply.chat(None)) as server, pytest.raises(BadReply, match="empty"):
        asyncio.run(run(server.url))
