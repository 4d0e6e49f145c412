"""Have a benchmark judged, and watch: runs go on without this page, and are stopped and continued from it."""

from contextlib import suppress
from typing import Any

import streamlit as st

from app import auth, cached, filters, jobs
from app.auth import Forbidden, Role
from app.views.elements import line, problem
from judgebench.services.benchmarks import BenchmarkSummary, RunSummary
from judgebench.services.judges import find_judge
from judgebench.services.pages import CostEstimate, InputError, JudgeBenchError, Status, Study, cost_estimate, make
from judgebench.show.sentences import not_shown, unseen, within_cost
from judgebench.show.text import one_line

_POLL_S = 2.0
_ANSWERED = (Status.OK, Status.TIE)
_EMBEDDED, _SERVER = "Embedded", "Server"
_ORDERS = {"both": "Both orders", "random": "One at random", "single": "A first only"}
_RUNS_PX, _RUNS_ROWS = 320, 8


def _judge() -> dict[str, Any]:
    kind = st.segmented_control("Judge", [_EMBEDDED, _SERVER], default=_EMBEDDED, required=True, key="kind")
    if kind == _EMBEDDED:
        line("A small model inside the process: real, and weak. For trying the machine, not for ranking models.")
        return {"model": "embedded"}
    line("Any OpenAI-compatible server. Its key is read from the environment in which the app was started.")
    model, url, key, price = st.columns(4)
    given = {
        "model": model.text_input("Model", key="judge_model", max_chars=200),
        "url": url.text_input("Address", placeholder="http://127.0.0.1:8000/v1", key="judge_url"),
        "key_env": key.text_input("Variable with its key", placeholder="OPENAI_API_KEY", key="judge_key"),
        "price": price.text_input("USD per million tokens", placeholder="2.5,10", key="judge_price"),
    }
    return {field: value.strip() for field, value in given.items() if value and value.strip()}


def _design(benchmark: BenchmarkSummary) -> dict[str, Any]:
    opponents, orders, limit, cost, calls = st.columns(5)
    with opponents:
        baseline = st.selectbox(
            "Baseline", benchmark.models, index=None, placeholder="All pairs", key="against", format_func=one_line
        )
    return {
        "baseline": baseline,
        "all_pairs": baseline is None,
        "orders": orders.selectbox("Orders", list(_ORDERS), format_func=_ORDERS.__getitem__, key="orders"),
        "limit": limit.number_input("First instructions only", 1, value=None, placeholder="All", key="limit"),
        "max_cost": cost.number_input("Stop at, USD", 0.01, value=None, placeholder="No limit", key="max_cost"),
        "max_calls": calls.number_input("Stop at, calls", 1, value=None, placeholder="No limit", key="max_calls"),
    }


def _estimate(study: Study) -> CostEstimate:
    with cached.for_checking() as database, st.spinner("Counting"):
        return cost_estimate(database, study)


def _say(estimate: CostEstimate) -> None:
    plan = estimate.plan
    cost = f", at least {estimate.cost_usd:.4f} USD for the prompts" if estimate.cost_usd else ""
    others = f", {estimate.taken_over:,} will be taken over from other benchmarks" if estimate.taken_over else ""
    line(
        f"{plan.battles:,} battles of {len(plan.models)} models, {plan.trials:,} trials: {estimate.answered:,} are "
        f"answered already{others}, {estimate.calls:,} calls with about {estimate.prompt_tokens:,} prompt tokens{cost}."
    )
    limit = within_cost(estimate.cost_usd, plan.study.max_cost)
    for sentence in (*limit, *not_shown(estimate.not_shown), *unseen(estimate.unseen)):
        line(f"{sentence[0].upper()}{sentence[1:]}.")
    for model, count in plan.missing.items():
        line(f"{one_line(model)} has no output for {count:,} instructions.")


def _new_run(source: cached.Source) -> None:
    benchmark = filters.benchmark(source)
    judge = _judge()
    fields = {"benchmark": benchmark.name, "judge": judge, **_design(benchmark)}
    with st.container(horizontal=True):
        estimated = st.button("Estimate", icon=":material/calculate:")
        started = st.button("Start", icon=":material/play_arrow:")
    if estimated or started:
        with cached.for_checking() as database:
            fields["judge"] = find_judge(database, judge, where="This form")
        study = make(Study, {field: value for field, value in fields.items() if value is not None}, where="This form")
        auth.policy().check_judge(study.judge.url, study.judge.key_env)
        estimate = _estimate(study)
        _say(estimate)
        if started:
            auth.need(Role.ADMIN)
            jobs.start(cached.address(), jobs.create(cached.address(), study, estimate))


@st.fragment(run_every=_POLL_S)
def _progress() -> None:
    """What was started here, and all runs, as they are now."""
    try:
        auth.need(Role.VIEWER)  # a part that runs by itself does not pass the gate again
        runs = cached.runs(cached.source())
        st.subheader("Started here", anchor=False)
        _jobs(runs)
        st.subheader("In the database", anchor=False)
        _history(runs)
    except JudgeBenchError as error:
        problem("Runs cannot be read now.", error)


def _jobs(runs: list[RunSummary]) -> None:
    started = jobs.all_jobs(cached.address())
    if not started:
        line("No run was started from here.")
    for job in started:
        state, done = jobs.state(job), jobs.ended(job, runs)
        with st.container(border=True, key=f"job_{job.folder.name}"):
            line(
                f"{one_line(job.study.benchmark)} by {one_line(job.judge)}, {state}: {done:,} of {job.planned:,} trials"
            )
            st.progress(done / max(job.planned, 1))
            for message in filter(None, (jobs.message(job), *not_shown(jobs.parts_not_shown(job)))):
                line(one_line(message, 400))
            if state is jobs.State.RUNNING:
                st.button("Stop", key=f"stop_{job.folder.name}", on_click=_stop, args=(job,))
            elif state is jobs.State.STOPPED:
                st.button("Resume", key=f"resume_{job.folder.name}", on_click=_resume, args=(job,))


def _stop(job: jobs.Job) -> None:
    with suppress(Forbidden):  # the page is reloaded as it was
        auth.need(Role.ADMIN)
        jobs.stop(job)


def _resume(job: jobs.Job) -> None:
    with suppress(InputError):  # forbidden, or it was resumed from another window
        auth.need(Role.ADMIN)
        auth.policy().check_judge(job.study.judge.url, job.study.judge.key_env)
        jobs.start(cached.address(), job)


def _history(runs: list[RunSummary]) -> None:
    st.dataframe(
        {
            "Started, UTC": [run.started_at[:19].replace("T", " ") for run in runs],
            "Finished": [(run.finished_at or "")[:19].replace("T", " ") for run in runs],
            "Kind": [run.kind for run in runs],
            "Benchmark": [one_line(run.benchmark) for run in runs],
            "Judge": [one_line(run.judge) for run in runs],
            "Trials": [sum(run.ended.values()) for run in runs],
            "Without verdict": [sum(n for status, n in run.ended.items() if status not in _ANSWERED) for run in runs],
            "Cost, USD": [run.cost_usd for run in runs],
        },
        hide_index=True,
        placeholder="",
        height=_RUNS_PX if len(runs) > _RUNS_ROWS else "content",
        alt="All runs in the database",
    )


st.title("Runs", anchor=False)
try:
    source = filters.source()
    st.subheader("Judge a benchmark", anchor=False)
    _new_run(source)
except JudgeBenchError as error:
    problem("This cannot be run as it is.", error)
_progress()
