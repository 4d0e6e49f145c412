"""Waiting for jobs, of a database or at a server: shown while they go on, and left with the exit code of their work."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from judgebench.cli.session import FAILED, INTERRUPTED, WITHOUT_VERDICT, complain, ended_so_far, progress_bar, tell
from judgebench.errors import DatabaseAway
from judgebench.records import JobState
from judgebench.show.numbers import paid
from judgebench.show.text import count

Job = Mapping[str, Any]  # as ``jobs show --format json`` prints it, with its progress where it is a run
OPEN = (JobState.QUEUED, JobState.RUNNING)
_POLL_S = 0.5
_PATIENCE_S = 120.0  # with a database that is away: its server may be started anew
_BAD = 2


def ended(read: Callable[[int], Job], numbers: Sequence[int], *, at: str = "") -> list[Job]:
    """The jobs once they have ended, shown meanwhile; why one waits is said once. ``at``: words for where they are.
    Raises DatabaseAway."""
    tell(*(f"waiting for job {number}{at}" for number in numbers))
    jobs: dict[int, Job] = {}
    told: dict[int, str] = {}
    answered = time.monotonic()
    with progress_bar() as show:
        while True:
            try:
                for number in numbers:
                    if number not in jobs or _is_open(jobs[number]):
                        jobs[number] = read(number)
                answered = time.monotonic()
            except DatabaseAway:
                if not jobs or time.monotonic() > answered + _PATIENCE_S:
                    raise
            else:
                if any(job["planned"] for job in jobs.values()):  # of an audit that asks nobody nothing is counted
                    show(*_progress(list(jobs.values())))
                _tell_waiting(jobs.values(), told)
                if not any(map(_is_open, jobs.values())):
                    return [jobs[number] for number in numbers]
            time.sleep(_POLL_S)


def _is_open(job: Job) -> bool:
    return job["state"] in OPEN


def _tell_waiting(jobs: Iterable[Job], told: dict[int, str]) -> None:
    """What queued jobs say of themselves, such as which variable no worker has."""
    for job in jobs:
        message = job.get("message") or ""
        if job["state"] == JobState.QUEUED and message and told.get(job["id"]) != message:
            told[job["id"]] = message
            complain(f"job {job['id']}: {message}")


def _progress(jobs: Sequence[Job]) -> tuple[int, int, str]:
    """Of all of them: planned, done, and what else there is to say."""
    planned, done = (sum(job[name] for job in jobs) for name in ("planned", "done"))
    if all(job["state"] == JobState.QUEUED for job in jobs):
        return planned, done, "queued"
    progress = [job["progress"] for job in jobs if job.get("progress")]
    cost = sum(one["cost_usd"] or 0.0 for one in progress)
    more = ended_so_far(None, cost, 0, sum(one["without_verdict"] for one in progress))
    at_most = "at most" if any(job.get("at_most") and job["planned"] for job in jobs) else ""
    return planned, done, " ".join(filter(None, (at_most, more)))


def was_stopped(job: Job) -> bool:
    """By somebody, and by no limit."""
    return job["state"] == JobState.STOPPED and not (job.get("report") or {}).get("stopped_by")


_WHO = {"run": "judge", "audit": "judge", "answer": "model"}
_WHAT = {"run": "trial", "audit": "call", "answer": "output"}


def tell_unfinished(jobs: Sequence[Job], command: str) -> None:
    """Of jobs of which one has failed or was stopped: what was asked and paid by each, and how they go on.
    ``command``: how ``judgebench`` is called where they are."""
    unfinished = [job for job in jobs if job["state"] == JobState.FAILED or was_stopped(job)]
    for job in jobs if unfinished else ():
        report, progress = job.get("report") or {}, job.get("progress") or {}
        planned = count(job["planned"], _WHAT[job["kind"]])
        counted = f"{job['done']:,} of {planned} have ended"
        calls = f", {count(report['calls'], 'call')}" if "calls" in report else ""
        cost = progress.get("cost_usd") if report.get("cost_usd") is None else report["cost_usd"]
        whom = f"{_WHO[job['kind']]} {job['subject']!r}" if job["subject"] else job["kind"]
        complain(f"job {job['id']}, {whom}: {job['state']}; {counted}{calls}, {paid(cost)}")
    if unfinished:
        listed = " ".join(str(job["id"]) for job in unfinished)
        complain(f"{command} jobs resume {listed} continues where it stopped")


def exit_code(job: Job) -> int:
    """Of the command that does the same work, which has ended so."""
    if job["state"] == JobState.FAILED:
        return _BAD
    failures = (job.get("report") or {}).get("failures")  # of an audit that reached a limit
    if was_stopped(job) and not failures:
        return INTERRUPTED
    if job["kind"] == "audit":
        return 0 if job["passed"] else FAILED
    return WITHOUT_VERDICT if job["done"] < job["planned"] or _is_lacking(job) else 0


def _is_lacking(job: Job) -> bool:
    """Whether trials that ended have no verdict, or instructions no output. What is kept of its end tells, or where
    that is for admins alone, its progress."""
    report, progress = job.get("report"), job.get("progress") or {}
    if report is None or "planned" not in report:
        return bool(progress.get("without_verdict"))
    if job["kind"] == "answer":
        return bool(report.get("pending") or report.get("failed"))
    return bool(report["planned"] > report.get("ok", 0) + report.get("tie", 0))
