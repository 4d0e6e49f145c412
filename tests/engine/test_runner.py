"""The loop keeps its promises: nothing lost, none twice, bounded in flight, every planned trial counted; and it leaves
the collector of garbage as it found it."""

import asyncio
import gc
import os
import signal
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgebench.engine.pending import EndedTrials
from judgebench.engine.runner import Runner, RunTally, run_async
from judgebench.errors import DatabaseAway, DatabaseBusy, DatabaseError, JudgeError, JudgeRefused
from judgebench.records import Order, Status, Trial, TrialResult
from judgebench.spec import Pace
from tests.factories import failed, ok, result, trial


class Memory:
    """A sink that keeps results in a dictionary."""

    def __init__(self, known: Mapping[str, Status] | None = None) -> None:
        self.stored: dict[str, TrialResult] = {}
        self.kept: list[TrialResult] = []
        self._known = dict(known or {})

    def known(self, trial_keys: Sequence[str]) -> EndedTrials:
        stored = self._known | {key: each.verdict.status for key, each in dict(self.stored).items()}
        return EndedTrials({key: stored[key] for key in trial_keys if key in stored})

    def add(self, results: Sequence[TrialResult]) -> None:
        for each in results:
            assert each.trial_key not in self.stored or self.stored[each.trial_key].verdict.status is Status.FAILED
            self.stored[each.trial_key] = each

    def keep(self, results: Sequence[TrialResult]) -> str:
        self.kept.extend(results)
        return "memory"


def plan(count: int) -> list[Trial]:
    return [trial(number // 2, list(Order)[number % 2]) for number in range(count)]


async def agree(asked: Trial) -> TrialResult:
    await asyncio.sleep(0)
    return result(asked, ok(1.0))


def execute(runner: Runner, trials: list[Trial]) -> RunTally:
    return asyncio.run(runner.run(trials))


@settings(max_examples=25, deadline=None)
@given(count=st.integers(0, 40), concurrency=st.integers(1, 9), fails=st.sets(st.integers(0, 39)))
def test_every_planned_trial_ends_in_exactly_one_count(count: int, concurrency: int, fails: set[int]) -> None:
    sink, trials = Memory(), plan(count)
    bad = {trials[number].key for number in fails if number < count}

    async def ask(asked: Trial) -> TrialResult:
        await asyncio.sleep(0)
        return result(asked, failed() if asked.key in bad else ok(1.0))

    pace = Pace(concurrency=concurrency, max_failures=1000)
    tally = execute(Runner(ask, sink, planned=count, pace=pace), trials)
    assert tally.planned == sum(tally.ended.values()) + tally.pending == count
    assert tally.pending == 0
    assert tally.ended.get(Status.FAILED, 0) == tally.without_verdict == len(bad)
    assert set(sink.stored) == {each.key for each in trials}
    again = execute(Runner(agree, sink, planned=count, pace=pace), trials)
    assert again.ended.get(Status.OK, 0) == count


def test_a_place_is_kept_until_the_verdict_is_committed() -> None:
    concurrency = 4
    sink = Memory()
    uncommitted = most = 0

    async def ask(asked: Trial) -> TrialResult:
        nonlocal uncommitted, most
        uncommitted += 1
        most = max(most, uncommitted)
        await asyncio.sleep(0)
        return result(asked, ok(1.0))

    class Slow(Memory):
        def add(self, results: Sequence[TrialResult]) -> None:
            nonlocal uncommitted
            sink.add(results)
            uncommitted -= len(results)

    execute(Runner(ask, Slow(), planned=60, pace=Pace(concurrency=concurrency)), plan(60))
    assert most <= concurrency
    assert len(sink.stored) == 60


def test_the_plan_is_read_as_places_become_free() -> None:
    taken = 0

    def stream():
        nonlocal taken
        for each in plan(5000):
            taken += 1
            yield each

    asked: list[int] = []

    async def ask(each: Trial) -> TrialResult:
        asked.append(taken - len(asked))
        return result(each, ok(1.0))

    asyncio.run(Runner(ask, Memory(), planned=5000, pace=Pace(concurrency=8)).run(stream()))
    assert max(asked) <= 450


def test_stopping_lets_what_is_in_flight_end() -> None:
    sink = Memory()
    runner: Runner

    async def ask(asked: Trial) -> TrialResult:
        if len(sink.stored) >= 10:
            runner.stop()
        return await agree(asked)

    runner = Runner(ask, sink, planned=100, pace=Pace(concurrency=5))
    tally = execute(runner, plan(100))
    assert runner.stopped
    assert 10 <= len(sink.stored) == tally.ended[Status.OK] <= 20
    assert tally.pending == 100 - len(sink.stored)


def test_no_question_is_asked_once_the_money_is_spent() -> None:
    sink = Memory()
    tally = execute(Runner(agree, sink, planned=50, pace=Pace(concurrency=1, max_cost=0.035)), plan(50))
    assert len(sink.stored) == 4  # each costs one cent
    assert tally.cost_usd == pytest.approx(0.04)
    assert tally.pending == 46


@settings(max_examples=25, deadline=None)
@given(concurrency=st.integers(1, 9), most=st.integers(1, 30), late=st.sets(st.integers(0, 9)))
def test_what_is_in_flight_when_the_money_is_spent_is_all_that_is_paid_beyond(
    concurrency: int, most: int, late: set[int]
) -> None:
    """Each question costs one cent, as docs/server.md has it."""

    async def ask(asked: Trial) -> TrialResult:
        for _ in range(20 if int(asked.key, 16) % 10 in late else 1):
            await asyncio.sleep(0)
        return await agree(asked)

    tally = execute(
        Runner(ask, Memory(), planned=60, pace=Pace(concurrency=concurrency, max_cost=most / 100)), plan(60)
    )
    assert tally.cost_usd is not None
    assert most - 0.5 <= tally.cost_usd * 100 <= most + concurrency - 1 + 0.5


def test_a_judge_that_fails_all_the_time_is_given_up() -> None:
    sink = Memory()

    async def ask(asked: Trial) -> TrialResult:
        return result(asked, failed("no answer"), reply=None)

    with pytest.raises(JudgeError, match=r"failed 7 times in a row.*no answer"):
        execute(Runner(ask, sink, planned=100, pace=Pace(concurrency=1, max_failures=7)), plan(100))
    assert len(sink.stored) == 7


def test_an_error_that_concerns_every_trial_ends_the_run_and_keeps_the_answers() -> None:
    sink = Memory()

    async def ask(asked: Trial) -> TrialResult:
        if len(sink.stored) >= 5:
            raise JudgeRefused("the key was revoked")
        return await agree(asked)

    with pytest.raises(JudgeRefused, match="revoked"):
        execute(Runner(ask, sink, planned=100, pace=Pace(concurrency=3)), plan(100))
    assert len(sink.stored) >= 5


def test_a_database_that_fails_ends_the_run() -> None:
    class Full(Memory):
        def add(self, results: Sequence[TrialResult]) -> None:
            raise DatabaseError("disk is full")

    with pytest.raises(DatabaseError, match="disk is full"):
        execute(Runner(agree, Full(), planned=10, pace=Pace(concurrency=3)), plan(10))


async def _collector() -> tuple[bool, tuple[int, int, int]]:
    return gc.get_freeze_count() > 0, gc.get_threshold()


def test_objects_of_before_are_frozen_only_while_questions_are_asked() -> None:
    before = gc.get_threshold()
    frozen, threshold = run_async(_collector())
    assert frozen
    assert threshold > before
    assert not gc.get_freeze_count()
    assert gc.get_threshold() == before


@pytest.mark.slow
def test_what_somebody_else_froze_stays_frozen() -> None:
    gc.freeze()
    try:
        count = gc.get_freeze_count()
        run_async(_collector())
        assert gc.get_freeze_count() > count / 2  # some may have gone meanwhile
    finally:
        gc.unfreeze()


def test_the_collector_is_restored_after_an_error() -> None:
    async def fails() -> None:
        raise ValueError("none")

    before = gc.get_threshold()
    with pytest.raises(ValueError, match="none"):
        run_async(fails())
    assert not gc.get_freeze_count()
    assert gc.get_threshold() == before


def test_the_collector_is_restored_by_the_last_of_two_loops_at_once() -> None:
    before, second = gc.get_threshold(), Barrier(2)

    async def meets(last: bool) -> None:
        second.wait()  # both have begun
        if last:
            second.wait()  # the other has ended

    def first() -> None:
        run_async(meets(False))
        second.wait()

    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(first), threads.submit(lambda: run_async(meets(True)))]:
            done.result()
    assert not gc.get_freeze_count()
    assert gc.get_threshold() == before


def test_after_the_time_to_ask_what_is_in_flight_ends() -> None:
    sink = Memory()

    async def ask(asked: Trial) -> TrialResult:
        await asyncio.sleep(0.2)
        return await agree(asked)

    runner = Runner(ask, sink, planned=100, pace=Pace(concurrency=5, stop_after="0.3s"))
    tally = execute(runner, plan(100))
    assert (tally.stopped_by, runner.stopped) == ("stop_after", False)
    assert len(sink.stored) == tally.ended[Status.OK] == 100 - tally.pending == 10


def test_after_the_time_to_ask_a_database_that_is_away_is_not_waited_for() -> None:
    class Away(Memory):
        def add(self, results: Sequence[TrialResult]) -> None:
            raise DatabaseAway("its server does not answer")

    async def wait() -> None:
        runner = Runner(agree, Away(), planned=100, pace=Pace(concurrency=2, stop_after=0.3))
        with pytest.raises(DatabaseError, match="does not answer; replies that came meanwhile are kept in"):
            await asyncio.wait_for(runner.run(plan(100)), 20)

    asyncio.run(wait())


def test_on_a_signal_to_terminate_what_ends_soon_is_stored_and_the_rest_is_given_up() -> None:
    sink, seen = Memory(), list[RunTally]()

    async def ask(asked: Trial) -> TrialResult:
        if asked.key == plan(1)[0].key:
            os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.05 if asked.order is Order.AB else 60)
        return result(asked, ok(1.0))

    def watch(tally: RunTally, calls: int) -> None:
        seen.append(tally)

    runner = Runner(ask, sink, planned=100, pace=Pace(concurrency=8, drain=0.3), on_progress=watch)
    tally = execute(runner, plan(100))
    assert runner.stopped
    assert len(sink.stored) == 4
    assert tally.pending == 96
    assert next(tally.waiting_for for tally in seen if tally.waiting_for) == 8


@pytest.mark.parametrize("busy", [1, 3])
def test_a_locked_database_is_waited_for(busy: int) -> None:
    class Locked(Memory):
        tries = 0

        def add(self, results: Sequence[TrialResult]) -> None:
            self.tries += 1
            if self.tries <= busy:
                raise DatabaseBusy("locked")
            super().add(results)

    sink = Locked()
    tally = execute(Runner(agree, sink, planned=20, pace=Pace(concurrency=4)), plan(20))
    assert tally.ended == {Status.OK: 20}
    assert len(sink.stored) == 20
    assert not sink.kept


def test_replies_that_cannot_be_committed_are_kept_those_in_flight_too() -> None:
    class Full(Memory):
        def add(self, results: Sequence[TrialResult]) -> None:
            if len(self.stored) >= 8:
                raise DatabaseError("the disk is full")
            super().add(results)

    asked = set[str]()

    async def ask(one: Trial) -> TrialResult:
        asked.add(one.key)
        await asyncio.sleep(0.01 * len(asked) % 0.05)
        return result(one, ok(1.0))

    sink = Full()
    with pytest.raises(DatabaseError, match="the disk is full; replies that came meanwhile are kept in memory"):
        execute(Runner(ask, sink, planned=100, pace=Pace(concurrency=6)), plan(100))
    assert asked == set(sink.stored) | {kept.trial_key for kept in sink.kept}
    assert len(asked) < 100
