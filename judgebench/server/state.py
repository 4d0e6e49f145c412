"""What the routes share: the database, who may do what, how much, and where work is done."""

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ParamSpec, TypeVar

import anyio
import anyio.to_thread
from fastapi import Request

from judgebench import services
from judgebench.errors import JudgeBenchError
from judgebench.services.access import Policy
from judgebench.services.submissions import UPLOAD_BYTES
from judgebench.services.tokens import Bearer
from judgebench.store.database import Database
from judgebench.web.bodies import BodyLimits
from judgebench.web.limits import PerMinute, Running
from judgebench.web.proxy import ProxyIdentity

BODY_BYTES = 1 << 20  # of a study or the settings of an audit
RATE = 600  # requests a minute and token
FAILURES = 60  # wrong tokens a minute and machine
# Threads; together as many as a process takes connections to PostgreSQL where its address says nothing else.
THREADS = 8  # in which is read
WRITERS = 3  # in which is written, where each waits for the one before it in any case
LOOKS = 4  # in which the database is asked what takes no time, whatever the others are at
READS_OF_ONE, WRITES_OF_ONE = 3, 1  # of these threads at once for one caller, whose further requests wait for its own
UNREAD_OF_ONE = 32 << 20  # bytes of answers that a caller has not taken, from which on further requests wait
UPLOADS = 4  # in flight of one token
_SERVER = ""  # as a caller of itself
_KNOWN_S = 1.0  # that a token is taken for good without another look
_USE_S = 60.0  # between two notes that a token is used
_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """How much one may ask."""

    rate: int = RATE
    upload: BodyLimits = field(default_factory=lambda: BodyLimits(UPLOAD_BYTES))
    body: BodyLimits = field(default_factory=lambda: BodyLimits(BODY_BYTES))


class Shared:
    """Threads that callers share: one has no more of them at once than its share, whatever it asks, and none while it
    has not taken what it was answered."""

    def __init__(self, threads: int, most: int) -> None:
        self._threads, self._most = anyio.CapacityLimiter(threads), most
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._here: Counter[str] = Counter()  # requests of callers, at work or waiting
        self._unread: Counter[str] = Counter()  # bytes of their answers that are going out
        self._has_read = asyncio.Condition()

    async def run(self, caller: str, work: Callable[[], _T]) -> _T:
        """What ``work`` returns, done in a thread once the caller has one left and a thread is free."""
        self._here[caller] += 1
        try:
            async with self._turns.setdefault(caller, asyncio.Semaphore(self._most)):
                async with self._has_read:
                    await self._has_read.wait_for(lambda: self._unread[caller] < UNREAD_OF_ONE)
                return await anyio.to_thread.run_sync(work, limiter=self._threads)
        finally:
            self._here[caller] -= 1
            if not self._here[caller]:
                del self._here[caller], self._turns[caller]

    @asynccontextmanager
    async def answering(self, caller: str, size: int) -> AsyncIterator[None]:
        """While so many bytes of an answer go out to the caller."""
        self._unread[caller] += size
        try:
            yield
        finally:
            self._unread[caller] -= size
            if not self._unread[caller]:
                del self._unread[caller]
            async with self._has_read:
                self._has_read.notify_all()


class ServerState:
    """Of one server; the counts belong to its event loop."""

    def __init__(
        self,
        database: Database,
        policy: Callable[[], Policy],
        *,
        hosts: tuple[str, ...] = (),
        identity: ProxyIdentity | None = None,
        limits: ServerLimits | None = None,
    ) -> None:
        """``hosts``: names under which it may be asked; empty: any."""
        self.database, self.policy, self.hosts, self.identity = database, policy, hosts, identity
        self.limits = limits or ServerLimits()
        self.pace = PerMinute("requests", self.limits.rate)
        self.failures = PerMinute("attempts with a wrong token", FAILURES)
        self.uploads = Running("uploads", UPLOADS)
        self._readers, self._writers = Shared(THREADS, READS_OF_ONE), Shared(WRITERS, WRITES_OF_ONE)
        self._looks, self._renewals = anyio.CapacityLimiter(LOOKS), anyio.CapacityLimiter(1)
        self._swept = time.monotonic()
        self._bearers: dict[bytes, tuple[Bearer, float]] = {}
        self._working: dict[tuple[str, str], str] = {}  # callers and keys of the requests that are worked on: their all
        self._renewing = False
        self._noted: dict[str, float] = {}  # tokens, and when their use was noted last
        self._tasks: set[asyncio.Task[None]] = set()

    async def bearer(self, secret: str) -> Bearer:
        """Who has the token, as it was within the last second: many requests of one script ask the database once.

        Raises BadToken.
        """
        digest = hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
        known, until = self._bearers.get(digest, (None, 0.0))
        if known is not None and time.monotonic() < until:
            return known
        self._bearers.pop(digest, None)
        bearer = await self.look(services.tokens.bearer, self.database, secret)
        self._bearers[digest] = (bearer, time.monotonic() + _KNOWN_S)
        return bearer

    async def run(self, who: Bearer, work: Callable[_P, _T], *args: _P.args, **how: _P.kwargs) -> _T:
        """What ``work`` returns, done in a thread for ``who``, so that others are answered meanwhile."""
        return await self._readers.run(who.person.name, partial(work, *args, **how))

    def answering(self, who: Bearer, size: int) -> AbstractAsyncContextManager[None]:
        """While so many bytes of an answer go out to ``who``; beyond some, their further reads wait."""
        return self._readers.answering(who.person.name, size)

    async def write(self, who: Bearer, work: Callable[_P, _T], *args: _P.args, **how: _P.kwargs) -> _T:
        """As ``run``, for what writes: whoever reads does not wait for it, nor for whoever else holds the database."""
        return await self._writers.run(who.person.name, partial(work, *args, **how))

    async def look(self, work: Callable[_P, _T], *args: _P.args, **how: _P.kwargs) -> _T:
        """As ``run``, for what is short: it waits neither for what takes long nor for the caller's other requests."""
        return await anyio.to_thread.run_sync(partial(work, *args, **how), limiter=self._looks)

    @contextmanager
    def alone(self, caller: str, key: str, whole: str) -> Iterator[None]:
        """Raises StillWorking where this server is at the request that the caller has named so, and OtherRequest where
        that is another than ``whole``."""
        if (caller, key) in self._working:
            raise services.repeats.taken(key, is_same=self._working[caller, key] == whole)
        self._working[caller, key] = whole
        if not self._renewing:
            self._renewing = True
            self._later(self._renew())
        try:
            yield
        finally:
            del self._working[caller, key]

    async def _renew(self) -> None:
        """Tell other servers on the database, while anything is worked on, that it is."""
        try:
            while self._working:
                await asyncio.sleep(services.repeats.RENEW_S)
                work = partial(services.repeats.renew, self.database, tuple(self._working))
                with suppress(JudgeBenchError):  # who cannot write now cannot begin the request elsewhere either
                    await anyio.to_thread.run_sync(work, limiter=self._renewals)
        finally:
            self._renewing = False

    def acting(self, who: Bearer) -> Database:
        """The database, in which what is done is logged as done by them."""
        mine = copy(self.database)
        mine.actor = who.person.name
        return mine

    def note_use(self, token: str) -> None:
        """A token was used; the database has it to the minute."""
        now = time.monotonic()
        if token and now - self._noted.get(token, -_USE_S) >= _USE_S:
            self._noted[token] = now
            self._later(self._note(token))

    async def _note(self, token: str) -> None:
        with suppress(JudgeBenchError):  # another writer is at work: the next minute has it
            await self._writers.run(_SERVER, partial(services.tokens.note_use, self.database, (token,)))

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def forget(self) -> None:
        """Those who have asked nothing for a minute; at most once a minute."""
        if time.monotonic() < self._swept + _USE_S:
            return
        self._swept = time.monotonic()
        now = time.monotonic()
        self._bearers = {key: known for key, known in self._bearers.items() if known[1] > now}
        self.pace.forget()
        self.failures.forget()


def state_of(request: Request) -> ServerState:
    state: ServerState = request.app.state.server
    return state
