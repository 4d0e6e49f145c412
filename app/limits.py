"""How much one person may ask of the server at once: counts of what is going on, and files uploaded and not let go of.

Holders are people by their address, or machines by theirs where nobody has logged in. Whoever has nothing is forgotten.
All of it belongs to the thread of the server's event loop.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.exceptions import HTTPException
from streamlit import runtime

REQUESTS = 64  # in flight; browsers send six at once
SOCKETS = 64  # connections of open pages
UPLOADS_A_MINUTE = 20
LOGINS_A_MINUTE = 60
MESSAGES, MESSAGES_A_SECOND = 100, 10.0  # from pages: at once, and after that
HELD_BYTES = 192 << 20  # of uploads: three of the largest
HELD_BY_ALL_BYTES = 1 << 30


@dataclass(slots=True)
class Turns:
    """Things that wait for their turn: after ``most`` at once, ``a_second`` of them."""

    most: int
    a_second: float
    clock: Callable[[], float] = time.monotonic
    _settled: dict[str, float] = field(default_factory=dict)  # when all of a holder's would have had their time

    def wait_s(self, holder: str) -> float:
        """How long the next one of ``holder``, which this is, has to wait."""
        now = self.clock()
        settled = max(self._settled.get(holder, now), now) + 1 / self.a_second
        self._settled[holder] = settled
        return max(0.0, settled - now - self.most / self.a_second)

    def forget(self) -> None:
        """Those who wait for nothing."""
        now = self.clock()
        for holder in [holder for holder, settled in self._settled.items() if settled <= now]:
            del self._settled[holder]


@dataclass(slots=True)
class Uploads:
    """The bytes that each person has uploaded or is uploading, as long as Streamlit keeps them in memory."""

    most: int = HELD_BYTES
    most_of_all: int = HELD_BY_ALL_BYTES
    _sessions: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _arriving: Counter[str] = field(default_factory=Counter)
    _left: dict[str, float] = field(default_factory=dict)  # sessions with files and without a page, and since when

    def held(self, holder: str) -> int:
        """In bytes, with those that are arriving."""
        sessions = self._sessions.get(holder, ())
        return self._arriving[holder] + sum(_bytes_of(session) for session in sessions)

    def check(self, holder: str, more: int) -> None:
        """Raises HTTPException where ``more`` bytes are too many."""
        if self.held(holder) + more > self.most:
            raise HTTPException(
                413,
                f"Your uploads would take more than {self.most >> 20:,} MB together. Remove a file, or close a page "
                "that has one and wait a minute.",
            )
        if sum(self._arriving.values()) + sum(_bytes_of(session) for session in _sessions_with_files()) + more > (
            self.most_of_all
        ):
            raise HTTPException(
                503,
                f"The uploads of everybody would take more than {self.most_of_all >> 20} MB together. Try again later.",
                {"Retry-After": "60"},
            )

    @contextmanager
    def arriving(self, holder: str, session: str) -> Iterator[Callable[[int], None]]:
        """Yields what takes note of bytes as they arrive, and raises as ``check`` does."""
        came = 0

        def note(count: int) -> None:
            nonlocal came
            self.check(holder, count)
            came += count
            self._arriving[holder] += count

        try:
            yield note
        finally:
            self._arriving[holder] -= came
            if not self._arriving[holder]:
                del self._arriving[holder]
            self._sessions[holder].add(session)  # from now on Streamlit has the file, or nobody has

    def sweep(self, grace_s: float) -> None:
        """Close sessions with files whose page has been gone for ``grace_s``, which frees the files.

        Streamlit keeps a session for whoever comes back, and looks for those who did not only when another page closes.
        """
        now, kept = time.monotonic(), _sessions_with_files()
        gone = {session for session in kept if not runtime.get_instance().is_active_session(session)}
        self._left = {session: self._left.get(session, now) for session in gone}
        for session, since in self._left.items():
            if now - since >= grace_s:
                runtime.get_instance().close_session(session)
                _manager().remove_session_files(session)
        live = set(_sessions_with_files())
        for holder in list(self._sessions):
            self._sessions[holder] &= live
            if not self._sessions[holder] and not self._arriving[holder]:
                del self._sessions[holder]


def _manager() -> Any:
    return runtime.get_instance().uploaded_file_mgr


def _kept() -> Mapping[str, Any]:
    """Files by session; none before there is a runtime."""
    storage: Mapping[str, Any] = _manager().file_storage if runtime.exists() else {}
    return storage


def _sessions_with_files() -> list[str]:
    return [session for session, files in list(_kept().items()) if files]


def _bytes_of(session: str) -> int:
    return sum(len(file.data) for file in list(_kept().get(session, {}).values()))
