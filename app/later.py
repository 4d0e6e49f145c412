"""What takes seconds and is not needed for a page to be read: computed in a thread of its own, one thing at a time.

A page that computed it would answer no click until it is done.
"""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from judgebench.services.pages import JudgeBenchError

_Value = TypeVar("_Value")
THREAD = "computing what is shown later"
_AT_WORK = threading.Lock()


class Later(Generic[_Value]):
    """What ``make`` returns, once it was begun and is done; ``otherwise`` where that raises a JudgeBenchError."""

    def __init__(self, make: Callable[[], _Value], *, otherwise: _Value) -> None:
        self._make, self._value = make, otherwise
        self._begun, self._done = threading.Lock(), threading.Event()

    def begin(self) -> None:
        """Whoever comes second begins nothing."""
        if self._begun.acquire(blocking=False):
            threading.Thread(target=self._work, name=THREAD, daemon=True).start()

    def value(self, wait_s: float = 0.0) -> _Value | None:
        """None where it is not there yet, nor within so many seconds."""
        return self._value if self._done.wait(wait_s) else None

    def _work(self) -> None:
        try:
            with _AT_WORK:
                self._value = self._make()
        except JudgeBenchError:  # a database that was away: the page that is read next says so
            pass
        finally:
            self._done.set()
