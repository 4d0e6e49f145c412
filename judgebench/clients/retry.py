"""Which questions are asked again, and how many are in flight: additive increase, multiplicative decrease, as in TCP
(RFC 5681).

The window starts small and grows by one a good reply, doubling each round trip, until the server first says "too many";
then it is halved and grows by about one a round trip. Server errors do not shrink it: each takes away the growth of the
next ten good replies, so that a tenth of errors stops it from growing, at any rate of requests. A Retry-After holds
every request back, because rates are limited by key and not by request. The limit is never passed.

A refusal without a Retry-After holds all back as well, twice as long each time, and then one request tries whether it
is taken. Where even a request that was alone was refused, the server limits the rate and not what is in flight: from
then on requests keep the distance in time that it was seen to allow, a little less after each good reply. Refusals by a
limit are no failures of the question, which goes first once requests are taken again.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Protocol, runtime_checkable

from judgebench.clients.base import Client, Counted, with_spent
from judgebench.clients.http import Overloaded
from judgebench.clients.replies import EmptyReply
from judgebench.errors import BadReply, InputError, JudgeError, JudgeUnreachable
from judgebench.records import Completion, Prompt

_START = 8
_GOOD_PER_ERROR = 10
_MAX_DEBT = 100  # after a long outage, growth begins again after so many good replies
_TOO_MANY = 429
_FASTER, _SLOWER = 0.95, 1.2  # of the interval, for each good reply and each time that it was too short
_TELLING = 3  # good replies that tell a rate
_NO_INTERVAL_S = 0.01


class Throttle:
    """Slots for requests to one server, at most ``limit``, in one event loop. Raises InputError on a limit below 1.

    ``async with throttle as started`` waits, first come first served, for the right to one request, and gives the time
    at which it started. Many may be within it at once.
    """

    def __init__(
        self,
        limit: int,
        *,
        start: int = _START,
        clock: Callable[[], float] = monotonic,
        on_open: Callable[[], None] | None = None,
    ) -> None:
        if limit < 1:
            raise InputError(f"concurrency is {limit}, and at least 1 request must be in flight")
        self.limit = limit
        self.in_flight = 0
        self.window = float(min(limit, max(start, 1)))  # how many requests may be in flight now, in [1, limit]
        self.refusals = 0  # in a row
        self.interval_s = 0.0  # between two requests, where the server limits their rate
        self._slow_start = True
        self._clock = clock
        self._last_cut = clock()
        self._debt = 0  # good replies until growth goes on
        self._is_rate = False  # whether a request that was alone has been refused
        self._since = self._last_cut  # when the good replies below began to be counted
        self._good = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._hold: asyncio.TimerHandle | None = None
        self._on_open = on_open  # called whenever there may be a slot that nobody here waits for

    async def __aenter__(self) -> float:
        return await self.enter()

    async def __aexit__(self, *_: object) -> None:
        self.leave()

    async def enter(self, *, again: bool = False) -> float:
        """Wait for a slot, before all others where the server has refused this question; gives the time then."""
        waiter = asyncio.get_running_loop().create_future()
        if again:
            self._waiting.appendleft(waiter)
        else:
            self._waiting.append(waiter)
        self._admit()
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():  # the slot was ours already: pass it on
                self.leave()
            raise
        return self._clock()

    @property
    def is_open(self) -> bool:
        """Whether there is a slot now."""
        return self._hold is None and self.in_flight + 1 <= (1 if self.refusals else self.window)

    def take(self) -> None:
        """A slot, where it is open."""
        self.in_flight += 1
        if self.interval_s > _NO_INTERVAL_S:
            self._hold_back(self.interval_s)

    def leave(self) -> None:
        """Give the slot back."""
        self.in_flight -= 1
        self._admit()

    def succeeded(self) -> None:
        """A good reply came: grow, unless it has to make up for a server error."""
        if self.refusals:
            self._taken_again()
        self._good += 1
        self.interval_s *= _FASTER
        if self._debt:
            self._debt -= 1
        elif self.window < self.limit:
            self.window = min(self.limit, self.window + (1.0 if self._slow_start else 1.0 / self.window))

    def _taken_again(self) -> None:
        """Refusals have ended: where the server limits the rate, keep to the one that it has allowed since the last."""
        now = self._clock()
        if self._is_rate:
            slower = _SLOWER * self.interval_s
            # A single refusal may be chance, as of a gateway that fails; several in a row are a limit that lasts.
            is_told = self.refusals > 1 and self._good >= _TELLING
            allowed = (now - self._since) / self._good if is_told else slower
            self.interval_s = min(max(allowed, slower), 2.0 * self.interval_s or allowed)
            self._since, self._good = now, 0
        self.refusals, self._is_rate = 0, False

    def refused(self, started: float, hold_s: float | None = None) -> None:
        """Too many requests: halve, once for all that had started before the last cut, hold all for ``hold_s``, and
        then let one try whether it is taken."""
        self._is_rate |= self.in_flight <= 1
        if started >= self._last_cut:
            self.window = max(1.0, self.window / 2)
            self._last_cut = self._clock()
            self._slow_start = False
            self.refusals += 1
        if hold_s:
            self._hold_back(hold_s)

    def struggled(self, hold_s: float | None = None) -> None:
        """A server error or a time-out: no growth for a while."""
        self._debt = min(self._debt + _GOOD_PER_ERROR, _MAX_DEBT)
        if hold_s:
            self._hold_back(hold_s)

    def _admit(self) -> None:
        while self._waiting and self.is_open:
            waiter = self._waiting.popleft()
            if not waiter.done():
                self.take()
                waiter.set_result(None)
        if self._on_open is not None and self.is_open:
            self._on_open()

    def _hold_back(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        if self._hold is not None:
            if self._hold.when() >= loop.time() + seconds:
                return
            self._hold.cancel()
        self._hold = loop.call_later(seconds, self._resume)

    def _resume(self) -> None:
        self._hold = None
        self._admit()


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long one question is asked again."""

    attempts: int = 6  # at most, the first included; those that a limit on the rate refused do not count
    bad_replies: int = 2  # attempts that may end in a BadReply
    deadline_s: float = 900.0  # from the first attempt's start to the last one's end, waits included
    first_wait_s: float = 0.5  # bound of the first wait; each later one is twice the last
    max_wait_s: float = 30.0  # bound of any wait that we choose
    max_retry_after_s: float = 120.0  # a server that asks for more is asked again after this

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.bad_replies < 1 or not self.deadline_s > 0:
            raise InputError("retries need at least one attempt, one bad reply and a deadline above 0 s")

    def wait_s(self, failures: int, rng: random.Random) -> float:
        """Seconds before the attempt that follows ``failures`` failures, at least one."""
        return rng.uniform(0.0, min(self.max_wait_s, self.first_wait_s * 2.0 ** min(failures - 1, 60)))


_USUAL = RetryPolicy()


class Lane:
    """One server: who asks it, and how much at a time."""

    def __init__(self, client: Client, throttle: Throttle) -> None:
        self.client = client
        self.throttle = throttle

    async def enter(self, *, again: bool, last: "Lane | None" = None, alike: str | None = None) -> tuple["Lane", float]:
        """See ``Lanes``."""
        return self, await self.throttle.enter(again=again)

    def leave(self) -> None:
        """Give the slot back."""
        self.throttle.leave()

    async def ask(self, prompt: Prompt, settings: Mapping[str, Any], limit: asyncio.Timeout) -> Completion:
        """See ``Client.complete``. ``limit`` may be made shorter meanwhile."""
        return await self.client.complete(prompt, settings)

    def answered(self, started: float) -> None:
        """The server does answer, whatever it says, to what it was asked at this time."""

    def failed(self, error: JudgeError) -> None:
        """It did not answer, or nothing that can be read."""


@runtime_checkable
class Lanes(Protocol):
    """Servers that are one judge."""

    async def enter(self, *, again: bool, last: Lane | None = None, alike: str | None = None) -> tuple[Lane, float]:
        """Wait for a slot of one of them, as ``Throttle.enter`` does, best not of the one that was asked last, and of
        the same for prompts that are ``alike``; that one, and the time then."""
        ...


class RetryingClient:
    """``client``, asked again within ``policy`` where that may help, and never more at a time than ``throttle`` allows.

    Without a throttle, 64 at a time; several servers have their own. ``rng`` spreads the waits; nothing that is stored
    depends on it.
    """

    def __init__(
        self,
        client: Client,
        policy: RetryPolicy = _USUAL,
        *,
        throttle: Throttle | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self.waited_s = 0.0  # between attempts, summed over questions
        self._client = client
        self._policy = policy
        self._lanes: Lanes = client if isinstance(client, Lanes) else Lane(client, throttle or Throttle(64))
        self._rng = rng or random.Random()  # noqa: S311
        self._attempts = 0

    @property
    def calls(self) -> int:
        """Requests sent so far, by the client's own count where it has one."""
        return self._client.calls if isinstance(self._client, Counted) else self._attempts

    async def complete(self, prompt: Prompt, settings: Mapping[str, Any]) -> Completion:
        """See ``Client.complete``. Raises the last attempt's error, its message saying how often was asked."""
        failures = counted = bad = 0
        deadline: float | None = None
        cause: JudgeUnreachable | BadReply | None = None
        lane: Lane | None = None
        spent: list[Completion] = []
        while True:
            lane, started = await self._lanes.enter(again=_is_limit(cause), last=lane, alike=prompt.alike)
            deadline = deadline or monotonic() + self._policy.deadline_s
            if cause and monotonic() >= deadline:  # it passed while waiting for a slot
                lane.leave()
                raise _final(cause, failures, spent) from cause
            try:
                return with_spent(await self._attempt(lane, prompt, settings, started, deadline), spent)
            except EmptyReply as error:
                spent.append(error.completion)
                failures, counted, cause = failures + 1, counted + 1, error
            except (JudgeUnreachable, BadReply) as error:
                failures, bad, cause = failures + 1, bad + isinstance(error, BadReply), error
                counted += not _is_limit(error)
            finally:
                lane.leave()
            wait_s = self._wait_s(cause, counted)
            is_over = counted >= self._policy.attempts or bad >= self._policy.bad_replies
            if is_over or monotonic() + wait_s >= deadline:
                raise _final(cause, failures, spent) from cause
            self.waited_s += wait_s
            if not _is_limit(cause):  # else it is held back with all others
                await asyncio.sleep(wait_s)

    async def close(self) -> None:
        await self._client.close()

    async def _attempt(
        self, lane: Lane, prompt: Prompt, settings: Mapping[str, Any], started: float, deadline: float
    ) -> Completion:
        self._attempts += 1
        throttle = lane.throttle
        try:
            async with asyncio.timeout(deadline - monotonic()) as limit:
                completion = await lane.ask(prompt, settings, limit)
        except TimeoutError as error:
            throttle.struggled()
            is_late = monotonic() >= deadline
            waited = f"{self._policy.deadline_s:g} s, retries included" if is_late else "as long as others need"
            silence = JudgeUnreachable(f"no reply within {waited}")
            lane.failed(silence)
            raise silence from error
        except Overloaded as error:
            if _is_limit(error):
                throttle.refused(started, self._hold_s(throttle, error))
            else:
                throttle.struggled(self._asked_s(error))
                lane.failed(error)
            raise
        except EmptyReply:
            throttle.succeeded()
            lane.answered(started)
            raise
        except JudgeUnreachable as error:
            throttle.struggled()
            lane.failed(error)
            raise
        except BadReply as error:
            lane.failed(error)
            raise
        except JudgeError:
            lane.answered(started)
            raise
        throttle.succeeded()
        lane.answered(started)
        return completion

    def _asked_s(self, cause: Exception) -> float:
        """What the server asked to wait."""
        asked_s = cause.retry_after_s if isinstance(cause, Overloaded) else None
        return min(asked_s or 0.0, self._policy.max_retry_after_s)

    def _hold_s(self, throttle: Throttle, error: Overloaded) -> float:
        """How long all are held back by a limit: as asked, and where that was too short or is not said, twice as long
        each time, until it is as long as the limit lasts."""
        policy, refusals = self._policy, min(throttle.refusals, 60)
        own_s = min(policy.first_wait_s / 4 * 2.0**refusals, policy.max_retry_after_s) * self._rng.uniform(1.0, 1.1)
        error.hold_s = max(self._asked_s(error), own_s, throttle.interval_s)
        return error.hold_s

    def _wait_s(self, cause: JudgeError, failures: int) -> float:
        """Our own wait on top of the server's, so that those held back together do not return together."""
        if isinstance(cause, Overloaded) and _is_limit(cause):
            return cause.hold_s
        return self._asked_s(cause) + self._policy.wait_s(failures, self._rng)


def _is_limit(cause: Exception | None) -> bool:
    """Whether too much was asked at a time: no fault of the question, which is asked until its deadline."""
    return isinstance(cause, Overloaded) and cause.status == _TOO_MANY


def _final(cause: JudgeError, attempts: int, spent: Sequence[Completion]) -> JudgeError:
    """The same kind of error, with the count of attempts; a server's status has no meaning any more."""
    times = f" (asked {attempts} times)" if attempts > 1 else ""
    if isinstance(cause, EmptyReply):
        return EmptyReply(cause.why + times, with_spent(cause.completion, spent[:-1]))
    kind = BadReply if isinstance(cause, BadReply) else JudgeUnreachable
    return kind(f"{cause}{times}")
