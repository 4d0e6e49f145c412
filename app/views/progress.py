"""How far jobs are: done, rate, time left, cost and failures, with what stops and resumes them.

``watched`` draws a part of a page again every two seconds, for as long as something goes on there.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress

import streamlit as st

from app import auth, jobs
from app.auth import Forbidden, Role
from app.views import asking
from app.views.elements import line, problem
from judgebench.services.benchmarks import RunSummary
from judgebench.services.pages import InputError, JudgeBenchError
from judgebench.show.numbers import amount, duration
from judgebench.show.sentences import not_shown
from judgebench.show.text import one_line

_POLL_S = 2.0


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


def are_running(listed: Sequence[jobs.Job]) -> bool:
    return any(jobs.state(job) is jobs.State.RUNNING for job in listed)


def shown(listed: Sequence[jobs.Job], runs: Sequence[RunSummary]) -> bool:
    """Each job in a box. Returns whether one is running."""
    for job in listed:
        _box(job, runs)
    return are_running(listed)


def _box(job: jobs.Job, runs: Sequence[RunSummary]) -> None:
    state, progress = jobs.state(job), jobs.progress(job, runs)
    with st.container(border=True, key=f"job_{job.folder.name}"):
        line(f"{one_line(job.study.benchmark)} by {one_line(job.judge)}, {state}: {words(progress)}")
        st.progress(progress.done / max(progress.planned, 1))
        for message in filter(None, (told(job), *not_shown(jobs.parts_not_shown(job)))):
            line(one_line(message, 400))
        if auth.person().role < Role.ADMIN:
            return
        if state is jobs.State.RUNNING:
            st.button("Stop", key=f"stop_{job.folder.name}", on_click=_stop, args=(job,))
        elif state is jobs.State.STOPPED:
            st.button("Resume", key=f"resume_{job.folder.name}", on_click=_resume, args=(job,))


def told(job: jobs.AnyJob) -> str:
    """What its process said last, which may hold addresses and replies of servers: to admins alone. Others are told
    that it ended before its end."""
    message = jobs.message(job)
    if not message or auth.person().role >= Role.ADMIN:
        return message
    return "It ended with an error, which admins can read." if jobs.state(job) is jobs.State.STOPPED else ""


def words(progress: jobs.Progress) -> str:
    """``84 of 400 trials, 72 a second, 4 s left, 0.65 USD, 2 without a verdict``; while nothing was answered, what
    is waited for."""
    parts = [f"{progress.done:,} of {progress.planned:,} trials"]
    if progress.unanswered_s is not None:
        parts.append(f"the judge has not answered yet, {duration(progress.unanswered_s)} after the start")
    if progress.is_starting:
        parts.append("nothing is asked yet: its process starts and reads what is to be asked")
    if progress.a_second is not None:
        parts.append(f"{progress.a_second:.3g} a second")
    if progress.left_s is not None:
        parts.append(f"{duration(progress.left_s)} left")
    if progress.cost_usd is not None:
        parts.append(amount(progress.cost_usd, "USD"))
    if progress.without_verdict:
        parts.append(f"{progress.without_verdict:,} without a verdict")
    return ", ".join(parts)


def _stop(job: jobs.Job) -> None:
    with suppress(Forbidden):  # the page is reloaded as it was
        auth.need(Role.ADMIN)
        jobs.stop(job)


def _resume(job: jobs.Job) -> None:
    with suppress(InputError):  # forbidden, or it goes on in another window
        asking.resume(job)
