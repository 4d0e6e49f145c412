"""Several servers of one judge: one that dies, hangs or refuses costs no answer, and slows no other."""

import asyncio
import random
import threading
from contextlib import ExitStack
from time import sleep

import pytest

from judgebench.clients.capped import Cap
from judgebench.clients.http import Timeouts
from judgebench.clients.pool import Pool
from judgebench.clients.retry import RetryingClient
from judgebench.errors import EnoughCalls, InputError, JudgeRefused, JudgeUnreachable
from tests.clients.asking import EAGER, PROMPT, ask, ask_all, client_of
from tests.fault_server import FaultServer, Reply, Request, Script

LIMIT = 16
PATIENT = Timeouts(connect_s=2.0, total_s=60.0)


def good(index: int, request: Request) -> Reply:
    return Reply.chat("A", delay_s=0.002)


def serves(*models: str) -> Script:
    """A server that lists these models."""

    def script(index: int, request: Request) -> Reply:
        return Reply.of({"data": [{"id": model} for model in models]}) if request.method == "GET" else good(0, request)

    return script


def pool_of(*urls: str, limit: int = LIMIT, patience_s: float = 30.0, rest_s: float = 0.05) -> Pool:
    clients = {url: client_of(url, timeouts=PATIENT) for url in urls}
    return Pool(clients, limit, first_rest_s=rest_s, patience_s=patience_s)


def retrying(pool: Pool) -> RetryingClient:
    return RetryingClient(pool, EAGER, rng=random.Random(1))


def answered(pool: Pool, questions: int) -> bool:
    answers = ask_all(retrying(pool), [PROMPT] * questions)
    return all(not isinstance(answer, BaseException) and answer.text == "A" for answer in answers)


def test_servers_share_the_questions_and_the_limit() -> None:
    with FaultServer(good) as one, FaultServer(good) as other:
        pool = pool_of(one.url, other.url, limit=6)
        assert answered(pool, 200)
        asked = [len(server.requests) for server in (one, other)]
        assert sum(asked) == pool.calls == 200
        assert min(asked) > 60
        assert one.most_at_once + other.most_at_once <= 7  # each has its most at a time of its own
        assert pool.in_flight == 0


def test_a_server_that_refuses_all_and_answered_nothing_costs_no_answer() -> None:
    with FaultServer(good) as right, FaultServer(lambda index, request: Reply.error(400, "no chat template")) as wrong:
        pool = pool_of(right.url, wrong.url)
        assert answered(pool, 400)
        assert len(wrong.requests) < 60
        [told] = pool.changed({})
        assert wrong.url in told
        assert "no chat template" in told


def test_what_all_servers_refuse_is_asked_of_two() -> None:
    def refuse(index: int, request: Request) -> Reply:
        return Reply.error(400, "too long")

    with FaultServer(refuse) as one, FaultServer(refuse) as other:
        errors = ask_all(retrying(pool_of(one.url, other.url)), [PROMPT] * 4)
        assert all("too long (asked 2 times)" in str(error) for error in errors)
        assert len(one.requests) + len(other.requests) == 8


def test_a_slow_server_gets_what_it_can_answer() -> None:
    with FaultServer(good) as quick, FaultServer(lambda index, request: Reply.chat("A", delay_s=0.2)) as slow:
        assert answered(pool_of(quick.url, slow.url, limit=4), 200)
        assert len(slow.requests) < 40


def test_a_server_that_dies_midway_costs_no_answer() -> None:
    """It refuses at once from then on, so it has the fewest in flight: it must not get everything."""
    with FaultServer(good) as alive, ExitStack() as doomed:
        dying = doomed.enter_context(FaultServer(good))

        def kill() -> None:
            while len(dying.requests) < 60:
                sleep(0.001)
            doomed.close()

        killer = threading.Thread(target=kill)
        killer.start()
        pool = pool_of(alive.url, dying.url)
        assert answered(pool, 600)
        killer.join()
        assert 60 <= len(dying.requests) < 300
        assert pool.calls < 700
        (told,) = pool.changed({})
        assert told.startswith(f"{dying.url} left out ")


def test_a_server_that_failed_is_asked_again_once_it_answers() -> None:
    def script(index: int, request: Request) -> Reply:
        return Reply.error(500) if index < 8 else good(index, request)

    with FaultServer(good) as well, FaultServer(script) as ill:
        assert answered(pool_of(well.url, ill.url, rest_s=0.01), 600)
        assert len(ill.requests) > 100


def test_a_server_that_always_says_too_many_slows_no_other() -> None:
    with FaultServer(good) as free, FaultServer(lambda index, request: Reply.error(429)) as busy:
        assert answered(pool_of(free.url, busy.url), 400)
        assert (len(free.requests), len(busy.requests) < 60) == (400, True)
        assert free.most_at_once > LIMIT // 2


@pytest.mark.parametrize(
    "reply", [Reply(body=b"<html>"), Reply.error(503), Reply(raw=b"no HTTP\r\n\r\n")], ids=["HTML", "503", "no HTTP"]
)
def test_a_server_that_never_answers_anything_of_use_costs_no_answer(reply: Reply) -> None:
    with FaultServer(good) as well, FaultServer(lambda index, request: reply) as broken:
        assert answered(pool_of(well.url, broken.url), 300)
        assert len(broken.requests) < 60


def test_a_server_that_hangs_is_given_up_on_where_others_answer() -> None:
    with FaultServer(good) as well, FaultServer(lambda index, request: Reply(stall=True)) as hung:
        pool = pool_of(well.url, hung.url, patience_s=0.3)
        assert answered(pool, 300)
        assert len(hung.requests) < 30
        [told] = pool.changed({})
        # The last reason: of a question that was given up on, or of the look at it after a rest.
        assert "no reply within as long as others need" in told or told.endswith("does not answer")


def test_where_no_server_answers_it_is_as_if_there_were_one() -> None:
    with pytest.raises(JudgeUnreachable, match="asked 4 times"):
        ask(retrying(pool_of("http://127.0.0.1:9/v1", "http://127.0.0.1:10/v1")))


def test_limits_hold_for_all_servers_together() -> None:
    with FaultServer(good) as one, FaultServer(good) as other:
        clients = {server.url: client_of(server.url) for server in (one, other)}
        pool = Pool(clients, LIMIT, through=Cap(25).around)
        answers = ask_all(retrying(pool), [PROMPT] * 60)
        assert sum(isinstance(answer, EnoughCalls) for answer in answers) == 35
        assert len(one.requests) + len(other.requests) == pool.calls == 25


def test_a_cancelled_question_gives_its_slot_back() -> None:
    with FaultServer(lambda index, request: Reply(stall=True)) as one, FaultServer(good) as other:
        pool = pool_of(one.url, other.url, limit=1)

        async def run() -> str:
            client = retrying(pool)
            first = asyncio.ensure_future(client.complete(PROMPT, {}))
            second = asyncio.ensure_future(client.complete(PROMPT, {}))
            await asyncio.sleep(0.05)
            first.cancel()
            await asyncio.sleep(0)
            third = asyncio.ensure_future(client.complete(PROMPT, {}))
            second.cancel()
            await asyncio.gather(first, second, return_exceptions=True)
            third.cancel()
            await asyncio.gather(third, return_exceptions=True)
            await client.close()
            return f"{pool.in_flight} in flight"

        assert asyncio.run(run()) == "0 in flight"


def _check(pool: Pool) -> None:
    async def run() -> None:
        try:
            await pool.check()
        finally:
            await pool.close()

    asyncio.run(run())


def test_addresses_that_serve_different_models_are_refused() -> None:
    with ExitStack() as stack:
        full, quantised = (stack.enter_context(FaultServer(serves(name))) for name in ("judge", "judge-awq"))
        with pytest.raises(InputError, match=r"'judge'; .* serves 'judge-awq'.*judge of its own"):
            _check(pool_of(full.url, quantised.url))
        one, other = (stack.enter_context(FaultServer(serves(name))) for name in ("q4.gguf", "q8.gguf"))
        with pytest.raises(InputError, match="different models"):
            _check(pool_of(one.url, other.url))


def test_what_else_servers_list_is_no_difference() -> None:
    scripts = [serves("judge", "adapter"), serves("judge"), lambda index, request: Reply.error(404)]
    with ExitStack() as stack:
        _check(pool_of(*(stack.enter_context(FaultServer(script)).url for script in scripts)))


def test_a_key_that_one_server_refuses_is_an_error_before_anything_is_asked() -> None:
    scripts = [serves("judge"), lambda index, request: Reply.error(401)]
    with ExitStack() as stack, pytest.raises(JudgeRefused, match="check the key"):
        _check(pool_of(*(stack.enter_context(FaultServer(script)).url for script in scripts)))


@pytest.mark.parametrize("is_dead", [True, False])
def test_a_check_goes_on_without_a_server_that_does_not_answer_unless_none_does(is_dead: bool) -> None:
    with FaultServer(serves("judge")) as one, FaultServer(lambda index, request: Reply(stall=True)) as hung:
        other = "http://127.0.0.1:9/v1" if is_dead else hung.url
        pool = pool_of(one.url, other, patience_s=0.2)
        _check(pool)
        assert pool.changed({})[0].startswith(f"{other} left out once")
        assert len(one.requests) == 1
    with pytest.raises(JudgeUnreachable, match="nobody answers"):
        _check(pool_of("http://127.0.0.1:9/v1", "http://127.0.0.1:10/v1"))
