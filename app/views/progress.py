"""How far jobs are: done, rate, time left, cost and failures, with what stops and resumes them.

``watched`` draws a part of a page again every two seconds, for as long as something goes on there.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

import streamlit as st

from app import auth, cached
from app.views import asking
from app.views.elements import line, problem
from judgebench import services
from judgebench.services.access import Forbidden, Role
from judgebench.services.benchmarks import RunSummary
from judgebench.services.jobs import Job, JobState, RunProgress
from judgebench.services.pages import DatabaseError, InputError, JudgeBenchError
from judgebench.show.numbers import duration, paid
from judgebench.show.sentences import not_shown
from judgebench.show.text import count, one_line

_POLL_S = 2.0
_ENDED_EARLY = (JobState.FAILED, JobState.STOPPED)


def watched(draw: Callable[[], bool], *, running: bool, poll_s: float = _POLL_S) -> None:
    """``draw`` says whether something goes on; it is asked again while that is so, and when it ends the whole page is
    drawn anew, once."""

    @st.fragment(run_every=poll_s if running else None)
    def part() -> None:
        try:
            auth.need(Role.VIEWER)  # a part that runs by itself does not pass the gate again
            goes_on = draw()
        except JudgeBenchError as error:
            problem("Runs cannot be read now.", error)
            return
        if running and not goes_on:
            st.rerun()

    part()


def are_running(listed: Sequence[Job]) -> bool:
    """Or wait for a worker."""
    return any(job.is_open for job in listed)


def shown(listed: Sequence[Job], runs: Sequence[RunSummary]) -> bool:
    """Each job in a box. Returns whether one is running."""
    now = cached.clock()
    for job in listed:
        _box(job, runs, now)
    return are_running(listed)


def _box(job: Job, runs: Sequence[RunSummary], now: datetime) -> None:
    progress = services.jobs.progress(job, runs, now)
    with st.container(border=True, key=f"job_{job.id}"):
        line(f"{one_line(job.benchmark)} by {one_line(job.subject)}, {state(job)}: {words(progress)}")
        st.progress(progress.done / max(progress.planned, 1))
        for message in filter(None, (told(job), *not_shown(services.jobs.parts_not_shown(job)))):
            line(one_line(message, 400))
        if auth.person().role < Role.ADMIN:
            return
        if job.is_open and not job.is_stopping:
            st.button("Stop", key=f"stop_{job.id}", on_click=_stop, args=(job,))
        elif not job.is_open and job.state is not JobState.DONE:
            st.button("Resume", key=f"resume_{job.id}", on_click=_resume, args=(job,))


def state(job: Job) -> str:
    """In words."""
    return "stopping" if job.is_stopping else str(job.state)


def told(job: Job) -> str:
    """What its process said last, which may hold addresses and replies of servers: to admins alone. Others are told
    that it ended before its end."""
    if not job.message:
        return "No worker has taken it yet." if job.state is JobState.QUEUED else ""
    if auth.person().role >= Role.ADMIN:
        return job.message
    return "It ended with an error, which admins can read." if job.state in _ENDED_EARLY else ""


def words(progress: RunProgress) -> str:
    """``84 of 400 trials, 72 a second, 4 s left, 0.65 USD, 2 without a verdict``; while nothing was answered, what
    is waited for."""
    parts = [f"{progress.done:,} of {count(progress.planned, 'trial')}"]
    if progress.unanswered_s is not None:
        parts.append(f"the judge has not answered yet, {duration(progress.unanswered_s)} after the start")
    if progress.is_starting:
        parts.append("nothing is asked yet: its process starts and reads what is to be asked")
    if progress.a_second is not None:
        parts.append(f"{progress.a_second:.3g} a second")
    if progress.left_s is not None:
        parts.append(f"{duration(progress.left_s)} left")
    if progress.cost_usd is not None:
        parts.append(paid(progress.cost_usd))
    if progress.without_verdict:
        parts.append(f"{progress.without_verdict:,} without a verdict")
    return ", ".join(parts)


def _stop(job: Job) -> None:
    with suppress(Forbidden, DatabaseError):  # the page is drawn anew, and says what is away
        auth.need(Role.ADMIN)
        stop(job)


def stop(job: Job) -> None:
    """In the name of whoever looks at the page, whose role was looked at."""
    with cached.for_storing() as database:
        services.jobs.stop(database, job.id)


def _resume(job: Job) -> None:
    with suppress(InputError, DatabaseError):  # forbidden, or it goes on in another window
        asking.resume(job)
