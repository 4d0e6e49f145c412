"""The one way in which pages have judges asked: what it takes is said first, and whoever agrees starts it."""

from collections.abc import Sequence

import streamlit as st

from app import auth, cached, jobs
from app.auth import Role
from app.views.elements import line, problem
from judgebench import services
from judgebench.services.pages import CostEstimate, InputError, JudgeBenchError, Study
from judgebench.show.placement import billed


@st.dialog("Ask the judges?", width="medium")
def confirm(plan: Sequence[str], estimates: Sequence[CostEstimate]) -> None:
    """``plan``: who is asked about what, in sentences. What it costs, or that nobody knows, is said here."""
    bill = services.placement.bill(estimates)
    for sentence in (*plan, *billed(bill)):
        line(sentence)
    label = f"Ask {bill.calls:,} questions" if bill.calls else f"Store {bill.decided:,} verdicts"
    if not (bill.calls or bill.decided) or not st.button(label, type="primary", key="ask"):
        return
    try:
        start(estimates)
    except JudgeBenchError as error:
        problem("Nothing was started.", error)
        return
    st.rerun()


def start(estimates: Sequence[CostEstimate]) -> None:
    """A process for each judge that has something to do. All are looked at before the first is started.

    Raises Forbidden, and InputError where one may not be asked, or is being asked the same already.
    """
    auth.need(Role.ADMIN)
    address, policy = cached.address(), auth.policy()
    with jobs.STARTING:
        for estimate in estimates:
            policy.check_asked(estimate.plan.study.judge)
            refuse_twin(address, estimate.plan.study, estimate.plan.resolved.judge.name)
        created = [
            jobs.create(address, estimate.plan.study, estimate)
            for estimate in estimates
            if estimate.calls or estimate.taken_over or estimate.identical
        ]
        for job in created:
            jobs.start(address, job)


def resume(job: jobs.Job) -> None:
    """Continue a job that was stopped. Raises as ``start``."""
    auth.need(Role.ADMIN)
    auth.policy().check_asked(job.study.judge)
    with jobs.STARTING:
        refuse_twin(cached.address(), job.study, job.judge)
        jobs.start(cached.address(), job)


def refuse_twin(address: str, study: Study, judge: str) -> None:
    """Raises InputError where the judge is being asked about these models already, whatever the limits are."""
    for job in jobs.all_jobs(address):
        if job.judge == judge and is_twin(job.study, study) and jobs.state(job) is jobs.State.RUNNING:
            raise InputError("this judge is being asked about these models already: wait for it, or stop it on Runs")


def is_twin(one: Study, other: Study) -> bool:
    """Whether two studies by the same judge ask some of the same: those of pairs a pair, others a model."""
    if one.benchmark != other.benchmark:
        return False
    if one.pairs and other.pairs:
        return not {frozenset(pair) for pair in one.pairs}.isdisjoint(frozenset(pair) for pair in other.pairs)
    mine, theirs = _models(one), _models(other)
    return not mine or not theirs or not mine.isdisjoint(theirs)


def _models(study: Study) -> set[str]:
    """Empty: all."""
    return {*study.models, *(model for pair in study.pairs for model in pair)}
