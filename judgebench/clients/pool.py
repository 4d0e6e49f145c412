"""Several servers of one judge: each question goes to the one that has the fewest in flight, and questions that begin
alike to one of them.

Each has a throttle of its own, so that one's limit slows no other, and a breaker: a server that fails several times in
a row rests, twice as long each time; then it is looked at, and one question tries it. Without it the server that fails
at once would have the fewest in flight, and get everything. Questions wait together, for whichever is free first.

Where none is awake, the one that rests least is asked all the same: then it is as if there were one server.

Where a list of addresses is followed, a new one is asked once it was found to serve the same model, and one that is
gone gets no new question.
"""

import asyncio
import warnings
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

from judgebench.clients.affinity import Desks, home, is_free_enough, number_of
from judgebench.clients.base import Client, Counted, Server
from judgebench.clients.http import Rejected
from judgebench.clients.openai import ListedModel, OpenAIClient, listed_models
from judgebench.clients.retry import Lane, Throttle
from judgebench.clients.workers import WorkerClient
from judgebench.errors import AddressesChanged, BadReply, InputError, JudgeError, JudgeUnreachable
from judgebench.records import Completion, Prompt
from judgebench.spec.addresses import place_of

_FAILURES = 3  # in a row: then it rests
_FIRST_REST_S, _MAX_REST_S = 1.0, 30.0
# A server is given up on where it takes so much longer than the slowest answer of all, and so long at least.
_SLOWER, _PATIENCE_S = 10.0, 30.0
_LOOKS = 10  # for such ones, in that time
_LISTED = 5  # models, in a message


@dataclass(frozen=True, slots=True)
class Followed:
    """A list of addresses that may change, and how one that is new is asked."""

    name: str  # of the list
    read: Callable[[], Sequence[str]]  # called in another thread; raises InputError where it cannot be taken
    open: Callable[[str], Client]  # raises InputError
    every_s: float = 1.0  # what is read so is taken where it is the same the next time: it is written no longer


class Steady:
    """What was read twice in a row, each time that it is another."""

    def __init__(self, taken: object) -> None:
        self._taken = self._last = taken

    def is_new(self, reading: object) -> bool:
        is_same, self._last = reading == self._last, reading
        is_new = is_same and reading != self._taken
        if is_new:
            self._taken = reading
        return is_new


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
        self.unseen = False  # whether it has to be looked at before it is asked
        self.is_known = True  # whether it was found to answer, as what it should, or nobody looked
        self.is_listed = True  # else it gets no new question
        self.number = number_of(place_of(url))
        self._pool = pool
        self._failures = 0  # in a row, since it last rested
        self._rests = 0  # without an answer in between

    def is_awake(self, now: float) -> bool:
        return now >= self.wakes_at and not (self.probed or self.unseen) and self.is_listed

    @property
    def is_tried(self) -> bool:
        """Whether the next question tries it after a rest."""
        return self._rests > 0

    def take(self) -> None:
        self.throttle.take()
        self._pool.in_flight += 1
        self.probed = self.is_tried and self._pool.clock() >= self.wakes_at

    def leave(self) -> None:
        self._pool.in_flight -= 1
        self.probed = False
        self.throttle.leave()

    async def ask(self, prompt: Prompt, settings: Mapping[str, Any], limit: asyncio.Timeout) -> Completion:
        self.asking[limit] = self._pool.clock()
        try:
            return await self.client.complete(prompt, settings)
        except Rejected as error:
            # It never answered: it may be set up wrongly, and not the others.
            if error.only_this and not error.answered and self._pool.has_others:
                raise BadReply(str(error)) from error
            raise
        finally:
            del self.asking[limit]

    def answered(self, started: float) -> None:
        self._failures = 0
        self._pool.slowest_s = max(self._pool.slowest_s, self._pool.clock() - started)
        if not self.unseen:  # else the answer is to a question from before it rested: it is looked at first
            self._rests, self.wakes_at, self.probed = 0, 0.0, False

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
        self.wakes_at, self.unseen = self._pool.clock() + seconds, isinstance(self.server, Server)
        self._pool.wake_in(seconds, self)

    def join(self) -> None:
        """It is listed, and is looked at before it is asked."""
        self.is_listed, self.is_known, self.unseen, self._rests, self.wakes_at = True, False, True, 0, 0.0


@dataclass(slots=True, eq=False)
class _Waiter:
    slot: asyncio.Future[_Lane]
    last: Lane | None  # asked before
    beginning: int | None  # of the prompt, where it begins as others do


class Pool:
    """The clients of one judge by the addresses that they ask, and at most ``limit`` requests to all together, in one
    event loop. ``through``: what questions to a client go through; ``followed``: the list that the addresses are of,
    where that may change."""

    def __init__(
        self,
        clients: Mapping[str, Client],
        limit: int,
        *,
        through: Callable[[Client], Client] = lambda client: client,
        followed: Followed | None = None,
        clock: Callable[[], float] = monotonic,
        first_rest_s: float = _FIRST_REST_S,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        self.clock = clock
        self.first_rest_s = first_rest_s
        self.slowest_s = 0.0  # of the answers so far
        self.in_flight = 0
        self._there_at = clock()  # when there was last a server that is listed and known to be the judge
        self._limit = limit
        self._patience_s = patience_s
        self._waiting: deque[_Waiter] = deque()
        self._alarms: set[asyncio.TimerHandle] = set()
        self._watch: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._through = through
        self._followed = followed
        self._serves: frozenset[str] = frozenset()  # what the first that lists its models serves; empty: not known
        self._news: Counter[str] = Counter()  # what became of the list of addresses
        self._lanes = [self._lane(url, client) for url, client in clients.items()]

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
    def has_others(self) -> bool:
        """Whether several servers are listed."""
        return sum(lane.is_listed for lane in self._lanes) > 1

    @property
    def _clients(self) -> list[Client]:
        return [lane.server for lane in self._lanes]

    def by_address(self) -> dict[str, Client]:
        """Those that answer, each to be asked by itself."""
        return {lane.url: lane.client for lane in self._lanes if lane.is_known and lane.is_listed}

    async def enter(self, *, again: bool, last: Lane | None = None, alike: str | None = None) -> tuple[Lane, float]:
        """See ``Lanes``."""
        beginning = None if alike is None else number_of(alike)
        waiter = _Waiter(asyncio.get_running_loop().create_future(), last, beginning)
        if self._watch is None:
            self._begin()
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
        lane, started = await self.enter(again=False, alike=prompt.alike)
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
                lane.is_known = False
                lane.rest(reply)
            elif served := self._served(reply):
                names[lane.url] = served
        if len(set(names.values())) > 1:
            served_by = "; ".join(f"{url} serves {_named(models)}" for url, models in names.items())
            raise InputError(
                f"the addresses of one judge serve different models: {served_by}. Give each model a judge of its own"
            )
        self._serves = next(iter(names.values()), self._serves)

    def _served(self, reply: Any) -> frozenset[str]:
        """Ours where a server lists it, else all that it lists; empty where it lists nothing."""
        listed = frozenset(model.name for model in listed_models(reply))
        return frozenset({self.model}) if self.model in listed else listed

    async def _checked(self) -> dict[_Lane, Any]:
        """What each server's check returned, or why it did not answer. Raises where one refuses, or none answers."""
        tasks = {lane: asyncio.create_task(_check(lane.server)) for lane in self._lanes if lane.is_listed}
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
        news = (text if count == 1 else f"{text} ({count} times)" for text, count in self._news.items())
        return (*changes, *rested, *news)

    async def close(self) -> None:
        for alarm in (*self._alarms, *filter(None, [self._watch])):
            alarm.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(client.close() for client in self._clients))

    def _begin(self) -> None:
        self._give_up()
        if self._followed is not None:
            self._start(self._follow(self._followed))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _give_up(self) -> None:
        """End questions that wait for longer than any answer has taken by far, where another server may answer them,
        and those for which there has been no server for so long; and look again later."""
        loop, now = asyncio.get_running_loop(), self.clock()
        if self._known():
            self._there_at = now
        elif now - self._there_at > self._patience_s:
            self._refuse()
        patience_s = max(self._patience_s, _SLOWER * self.slowest_s)
        for lane in self._lanes if self.slowest_s else ():
            if self._is_other_awake(lane):
                for limit in [limit for limit, since in lane.asking.items() if now - since > patience_s]:
                    limit.reschedule(loop.time())
        self._watch = loop.call_later(self._patience_s / _LOOKS, self._give_up)

    def _refuse(self) -> None:
        """Fail the questions that wait, which would wait for ever."""
        why = "; ".join(f"{lane.url}: {lane.why or 'not looked at yet'}" for lane in self._lanes if lane.is_listed)
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.slot.done():
                waiter.slot.set_exception(JudgeUnreachable(f"none of the listed servers answers as the judge ({why})"))

    def wake_in(self, seconds: float, lane: _Lane) -> None:
        """Look then whether it may be asked."""

        def wake() -> None:
            self._alarms.discard(alarm)
            if lane.unseen and lane.is_listed:
                self._start(self._look(lane))
            self._admit()

        alarm = asyncio.get_running_loop().call_later(seconds, wake)
        self._alarms.add(alarm)

    async def _look(self, lane: _Lane) -> None:
        """Whether it answers, and as what it should: then it may be asked, else it rests."""
        try:
            async with asyncio.timeout(self._patience_s):
                served = self._served(await _check(lane.server))
            if served and self._serves and served != self._serves:
                lane.is_known = False
                raise JudgeUnreachable(f"{lane.url} serves {_named(served)}, and not {_named(self._serves)}")
        except (TimeoutError, JudgeError) as error:
            why = error if isinstance(error, JudgeError) else JudgeUnreachable(f"{lane.url} does not answer")
            if not lane.is_known and str(why) != str(lane.why):
                self._tell(f"not asked yet: {why}")
            lane.rest(why)
            return
        self._serves = self._serves or served
        if not lane.is_known and lane.is_listed:
            self._tell(f"{lane.url} is asked from now on")
        lane.unseen, lane.is_known = False, True
        self._admit()

    async def _follow(self, followed: Followed) -> None:
        """Take what stands in the list whenever that has changed, and say so."""
        steady = Steady([lane.url for lane in self._lanes])
        while True:
            await asyncio.sleep(followed.every_s)
            try:
                reading: list[str] | str = list(await asyncio.to_thread(followed.read))
            except InputError as error:
                reading = str(error)
            if not steady.is_new(reading):
                continue
            if isinstance(reading, list):
                try:
                    self._take(reading, followed)
                except InputError as error:
                    reading = str(error)
            if isinstance(reading, str):
                self._tell(f"{reading}; the addresses that were read before are kept")

    def _take(self, urls: Sequence[str], followed: Followed) -> None:
        """Ask at these addresses from now on. Raises InputError, before anything has changed, where one cannot be
        asked."""
        known = {place_of(lane.url): lane for lane in self._lanes}
        listed = {place_of(url): url for url in urls}
        new = {place: self._lane(url, followed.open(url)) for place, url in listed.items() if place not in known}
        for place, lane in known.items():
            if lane.is_listed and place not in listed:
                lane.is_listed = False
                self._tell(f"{lane.url} is no longer in {followed.name}, and gets no new question")
        self._lanes += new.values()
        for place, lane in (known | new).items():
            if place in listed and (place in new or not lane.is_listed):
                lane.join()
                self._start(self._look(lane))

    def _tell(self, news: str) -> None:
        """Of a list that is followed."""
        if self._followed is None:
            return
        self._news[news] += 1
        warnings.warn(news, AddressesChanged, stacklevel=2)

    def _lane(self, url: str, client: Client) -> _Lane:
        throttle = Throttle(self._limit, clock=self.clock, on_open=self._admit)
        return _Lane(self, url, client, self._through(client), throttle)

    def _admit(self) -> None:
        """Give slots to those who wait, in their order."""
        passed: list[_Waiter] = []
        while self._waiting and self.in_flight < self._limit:
            awake = self._awake()
            free = [lane for lane in awake if lane.throttle.is_open] if awake else self._first_to_wake()
            if not free:
                break
            waiter = self._waiting.popleft()
            if waiter.slot.done():
                continue
            others = [lane for lane in free if lane is not waiter.last]
            if not others and any(lane is not waiter.last for lane in awake):
                passed.append(waiter)
                continue
            lane = self._best(others or free, awake, waiter.beginning)
            lane.take()
            waiter.slot.set_result(lane)
        self._waiting.extendleft(reversed(passed))

    def _best(self, free: Sequence[_Lane], awake: Sequence[_Lane], beginning: int | None) -> _Lane:
        """That which is tried after a rest; that at which prompts of this beginning are at home, unless it has too much
        to do; else the one with the fewest in flight."""
        for lane in free:
            if lane.is_tried:
                return lane
        if beginning is not None and len(free) > 1:
            lane = awake[home(beginning, tuple(lane.number for lane in awake))]
            if lane in free and is_free_enough(lane.throttle.in_flight, self.in_flight, len(awake)):
                return lane
        return min(free, key=lambda lane: lane.throttle.in_flight)

    def _awake(self) -> list[_Lane]:
        now = self.clock()
        return [lane for lane in self._lanes if lane.is_awake(now)]

    def _is_other_awake(self, last: Lane | None) -> bool:
        return any(lane is not last for lane in self._awake())

    def _first_to_wake(self) -> list[_Lane]:
        """Where none is awake: the one that rests least, if it has a slot and no question tries another."""
        if any(lane.probed for lane in self._lanes):
            return []
        known = self._known()
        first = min(known, key=lambda lane: lane.wakes_at, default=None)
        return [first] if first is not None and first.throttle.is_open else []

    def _known(self) -> list[_Lane]:
        """Those that are listed and were found to be the judge."""
        return [lane for lane in self._lanes if lane.is_listed and lane.is_known]


class PoolByTurns(Pool):
    """Servers of which each answers one question after the other, and what is alike at once if it has computed it."""

    def __init__(
        self, clients: Mapping[str, Client], limit: int, *, through: Callable[[Client], Client] = lambda client: client
    ) -> None:
        super().__init__(clients, limit, through=through)
        self._desks = Desks()
        for lane in self._lanes:
            lane.throttle.window = float(limit)  # questions wait there in any case

    def _best(self, free: Sequence[_Lane], awake: Sequence[_Lane], beginning: int | None) -> _Lane:
        if beginning is None or any(lane.is_tried for lane in free):
            return super()._best(free, awake, beginning)
        lanes = {lane.number: lane for lane in free}
        return lanes[self._desks.find(beginning, {number: lane.throttle.in_flight for number, lane in lanes.items()})]


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
