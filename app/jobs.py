"""Judging in processes of their own, which outlive the page, the browser and the app.

A job is a folder beside the database: the study, what was planned, the process's report and its messages. The process
holds a lock on the folder for as long as it lives, so whoever looks, now or after a restart, knows whether it runs;
process ids alone are given to others again. How far it is, the database tells. Needs a POSIX system.
"""

import fcntl
import hashlib
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from app.cached import ADDRESS_VARIABLE
from judgebench.services.benchmarks import RunSummary
from judgebench.services.pages import CostEstimate, InputError, Study, make, parse_address

_STUDY, _JOB, _REPORT, _MESSAGES, _LOCK = "study.yaml", "job.json", "report.json", "messages.txt", "lock"
_MESSAGE_BYTES = 2000


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


def create(address: str, study: Study, estimate: CostEstimate) -> Job:
    """Write the job down; ``start`` it then."""
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    folder = _home(address) / f"{now[:19].replace(':', '-')}-{secrets.token_hex(3)}"
    folder.mkdir(parents=True)
    job = Job(folder, study, estimate.plan.resolved.judge.name, estimate.plan.trials, estimate.answered, now)
    fields = study.model_dump(mode="json", exclude_defaults=True)
    (folder / _STUDY).write_text(json.dumps(fields))  # JSON is YAML
    written = {"judge": job.judge, "planned": job.planned, "answered": job.answered, "created_at": now}
    (folder / _JOB).write_text(json.dumps(written))
    return job


def start(address: str, job: Job, environment: Mapping[str, str] = os.environ) -> None:
    """Begin or continue. Raises InputError when the job runs already."""
    command = [sys.executable, "-P", "-m", "judgebench", "run", str(job.folder / _STUDY), "--format", "json"]
    with open(job.folder / _LOCK, "a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError("this run is going on already") from error
        with open(job.folder / _REPORT, "wb") as report, open(job.folder / _MESSAGES, "wb") as messages:
            process = subprocess.Popen(  # noqa: S603  # the words are ours; the study is a file
                command,
                env={**environment, ADDRESS_VARIABLE: address},
                stdin=subprocess.DEVNULL,
                stdout=report,
                stderr=messages,
                pass_fds=[lock.fileno()],  # the lock lives as long as the process
                start_new_session=True,  # Ctrl-C in the app's terminal is not meant for it
            )
        lock.truncate(0)
        lock.write(str(process.pid))


def stop(job: Job) -> None:
    """Ask a running job to end; what is in flight still ends and is stored."""
    if state(job) is State.RUNNING:
        with suppress(ProcessLookupError, ValueError):
            os.kill(int((job.folder / _LOCK).read_text()), signal.SIGINT)


def state(job: Job) -> State:
    with suppress(FileNotFoundError), open(job.folder / _LOCK) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return State.RUNNING
    report = _read_json(job.folder / _REPORT)
    return State.DONE if report.get("pending", 1) == 0 else State.STOPPED


def message(job: Job) -> str:
    """The last thing that the process said on its error channel, if anything."""
    try:
        messages = (job.folder / _MESSAGES).read_bytes()[-_MESSAGE_BYTES:].decode(errors="replace")
    except FileNotFoundError:
        return ""
    lines = [line for line in messages.replace("\r", "\n").split("\n") if line.startswith("judgebench: ")]
    return lines[-1].removeprefix("judgebench: ") if lines else ""


def parts_not_shown(job: Job) -> dict[str, int]:
    """Parts that the judge did not see, by kind, as a job that has ended reports."""
    parts = _read_json(job.folder / _REPORT).get("not_shown", {})
    return dict(parts) if isinstance(parts, dict) else {}


def ended(job: Job, runs: Iterable[RunSummary]) -> int:
    """How many of the planned trials have ended, as the database tells."""
    mine = [run for run in runs if (run.benchmark, run.judge, run.kind) == (job.study.benchmark, job.judge, "run")]
    since = sum(sum(run.ended.values()) for run in mine if run.started_at >= job.created_at)
    return min(job.answered + since, job.planned)


def all_jobs(address: str) -> list[Job]:
    """The newest first."""
    home = _home(address)
    folders = sorted(home.iterdir(), reverse=True) if home.is_dir() else []
    return [job for folder in folders if (job := _load(folder)) is not None]


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


def _read_json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}
