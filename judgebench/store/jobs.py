"""Work that is handed to workers: who asked for it, which worker has it until when, and how it ended.

A worker holds a job by a lease, which it renews for as long as it lives; what a killed worker held is another's once
the lease has ended, and at once where its process is known to be gone. Times are the database's own, as in claims.
"""

import json
import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from judgebench.errors import InputError, UnknownName
from judgebench.records import JobState, known_usd
from judgebench.store import schema as t
from judgebench.store.claims import after, clock, now
from judgebench.store.database import insert

JobKind = Literal["run", "audit", "answer"]
_j, _b = t.jobs.c, t.benchmarks.c


_LOST = sa.case((_j.holder.is_not(None), 1), else_=0)
OPEN = (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What somebody wants done."""

    kind: JobKind
    benchmark: str
    subject: str  # the judge, or the model, that is asked; "": nobody is
    # Run: {"study": ...}; audit: {"audit": NAME, "settings": ...}; answer: {"generation": ..., "audit": BOOL}
    specification: Mapping[str, Any]
    variables: tuple[str, ...]  # of the environment, that it needs
    work_key: str  # what it does: of equal ones one at a time is open
    planned: int  # trials, outputs, or calls at most
    answered: int  # of these, before
    cost_usd: float | None  # as is estimated; None: not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Request):
    """What became of it; it may be stopped and resumed any number of times."""

    id: int
    actor: str  # who asked for it
    after_run: int  # the newest run when it was asked for: its own have higher numbers
    state: JobState
    is_stopping: bool  # somebody wants it to end, and it has not yet
    attempts: int  # how often a worker began it and did not hand it back
    losses: int  # of these, how often the worker ended while it had it, or its machine did
    holder: str | None  # the worker that has it, as ``engine.claims`` names processes
    expires_at: str | None  # when its lease ends; ISO 8601, UTC, as all times here
    created_at: str
    started_at: str | None  # the last time
    finished_at: str | None
    report: Mapping[str, Any] | None  # what its process said at its end
    message: str  # what it says, or why it ended; may hold addresses and replies of servers

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def worker(self) -> str:
        """The worker that has it, for people: host and process; "" where none has."""
        return " ".join((self.holder or "").split(" ")[:2])

    @property
    def passed(self) -> bool | None:
        """Of an audit; None where it has not come to its end."""
        return bool((self.report or {})["passed"]) if self.kind == "audit" and self.state is JobState.DONE else None


def add(connection: sa.Connection, request: Request, actor: str) -> int:
    """Queue it, in the connection's write transaction. Raises UnknownName for the benchmark, and InputError where it
    would cost more than a number holds."""
    if request.cost_usd is not None and not math.isfinite(request.cost_usd):
        raise InputError("what this would cost is no finite number: is the price right?")
    benchmark = connection.scalar(sa.select(_b.id).where(_b.name == request.benchmark))
    if benchmark is None:
        raise UnknownName("benchmark", request.benchmark, connection.scalars(sa.select(_b.name)))
    newest = sa.select(sa.func.coalesce(sa.func.max(t.runs.c.id), 0))
    return insert(
        connection,
        t.jobs,
        kind=request.kind,
        benchmark_id=benchmark,
        subject=request.subject,
        specification=json.dumps(request.specification, sort_keys=True),
        variables=json.dumps(request.variables),
        work_key=request.work_key,
        actor=actor,
        planned=request.planned,
        answered=request.answered,
        cost_usd=request.cost_usd,
        after_run=connection.scalar(newest),
        state=JobState.QUEUED,
        is_stopping=False,
        attempts=0,
        losses=0,
        message="",
        created_at=now(connection),
    )


def job(connection: sa.Connection, number: int) -> Job:
    """Raises UnknownName."""
    row = connection.execute(_SELECTED.where(_j.id == number)).first()
    if row is None:
        raise UnknownName("job", str(number), map(str, connection.scalars(sa.select(_j.id).order_by(_j.id.desc()))))
    return _job(row)


def jobs(
    connection: sa.Connection,
    *,
    kinds: Collection[str] = (),
    states: Collection[str] = (),
    benchmarks: Collection[str] = (),
    most: int | None = None,
) -> list[Job]:
    """The newest first: all, or ``most``; of these kinds, in these states and on these benchmarks, where some are."""
    query = _SELECTED.order_by(_j.id.desc()).limit(most)
    if kinds:
        query = query.where(_j.kind.in_(kinds))
    if states:
        query = query.where(_j.state.in_(states))
    if benchmarks:
        query = query.where(_b.name.in_(benchmarks))
    return [_job(row) for row in connection.execute(query)]


def due(connection: sa.Connection, is_gone: Callable[[str], bool]) -> list[Job]:
    """What a worker may take: what is queued, and what was left by workers that are gone.

    Who asked for jobs take turns: first that of whom fewest are running, then of whom the last was begun or ended
    longest ago; of one person the oldest first."""
    moment = now(connection)
    rows = connection.execute(_SELECTED.where(_j.state.in_(OPEN)).order_by(_j.id))
    free, running = [], Counter[str]()
    for listed in map(_job, rows):
        if listed.holder is None or str(listed.expires_at) <= moment or is_gone(listed.holder):
            free.append(listed)
        else:
            running[listed.actor] += 1
    last = _last(connection, {listed.actor for listed in free})
    turns = []
    for listed in free:
        turns.append((running[listed.actor], last[listed.actor], listed.id, listed))
        running[listed.actor] += 1
    return [turn[-1] for turn in sorted(turns)]


def _last(connection: sa.Connection, actors: Collection[str]) -> dict[str, str]:
    """When a job of each was begun, or ended, the last time; "": never."""
    begun, ended = (sa.func.coalesce(sa.func.max(moment), "") for moment in (_j.started_at, _j.finished_at))
    query = sa.select(_j.actor, begun, ended).where(_j.actor.in_(actors)).group_by(_j.actor)
    return {actor: max(moments) for actor, *moments in connection.execute(query)}


def take(connection: sa.Connection, number: int, holder: str, lease_s: float) -> None:
    """Have the worker hold it, in the write transaction in which it was found to be due; a loss, where it was held."""
    moment = clock(connection)
    _set(
        connection,
        _j.id == number,
        state=JobState.RUNNING,
        attempts=_j.attempts + 1,
        losses=_j.losses + _LOST,
        holder=holder,
        expires_at=after(moment, lease_s),
        started_at=after(moment, 0),
        message="",
        report=None,
    )


def renew(connection: sa.Connection, holder: str, lease_s: float) -> None:
    """Hold what the worker holds for so long from now on."""
    _set(connection, _j.holder == holder, expires_at=after(clock(connection), lease_s))


def held(connection: sa.Connection, holder: str) -> dict[int, bool]:
    """What the worker holds, and whether it is to be stopped."""
    mine = sa.select(_j.id, _j.is_stopping).where(_j.holder == holder)
    return {row.id: row.is_stopping for row in connection.execute(mine)}


def say(connection: sa.Connection, number: int, message: str) -> None:
    """What an open job says now."""
    _set(connection, (_j.id == number) & _j.state.in_(OPEN), message=message)


def ask_to_stop(connection: sa.Connection, number: int) -> None:
    _set(connection, (_j.id == number) & (_j.state == JobState.RUNNING), is_stopping=True)


def end(
    connection: sa.Connection, number: int, state: JobState, message: str, report: Mapping[str, Any] | None = None
) -> None:
    """``state``: that it ends in; not QUEUED, which ``hand_back`` is for."""
    written = None if report is None else json.dumps(report, sort_keys=True)
    free = {"holder": None, "expires_at": None, "is_stopping": False}
    _set(connection, _j.id == number, state=state, message=message, report=written, finished_at=now(connection), **free)


def hand_back(connection: sa.Connection, number: int, message: str, *, counted: bool) -> None:
    """Queue it again; ``counted``: as an attempt."""
    attempts = _j.attempts if counted else _j.attempts - 1
    free = {"holder": None, "expires_at": None, "is_stopping": False}
    _set(connection, _j.id == number, state=JobState.QUEUED, message=message, attempts=attempts, **free)


def lose(connection: sa.Connection, number: int, message: str) -> None:
    """Queue it again that a worker had which is gone."""
    free = {"holder": None, "expires_at": None, "is_stopping": False}
    _set(connection, _j.id == number, state=JobState.QUEUED, message=message, losses=_j.losses + 1, **free)


def queue_again(connection: sa.Connection, number: int, work_key: str) -> None:
    """A job that has ended."""
    values = {"state": JobState.QUEUED, "attempts": 0, "losses": 0, "finished_at": None, "work_key": work_key}
    _set(connection, _j.id == number, message="", report=None, **values)


def halt(connection: sa.Connection, message: str) -> int:
    """Stop whatever is open, as nobody works at it here; returns how many that is."""
    free = {"holder": None, "expires_at": None, "is_stopping": False}
    return _set(
        connection, _j.state.in_(OPEN), state=JobState.STOPPED, message=message, finished_at=now(connection), **free
    )


def left(connection: sa.Connection) -> int:
    """How many jobs nobody renewed in time: those of workers that were killed."""
    return connection.scalar(sa.select(sa.func.count()).where(_j.expires_at <= now(connection))) or 0


def _set(connection: sa.Connection, chosen: sa.ColumnElement[bool], **values: object) -> int:
    return connection.execute(sa.update(t.jobs).where(chosen).values(**values)).rowcount


_SELECTED = sa.select(t.jobs, _b.name.label("benchmark")).join(t.benchmarks, _b.id == _j.benchmark_id)


def _job(row: sa.Row[Any]) -> Job:
    fields = dict(row._mapping)
    del fields["benchmark_id"]
    report: str | None = fields["report"]
    fields |= {
        "specification": _loaded(fields["specification"]),
        "variables": tuple(json.loads(fields["variables"])),
        "cost_usd": None if fields["cost_usd"] is None else known_usd(fields["cost_usd"]),
        "state": JobState(fields["state"]),
        "report": None if report is None else _loaded(report),
    }
    return Job(**fields)


def _loaded(text: str) -> Any:
    """With null for each number that is not finite, which no answer in JSON could tell: prices had no bound once."""
    return json.loads(text, parse_constant=lambda _: None)
