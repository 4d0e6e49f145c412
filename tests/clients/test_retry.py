"""The retry loop against a real server: what is asked again, how often, when, and what is counted."""

import asyncio
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.clients.http import Rejected, Timeouts
from judgebench.clients.retry import RetryingClient, RetryPolicy, Throttle
from judgebench.clients.scripted import ScriptedClient
from judgebench.errors import BadReply, InputError, JudgeError, JudgeRefused, JudgeUnreachable
from tests.clients.asking import EAGER, KEY, PROMPT, ask, ask_all, client_of, persistent
from tests.fault_server import FaultServer, Reply, Request

HTML = Reply(body=b"<html>busy</html>")


def failing_first(*faults: Reply) -> "FaultServer":
    return FaultServer(lambda index, request: faults[index] if index < len(faults) else Reply.chat("A"))


@pytest.mark.parametrize(
    "fault",
    [
        Reply.error(408),
        Reply.error(409),
        Reply.error(429),
        Reply.error(429, headers={"Retry-After": "0"}),
        Reply.error(500),
        Reply.error(503, headers={"Retry-After": "0.01"}),
        Reply.chat("A" * 500, reset_after=50),
        Reply.chat("A", reset_after=0),
        Reply(raw=b""),
        HTML,
        Reply.of({"choices": []}),
    ],
)
def test_what_may_pass_is_asked_again_and_counted(fault: Reply) -> None:
    with failing_first(fault) as server:
        client = persistent(client_of(server.url))
        assert ask(client).text == "A"
        assert client.calls == len(server.requests) == 2


@pytest.mark.parametrize("fault", [Reply(stall=True), Reply.chat("A", drip_s=0.05)])
def test_a_stall_is_cut_and_asked_again(fault: Reply) -> None:
    with failing_first(fault) as server:
        client = persistent(client_of(server.url, timeouts=Timeouts(total_s=0.2)))
        assert ask(client).text == "A"
        assert len(server.requests) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_a_refusal_is_never_asked_again(status: int) -> None:
    with FaultServer(lambda index, request: Reply.error(status)) as server:
        with pytest.raises(Rejected):
            ask(persistent(client_of(server.url)))
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("fault", "kind", "requests"),
    [(Reply.error(500), JudgeUnreachable, 4), (Reply.chat(None), BadReply, 4), (HTML, BadReply, 2)],
)
def test_attempts_are_bounded(fault: Reply, kind: type[JudgeError], requests: int) -> None:
    with FaultServer(lambda index, request: fault) as server:
        with pytest.raises(kind, match=f"asked {requests} times") as caught:
            ask(persistent(client_of(server.url)))
        assert len(server.requests) == requests
    assert KEY not in str(caught.value)


def test_a_limit_that_lasts_is_waited_for_until_the_deadline_and_longer_each_time() -> None:
    policy = replace(EAGER, attempts=1, deadline_s=1.0, max_retry_after_s=9.0)
    with FaultServer(lambda index, request: Reply.error(429)) as server:
        with pytest.raises(JudgeUnreachable, match="answered 429"):
            ask(persistent(client_of(server.url), policy))
        assert 4 <= len(server.requests) <= 10


def test_a_deadline_bounds_the_whole_and_ends_a_stall() -> None:
    policy = replace(EAGER, attempts=100, deadline_s=0.3)
    with FaultServer(lambda index, request: Reply(stall=True)) as server:
        with pytest.raises(JudgeUnreachable, match=r"within 0\.3 s"):
            ask(persistent(client_of(server.url), policy))
        assert len(server.requests) == 1
    with FaultServer(lambda index, request: Reply.error(500, delay_s=0.02)) as server:
        with pytest.raises(JudgeUnreachable, match=r"answered 500|within 0\.3 s"):
            ask(persistent(client_of(server.url), policy))
        assert 2 <= len(server.requests) <= 15


def test_a_wait_that_passes_the_deadline_is_not_begun() -> None:
    policy = replace(EAGER, deadline_s=5.0, max_retry_after_s=60.0)
    with FaultServer(lambda index, request: Reply.error(429, headers={"Retry-After": "30"})) as server:
        client = persistent(client_of(server.url), policy)
        with pytest.raises(JudgeUnreachable):
            ask(client)
        assert (len(server.requests), client.waited_s) == (1, 0.0)


def test_retry_after_is_waited_for_up_to_its_cap() -> None:
    with failing_first(Reply.error(429, headers={"Retry-After": "3600"})) as server:
        client = persistent(client_of(server.url))
        assert ask(client).text == "A"
        assert EAGER.max_retry_after_s <= client.waited_s <= EAGER.max_retry_after_s + EAGER.max_wait_s


def test_too_many_requests_shrink_the_window_until_the_server_copes() -> None:
    """A server that refuses more than 4 at a time: everything is answered, and few requests are wasted."""

    def script(index: int, request: Request) -> Reply:
        return Reply.error(429) if server.at_once > 4 else Reply.chat("A", delay_s=0.005)

    with FaultServer(script) as server:
        throttle = Throttle(64)
        client = RetryingClient(
            client_of(server.url), replace(EAGER, attempts=40), throttle=throttle, rng=random.Random(1)
        )
        answers = ask_all(client, [PROMPT] * 200)
        assert all(not isinstance(answer, BaseException) for answer in answers)
        assert client.calls == len(server.requests) < 400
        assert throttle.in_flight == 0


def test_never_more_in_flight_than_the_limit() -> None:
    with FaultServer(lambda index, request: Reply.chat("A", delay_s=0.002)) as server:
        ask_all(persistent(client_of(server.url), limit=5), [PROMPT] * 60)
        assert server.most_at_once <= 5


def test_a_cancelled_question_gives_its_slot_back() -> None:
    with FaultServer(lambda index, request: Reply(stall=True) if index == 0 else Reply.chat("A")) as server:
        client = persistent(client_of(server.url), limit=1)

        async def run() -> str:
            first = asyncio.ensure_future(client.complete(PROMPT, {}))
            second = asyncio.ensure_future(client.complete(PROMPT, {}))
            await asyncio.sleep(0.05)
            first.cancel()
            try:
                return (await second).text
            finally:
                await client.close()

        assert asyncio.run(run()) == "A"


def test_any_client_can_be_retried_and_is_counted() -> None:
    answers: list[str | JudgeError] = [JudgeUnreachable("gone"), BadReply("odd"), "A"]
    client = persistent(ScriptedClient(lambda prompt: answers.pop(0)))
    assert ask(client).text == "A"
    assert client.calls == 3
    with pytest.raises(JudgeRefused):
        ask(persistent(ScriptedClient(lambda prompt: JudgeRefused("no"))))


@given(st.integers(1, 10_000), st.integers(0, 2**32))
def test_waits_lie_between_zero_and_a_doubling_bound(failures: int, seed: int) -> None:
    policy = RetryPolicy(first_wait_s=0.5, max_wait_s=30.0)
    assert 0 <= policy.wait_s(failures, random.Random(seed)) <= min(30.0, 0.5 * 2.0 ** min(failures - 1, 10))


@pytest.mark.parametrize("fields", [{"attempts": 0}, {"bad_replies": 0}, {"deadline_s": 0.0}])
def test_a_policy_without_an_attempt_is_an_input_error(fields: dict[str, float]) -> None:
    with pytest.raises(InputError):
        RetryPolicy(**fields)
