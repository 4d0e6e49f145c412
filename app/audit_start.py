"""Audits are started here: what each asks for, what it would take, and its job, which outlives the page.

What asks a judge costs money and is for administrators, with an estimate first and a limit. What only reads takes the
server's time, and is for whoever may submit.
"""

from typing import Any

import streamlit as st

from app import auth, cached, commands, filters
from app.entered import kept
from app.views import elements
from app.views.elements import line, problem
from judgebench import services
from judgebench.services.access import Role
from judgebench.services.audits.registry import Audit, AuditSettings
from judgebench.services.benchmarks import BenchmarkSummary
from judgebench.services.jobs import Job
from judgebench.services.judges import find_judge
from judgebench.services.pages import JudgeBenchError
from judgebench.services.web_studies import check_asked, check_resumed
from judgebench.show.glossary import explained
from judgebench.show.sentences import audit_estimate
from judgebench.show.text import one_line

_CALLS = 500  # an audit from the page stops there, unless more is allowed
_LIMIT, _FEW = 100, 30  # instructions at most, of null models and of changed outputs
_EXCHANGED = "Have a judge compare outputs exchanged between so many instructions"
_DEFENCES = "Also measure each defence, beside the judge as it is"
_ESTIMATED = "audit that was estimated"  # of the session: its settings


def form(source: cached.Source, audit: Audit, benchmark: BenchmarkSummary) -> None:
    """What the audit asks for, its estimate, its button, and the command that does the same."""
    settings = _settings(source, audit, benchmark)
    role = needed(settings)
    may = auth.person().role >= role
    if not may:
        what = "asks a judge, which costs money" if role is Role.ADMIN else "takes the server's time"
        line(f"This {what}: it needs the role {role.name.lower()}, which you do not have. In a terminal it is:")
    elif role is Role.ADMIN:
        _with_estimate(audit, settings)
    elif st.button("Start", key=f"start_{audit.name}", icon=":material/play_arrow:"):
        _try(audit, settings, starts=True)
    st.code(command(audit, settings), language=None, wrap_lines=True)


def needed(settings: dict[str, Any]) -> Role:
    """The role that may start it."""
    return Role.ADMIN if settings.get("judge") else Role.SUBMITTER


def command(audit: Audit, settings: dict[str, Any]) -> str:
    """The same in a terminal."""
    return audit.command_of(list(commands.audit_flags(settings)))


def _with_estimate(audit: Audit, settings: dict[str, Any]) -> None:
    """The two buttons; a start needs the estimate of these very settings."""
    estimated = st.session_state.get(_ESTIMATED) == (audit.name, settings)
    with st.container(horizontal=True):
        estimates = st.button("Estimate", key=f"estimate_{audit.name}", icon=":material/calculate:")
        starts = st.button(
            *("Start",),
            key=f"start_{audit.name}",
            icon=":material/play_arrow:",
            disabled=not estimated,
            help=None if estimated else "Estimate first what it takes",
        )
    if estimates or starts or estimated:
        _try(audit, settings, starts=starts)
    if estimates:
        st.session_state[_ESTIMATED] = (audit.name, settings)
        st.rerun()


def _try(audit: Audit, settings: dict[str, Any], *, starts: bool) -> None:
    """Say what it takes, and start it where that is wanted."""
    try:
        auth.need(needed(settings))
        checked = _checked(audit, settings)
        with cached.for_checking() as database, st.spinner("Counting"):
            estimate = services.audits.estimates.estimate(database, checked)
        for sentence in audit_estimate(estimate):
            line(sentence)
        if starts:
            with cached.for_storing() as database:
                services.jobs.queue_audit(database, audit.name, settings, estimate)
            st.session_state.pop(_ESTIMATED, None)
            st.rerun()
    except JudgeBenchError as error:
        problem("It cannot be started as it is.", error)
        if settings.get("judge"):
            elements.links(("Say on Runs where this judge is reached", filters.link("runs")))


def _checked(audit: Audit, settings: dict[str, Any]) -> AuditSettings:
    """Raises JudgeBenchError where it cannot be done as it is, or its judge may not be asked."""
    filled: dict[str, Any] = {name: value for name, value in settings.items() if value not in (None, ())}
    if settings.get("judge"):
        with cached.for_checking() as database:
            filled["judge"] = find_judge(database, {"model": settings["judge"]}, where="This form")
            check_asked(database, filled["judge"], auth.policy())
    return audit.fill(filled)


def resume(job: Job) -> None:
    """Continue it. Raises InputError where it is going on already, and where its judge may not be asked by now."""
    with cached.for_storing() as database:
        check_resumed(database, job, auth.policy())
        services.jobs.resume(database, job.id)


def _settings(source: cached.Source, audit: Audit, benchmark: BenchmarkSummary) -> dict[str, Any]:
    """As the widgets have them; an audit of another package takes what it usually takes."""
    chosen: dict[str, Any] = {"benchmark": benchmark.name}
    if audit.name == "submissions":
        return chosen | _submissions(source, benchmark)
    if audit.name == "null-models":
        return chosen | _null_models(source, benchmark)
    if audit.name == "robustness":
        return chosen | _robustness(source, benchmark)
    return chosen


def _submissions(source: cached.Source, benchmark: BenchmarkSummary) -> dict[str, Any]:
    none: list[str] = []
    models = kept(
        *(st.multiselect, "Models", benchmark.models),
        key="audit_models",
        first=none,
        among=benchmark.models,
        placeholder="All",
        help=explained("Models"),
        format_func=one_line,
        max_selections=20,
    )
    exchanges = kept(*(st.number_input, _EXCHANGED, 0, 500), key="audit_permuted", first=0, help=explained(_EXCHANGED))
    chosen: dict[str, Any] = {"model": tuple(models)}
    if exchanges:
        chosen |= {"permuted": exchanges, "judge": _judge(source, benchmark, "submissions"), **_limits("submissions")}
    return chosen


def _null_models(source: cached.Source, benchmark: BenchmarkSummary) -> dict[str, Any]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        judge = _judge(source, benchmark, "nulls")
        baseline = _model("Baseline", benchmark, "nulls_baseline", none="Automatic")
        limit = _number("Instructions at most", "nulls_limit", _LIMIT)
        limits = _limits("nulls")
        defences = kept(st.checkbox, _DEFENCES, key="nulls_defences", first=False, help=explained(_DEFENCES))
    return {"judge": judge, "baseline": baseline, "limit": limit, "defences": defences, **limits}


def _robustness(source: cached.Source, benchmark: BenchmarkSummary) -> dict[str, Any]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        judge = _judge(source, benchmark, "robust")
        model = _model("Change the outputs of", benchmark, "robust_model")
        others = [name for name in benchmark.models if name != model]
        opponent = kept(
            *(st.selectbox, "They meet", others),
            key="robust_opponent",
            first=others[0] if others else None,
            among=others,
            help=explained("They meet"),
            format_func=one_line,
            width=filters.WIDTH_PX,
        )
        limit = _number("Instructions", "robust_limit", _FEW)
        limits = _limits("robust")
    return {"judge": judge, "model": model, "opponent": opponent, "limit": limit, **limits}


def _judge(source: cached.Source, benchmark: BenchmarkSummary, key: str) -> str | None:
    """One that has judged here, or one at hand."""
    names = list(dict.fromkeys((*benchmark.judges, cached.judge_at_hand(source, benchmark.name))))
    linked = st.query_params.get("judge")
    is_named = linked in names  # by a link, which asks for this judge whoever was chosen before
    return kept(
        *(st.selectbox, "Judge", names),
        key=f"{key}_judge_{linked}" if is_named else f"{key}_judge",
        first=linked if is_named else names[0],
        among=names,
        help=explained("Judge"),
        format_func=one_line,
        width=filters.WIDTH_PX,
    )


def _model(label: str, benchmark: BenchmarkSummary, key: str, *, none: str | None = None) -> str | None:
    return kept(
        *(st.selectbox, label, benchmark.models),
        key=key,
        first=None if none or not benchmark.models else benchmark.models[0],
        among=benchmark.models,
        index=None if none else 0,
        placeholder=none,
        help=explained(label),
        format_func=one_line,
        width=filters.WIDTH_PX,
    )


def _number(label: str, key: str, value: int) -> int:
    return kept(
        *(st.number_input, label, 2, 10_000), key=key, first=value, help=explained(label), width=filters.WIDTH_PX
    )


def _limits(key: str) -> dict[str, Any]:
    calls = kept(
        *(st.number_input, "Stop at, calls", 1),
        key=f"{key}_calls",
        first=_CALLS,
        help=explained("Stop at, calls"),
        width=filters.WIDTH_PX,
    )
    cost: float | None = kept(
        *(st.number_input, "Stop at, USD", 0.01),
        key=f"{key}_cost",
        first=None,
        value=None,
        placeholder="No limit",
        help=explained("Stop at, USD"),
        width=filters.WIDTH_PX,
    )
    return {"max_calls": calls, "max_cost": cost}
