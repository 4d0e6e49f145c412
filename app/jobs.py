"""Judging and auditing in processes of their own, which outlive the page, the browser and the app.

A job is a folder beside the database: the study or the audit, what was planned, the process's report and its messages.
The process holds a lock on the folder for as long as it lives, so whoever looks, now or after a restart, knows whether
it runs; process ids alone are given to others again. How far it is, the database tells. Needs a POSIX system.
"""

import fcntl
import hashlib
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from app import auth
from app.cached import ADDRESS_VARIABLE
from judgebench.services.audits.estimates import AuditEstimate
from judgebench.services.audits.registry import Audit
from judgebench.services.benchmarks import RunSummary
from judgebench.services.pages import (
    ACTOR_VARIABLE,
    STAGE,
    CostEstimate,
    InputError,
    Status,
    Study,
    make,
    parse_address,
)

_STUDY, _AUDIT, _JOB, _REPORT, _MESSAGES, _LOCK = (
    "study.yaml",
    "audit.json",
    "job.json",
    "report.json",
    "messages.txt",
    "lock",
)
_MESSAGE_BYTES = 2000
_OWN_FOLDER = 0o700
_ANSWERED = (Status.OK, Status.TIE)
STARTING = threading.Lock()  # held from the look at what is going on to the start, by one session at a time


class State(StrEnum):
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"  # before its end, whoever or whatever stopped it


@dataclass(frozen=True, slots=True)
class Job:
    """A study that was handed to a process; it may be stopped and resumed any number of times."""

    folder: Path
    study: Study
    judge: str  # its name in the database
    planned: int  # trials
    answered: int  # of these, before the first start
    created_at: str  # ISO 8601, UTC, as runs in the database are dated

    @property
    def words(self) -> tuple[str, ...]:
        """Of the command, behind the program's name."""
        return "run", str(self.folder / _STUDY), "--format", "json"


@dataclass(frozen=True, slots=True)
class AuditJob:
    """An audit that was handed to a process; as of ``Job``."""

    folder: Path
    audit: str
    benchmark: str
    judge: str  # its name in the database; "" where nobody is asked
    planned: int  # calls at most; 0 where nobody is asked
    words: tuple[str, ...]
    created_at: str


AnyJob = Job | AuditJob


def create(address: str, study: Study, estimate: CostEstimate) -> Job:
    """Write the job down; ``start`` it then."""
    folder, now = _new_folder(address)
    job = Job(folder, study, estimate.plan.resolved.judge.name, estimate.plan.trials, estimate.answered, now)
    fields = study.model_dump(mode="json", exclude_defaults=True)
    _write_json(folder / _STUDY, fields)  # JSON is YAML
    written = {"judge": job.judge, "planned": job.planned, "answered": job.answered, "created_at": now}
    _write_json(folder / _JOB, written)
    return job


def create_audit(address: str, audit: Audit, settings: Mapping[str, Any], estimate: AuditEstimate) -> AuditJob:
    """As ``create``; ``settings`` are the audit's own by name, its benchmark among them."""
    folder, now = _new_folder(address)
    words = ("audit", audit.name, *audit_flags(settings), "--format", "json")
    planned = min(estimate.calls, settings.get("max_calls") or estimate.calls)
    job = AuditJob(folder, audit.name, settings["benchmark"], estimate.judge or "", planned, words, now)
    _write_json(folder / _AUDIT, {**asdict(job), "folder": None})
    return job


def audit_flags(settings: Mapping[str, Any]) -> Iterator[str]:
    """Settings as the flags of the command line; what is None, empty or false is left out."""
    for name, value in settings.items():
        flag = f"--{name.replace('_', '-')}"
        if value is True:
            yield flag
        elif value is False or value is None:
            continue
        else:
            yield from (f"{flag}={one}" for one in (value if isinstance(value, list | tuple) else [value]))


def _new_folder(address: str) -> tuple[Path, str]:
    """Of a job that begins now, and the time."""
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    home = _home(address)
    home.mkdir(_OWN_FOLDER, parents=True, exist_ok=True)
    with suppress(PermissionError):  # another user's, who has made it private
        home.chmod(_OWN_FOLDER)
    folder = home / f"{now[:19].replace(':', '-')}-{secrets.token_hex(3)}"
    folder.mkdir(_OWN_FOLDER)
    return folder, now


def start(address: str, job: AnyJob, environment: Mapping[str, str] = os.environ) -> None:
    """Begin or continue, on behalf of whoever looks at the page. Raises InputError when the job runs already."""
    command = [sys.executable, "-P", "-m", "judgebench", *job.words]
    with open(job.folder / _LOCK, "a", opener=_private) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError("this run is going on already") from error
        with (
            open(job.folder / _REPORT, "wb", opener=_private) as report,
            open(job.folder / _MESSAGES, "wb", opener=_private) as messages,
        ):
            process = subprocess.Popen(  # noqa: S603  # the words are ours; the study is a file
                command,
                env={**environment, ADDRESS_VARIABLE: address, ACTOR_VARIABLE: auth.person().name},
                stdin=subprocess.DEVNULL,
                stdout=report,
                stderr=messages,
                pass_fds=[lock.fileno()],  # the lock lives as long as the process
                start_new_session=True,  # Ctrl-C in the app's terminal is not meant for it
            )
        lock.truncate(0)
        lock.write(str(process.pid))


def stop(job: AnyJob) -> None:
    """Ask a running job to end; what is in flight still ends and is stored."""
    if state(job) is State.RUNNING:
        with suppress(ProcessLookupError, ValueError):
            os.kill(int((job.folder / _LOCK).read_text()), signal.SIGINT)


def state(job: AnyJob) -> State:
    with suppress(FileNotFoundError), open(job.folder / _LOCK) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return State.RUNNING
    return State.DONE if _has_ended(job) else State.STOPPED


def _has_ended(job: AnyJob) -> bool:
    report = _read_json(job.folder / _REPORT)
    if isinstance(job, AuditJob):
        return "passed" in report and bool(report.get("finished", True))
    return bool(report.get("pending", 1) == 0)


def has_passed(job: AuditJob) -> bool | None:
    """As its report says; None where it has not come to its end."""
    return bool(_read_json(job.folder / _REPORT)["passed"]) if _has_ended(job) else None


def message(job: AnyJob) -> str:
    """The last thing that the process said on its error channel, or why its audit was stopped, if anything."""
    report = _read_json(job.folder / _REPORT) if isinstance(job, AuditJob) else {}
    failures = report.get("failures")
    if not report.get("finished", True) and isinstance(failures, list) and failures:
        return str(failures[-1])
    try:
        messages = (job.folder / _MESSAGES).read_bytes()[-_MESSAGE_BYTES:].decode(errors="replace")
    except FileNotFoundError:
        return ""
    lines = [line for line in messages.replace("\r", "\n").split("\n") if line.startswith("judgebench: ")]
    last = lines[-1].removeprefix("judgebench: ") if lines else ""
    return last if not last.startswith("waiting: ") or state(job) is State.RUNNING else ""


def parts_not_shown(job: Job) -> dict[str, int]:
    """Parts that the judge did not see, by kind, as a job that has ended reports."""
    parts = _read_json(job.folder / _REPORT).get("not_shown", {})
    return dict(parts) if isinstance(parts, dict) else {}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is, as the database tells."""

    planned: int  # trials
    done: int  # of these, with what had ended before
    without_verdict: int  # of what the job's runs asked
    cost_usd: float | None  # of the job's runs; None: no price is known, or nothing was asked
    a_second: float | None  # trials, in the run that goes on; None: none goes on, or nothing has ended in it yet
    left_s: float | None  # at that rate
    is_starting: bool  # its process is there, and no run of it goes on yet
    unanswered_s: float | None  # since the run that goes on began; None: none goes on, or something has ended in it


def progress(job: Job, runs: Iterable[RunSummary], *, now: datetime | None = None) -> Progress:
    """By the job's runs and those begun since. What other runs asked of them counts when the job has ended."""
    mine = [run for run in runs if (run.benchmark, run.judge, run.kind) == (job.study.benchmark, job.judge, "run")]
    since = [run for run in mine if run.started_at >= job.created_at]
    ended = sum(_ended(run) for run in since)
    done = job.planned if _has_ended(job) else min(job.answered + ended, job.planned)
    is_running = state(job) is State.RUNNING
    newest = max((run for run in since if is_running and run.finished_at is None), key=_started, default=None)
    seconds = 0.0 if newest is None else _seconds(newest, now or datetime.now(UTC))
    rate = None if newest is None or seconds <= 0 or not _ended(newest) else _ended(newest) / seconds
    costs = [run.cost_usd for run in since if run.cost_usd is not None]
    return Progress(
        planned=job.planned,
        done=done,
        without_verdict=sum(number for run in since for status, number in run.ended.items() if status not in _ANSWERED),
        cost_usd=sum(costs) if costs else None,
        a_second=rate,
        left_s=None if rate is None else (job.planned - done) / rate,
        is_starting=is_running and newest is None,
        unanswered_s=None if newest is None or _ended(newest) else seconds,
    )


def _seconds(run: RunSummary, now: datetime) -> float:
    """Since it began."""
    return max((now - datetime.fromisoformat(run.started_at)).total_seconds(), 0.0)


def _started(run: RunSummary) -> str:
    return run.started_at


def _ended(run: RunSummary) -> int:
    return sum(run.ended.values())


def calls_ended(job: AuditJob, runs: Iterable[RunSummary]) -> int:
    """How many questions of the audit have ended, as the runs on its stages tell, which began since."""
    stage = f"{STAGE}{job.benchmark}/"
    mine = (run for run in runs if run.benchmark.startswith(stage) and run.started_at >= job.created_at)
    ended = sum(sum(run.ended.values()) for run in mine if run.judge.partition("+")[0] == job.judge.partition("+")[0])
    return min(ended, job.planned)


def all_jobs(address: str) -> list[Job]:
    """The newest first; audits are told by ``all_audits``."""
    return [job for folder in _folders(address) if (job := _load(folder)) is not None]


def all_audits(address: str) -> list[AuditJob]:
    """The newest first."""
    return [job for folder in _folders(address) if (job := _load_audit(folder)) is not None]


def _folders(address: str) -> list[Path]:
    home = _home(address)
    return sorted(home.iterdir(), reverse=True) if home.is_dir() else []


def _load_audit(folder: Path) -> AuditJob | None:
    """As ``_load``."""
    facts = _read_json(folder / _AUDIT)
    try:
        return AuditJob(**{**facts, "folder": folder, "words": tuple(facts["words"])}) if facts else None
    except (KeyError, TypeError):
        return None


def _load(folder: Path) -> Job | None:
    """None for a folder that is not a job, not yet, or one of another version."""
    facts, fields = _read_json(folder / _JOB), _read_json(folder / _STUDY)
    if not facts or not fields:
        return None
    try:
        return Job(folder, make(Study, fields, where=str(folder)), **facts)
    except (InputError, TypeError):
        return None


def _home(address: str) -> Path:
    """Beside an SQLite file; in the user's state folder for a server's database."""
    url = parse_address(address)
    if url.get_backend_name() == "sqlite":
        return Path(f"{url.database}.runs")
    state_home = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return state_home / "judgebench" / hashlib.sha256(address.encode()).hexdigest()[:16]


def _private(path: str, flags: int) -> int:
    """Open a file that nobody else may read: addresses of servers, and what they replied, stand in it."""
    return os.open(path, flags, 0o600)


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    with open(path, "w", opener=_private) as file:
        json.dump(document, file)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}
