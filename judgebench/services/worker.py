"""A worker: takes jobs from the database, does each in a process of its own, and says how it ended.

It renews its lease on what it holds. A job whose lease it has lost, to another worker or by a stop, ends; a worker that
is told to end hands its jobs back. While the database does not answer, its jobs go on: they wait for it themselves.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import IO, Any

from judgebench import store
from judgebench.actors import ACTOR_VARIABLE
from judgebench.counts import count
from judgebench.engine.claims import LEASE_S, RENEW_S, is_gone, this_process
from judgebench.errors import DatabaseError, InputError
from judgebench.records import JobState, Status
from judgebench.store.database import Connection, Database
from judgebench.store.jobs import Job

ADDRESS_VARIABLE = "JUDGEBENCH_DATABASE_URL"
AWAY = 75  # a job's process ends with it where the database's server does not answer
INTERRUPTED = 130
JOBS = 4  # at once
_ATTEMPTS = 5  # of a job whose process ends before it does
_LOSSES = 20  # of workers that ended, with their machines or without: a job may be why, and more often is not
_POLL_S = 0.5
_MESSAGE_BYTES = 4000
_PATIENCE_S = 20  # for a worker that was told to end: longer than a run drains
# Of a report: what is stored of it. What audits found is stored by themselves, and holds texts of outputs.
_KEPT = frozenset(
    {"planned", "pending", "calls", "cost_usd", "not_shown", "reasons", "stopped_by", "by_others", "taken_over"}
    | {
        "reasked",
        "identical_as_shown",
        "not_taken",
        "changed",
        "answered_by",
        "question",
        "settled",
        "answer",
        "passed",
        "finished",
        "failures",
        *Status,
    }
)
_SPOKEN, _WAITING = "judgebench: ", "waiting: "


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """How a job's process ended."""

    state: JobState  # QUEUED: it is handed back
    message: str = ""
    report: Mapping[str, Any] | None = None
    counted: bool = False  # of what is handed back: as an attempt


@dataclass(slots=True)
class _Started:
    """A job and its process."""

    job: Job
    process: subprocess.Popen[bytes]
    out: IO[bytes]
    err: IO[bytes]
    message: str = ""  # as it was stored last
    told: set[int] = field(default_factory=set)  # signals that it was sent
    lost: bool = False  # another worker has it

    def signal(self, number: int) -> None:
        """Once each."""
        if number not in self.told:
            self.told.add(number)
            with suppress(ProcessLookupError):
                self.process.send_signal(number)

    def close(self) -> None:
        for file in (self.out, self.err, self.process.stdin):
            if file is not None:
                file.close()


class JobWorker:
    """Works at up to ``at_once`` jobs until it is told to end.

    ``environment`` holds the keys of judges under the names that jobs give; ``tell`` is told what it does, in words.
    """

    def __init__(
        self, address: str, environment: Mapping[str, str], *, at_once: int, tell: Callable[[str], None]
    ) -> None:
        self._address = address
        self._environment = environment
        self._at_once = at_once
        self._tell = tell
        self._name = this_process()
        self._started: list[_Started] = []
        self._renewed = 0.0
        self._until: float | None = None
        self._complaint = ""
        self._ending = False

    def end(self) -> None:
        """Have it hand back what it holds and come to its end; may be called from a signal's handler."""
        self._ending = True

    def work(self, *, once: bool = False, stop_after: float | None = None) -> None:
        """Until ``end`` is called, so many seconds are over, or with ``once`` nothing is left to take.

        Raises InputError, with ``once``, where there is no database.
        """
        self._until = None if stop_after is None else time.monotonic() + stop_after
        is_over = False
        while not is_over and (database := self._open(once=once)) is not None:
            with closing(database):
                file = _file(database)
                while _file(database) == file and not (is_over := self._is_over(database, once=once)):
                    self._wait()

    def _open(self, *, once: bool) -> Database | None:
        """None where it is told to end before there is one."""
        while not self._ending:
            try:
                return Database(self._address)
            except (DatabaseError, InputError) as error:
                if once:
                    raise
                self._complain(f"waiting for the database: {error}")
                self._wait()
        return None

    def _wait(self) -> None:
        """Until the next look; its time may be over meanwhile."""
        if self._until is not None and time.monotonic() >= self._until:
            self.end()
        time.sleep(_POLL_S)

    def _is_over(self, database: Database, *, once: bool) -> bool:
        """One look at everything. Whether nothing is left to do."""
        if self._ending:
            for started in self._started:
                started.signal(signal.SIGTERM)
        try:
            self._look(database)
            took = False if self._ending else self._take(database)
            self._complaint = ""
        except DatabaseError as error:
            self._complain(f"the database does not answer: {error}")
            return False
        return not self._started and not took and (self._ending or once)

    def _look(self, database: Database) -> None:
        """At what is held: store what ended, pass on who is to stop, and renew the lease. Raises DatabaseError."""
        for started in [one for one in self._started if one.process.poll() is not None]:
            self._end(database, started)
        if not self._started:
            return
        with database.read() as connection:
            held = store.jobs.held(connection, self._name)
        for started in self._started:
            if started.job.id not in held:
                started.lost = True
                started.signal(signal.SIGTERM)
            elif held[started.job.id]:
                started.signal(signal.SIGINT)
            elif (message := _message(started)) != started.message:
                with database.write() as connection:
                    store.jobs.say(connection, started.job.id, message)
                started.message = message
        if time.monotonic() - self._renewed > RENEW_S:
            with database.write() as connection:
                store.jobs.renew(connection, self._name, LEASE_S)
            self._renewed = time.monotonic()

    def _end(self, database: Database, started: _Started) -> None:
        """Store how a job ended, unless it is another worker's by now. Raises DatabaseError; it is tried again then."""
        with database.write() as connection:
            held = store.jobs.held(connection, self._name)
            if started.job.id in held:
                outcome = self._outcome(started, is_stopping=held[started.job.id])
                self._store(connection, store.jobs.job(connection, started.job.id), outcome)
        self._started.remove(started)
        started.close()

    def _outcome(self, started: _Started, *, is_stopping: bool) -> JobOutcome:
        return outcome(
            started.job,
            started.process.returncode,
            _tail(started.out, None),
            _tail(started.err, _MESSAGE_BYTES),
            is_stopping=is_stopping,
            is_ending=self._ending,
        )

    def _store(self, connection: Connection, job: Job, outcome: JobOutcome) -> None:
        if outcome.state is not JobState.QUEUED:
            store.jobs.end(connection, job.id, outcome.state, outcome.message, outcome.report)
            self._tell(f"job {job.id} {outcome.state}" + (f": {outcome.message}" if outcome.message else ""))
        elif outcome.counted and (times := job.attempts - job.losses) >= _ATTEMPTS:
            store.jobs.end(connection, job.id, JobState.FAILED, f"{outcome.message}, {count(times, 'time')}")
            self._tell(f"job {job.id} failed: {outcome.message}")
        else:
            store.jobs.hand_back(connection, job.id, outcome.message, counted=outcome.counted)
            self._tell(f"job {job.id} handed back" + (f": {outcome.message}" if outcome.message else ""))

    def _take(self, database: Database) -> bool:
        """Begin what is due, where there is room. Raises DatabaseError."""
        room = self._at_once - len(self._started)
        if room <= 0:
            return False
        with database.read() as connection:
            concerning = [job for job in store.jobs.due(connection, is_gone) if self._concerns(job)]
        if not concerning:
            return False
        with database.write() as connection:
            due = {job.id: job for job in store.jobs.due(connection, is_gone)}
            mine = [due[job.id] for job in concerning if job.id in due][:room]
            taken = [job for job in mine if self._taken(connection, job)]
        for job in taken:
            self._start(job)
        return bool(taken)

    def _concerns(self, job: Job) -> bool:
        """Whether there is anything to do about it, be it only to say what it waits for."""
        if job.id in [started.job.id for started in self._started]:  # ours, whose lease was not renewed in time
            return False
        missing = self._missing(job)
        return job.is_stopping or missing is None or job.message != missing

    def _missing(self, job: Job) -> str | None:
        """What a job says that this worker cannot do, as it has not the keys."""
        lacking = [name for name in job.variables if not self._environment.get(name)]
        if not lacking:
            return None
        names = " and ".join(lacking)
        return f"waits for a worker in whose environment {names} is set: it is not in that of {_shown(self._name)}"

    def _taken(self, connection: Connection, job: Job) -> bool:
        """Whether it is ours now; if not, it says why, or has ended."""
        missing = self._missing(job)
        if job.is_stopping:
            store.jobs.end(connection, job.id, JobState.STOPPED, "")
        elif job.holder is not None and job.losses + 1 >= _LOSSES:
            message = f"its worker ended before it did, {count(job.losses + 1, 'time')}; the last was {job.worker}"
            store.jobs.end(connection, job.id, JobState.FAILED, message)
        elif missing is not None and job.holder is not None:
            store.jobs.lose(connection, job.id, missing)
        elif missing is not None:
            store.jobs.say(connection, job.id, missing)
        else:
            store.jobs.take(connection, job.id, self._name, LEASE_S)
            return True
        return False

    def _start(self, job: Job) -> None:
        out, err = TemporaryFile(), TemporaryFile()  # noqa: SIM115  # they live as long as the process
        process = subprocess.Popen(  # noqa: S603  # the words are ours
            [sys.executable, "-P", "-m", "judgebench.cli.job", str(job.id)],
            env={**self._environment, ADDRESS_VARIABLE: self._address, ACTOR_VARIABLE: job.actor},
            stdin=subprocess.PIPE,  # which ends when this process does
            stdout=out,
            stderr=err,
            start_new_session=True,  # Ctrl-C in this terminal is not meant for it
        )
        self._started.append(_Started(job, process, out, err))
        about = " ".join(filter(None, (job.kind, job.benchmark, job.subject)))
        self._tell(f"job {job.id} begun: {about}")

    def _complain(self, complaint: str) -> None:
        if complaint != self._complaint:
            self._complaint = complaint
            self._tell(complaint)


def _file(database: Database) -> tuple[int, int] | None:
    """Which file an SQLite database is, while it is there: another one in its place is another database."""
    if not database.is_sqlite:
        return None
    try:
        status = os.stat(database.url.database or "")
    except OSError:
        return None
    return status.st_dev, status.st_ino


def outcome(job: Job, code: int, out: str, err: str, *, is_stopping: bool, is_ending: bool) -> JobOutcome:
    """What became of a job whose process ended with the exit code and said this. ``is_stopping``: somebody asked for it
    to end; ``is_ending``: its worker was told to."""
    report, told = _document(out), _said(err)
    if _has_ended(job, report, code):
        return JobOutcome(JobState.DONE, "" if told.startswith(_WAITING) else told, report)
    if is_stopping:
        return JobOutcome(JobState.STOPPED, _why(report, ""), report)
    if code == AWAY:
        return JobOutcome(JobState.QUEUED, told)
    if code in (INTERRUPTED, -signal.SIGINT, -signal.SIGTERM):
        why = "" if is_ending else "its process was interrupted"
        return JobOutcome(JobState.QUEUED, why, counted=not is_ending)
    if code < 0:
        why = f"its process was ended by signal {-code}" + (" (is memory short?)" if code == -signal.SIGKILL else "")
        return JobOutcome(JobState.QUEUED, why, counted=True)
    if report is not None:  # a limit was reached
        return JobOutcome(JobState.STOPPED, _why(report, told), report)
    return JobOutcome(JobState.FAILED, told or _last_line(err) or f"its process ended with code {code}")


def _has_ended(job: Job, report: Mapping[str, Any] | None, code: int) -> bool:
    """Whether all was done that it was asked for, whatever came out of it."""
    if report is None or code in (INTERRUPTED, AWAY):
        return False
    if job.kind == "audit":
        return "passed" in report and bool(report.get("finished", True))
    return "settled" in report or report.get("pending", 1) == 0


def _why(report: Mapping[str, Any] | None, told: str) -> str:
    """Why it ended before its end: of an audit the last of its failures."""
    failures = (report or {}).get("failures")
    return str(failures[-1]) if isinstance(failures, list) and failures else told


def _document(out: str) -> dict[str, Any] | None:
    try:
        document = json.loads(out)
    except ValueError:
        return None
    if not isinstance(document, dict):
        return None
    return {name: value for name, value in document.items() if name in _KEPT}


def _message(started: _Started) -> str:
    return _said(_tail(started.err, _MESSAGE_BYTES))


def _said(err: str) -> str:
    """The last thing that a command says of itself, if anything."""
    lines = [line for line in err.replace("\r", "\n").split("\n") if line.startswith(_SPOKEN)]
    return lines[-1].removeprefix(_SPOKEN) if lines else ""


def _last_line(err: str) -> str:
    return next((line.strip() for line in reversed(err.split("\n")) if line.strip()), "")


def _tail(file: IO[bytes], most: int | None) -> str:
    """What stands at the end of a file that a process writes, whose place in it is shared."""
    size = os.fstat(file.fileno()).st_size
    start = 0 if most is None else max(size - most, 0)
    return os.pread(file.fileno(), size - start, start).decode(errors="replace")


def _shown(holder: str) -> str:
    return " ".join(holder.split(" ")[:2])


@contextmanager
def attached(address: str, environment: Mapping[str, str]) -> Iterator[None]:
    """A worker in a process of its own while the block lasts; where it ends before, another takes its place."""
    over = threading.Event()
    command = [sys.executable, "-P", "-m", "judgebench", "worker", "--quiet", "--until-stdin-ends"]
    given = {**environment, ADDRESS_VARIABLE: address}

    def keep() -> None:
        while not over.is_set():
            # It ends when its standard input does: when this process is killed.
            with subprocess.Popen(command, env=given, stdin=subprocess.PIPE) as process:  # noqa: S603  # ours
                while process.poll() is None and not over.wait(_POLL_S):
                    pass
                if process.poll() is None:
                    _terminate(process)
            if process.returncode == 0:  # it was told to end, as by Ctrl-C
                return
            over.wait(1)

    keeper = threading.Thread(target=keep, name="worker")
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join()


def _terminate(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
