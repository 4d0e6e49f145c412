"""The loop: planned trials in, stored verdicts out, with a bounded number of questions in flight.

A trial keeps its place until its verdict is committed. So whenever the process is killed, at most as many questions as
there are places are asked again by the next run, and what was committed is neither lost nor stored twice. Trials are
taken from the plan as places become free: a million of them never sit in memory.

A reply is paid for. A database that another process has locked is waited for as long as a question may live; what
cannot be committed in the end is kept beside the database, and the next run stores it.
"""

import asyncio
import gc
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from threading import Lock
from typing import Any, Generic, Literal, Protocol, TypeVar

from judgebench.counts import count
from judgebench.engine.claims import RENEW_S
from judgebench.engine.pending import AskedT, Claiming, EndedTrials, Pending
from judgebench.errors import DatabaseBusy, DatabaseError, EnoughCalls, InputError, JudgeBenchError, JudgeError
from judgebench.records import Completion, Status
from judgebench.spec import Pace

# Results in one transaction at most, or a share of those in flight. Were all that wait committed together, all places
# would ask at one moment, be answered at one moment, and leave both processors idle in turn.
_TOGETHER, _SHARE_TOGETHER = 32, 4
_TURNS = 3  # of the event loop, from a reply's first bytes to its verdict: those that came together end together
_COLLECT_AFTER = (10_000, 20, 50)  # new objects, and collections of the younger generation
_PROGRESS_S = 0.25  # between two reports
_LOCKED_S = 900  # that a locked database, or its server, is waited for: as long as a question may live
_LOOK_AGAIN_S = 0.1
_WAITS_S = (0.1, 2.0)  # between two looks at what another run is asking: at first and at most
_T = TypeVar("_T")
# "no_usage": what was spent is not known, so that max_cost could not hold.
Limit = Literal["max_cost", "no_usage", "max_calls", "max_errors", "stop_after"]


class Ended(Protocol):
    """What became of it."""

    @property
    def status(self) -> Status: ...

    @property
    def detail(self) -> str | None:
        """Why it failed, where it did."""

    @property
    def replies(self) -> Sequence[Completion]:
        """Everything that was paid for."""

    @property
    def asked(self) -> bool:
        """False where there was nothing to ask: no failure of whoever is asked."""


EndedT = TypeVar("EndedT", bound=Ended)


_KeptT = TypeVar("_KeptT", bound=Ended, contravariant=True)


class Sink(Protocol[_KeptT]):
    """Where results are kept."""

    def known(self, trial_keys: Sequence[str]) -> EndedTrials:
        """As of ``Pending``; may be called while ``add`` is."""
        ...

    def add(self, results: Sequence[_KeptT]) -> None:
        """Commit the results, all or none. Called in another thread, never twice at once."""
        ...

    def keep(self, results: Sequence[_KeptT]) -> str:
        """Keep results that cannot be committed now, so that the next run commits them; returns where, in words."""
        ...


@dataclass(frozen=True, slots=True)
class RunTally:
    """What became of the planned trials; ``planned`` is always the sum of all the others."""

    planned: int
    ended: Mapping[Status, int]
    cost_usd: float | None  # of this run's calls; None when one of them has no known price
    taken_over: int = 0  # of those that ended: verdicts of other benchmarks, which are now this one's as well
    stopped_by: Limit | None = None  # the limit that was reached before all had ended
    waiting_for: int | None = None  # questions in flight whose answers are waited for; None: nobody asked it to stop
    by_others: int = 0  # of those that ended: that another run asked since this one began
    awaited: int = 0  # that another run is asking, while there is nothing else to ask

    @property
    def pending(self) -> int:
        return self.planned - sum(self.ended.values())

    @property
    def without_verdict(self) -> int:
        """Trials that ended without a preference, or have not ended."""
        return self.planned - self.ended.get(Status.OK, 0) - self.ended.get(Status.TIE, 0)


# Is told the tally and the calls so far; where it returns true the run stops as after a first interrupt.
OnProgress = Callable[[RunTally, int], bool | None]


def silent(tally: RunTally, calls: int) -> None:
    """No one is watching."""


def no_calls() -> int:
    """Whoever is asked does not count."""
    return 0


class Runner(Generic[AskedT, EndedT]):
    """One execution of a plan. ``stop`` may be called at any time, from the event loop's thread.

    ``calls`` says how many questions were sent so far; ``on_progress`` is told of them. Trials that ended as ``again``
    says are asked again.
    """

    def __init__(
        self,
        ask: Callable[[AskedT], Awaitable[EndedT]],
        sink: Sink[EndedT],
        *,
        planned: int,
        pace: Pace,
        calls: Callable[[], int] = no_calls,
        on_progress: OnProgress | None = None,
        again: Collection[Status] = (Status.FAILED,),
    ) -> None:
        self._ask = ask
        self._sink = sink
        self._planned = planned
        self._pace = pace
        self._again = again
        self._together = max(_TOGETHER, pace.concurrency // _SHARE_TOGETHER)
        self._claims: Claiming | None = None
        self._calls = calls
        self._on_progress = on_progress or silent
        self._pending: Pending[AskedT] = Pending((), sink, None, again=again, concurrency=1)
        self._refilling: asyncio.Task[None] | None = None
        self._wait_s = _WAITS_S[0]
        self._ended: Counter[Status] = Counter()  # those that were asked
        self._cost_usd = 0.0
        self._unpriced = False
        self._failures = self._failures_in_a_row = 0
        self._last_failure = ""
        self._fatal: JudgeBenchError | None = None
        self._unstored: DatabaseError | None = None  # why results are kept beside the database from then on
        self._kept = ""  # where
        self._stopping = False
        self._stop_came = asyncio.Event()
        self._is_enough = False  # as many calls were made as are allowed
        self._is_late = False  # the time to ask is over
        self._asking: set[asyncio.Task[None]] = set()
        self._waiting: list[tuple[EndedT, asyncio.Future[None]]] = []
        self._committing: list[EndedT] = []
        self._arrived = asyncio.Event()

    @property
    def tally(self) -> RunTally:
        cost = None if self._unpriced else self._cost_usd
        waiting_for = len(self._asking) + len(self._waiting) if self._stopping else None
        pending, idle = self._pending, not (self._asking or self._waiting or self._stopping)
        ended = dict(self._ended + Counter(pending.ended))
        stopped_by = self._limit if sum(ended.values()) < self._planned else None
        awaited = len(pending.aside) if idle and pending.waits else 0
        how = (pending.taken_over, stopped_by, waiting_for, pending.by_others, awaited)
        return RunTally(self._planned, ended, cost, *how)

    @property
    def stopped(self) -> bool:
        """Whether it ended, or will end, before the plan did."""
        return self._stopping

    def stop(self) -> None:
        """Ask nothing further; what is in flight still ends and is stored."""
        self._stopping = True
        self._stop_came.set()
        self._on_progress(self.tally, self._calls())

    def hurry(self) -> None:
        """``stop`` for whoever will be killed soon: only ``Pace.drain`` seconds are left to what is in flight."""
        self.stop()
        asyncio.get_running_loop().call_later(self._pace.drain, self._give_up)

    def _give_up(self) -> None:
        """End the questions in flight; what is answered and not committed yet is kept, however long that takes."""
        for task in self._asking:
            task.cancel()
        if unstored := [*self._committing, *(result for result, _ in self._waiting)]:
            with suppress(InputError):  # they may yet be committed
                self._sink.keep(unstored)

    async def run(self, trials: Iterable[AskedT], claims: Claiming | None = None) -> RunTally:
        """Ask about every trial that has no answer yet. Other runs leave alone what ``claims`` claims; None: there are
        no others.

        The first interrupt lets what is in flight end, the second is the usual KeyboardInterrupt; the signal to
        terminate lets it end within ``Pace.drain`` seconds. Raises JudgeError when the judge is gone or refuses every
        question, DatabaseError when results cannot be committed; what was answered before stays stored.
        """
        again, concurrency = self._again, self._pace.concurrency
        self._claims = claims
        self._pending = Pending(trials, self._sink, claims, again=again, concurrency=concurrency)
        beside = [asyncio.create_task(task) for task in (self._report(), self._renew(), self._end_in_time())]
        try:
            with _signals({signal.SIGINT: self.stop, signal.SIGTERM: self.hurry}):
                async with asyncio.TaskGroup() as tasks:
                    committing = tasks.create_task(self._commit())
                    async with asyncio.TaskGroup() as places:
                        for _ in range(concurrency):
                            places.create_task(self._work())
                    committing.cancel()
        except* JudgeBenchError as errors:
            raise _first(errors) from None
        finally:
            for task in filter(None, (*beside, self._refilling)):
                task.cancel()
            self._release()
            self._on_progress(self.tally, self._calls())
        if self._unstored is not None:
            kept = f"{self._unstored}; replies that came meanwhile are kept in {self._kept}"
            raise DatabaseError(f"{kept}: the same command stores them and goes on") from self._unstored
        if self._fatal is not None:
            raise self._fatal
        if self._failures_in_a_row >= self._pace.max_failures:
            times = count(self._failures_in_a_row, "time")
            raise JudgeError(f"the judge failed {times} in a row, last: {self._last_failure}")
        return self.tally

    async def _work(self) -> None:
        task: Any = asyncio.current_task()
        while (trial := await self._next()) is not None:
            self._asking.add(task)
            try:
                result = await self._ask(trial)
            except EnoughCalls:
                self._is_enough = True
                return
            except JudgeError as error:  # what others have in flight still ends and is stored
                self._fatal = self._fatal or error
                self._stopping = True
                return
            finally:
                self._asking.discard(task)
            committed = asyncio.get_running_loop().create_future()
            self._waiting.append((result, committed))
            self._arrived.set()
            await committed
            self._pending.done(trial.key)

    async def _next(self) -> AskedT | None:
        """None where nothing further is to be asked."""
        pending = self._pending
        while not pending.is_ready and not self._over:
            if self._refilling is None:
                if pending.is_empty:
                    return None
                pending.recall()
                self._refilling = asyncio.create_task(self._refill())
            refilling = self._refilling
            await asyncio.wait([refilling])  # all places together, so that all ask at once
            refilling.result()
        return None if self._over else pending.ready.popleft()

    async def _refill(self) -> None:
        try:
            await self._patiently(self._pending.refill)
            if self._pending.waits and self._pending.aside and not self._over:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stop_came.wait(), self._wait_s)
                self._wait_s = min(1.5 * self._wait_s, _WAITS_S[1])
        except DatabaseError as error:
            if not ((self._stopping or self._is_late) and isinstance(error, DatabaseBusy)):
                self._fatal, self._stopping = self._fatal or error, True
        finally:
            self._refilling = None

    async def _patiently(self, work: Callable[[], None]) -> None:
        """Do it in another thread, as soon as no other process has the database locked and its server answers."""
        until = asyncio.get_running_loop().time() + _LOCKED_S
        while True:
            try:
                await asyncio.to_thread(work)
            except DatabaseBusy:
                if self._stopping or self._is_late or asyncio.get_running_loop().time() > until:
                    raise
                await asyncio.sleep(_LOOK_AGAIN_S)
            else:
                return

    async def _renew(self) -> None:
        """Tell other runs that this one lives."""
        while self._claims is not None:
            await asyncio.sleep(RENEW_S)
            with suppress(DatabaseError):  # who cannot write now cannot take claims away either
                await asyncio.to_thread(self._claims.renew)

    async def _end_in_time(self) -> None:
        if self._pace.stop_after is not None:
            await asyncio.sleep(self._pace.stop_after)
            self._is_late = True
            self._stop_came.set()

    def _release(self) -> None:
        """Give back what was claimed and not asked; claims that cannot be given back lapse."""
        if self._claims is not None and self._unstored is None:
            with suppress(DatabaseError):
                self._claims.release()

    @property
    def _over(self) -> bool:
        """Whether nothing further is to be asked."""
        is_gone = self._failures_in_a_row >= self._pace.max_failures
        return self._stopping or is_gone or self._limit is not None

    @property
    def _limit(self) -> Limit | None:
        """The limit that is reached."""
        pace = self._pace
        if self._is_enough:
            return "max_calls"
        if self._is_late:
            return "stop_after"
        if pace.max_cost is not None and pace.max_calls is None and self._unpriced:
            return "no_usage"
        if pace.max_cost is not None and self._cost_usd >= pace.max_cost:
            return "max_cost"
        return "max_errors" if pace.max_errors is not None and self._failures >= pace.max_errors else None

    async def _commit(self) -> None:
        """Store what has arrived since the last transaction, in the order in which it came."""
        while True:
            await self._arrived.wait()
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            batch, self._waiting = self._waiting[: self._together], self._waiting[self._together :]
            if not self._waiting:
                self._arrived.clear()
            self._committing = [result for result, _ in batch]
            await self._store(self._committing)
            self._committing = []
            for result, committed in batch:
                if self._unstored is None:
                    self._count(result)
                committed.set_result(None)

    async def _store(self, results: Sequence[EndedT]) -> None:
        """Commit; once the database has failed, what still comes is kept beside it."""
        if self._unstored is None:
            try:
                await self._patiently(partial(self._sink.add, results))
            except DatabaseError as error:
                self._unstored, self._stopping = error, True
        if self._unstored is not None:
            self._kept = self._sink.keep(results)

    def _count(self, result: EndedT) -> None:
        self._ended[result.status] += 1
        if result.status is Status.FAILED and result.asked:
            self._failures += 1
            self._failures_in_a_row += 1
            self._last_failure = result.detail or ""
        elif result.asked:
            self._failures_in_a_row = 0
        for reply in result.replies:
            self._cost_usd += reply.cost_usd or 0.0
            self._unpriced |= reply.cost_usd is None

    async def _report(self) -> None:
        while True:
            if self._on_progress(self.tally, self._calls()) and not self._stopping:
                self.stop()
            await asyncio.sleep(_PROGRESS_S)


def _first(errors: BaseExceptionGroup[Any]) -> BaseException:
    """The first error in a group of groups."""
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


@contextmanager
def _signals(handlers: Mapping[signal.Signals, Callable[[], None]]) -> Iterator[None]:
    """The first of each signal is handled, the next is as usual; so are all where none can be handled."""
    loop = asyncio.get_running_loop()

    def once(number: signal.Signals, handle: Callable[[], None]) -> None:
        loop.remove_signal_handler(number)
        handle()

    try:
        for number, handle in handlers.items():
            loop.add_signal_handler(number, once, number, handle)
    except (NotImplementedError, RuntimeError, ValueError):  # not the main thread, or not on this platform
        yield
        return
    try:
        yield
    finally:
        for number in handlers:
            loop.remove_signal_handler(number)


class _Collector:
    """Garbage is seldom collected while a loop runs in any thread, and as usual once the last of them has ended.

    Where somebody has frozen objects already, as the app does, these stay as they are.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._loops = 0
        self._usual = gc.get_threshold()
        self._froze = False

    def __enter__(self) -> None:
        with self._lock:
            self._loops += 1
            if self._loops == 1:
                self._usual, self._froze = gc.get_threshold(), not gc.get_freeze_count()
                gc.set_threshold(*_COLLECT_AFTER)
                if self._froze:
                    gc.freeze()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._loops -= 1
            if not self._loops:
                gc.set_threshold(*self._usual)
                if self._froze:
                    gc.unfreeze()


_COLLECTOR = _Collector()


def run_async(main: Coroutine[Any, Any, _T]) -> _T:
    """``asyncio.run``, on the fastest loop there is, with garbage seldom collected."""
    factory = None if find_spec("uvloop") is None else import_module("uvloop").new_event_loop
    with _COLLECTOR, asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)
