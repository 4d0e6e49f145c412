"""Several servers of one judge: each question goes to the one that has the fewest in flight.

Each has a throttle of its own, so that one's limit slows no other, and a breaker: a server that fails several times in
a row rests, twice as long each time, and then one question tries it. Without it the server that fails at once would
have the fewest in flight, and get everything. Questions wait together, for whichever server is free first.

Where none is awake, the one that rests least is asked all the same: then it is as if there were one server.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

from judgebench.clients.base import Client, Counted, Server
from judgebench.clients.http import Rejected
from judgebench.clients.openai import ListedModel, OpenAIClient, listed_models
from judgebench.clients.retry import Lane, Throttle
from judgebench.clients.workers import WorkerClient
from judgebench.errors import BadReply, InputError, JudgeError, JudgeUnreachable
from judgebench.records import Completion, Prompt

_FAILURES = 3  # in a row: then it rests
_FIRST_REST_S, _MAX_REST_S = 1.0, 30.0
# A server is given up on where it takes so much longer than the slowest answer of all, and so long at least.
_SLOWER, _PATIENCE_S = 10.0, 30.0
_LOOKS = 10  # for such ones, in that time
_LISTED = 5  # models, in a message


class _Lane(Lane):
    """One of the servers, which may rest."""

    def __init__(self, pool: "Pool", url: str, server: Client, client: Client, throttle: Throttle) -> None:
        super().__init__(client, throttle)
        self.url = url
        self.server = server  # whom ``client`` asks
        self.asking: dict[asyncio.Timeout, float] = {}  # since when, in the order in which they were asked
        self.why: JudgeError | None = None  # it last rested
        self.times = 0  # that it was put to rest
        self.wakes_at = 0.0
        self.probed = False  # whether one question tries it after a rest
        self._pool = pool
        self._failures = 0  # in a row, since it last rested
        self._rests = 0  # without an answer in between

    def is_awake(self, now: float) -> bool:
        return now >= self.wakes_at and not self.probed

    def take(self) -> None:
        self.throttle.take()
        self._pool.in_flight += 1
        self.probed = self._rests > 0 and self._pool.clock() >= self.wakes_at

    def leave(self) -> None:
        self._pool.in_flight -= 1
        self.probed = False
        self.throttle.leave()

    async def ask(self, prompt: Prompt, settings: Mapping[str, Any], limit: asyncio.Timeout) -> Completion:
        self.asking[limit] = self._pool.clock()
        try:
            return await self.client.complete(prompt, settings)
        except Rejected as error:
            if (
                error.only_this and not error.answered
            ):  # it never answered: it may be set up wrongly, and not the others
                raise BadReply(str(error)) from error
            raise
        finally:
            del self.asking[limit]

    def answered(self, started: float) -> None:
        self._failures = self._rests = 0
        self.wakes_at, self.probed = 0.0, False
        self._pool.slowest_s = max(self._pool.slowest_s, self._pool.clock() - started)

    def failed(self, error: JudgeError) -> None:
        now = self._pool.clock()
        if now < self.wakes_at:  # asked before it rested
            return
        self._failures += 1
        if self._rests or self._failures >= _FAILURES:
            self.rest(error)

    def rest(self, error: JudgeError) -> None:
        """Ask it nothing for a while."""
        seconds = min(self._pool.first_rest_s * 2.0 ** min(self._rests, 60), _MAX_REST_S)
        self.why, self._failures = error, 0
        self.times, self._rests = self.times + 1, self._rests + 1
        self.wakes_at = self._pool.clock() + seconds
        self._pool.wake_in(seconds)


@dataclass(slots=True, eq=False)
class _Waiter:
    slot: asyncio.Future[_Lane]
    last: Lane | None  # asked before


class Pool:
    """The clients of one judge by the addresses that they ask, and at most ``limit`` requests to all together, in one
    event loop. ``through``: those that questions go through, in the same order; None: the clients themselves."""

    def __init__(
        self,
        clients: Mapping[str, Client],
        limit: int,
        *,
        through: Sequence[Client] | None = None,
        clock: Callable[[], float] = monotonic,
        first_rest_s: float = _FIRST_REST_S,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        self.clock = clock
        self.first_rest_s = first_rest_s
        self.slowest_s = 0.0  # of the answers so far
        self.in_flight = 0
        self._limit = limit
        self._patience_s = patience_s
        self._waiting: deque[_Waiter] = deque()
        self._alarms: set[asyncio.TimerHandle] = set()
        self._watch: asyncio.TimerHandle | None = None
        self._lanes = tuple(
            _Lane(self, url, server, client, Throttle(limit, clock=clock, on_open=self._admit))
            for (url, server), client in zip(clients.items(), through or clients.values(), strict=True)
        )

    def __repr__(self) -> str:
        return f"Pool({', '.join(lane.url for lane in self._lanes)})"

    @property
    def model(self) -> str:
        """As its servers know it; empty where they are asked by somebody else's code."""
        ours = (client.model for client in self._clients if isinstance(client, OpenAIClient | WorkerClient))
        return next(filter(None, ours), "")

    @property
    def calls(self) -> int:
        """Requests sent so far, to all."""
        return sum(client.calls for client in self._clients if isinstance(client, Counted))

    @property
    def _clients(self) -> list[Client]:
        return [lane.server for lane in self._lanes]

    async def enter(self, *, again: bool, last: Lane | None = None) -> tuple[Lane, float]:
        """See ``Lanes``."""
        waiter = _Waiter(asyncio.get_running_loop().create_future(), last)
        if self._watch is None:
            self._give_up()
        if again:
            self._waiting.appendleft(waiter)
        else:
            self._waiting.append(waiter)
        self._admit()
        try:
            lane = await waiter.slot
        except asyncio.CancelledError:
            if waiter.slot.done() and not waiter.slot.cancelled():  # the slot was ours already: pass it on
                waiter.slot.result().leave()
            raise
        return lane, self.clock()

    async def complete(self, prompt: Prompt, settings: Mapping[str, Any]) -> Completion:
        """By one of the servers, once. See ``Client.complete``."""
        lane, started = await self.enter(again=False)
        try:
            completion = await lane.client.complete(prompt, settings)
        finally:
            lane.leave()
        lane.answered(started)
        return completion

    async def check(self) -> Any:
        """Try every address. Those that do not answer rest, unless none does.

        Raises InputError where they serve different models, and what the check of a server raises.
        """
        names: dict[str, frozenset[str]] = {}
        for lane, reply in (await self._checked()).items():
            if isinstance(reply, JudgeUnreachable):
                lane.rest(reply)
            elif listed := frozenset(model.name for model in listed_models(reply)):
                names[lane.url] = frozenset({self.model}) if self.model in listed else listed
        if len(set(names.values())) > 1:
            served = "; ".join(f"{url} serves {_named(models)}" for url, models in names.items())
            raise InputError(
                f"the addresses of one judge serve different models: {served}. Give each model a judge of its own"
            )

    async def _checked(self) -> dict[_Lane, Any]:
        """What each server's check returned, or why it did not answer. Raises where one refuses, or none answers."""
        tasks = {lane: asyncio.create_task(_check(lane.server)) for lane in self._lanes}
        try:
            await asyncio.wait(tasks.values(), return_when=asyncio.FIRST_COMPLETED)
            late = asyncio.get_running_loop().time() + self._patience_s
            while any(not task.done() for task in tasks.values()):
                is_there = any(_answers(task) for task in tasks.values())
                left_s = late - asyncio.get_running_loop().time() if is_there else None
                if left_s is not None and left_s <= 0:
                    break
                waiting = [task for task in tasks.values() if not task.done()]
                await asyncio.wait(waiting, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
            replies: dict[_Lane, Any] = {}
            for lane, task in tasks.items():
                error = task.exception() if task.done() else JudgeUnreachable(f"{lane.url} does not answer")
                if error is not None and not isinstance(error, JudgeUnreachable):
                    raise error
                replies[lane] = task.result() if error is None else error
        finally:
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)
        silent = [reply for reply in replies.values() if isinstance(reply, JudgeUnreachable)]
        if len(silent) == len(replies):
            raise silent[0]
        return replies

    async def models(self) -> tuple[ListedModel, ...]:
        """What its servers list, all together. Raises as ``check`` does."""
        listed: dict[str, ListedModel] = {}
        for reply in (await self._checked()).values():
            listed |= {model.name: model for model in listed_models(reply)}
        return tuple(listed.values())

    def left_out(self, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """Those of ``settings`` that one of the servers was found not to take, sorted."""
        servers = [client for client in self._clients if isinstance(client, Server)]
        return tuple(sorted({name for server in servers for name in server.left_out(settings)}))

    def changed(self, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """What else was found to be needed otherwise, in words, and which servers have failed."""
        servers = [client for client in self._clients if isinstance(client, Server)]
        changes = dict.fromkeys(change for server in servers for change in server.changed(settings))
        rested = (f"{lane.url} left out {_times(lane.times)}: {lane.why}" for lane in self._lanes if lane.times)
        return (*changes, *rested)

    async def close(self) -> None:
        for alarm in (*self._alarms, *filter(None, [self._watch])):
            alarm.cancel()
        await asyncio.gather(*(client.close() for client in self._clients))

    def _give_up(self) -> None:
        """End questions that wait for longer than any answer has taken by far, where another server may answer them;
        and look again later."""
        loop, now = asyncio.get_running_loop(), self.clock()
        patience_s = max(self._patience_s, _SLOWER * self.slowest_s)
        for lane in self._lanes if self.slowest_s else ():
            if self._is_other_awake(lane):
                for limit in [limit for limit, since in lane.asking.items() if now - since > patience_s]:
                    limit.reschedule(loop.time())
        self._watch = loop.call_later(self._patience_s / _LOOKS, self._give_up)

    def wake_in(self, seconds: float) -> None:
        """Look again then who may be asked."""

        def wake() -> None:
            self._alarms.discard(alarm)
            self._admit()

        alarm = asyncio.get_running_loop().call_later(seconds, wake)
        self._alarms.add(alarm)

    def _admit(self) -> None:
        """Give slots to those who wait, in their order."""
        passed: list[_Waiter] = []
        while self._waiting and self.in_flight < self._limit and (free := self._free()):
            waiter = self._waiting.popleft()
            if waiter.slot.done():
                continue
            others = [lane for lane in free if lane is not waiter.last]
            if not others and self._is_other_awake(waiter.last):
                passed.append(waiter)
                continue
            lane = min(others or free, key=lambda lane: lane.throttle.in_flight)
            lane.take()
            waiter.slot.set_result(lane)
        self._waiting.extendleft(reversed(passed))

    def _is_other_awake(self, last: Lane | None) -> bool:
        now = self.clock()
        return any(lane.is_awake(now) for lane in self._lanes if lane is not last)

    def _free(self) -> list[_Lane]:
        """Those that have a slot: of those awake, or where none is, of the one that wakes first."""
        now = self.clock()
        if awake := [lane for lane in self._lanes if lane.is_awake(now)]:
            return [lane for lane in awake if lane.throttle.is_open]
        if any(lane.probed for lane in self._lanes):
            return []
        first = min(self._lanes, key=lambda lane: lane.wakes_at)
        return [first] if first.throttle.is_open else []


async def _check(client: Client) -> Any:
    return await client.check() if isinstance(client, Server) else None


def _answers(task: asyncio.Task[Any]) -> bool:
    return task.done() and task.exception() is None


def _named(models: frozenset[str]) -> str:
    names = [repr(name[:80]) for name in sorted(models)]
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
