"""Servers with the quirks of real ones: what they say is believed, whichever status, body or field says it."""

import json
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Any

import pytest

from judgebench import engine
from judgebench.clients import openai
from judgebench.clients.http import Overloaded, Rejected, Timeouts
from judgebench.clients.replies import EmptyReply
from judgebench.clients.retry import RetryingClient, RetryPolicy
from judgebench.errors import JudgeError, JudgeRefused, JudgeUnreachable
from judgebench.records import Completion, Status
from judgebench.spec import Study, make, make_generation
from judgebench.store.database import Database
from tests.clients.asking import EAGER, PROMPT, ask, ask_all, client_of, persistent
from tests.fault_server import FaultServer, Reply, Request
from tests.filling import asked, stored

SETTINGS = {"temperature": 0, "max_tokens": 8, "logprobs": True, "top_logprobs": 20, "seed": 1}
RpcStatus = {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "You exceeded your current quota, check billing"}
Taught = tuple[
    Mapping[str, Any], Callable[[Mapping[str, Any]], bool]
]  # its error's body; whether a request is as it wants


def without(*names: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda body: not any(name in body for name in names)


def at_most(name: str, number: float) -> Callable[[Mapping[str, Any]], bool]:
    return lambda body: body.get(name, 0) <= number


def error(message: str, **more: Any) -> Mapping[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", **more}}


def no_system(body: Mapping[str, Any]) -> bool:
    return [message["role"] for message in body["messages"]] == ["user"]


# Each in a status, with what it says of a request that it does not take.
TEACHERS: dict[str, tuple[int, Any, Callable[[Mapping[str, Any]], bool]]] = {
    "log-probabilities are not allowed": (
        403, error("You are not allowed to request logprobs from this model"), without("logprobs", "top_logprobs")),
    "FastAPI's list": (
        422, {"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not permitted",
                          "input": "invalid api key, quota exceeded"}]}, without("seed")),
    "FastAPI's older list": (
        422, {"detail": [{"loc": ["body", "top_logprobs"], "msg": "extra fields not permitted"}]},
        without("top_logprobs")),
    "a list in a list": (400, [error("`seed` is not a recognized parameter")], without("seed")),
    "Azure's inner error": (
        400, error("The request is not valid.", innererror={"message": "Unrecognized request argument: seed"}),
        without("seed")),
    "Google's violations": (
        400, {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "Invalid JSON payload.", "details": [
            {"@type": "BadRequest", "fieldViolations": [{"field": "generation_config.seed", "description":
                'Unknown name "seed": Cannot find field.'}]}]}}, without("seed")),
    "Google's camel case": (400, error("TopLogprobs is not enabled for this model"), without("top_logprobs")),
    "prose": (400, "Sorry, log probabilities aren't supported here.", without("logprobs", "top_logprobs")),
    "an error in a string": (
        400, error("Provider returned error", metadata={"raw": json.dumps(error("'seed' is unsupported"))}),
        without("seed")),
    "JSON schema": (400, error("Additional properties are not allowed ('seed' was unexpected)"), without("seed")),
    "not implemented": (501, error("seed is not implemented"), without("seed")),
    "an error with status 200": (200, error("Unknown parameter: 'seed'", code=400), without("seed")),
    "another name": (
        400, error("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'.", code="unsupported_parameter"),
        without("max_tokens")),
    "at most 5": (
        400, error("Invalid value for 'top_logprobs': must be less than or equal to 5."), at_most("top_logprobs", 5)),
    "at most 5, in two sentences": (
        400, error("Invalid 'top_logprobs': integer above maximum value. Expected a value <= 5, but got 20 instead."),
        at_most("top_logprobs", 5)),
    "pydantic's bound": (
        422, {"detail": [{"loc": ["body", "top_logprobs"], "msg": "Input should be less than or equal to 5"}]},
        at_most("top_logprobs", 5)),
    "a range": (400, {"message": "top_logprobs should be in the range [0, 8]"}, at_most("top_logprobs", 8)),
    "a maximum": (400, {"error": "The maximum value for top_logprobs is 10"}, at_most("top_logprobs", 10)),
    "at least": (
        400, error("Invalid 'max_tokens': integer below minimum value. Expected a value >= 16, but got 8 instead."),
        lambda body: body["max_tokens"] >= 16),
    "strictly positive": (
        422, {"error": "Input validation error: `temperature` must be strictly positive"},
        lambda body: body["temperature"] > 0),
    "no system role": (400, {"object": "error", "message": "System role not supported", "code": 400}, no_system),
    "no system role, in a template": (500, error("Conversation roles must alternate user/assistant/..."), no_system),
    "no developer instruction": (400, error("Developer instruction is not enabled for models/small"), no_system),
    "roles of messages": (
        400, error("'messages[0].role' does not support 'system' with this model.", param="messages[0].role"),
        no_system),
}  # fmt: skip


@pytest.mark.parametrize("kind", TEACHERS)
def test_a_server_that_says_what_it_takes_is_asked_so(kind: str) -> None:
    status, body, takes = TEACHERS[kind]

    def script(index: int, request: Request) -> Reply:
        reply = Reply(status, body.encode()) if isinstance(body, str) else Reply.of(body, status)
        return Reply.chat("A") if takes(request.json) else reply

    with FaultServer(script) as server:
        client = client_of(server.url)
        answers = ask_all(client, [PROMPT] * 6, SETTINGS)
        assert [answer.text for answer in answers if isinstance(answer, Completion)] == ["A"] * 6
        spent = len(server.requests)
        assert ask(client, settings=SETTINGS).text == "A"
        assert len(server.requests) == spent + 1
        assert "You judge." in server.requests[-1].text
        kept = {name for name in SETTINGS if name in server.requests[-1].json}
    assert len(client.left_out(SETTINGS)) + len(client.changed(SETTINGS)) >= (kind != "another name")
    assert len(kept) >= 3


@pytest.mark.parametrize(
    ("status", "body", "only_this"),
    [
        (403, error("Country, region, or territory not supported"), False),
        (403, "", False),
        (400, error("API key not valid. Please pass a valid API key.", status="INVALID_ARGUMENT"), False),
        (403, error("Your account was suspended since its content violated our policy"), False),
        (429, error("You exceeded your current quota, please check your plan and billing details."), False),
        (402, error("Insufficient credits"), False),
        (404, error("The model `x` does not exist"), False),
        (400, {"message": "This model's maximum context length is 1024 tokens. However, you requested 5000."}, True),
        (422, {"detail": [{"loc": ["body"], "msg": "bad", "input": "Unauthorized: invalid api key"}]}, True),
    ],
)
def test_what_holds_for_all_is_told_from_what_holds_for_one(status: int, body: Any, only_this: bool) -> None:
    reply = Reply(status, body.encode()) if isinstance(body, str) else Reply.of(body, status)
    with FaultServer(lambda index, request: reply) as server, pytest.raises(Rejected) as caught:
        ask(client_of(server.url))
    assert caught.value.only_this is only_this


@pytest.mark.parametrize("status", [403, 404])
def test_a_status_without_a_reason_is_believed_on_the_first_answer_only(status: int) -> None:
    with FaultServer(lambda index, request: Reply(status) if index else Reply.chat("A")) as server:
        client = client_of(server.url)
        assert ask(client).text == "A"
        with pytest.raises(Rejected) as caught:
            ask(client)
    assert caught.value.only_this


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, error("Your input was flagged by moderation", code=403, metadata={"reasons": ["x"]})),
        (400, error("The response was filtered", innererror={"code": "ResponsibleAIPolicyViolation"})),
        (400, error("Input data may contain inappropriate content.", code="DataInspectionFailed")),
        (400, error("Content Exists Risk")),
        (200, error("Invalid prompt: your prompt was flagged as violating our usage policy.", code="invalid_prompt")),
        (451, "This prompt was blocked by our guardrail."),
    ],
)  # fmt: skip
def test_a_filtered_prompt_is_a_refusal_of_that_prompt(status: int, body: Any) -> None:
    reply = Reply(status, body.encode()) if isinstance(body, str) else Reply.of(body, status)
    with FaultServer(lambda index, request: reply) as server:
        completion = ask(client_of(server.url))
        assert (completion.text, completion.finish_reason, len(server.requests)) == ("", "content_filter", 1)


@pytest.mark.parametrize(
    ("status", "body", "wait"),
    [
        (200, {"error": {"message": "Rate limit exceeded: per-minute", "code": 429}}, None),
        (200, {"code": 1302, "msg": "Rate limit reached, try again in 250ms", "success": False}, 0.25),
        (403, error("Quota exceeded for requests per minute"), None),
        (400, error("Request was throttled", code="ThrottlingException"), None),
        (429, {"error": RpcStatus | {"details": [{"@type": "RetryInfo", "retryDelay": "31s"}]}}, 31.0),
        (429, error("Rate limit reached. Please try again in 1m2.5s."), 62.5),
        (429, error("slow", metadata={"headers": {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9"}}), 9.0),
    ],
)
def test_a_limit_on_the_rate_is_one_in_whichever_status(status: int, body: Any, wait: float | None) -> None:
    with FaultServer(lambda index, request: Reply.of(body, status)) as server, pytest.raises(Overloaded) as caught:
        ask(client_of(server.url))
    assert (caught.value.status, caught.value.retry_after_s) == (429, wait)


@pytest.mark.slow
def test_a_limit_of_ten_in_a_window_loses_no_question_and_its_pace_is_kept() -> None:
    taken: list[float] = []

    def script(index: int, request: Request) -> Reply:
        now = monotonic()
        if sum(now - moment < 1.0 for moment in taken) >= 10:
            return Reply.error(429, "Rate limit reached: 10 requests per second")
        taken.append(now)
        return Reply.chat("A")

    policy = RetryPolicy(deadline_s=60, first_wait_s=0.02, max_wait_s=0.1, max_retry_after_s=2.0)
    with FaultServer(script) as server:
        answers = ask_all(persistent(client_of(server.url), policy, limit=16), [PROMPT] * 40)
        assert all(isinstance(answer, Completion) for answer in answers)
        assert len(server.requests) < 75


CHANNELS = "<|channel|>analysis<|message|>Long.<|end|><|start|>assistant<|channel|>final<|message|>Paris.<|return|>"
CALL = {"tool_calls": [{"id": "1", "type": "function", "function": {"name": "verdict", "arguments": "{}"}}]}
EMPTY = {
    "null": Reply.chat(None),
    "blank": Reply.chat("  \n"),
    "only reasoning": Reply.chat("", message={"reasoning_content": "So [[A]]."}),
    "only a block of thinking": Reply.chat("<think>So [[A]].</think>\n"),
    "only parts that think": Reply.chat([{"type": "thinking", "thinking": [{"type": "text", "text": "A"}]}]),
    "a tool call": Reply.chat(None, message=CALL, choice={"finish_reason": "tool_calls"}),
}


@pytest.mark.parametrize("kind", EMPTY)
def test_a_reply_without_a_word_is_asked_again_and_paid_for(kind: str) -> None:
    with FaultServer(lambda index, request: Reply.chat("A") if index else EMPTY[kind]) as server:
        completion = ask(persistent(client_of(server.url)))
        assert (completion.text, completion.prompt_tokens, len(server.requests)) == ("A", 20, 2)
    with (
        FaultServer(lambda index, request: EMPTY[kind]) as server,
        pytest.raises(EmptyReply, match=r"^empty: .*4 times"),
    ):
        ask(persistent(client_of(server.url)))


def test_a_model_that_thinks_before_it_writes_gets_room_once() -> None:
    def script(index: int, request: Request) -> Reply:
        starved = request.json["max_tokens"] < 3000
        return Reply.chat(None if starved else "A", choice={"finish_reason": "length" if starved else "stop"})

    with FaultServer(script) as server:
        client = client_of(server.url)
        assert [ask(client, settings=SETTINGS).text for _ in range(3)] == ["A"] * 3
        assert [request.json["max_tokens"] for request in server.requests] == [8, 1024, 4096, 4096, 4096]
    assert client.changed(SETTINGS) == ("max_tokens=4096 instead of 8, since it thinks before it writes",)


@pytest.mark.parametrize("status", [401, 403])
def test_a_list_of_models_that_is_refused_stops_nobody_whose_key_is_good(status: int, tmp_path: Path) -> None:
    def script(index: int, request: Request) -> Reply:
        return Reply.error(status) if request.method == "GET" else Reply.chat("[[A]]")

    database = Database(str(tmp_path / "q.db"), create=True)
    stored(database, asked(2), ["m1", "m2"])
    with FaultServer(script) as server:
        report = run(database, server)
    assert (report.tally.ended, report.calls) == ({Status.OK: 4}, 4)


def run(database: Database, server: FaultServer) -> engine.run.RunReport:
    judge = {"model": "judge", "url": server.url, "template": "pairwise/three-way"}
    study = make(Study, {"benchmark": "bench", "judge": judge, "all_pairs": True, "concurrency": 2}, where="test")
    return engine.run.run(database, study, environment={})


def test_a_missing_v1_is_suggested() -> None:
    script = [Reply.error(404, "Not Found")]
    with FaultServer(lambda index, request: script[0]) as server, pytest.raises(JudgeRefused) as caught:
        ask(client_of(server.url.removesuffix("/v1")))
    assert f"or try {server.url}" in str(caught.value)


def test_an_address_without_a_certificate_says_so() -> None:
    def refuse(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        Thread(target=refuse, args=(listening,), daemon=True).start()
        with pytest.raises(JudgeUnreachable, match="does not speak TLS: does its address begin with http://"):
            ask(client_of(f"https://127.0.0.1:{listening.getsockname()[1]}/v1"))


def test_a_moderated_trial_is_refused_and_the_others_are_judged(tmp_path: Path) -> None:
    def script(index: int, request: Request) -> Reply:
        if request.method == "GET":
            return Reply.of({"data": []})
        flagged = "What is 1?" in request.text
        return Reply.error(403, "Your input was flagged by moderation") if flagged else Reply.chat("[[A]]")

    database = Database(str(tmp_path / "q.db"), create=True)
    stored(database, asked(3), ["m1", "m2"])
    with FaultServer(script) as server:
        report = run(database, server)
        again = run(database, server)
    assert report.tally.ended == {Status.OK: 4, Status.REFUSED: 2}
    assert again.calls == 0


@pytest.mark.parametrize(
    ("reply", "text", "thought"),
    [
        ("<think>\nLong.\n</think>\n\nParis.", "Paris.", "Long."),
        ("Long.</think>\n\nParis.", "Paris.", "Long."),
        (CHANNELS, "Paris.", "Long."),
        ("[THINK]Long.[/THINK]Paris.", "Paris.", "Long."),
        ("Paris. <b>x</b>", "Paris. <b>x</b>", None),
    ],
)  # fmt: skip
def test_collected_outputs_hold_no_thinking(tmp_path: Path, reply: str, text: str, thought: str | None) -> None:
    database = Database(str(tmp_path / "a.db"), create=True)
    stored(database, asked(1), ["m1"])
    fields = {"benchmark": "bench", "model": "new", "generator": {"model": "m"}}
    answers: list[Any] = []
    with FaultServer(
        lambda _, request: Reply.of({"data": []}) if request.method == "GET" else Reply.chat(reply)
    ) as server:
        fields["generator"] = {"model": "m", "url": server.url}
        generation = make_generation(fields, where="test")
        engine.answer.answer(database, generation, environment={})
    with database.read() as connection:
        from judgebench import store

        answers = list(
            store.benchmarks.answered_instructions(
                database, store.benchmarks.benchmark_id(connection, "bench"), ["new"]
            )
        )
    output = answers[0].outputs["new"]
    assert output.text == text
    assert (thought is None) or thought in repr(output)


def test_answers_without_a_word_fail_as_empty_and_are_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine.judges, "RetryingClient", lambda inner, **more: RetryingClient(inner, EAGER, **more))
    monkeypatch.setattr(openai, "Timeouts", lambda: Timeouts(total_s=1.0))
    database = Database(str(tmp_path / "a.db"), create=True)
    stored(database, asked(2), ["m1"])
    words: list[str | None] = [None]
    script = lambda _, request: Reply.of({"data": []}) if request.method == "GET" else Reply.chat(words[-1])  # noqa: E731
    with FaultServer(script) as server:
        fields = {"benchmark": "bench", "model": "new", "generator": {"model": "m", "url": server.url}}
        generation = make_generation(fields, where="test")
        first = engine.answer.answer(database, generation, environment={})
        words.append("Paris.")
        second = engine.answer.answer(database, generation, environment={})
    assert (first.tally.ended, second.tally.ended) == ({Status.FAILED: 2}, {Status.OK: 2})
    assert first.reasons == (("empty: the reply has no text (asked 4 times)", 2),)


def test_every_error_is_one_of_ours() -> None:
    bodies = [None, [], {}, {"error": None}, {"error": []}, {"error": {"code": None}}, {"detail": [[["x"]]]}, 7, "[[[["]
    for body in bodies:
        for status in (200, 400, 500):
            with FaultServer(lambda index, request: Reply.of(body, status)) as server, pytest.raises(JudgeError):  # noqa: B023
                ask(client_of(server.url))
