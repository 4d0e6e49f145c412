"""How much one holder, a person, a token or a machine, may do at once, and within a minute.

Whoever has nothing is forgotten. All of it belongs to the thread of the server's event loop.
"""

import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.exceptions import HTTPException

_MINUTE_S = 60.0


@dataclass(slots=True)
class Running:
    """Things that begin and end, ``most`` of them at once."""

    what: str
    most: int
    _count: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def one(self, holder: str) -> Iterator[None]:
        """Raises HTTPException where there are ``most`` already."""
        if self._count[holder] >= self.most:
            message = f"You have {self.most} {self.what} already. Close some, then try again."
            raise HTTPException(429, message, {"Retry-After": "1"})
        self._count[holder] += 1
        try:
            yield
        finally:
            self._count[holder] -= 1
            if not self._count[holder]:
                del self._count[holder]


@dataclass(slots=True)
class PerMinute:
    """Things that happen, at most ``most`` a minute."""

    what: str
    most: int
    clock: Callable[[], float] = time.monotonic
    _times: defaultdict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def check(self, holder: str) -> None:
        """Raises HTTPException where ``most`` have happened within a minute."""
        now, times = self.clock(), self._times.get(holder, deque())
        while times and times[0] <= now - _MINUTE_S:
            times.popleft()
        if len(times) >= self.most:
            wait = int(times[0] + _MINUTE_S - now) + 1
            message = f"You have made {self.most} {self.what} within a minute. Try again in {wait} seconds."
            raise HTTPException(429, message, {"Retry-After": str(wait)})

    def one(self, holder: str) -> None:
        """One happens now. Raises as ``check``."""
        self.check(holder)
        self._times[holder].append(self.clock())

    def forget(self) -> None:
        """Those who have done nothing for a minute."""
        before = self.clock() - _MINUTE_S
        for holder in [holder for holder, times in self._times.items() if not times or times[-1] <= before]:
            del self._times[holder]
