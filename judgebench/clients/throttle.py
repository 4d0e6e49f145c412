"""How many requests may be in flight: additive increase, multiplicative decrease, as TCP does (RFC 5681).

The window starts small and grows by one a good reply, doubling each round trip, until the server first says "too many";
then it is halved and grows by about one a round trip. Server errors do not shrink it: each takes away the growth of the
next ten good replies, so that a tenth of errors stops it from growing, at any rate of requests. A Retry-After holds
every request back, because rates are limited by key and not by request. The limit is never passed.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic

from judgebench.errors import InputError

_START = 8
_GOOD_PER_ERROR = 10
_MAX_DEBT = 100  # after a long outage, growth begins again after so many good replies


class Throttle:
    """Slots for requests to one server, at most ``limit``, in one event loop. Raises InputError on a limit below 1.

    ``async with throttle as started`` waits, first come first served, for the right to one request, and gives the time
    at which it started. Many may be within it at once.
    """

    def __init__(self, limit: int, *, start: int = _START, clock: Callable[[], float] = monotonic) -> None:
        if limit < 1:
            raise InputError(f"concurrency is {limit}, and at least 1 request must be in flight")
        self.limit = limit
        self.in_flight = 0
        self._window = float(min(limit, max(start, 1)))
        self._slow_start = True
        self._clock = clock
        self._last_cut = clock()
        self._debt = 0  # good replies until growth goes on
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._hold: asyncio.TimerHandle | None = None

    @property
    def window(self) -> int:
        """How many requests may be in flight now, in [1, limit]."""
        return int(self._window)

    async def __aenter__(self) -> float:
        await self._acquire()
        return self._clock()

    async def __aexit__(self, *_: object) -> None:
        self.in_flight -= 1
        self._admit()

    def succeeded(self) -> None:
        """A good reply came: grow, unless it has to make up for a server error."""
        if self._debt:
            self._debt -= 1
        elif self._window < self.limit:
            self._window = min(self.limit, self._window + (1.0 if self._slow_start else 1.0 / self._window))

    def refused(self, started: float, hold_s: float | None = None) -> None:
        """Too many requests: halve, once for all that had started before the last cut, and hold all for ``hold_s``."""
        if started >= self._last_cut:
            self._window = max(1.0, self._window / 2)
            self._last_cut = self._clock()
            self._slow_start = False
        if hold_s:
            self._hold_back(hold_s)

    def struggled(self, hold_s: float | None = None) -> None:
        """A server error or a time-out: no growth for a while."""
        self._debt = min(self._debt + _GOOD_PER_ERROR, _MAX_DEBT)
        if hold_s:
            self._hold_back(hold_s)

    async def _acquire(self) -> None:
        if not self._waiting and self._open():
            self.in_flight += 1
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():  # the slot was ours already: pass it on
                self.in_flight -= 1
                self._admit()
            raise

    def _open(self) -> bool:
        return self._hold is None and self.in_flight < self.window

    def _admit(self) -> None:
        while self._waiting and self._open():
            waiter = self._waiting.popleft()
            if not waiter.done():
                self.in_flight += 1
                waiter.set_result(None)

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
