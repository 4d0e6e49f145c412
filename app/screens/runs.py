"""Have a benchmark judged, and watch: runs go on without this page, and are stopped and continued from it."""

from contextlib import suppress
from typing import Any

import streamlit as st

from app import choosing, data, jobs, who
from app.access import Forbidden, Role
from app.text import line, name, problem
from judgebench import engine, services
from judgebench.errors import InputError, JudgeBenchError
from judgebench.records import Status
from judgebench.services.benchmarks import BenchmarkSummary
from judgebench.services.runs import RunSummary
from judgebench.spec.study import Study, make_study

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
    opponents, orders, limit, cost = st.columns(4)
    with opponents:
        baseline = st.selectbox(
            "Baseline", benchmark.models, index=None, placeholder="All pairs", key="against", format_func=name
        )
    return {
        "baseline": baseline,
        "all_pairs": baseline is None,
        "orders": orders.selectbox("Orders", list(_ORDERS), format_func=_ORDERS.__getitem__, key="orders"),
        "limit": limit.number_input("First instructions only", 1, value=None, placeholder="All", key="limit"),
        "max_cost": cost.number_input("Stop at, USD", 0.01, value=None, placeholder="No limit", key="max_cost"),
    }


def _estimate(wanted: Study) -> engine.plan.CostEstimate:
    with data.for_checking() as database, st.spinner("Counting"):
        return engine.plan.estimate(database, wanted)


def _say(found: engine.plan.CostEstimate) -> None:
    plan = found.plan
    cost = "" if found.cost_usd is None else f", at least {found.cost_usd:.4f} USD for the prompts"
    line(
        f"{plan.battles:,} battles of {len(plan.models)} models, {plan.trials:,} trials: {found.answered:,} are "
        f"answered already, {found.calls:,} calls with about {found.prompt_tokens:,} prompt tokens{cost}."
    )
    for model, count in plan.missing.items():
        line(f"{name(model)} has no output for {count:,} instructions.")


def _new_run(source: data.Source) -> None:
    benchmark = choosing.benchmark(source)
    judge = _judge()
    fields = {"benchmark": benchmark.name, "judge": judge, **_design(benchmark)}
    with st.container(horizontal=True):
        asked = st.button("Estimate", icon=":material/calculate:")
        started = st.button("Start", icon=":material/play_arrow:")
    if asked or started:
        with data.for_checking() as database:
            fields["judge"] = services.judges.find_judge(database, judge, where="This form")
        wanted = make_study({field: value for field, value in fields.items() if value is not None}, where="This form")
        who.policy().check_judge(wanted.judge.url, wanted.judge.key_env)
        found = _estimate(wanted)
        _say(found)
        if started:
            who.need(Role.ADMIN)
            jobs.start(data.address(), jobs.create(data.address(), wanted, found))


@st.fragment(run_every=_POLL_S)
def _progress() -> None:
    """What was started here, and all runs, as they are now."""
    try:
        who.need(Role.VIEWER)  # a part that runs by itself does not pass the gate again
        runs = data.runs(data.source())
        st.subheader("Started here", anchor=False)
        _jobs(runs)
        st.subheader("In the database", anchor=False)
        _history(runs)
    except JudgeBenchError as error:
        problem("Runs cannot be read now.", error)


def _jobs(runs: list[RunSummary]) -> None:
    found = jobs.all_jobs(data.address())
    if not found:
        line("No run was started from here.")
    for job in found:
        state, done = jobs.state(job), jobs.ended(job, runs)
        with st.container(border=True, key=f"job_{job.folder.name}"):
            line(f"{name(job.study.benchmark)} by {name(job.judge)}, {state}: {done:,} of {job.planned:,} trials")
            st.progress(done / max(job.planned, 1))
            said = jobs.message(job)
            if said:
                line(name(said, 400))
            if state is jobs.State.RUNNING:
                st.button("Stop", key=f"stop_{job.folder.name}", on_click=_stop, args=(job,))
            elif state is jobs.State.STOPPED:
                st.button("Resume", key=f"resume_{job.folder.name}", on_click=_resume, args=(job,))


def _stop(job: jobs.Job) -> None:
    with suppress(Forbidden):  # the page is reloaded as it was
        who.need(Role.ADMIN)
        jobs.stop(job)


def _resume(job: jobs.Job) -> None:
    with suppress(InputError):  # forbidden, or it was resumed from another window
        who.need(Role.ADMIN)
        who.policy().check_judge(job.study.judge.url, job.study.judge.key_env)
        jobs.start(data.address(), job)


def _history(runs: list[RunSummary]) -> None:
    st.dataframe(
        {
            "Started, UTC": [run.started_at[:19].replace("T", " ") for run in runs],
            "Finished": [(run.finished_at or "")[:19].replace("T", " ") for run in runs],
            "Kind": [run.kind for run in runs],
            "Benchmark": [name(run.benchmark) for run in runs],
            "Judge": [name(run.judge) for run in runs],
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
    found = choosing.source()
    st.subheader("Judge a benchmark", anchor=False)
    _new_run(found)
except JudgeBenchError as error:
    problem("This cannot be run as it is.", error)
_progress()
