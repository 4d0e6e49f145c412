"""Have a benchmark judged, and watch: runs go on without this page, and are stopped and continued from it."""

import re
from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import auth, cached, filters
from app.entered import kept
from app.views import asking, elements, progress
from app.views.elements import line, problem
from judgebench.services import placement
from judgebench.services.access import Role
from judgebench.services.benchmarks import BenchmarkSummary, RunSummary
from judgebench.services.jobs import JobKind
from judgebench.services.pages import CostEstimate, JudgeBenchError, Status, Study, cost_estimate
from judgebench.services.web_studies import study_of
from judgebench.show.glossary import explained
from judgebench.show.numbers import dollars
from judgebench.show.sentences import images_shown, not_shown, unseen
from judgebench.show.text import are, count, one_line, sentence

_ANSWERED = (Status.OK, Status.TIE)
_KINDS: tuple[JobKind, ...] = ("run", "answer")  # audits have a page of their own
_BETWEEN = re.compile(r"[\s,]+")  # addresses of one judge
_EMBEDDED, _SERVER = "Embedded", "Server"
_ORDERS = {"both": "Both orders", "random": "One at random", "single": "A first only"}
_SAME = "A known judge is the same at this new address, which is remembered"


def _judge() -> dict[str, Any]:
    kind = kept(
        *(st.segmented_control, "Judge", [_EMBEDDED, _SERVER]),
        key="kind",
        first=_EMBEDDED,
        required=True,
        help=explained("Judge"),
    )
    if kind == _EMBEDDED:
        line("A small model inside the process: real, and weak. For trying the machine, not for ranking models.")
        return {"model": "embedded"}
    line("Any OpenAI-compatible server. Its key is read from the environment in which the app was started.")
    model, url, key, price = st.columns(4)
    given = {
        "model": _entry(model, "Model", "judge_model", max_chars=200),
        "url": _entry(url, "Address", "judge_url", placeholder="http://127.0.0.1:8000/v1"),
        "key_env": _entry(key, "Variable with its key", "judge_key", placeholder="OPENAI_API_KEY"),
        "price": _entry(price, "USD per million tokens", "judge_price", placeholder="2.5,10"),
    }
    name, same = st.columns([1, 3], vertical_alignment="bottom")
    given["name"] = _entry(name, "Name of the judge", "judge_name", placeholder="Model and template")
    is_same = kept(same.checkbox, _SAME, key="same_judge", first=False, help=explained(_SAME))
    fields: dict[str, Any] = {field: value.strip() for field, value in given.items() if value and value.strip()}
    if "url" in fields:
        fields["url"] = _BETWEEN.split(fields["url"])
    return fields | ({"same_judge": True} if is_same else {})


def _entry(place: DeltaGenerator, label: str, key: str, **look: Any) -> str:
    return kept(place.text_input, label, key=key, first="", help=explained(label), **look)


def _template() -> str | None:
    """As a link names it, until another is chosen; None: the one that judges have."""
    names, linked = cached.template_names(), st.query_params.get("template")
    named = next((name for name in names if linked in (name, name.rpartition(".")[0])), None)
    return kept(
        *(st.selectbox, "Template", names),
        key=f"template_{named}" if named else "template",
        first=named,
        index=None,
        placeholder="The usual one",
        help=explained("Template"),
        format_func=one_line,
    )


def _design(benchmark: BenchmarkSummary) -> dict[str, Any]:
    opponents, orders, limit, cost, calls = st.columns(5)
    baseline: str | None = kept(
        *(opponents.selectbox, "Baseline", benchmark.models),
        key="against",
        first=None,
        among=benchmark.models,
        index=None,
        placeholder="All pairs",
        help=explained("Baseline"),
        format_func=one_line,
    )
    order = kept(
        *(orders.selectbox, "Orders", list(_ORDERS)),
        key="orders",
        first="both",
        format_func=_ORDERS.__getitem__,
        help=explained("Orders"),
    )
    return {
        "baseline": baseline,
        "all_pairs": baseline is None,
        "orders": order,
        "limit": _number(limit, "First instructions only", 1, "limit", none="All"),
        "max_cost": _number(cost, "Stop at, USD", 0.01, "max_cost", none=f"{placement.CAP_USD:g}"),
        "max_calls": _number(calls, "Stop at, calls", 1, "max_calls", none="No limit"),
    }


def _number(place: DeltaGenerator, label: str, least: float, key: str, *, none: str) -> float | None:
    """None where nothing is entered, shown as ``none``."""
    return kept(
        *(place.number_input, label, least), key=key, first=None, value=None, placeholder=none, help=explained(label)
    )


def _estimate(study: Study) -> CostEstimate:
    with cached.for_checking() as database, st.spinner("Counting"):
        return cost_estimate(database, study)


def _sentences(estimate: CostEstimate) -> list[str]:
    """What is asked, and what is left out."""
    plan = estimate.plan
    matter = count(plan.outputs, "output") if plan.outputs else count(plan.battles, "battle")
    shown = images_shown(estimate.images, estimate.image_tokens)
    words_about_parts = (*shown, *not_shown(estimate.not_shown), *unseen(estimate.unseen))
    others = f", {estimate.taken_over:,} will be taken over from other benchmarks" if estimate.taken_over else ""
    return [
        f"{one_line(plan.resolved.judge.name)}: {matter} of {count(len(plan.models), 'model')}, "
        f"{count(plan.trials, 'trial')}: {estimate.answered:,} {are(estimate.answered)} answered already{others}.",
        *(f"{sentence(words)}." for words in words_about_parts),
        *(
            f"{one_line(model)} has no output for {count(number, 'instruction')}."
            for model, number in plan.missing.items()
        ),
    ]


def _new_run(source: cached.Source) -> None:
    benchmark = filters.benchmark(source)
    judge, template = _judge(), _template()
    if template is not None:
        judge["template"] = template
    fields = {"benchmark": benchmark.name, "judge": judge, **_design(benchmark)}
    if st.button("Estimate and start", icon=":material/play_arrow:", key="estimate"):
        auth.need(Role.ADMIN)  # counting takes the server's time, and looks at what asking would cost
        estimate = _estimate(_study(fields))
        asking.confirm(_sentences(estimate), [estimate])


def _study(fields: Mapping[str, Any]) -> Study:
    """As the form has it, with a limit where a price is known. Raises InputError."""
    with cached.for_checking() as database:
        return study_of(database, fields, auth.policy(), where="This form")


def _progress() -> bool:
    """Jobs of workers, and all runs, as they are now. Returns whether something goes on."""
    started = cached.jobs(_KINDS)
    runs = cached.runs(cached.source())
    st.subheader("Jobs", anchor=False)
    if not started:
        line("No job was left to workers yet.")
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
            "Started, UTC": [run.started_at[:16].replace("T", " ") for run in runs],
            "Finished": [(run.finished_at or "")[:16].replace("T", " ") for run in runs],
            "Kind": [run.kind for run in runs],
            "Benchmark": [one_line(run.benchmark) for run in runs],
            "Judge": [one_line(run.judge) for run in runs],
            "Trials": [sum(run.ended.values()) for run in runs],
            "Without verdict": [sum(n for status, n in run.ended.items() if status not in _ANSWERED) for run in runs],
            "Cost, USD": [dollars(run.cost_usd) for run in runs],
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
progress.watched(_progress, running=progress.are_running(cached.jobs(_KINDS)))
