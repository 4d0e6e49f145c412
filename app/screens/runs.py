"""Have a benchmark judged, and watch: runs go on without this page, and are stopped and continued from it."""

import re
from collections.abc import Mapping
from typing import Any

import streamlit as st

from app import auth, cached, filters, jobs
from app.auth import Role
from app.views import asking, elements, progress
from app.views.elements import line, problem
from judgebench.services import placement
from judgebench.services.benchmarks import BenchmarkSummary, RunSummary
from judgebench.services.judges import find_judge
from judgebench.services.pages import CostEstimate, JudgeBenchError, Status, Study, cost_estimate, make
from judgebench.show.glossary import explained
from judgebench.show.numbers import fixed
from judgebench.show.sentences import not_shown, unseen
from judgebench.show.text import one_line

_ANSWERED = (Status.OK, Status.TIE)
_BETWEEN = re.compile(r"[\s,]+")  # addresses of one judge
_EMBEDDED, _SERVER = "Embedded", "Server"
_ORDERS = {"both": "Both orders", "random": "One at random", "single": "A first only"}
_SAME = "A known judge is the same at this new address, which is remembered"


def _judge() -> dict[str, Any]:
    kind = st.segmented_control(
        "Judge", [_EMBEDDED, _SERVER], default=_EMBEDDED, required=True, key="kind", help=explained("Judge")
    )
    if kind == _EMBEDDED:
        line("A small model inside the process: real, and weak. For trying the machine, not for ranking models.")
        return {"model": "embedded"}
    line("Any OpenAI-compatible server. Its key is read from the environment in which the app was started.")
    model, url, key, price = st.columns(4)
    given = {
        "model": model.text_input("Model", key="judge_model", help=explained("Model"), max_chars=200),
        "url": url.text_input(
            "Address", placeholder="http://127.0.0.1:8000/v1", key="judge_url", help=explained("Address")
        ),
        "key_env": key.text_input(
            "Variable with its key",
            placeholder="OPENAI_API_KEY",
            key="judge_key",
            help=explained("Variable with its key"),
        ),
        "price": price.text_input(
            "USD per million tokens", placeholder="2.5,10", key="judge_price", help=explained("USD per million tokens")
        ),
    }
    name, same = st.columns([1, 3], vertical_alignment="bottom")
    given["name"] = name.text_input(
        "Name of the judge", placeholder="Model and template", key="judge_name", help=explained("Name of the judge")
    )
    is_same = same.checkbox(_SAME, key="same_judge", help=explained(_SAME))
    fields: dict[str, Any] = {field: value.strip() for field, value in given.items() if value and value.strip()}
    if "url" in fields:
        fields["url"] = _BETWEEN.split(fields["url"])
    return fields | ({"same_judge": True} if is_same else {})


def _design(benchmark: BenchmarkSummary) -> dict[str, Any]:
    opponents, orders, limit, cost, calls = st.columns(5)
    with opponents:
        baseline = st.selectbox(
            "Baseline",
            benchmark.models,
            index=None,
            placeholder="All pairs",
            key="against",
            help=explained("Baseline"),
            format_func=one_line,
        )
    return {
        "baseline": baseline,
        "all_pairs": baseline is None,
        "orders": orders.selectbox(
            "Orders", list(_ORDERS), format_func=_ORDERS.__getitem__, key="orders", help=explained("Orders")
        ),
        "limit": limit.number_input(
            "First instructions only",
            1,
            value=None,
            placeholder="All",
            key="limit",
            help=explained("First instructions only"),
        ),
        "max_cost": cost.number_input(
            *("Stop at, USD", 0.01),
            value=None,
            placeholder=f"{placement.CAP_USD:g}",
            key="max_cost",
            help=explained("Stop at, USD"),
        ),
        "max_calls": calls.number_input(
            "Stop at, calls", 1, value=None, placeholder="No limit", key="max_calls", help=explained("Stop at, calls")
        ),
    }


def _estimate(study: Study) -> CostEstimate:
    with cached.for_checking() as database, st.spinner("Counting"):
        return cost_estimate(database, study)


def _sentences(estimate: CostEstimate) -> list[str]:
    """What is asked, and what is left out."""
    plan = estimate.plan
    matter = f"{plan.outputs:,} outputs" if plan.outputs else f"{plan.battles:,} battles"
    others = f", {estimate.taken_over:,} will be taken over from other benchmarks" if estimate.taken_over else ""
    return [
        f"{one_line(plan.resolved.judge.name)}: {matter} of {len(plan.models)} models, {plan.trials:,} trials: "
        f"{estimate.answered:,} are answered already{others}.",
        *(f"{words[0].upper()}{words[1:]}." for words in (*not_shown(estimate.not_shown), *unseen(estimate.unseen))),
        *(f"{one_line(model)} has no output for {count:,} instructions." for model, count in plan.missing.items()),
    ]


def _new_run(source: cached.Source) -> None:
    benchmark = filters.benchmark(source)
    judge = _judge()
    fields = {"benchmark": benchmark.name, "judge": judge, **_design(benchmark)}
    if st.button("Estimate and start", icon=":material/play_arrow:", key="estimate"):
        auth.need(Role.ADMIN)  # counting takes the server's time, and looks at what asking would cost
        estimate = _estimate(_study(fields))
        asking.confirm(_sentences(estimate), [estimate])


def _study(fields: Mapping[str, Any]) -> Study:
    """As the form has it, with a limit where a price is known. Raises InputError."""
    with cached.for_checking() as database:
        judge = find_judge(database, fields["judge"], where="This form")
    auth.policy().check_asked(judge)
    placement.check_cap([judge], fields["max_cost"])
    full = {**fields, "judge": judge, "max_cost": placement.cap_of(judge, fields["max_cost"])}
    return make(Study, {name: value for name, value in full.items() if value is not None}, where="This form")


def _progress(started: list[jobs.Job]) -> bool:
    """What was started here, and all runs, as they are now. Returns whether something goes on."""
    now = cached.source()
    runs = cached.runs(now)
    st.subheader("Started here", anchor=False)
    if not started:
        line("No run was started from here.")
    goes_on = progress.shown(started, runs)
    st.subheader("In the database", anchor=False)
    _history(runs)
    return goes_on


def _history(runs: list[RunSummary]) -> None:
    if not runs:
        line("Nothing was judged here yet.")
        return
    elements.values(
        {
            "Number": [run.id for run in runs],
            "Started, UTC": [run.started_at[:19].replace("T", " ") for run in runs],
            "Finished": [(run.finished_at or "")[:19].replace("T", " ") for run in runs],
            "Kind": [run.kind for run in runs],
            "Benchmark": [one_line(run.benchmark) for run in runs],
            "Judge": [one_line(run.judge) for run in runs],
            "Trials": [sum(run.ended.values()) for run in runs],
            "Without verdict": [sum(n for status, n in run.ended.items() if status not in _ANSWERED) for run in runs],
            "Cost, USD": [None if run.cost_usd is None else fixed(run.cost_usd, 4) for run in runs],
        },
        alt="All runs in the database",
    )


st.title("Runs", anchor=False)
try:
    source = filters.source()
    if auth.person().role >= Role.ADMIN:
        st.subheader("Judge a benchmark", anchor=False)
        _new_run(source)
        elements.links(filters.afresh("By what new models of a benchmark are ranked", "standing"))
    else:
        line("Starting runs is for admins of this app, as asking judges costs money. What they started stands below.")
except JudgeBenchError as error:
    problem("This cannot be run as it is.", error)
started = jobs.all_jobs(cached.address())
progress.watched(lambda: _progress(started), running=progress.are_running(started))
