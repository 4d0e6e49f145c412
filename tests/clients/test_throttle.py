"""The window of requests in flight: its growth, its cuts, and that no slot is ever lost or given twice."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgebench.clients.retry import Throttle
from judgebench.errors import InputError


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_window_starts_small_and_doubles_each_round_trip_up_to_the_limit() -> None:
    throttle = Throttle(100, start=8)
    sizes = []
    for _ in range(5):
        sizes.append(int(throttle.window))
        for _ in range(int(throttle.window)):
            throttle.succeeded()
    assert sizes == [8, 16, 32, 64, 100]
    assert Throttle(3).window == 3


def test_one_cut_counts_for_all_that_was_in_flight_and_growth_is_linear_after_it() -> None:
    clock = Clock()
    throttle = Throttle(64, start=64, clock=clock)
    clock.now = 1.0
    throttle.refused(started=0.5)
    throttle.refused(started=0.6)
    throttle.refused(started=0.9)
    assert int(throttle.window) == 32
    for _ in range(33):
        throttle.succeeded()
    assert int(throttle.window) == 33
    throttle.refused(started=1.5)
    assert int(throttle.window) == 16


def test_the_window_never_closes() -> None:
    clock = Clock()
    throttle = Throttle(4, clock=clock)
    for second in range(10):
        clock.now = float(second)
        throttle.refused(started=clock.now)
    assert int(throttle.window) == 1


def test_server_errors_stop_growth_for_some_replies_and_do_not_cut() -> None:
    throttle = Throttle(64, start=8)
    throttle.struggled()
    for _ in range(10):
        throttle.succeeded()
    assert int(throttle.window) == 8
    throttle.succeeded()
    assert int(throttle.window) == 9


def test_growth_goes_on_soon_after_a_long_outage() -> None:
    throttle = Throttle(64, start=8)
    for _ in range(10_000):
        throttle.struggled()
    for _ in range(101):
        throttle.succeeded()
    assert int(throttle.window) == 9


def test_a_limit_below_one_is_an_input_error() -> None:
    with pytest.raises(InputError, match="concurrency is 0"):
        Throttle(0)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.sampled_from(["good", "refused", "struggled", "cancelled", "raises"]), max_size=60), st.integers(1, 5)
)
def test_no_slot_is_lost_or_given_twice_whatever_happens(events: list[str], limit: int) -> None:
    throttle = Throttle(limit, start=2)
    most = 0

    async def one(event: str) -> None:
        nonlocal most
        async with throttle as started:
            most = max(most, throttle.in_flight)
            await asyncio.sleep(0)
            if event == "refused":
                throttle.refused(started, 0.0005)
            elif event == "struggled":
                throttle.struggled()
            elif event == "raises":
                raise ConnectionError
            throttle.succeeded()

    async def run() -> None:
        tasks = [asyncio.ensure_future(one(event)) for event in events]
        await asyncio.sleep(0)
        for task, event in zip(tasks, events, strict=True):
            if event == "cancelled":
                task.cancel()
        await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
        await asyncio.wait_for(one("good"), 5)

    asyncio.run(run())
    assert throttle.in_flight == 0
    assert most <= limit


def test_a_slot_given_to_a_task_cancelled_in_the_same_moment_is_passed_on() -> None:
    async def run() -> None:
        throttle = Throttle(1)
        await throttle.__aenter__()
        waiting = asyncio.ensure_future(throttle.__aenter__())
        await asyncio.sleep(0)
        await throttle.__aexit__(None, None, None)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert throttle.in_flight == 0

    asyncio.run(run())


def test_those_who_wait_are_served_in_order() -> None:
    order: list[int] = []

    async def run() -> None:
        throttle = Throttle(1)

        async def one(number: int) -> None:
            async with throttle:
                await asyncio.sleep(0)
                order.append(number)

        await asyncio.gather(*(one(number) for number in range(10)))

    asyncio.run(run())
    assert order == list(range(10))


def test_a_hold_stops_every_request_and_the_longest_hold_wins() -> None:
    async def run() -> float:
        loop = asyncio.get_running_loop()
        throttle = Throttle(4)
        started = loop.time()
        throttle.refused(0.0, 0.08)
        throttle.refused(0.0, 0.01)
        async with throttle:
            return loop.time() - started

    assert asyncio.run(run()) > 0.07
