"""The one way in which pages have judges asked: what it takes is said first; whoever agrees leaves it to a worker."""

from collections.abc import Sequence

import streamlit as st

from app import auth, cached
from app.views.elements import line, problem
from judgebench import services
from judgebench.services.access import Role
from judgebench.services.jobs import Job
from judgebench.services.pages import CostEstimate, JudgeBenchError
from judgebench.services.web_studies import check_asked, check_resumed
from judgebench.show.placement import billed
from judgebench.show.text import count


@st.dialog("Ask the judges?", width="medium")
def confirm(plan: Sequence[str], estimates: Sequence[CostEstimate]) -> None:
    """``plan``: who is asked about what, in sentences. What it costs, or that nobody knows, is said here."""
    bill = services.placement.bill(estimates)
    for sentence in (*plan, *billed(bill)):
        line(sentence)
    label = f"Ask {count(bill.calls, 'question')}" if bill.calls else f"Store {count(bill.decided, 'verdict')}"
    if not (bill.calls or bill.decided) or not st.button(label, type="primary", key="ask"):
        return
    try:
        start(estimates)
    except JudgeBenchError as error:
        problem("Nothing was started.", error)
        return
    st.rerun()


def start(estimates: Sequence[CostEstimate]) -> None:
    """A job for each judge that has something to do: for all of them, or for none.

    Raises Forbidden, and InputError where one may not be asked, or is being asked the same already.
    """
    auth.need(Role.ADMIN)
    policy = auth.policy()
    with cached.for_storing() as database:
        for estimate in estimates:
            check_asked(database, estimate.plan.study.judge, policy)
        services.jobs.queue_runs(database, services.placement.unfinished(estimates))


def resume(job: Job) -> None:
    """Continue a job that was stopped. Raises as ``start``."""
    auth.need(Role.ADMIN)
    with cached.for_storing() as database:
        check_resumed(database, job, auth.policy())
        services.jobs.resume(database, job.id)
