"""A benchmark's standing board: by which judge, against whom and among whom its new models are ranked."""

import streamlit as st

from app import auth, cached, commands, filters
from app.views import elements
from app.views.elements import line, unavailable
from judgebench import services
from judgebench.services.access import Role
from judgebench.services.benchmarks import BenchmarkSummary
from judgebench.services.pages import PROFILES, JudgeBenchError
from judgebench.services.standing import StandingBoard
from judgebench.show.glossary import explained
from judgebench.show.placement import standing_board
from judgebench.show.text import one_line


def _form(source: cached.Source, benchmark: BenchmarkSummary, now: StandingBoard | None) -> None:
    """What it is to hold, as it is now; what is left open is not held."""
    models, key = list(benchmark.models), f"standing_{benchmark.name}_{now.changed_at if now else ''}"
    judges, profiles = cached.askable(source), list(PROFILES)
    with st.form(key):
        judge = st.selectbox(
            *("Judge", judges),
            index=_place(judges, None if now is None else now.judge),
            placeholder="Choose: judge",
            key=f"{key}_judge",
            help=explained("Judge"),
            format_func=one_line,
        )
        pool = st.multiselect(
            *("Pool", models),
            default=[name for name in now.pool if name in models] if now else [],
            placeholder="Those that the judge has ranked",
            key=f"{key}_pool",
            help=explained("Pool"),
            format_func=one_line,
        )
        baseline = st.selectbox(
            *("Baseline", ["", *models]),
            index=_place(["", *models], now.baseline if now else None) or 0,
            key=f"{key}_baseline",
            help=explained("Baseline"),
            format_func=lambda name: one_line(name) or "The profile's, else the whole pool",
        )
        profile = st.selectbox(
            *("Profile", ["", *profiles]),
            index=_place(["", *profiles], now.profile if now else None) or 0,
            key=f"{key}_profile",
            help=explained("Profile"),
            format_func=lambda name: PROFILES[name].label if name else "None",
        )
        if st.form_submit_button("Hold this", type="primary", icon=":material/save:"):
            _keep(benchmark.name, judge, pool, baseline or None, profile or None)


def _place(names: list[str], name: str | None) -> int | None:
    return names.index(name) if name in names else None


def _keep(benchmark: str, judge: str | None, pool: list[str], baseline: str | None, profile: str | None) -> None:
    auth.need(Role.ADMIN)
    try:
        with cached.for_storing() as database:
            services.standing.keep(
                database, benchmark, pool=pool, judge=judge, baseline=baseline, profile=profile, anew=True
            )
    except JudgeBenchError as error:
        unavailable("It cannot be held so. Nothing was changed.", error)
    else:
        st.rerun()


def _remove(benchmark: str) -> None:
    auth.need(Role.ADMIN)
    with cached.for_storing() as database:
        services.standing.remove(database, benchmark)


def _page(source: cached.Source, benchmark: BenchmarkSummary) -> None:
    now = cached.standing(source, benchmark.name)
    for sentence in standing_board(benchmark.name, now):
        line(sentence)
    elements.links(("The leaderboard", filters.link("leaderboard")), ("Submit a model to it", filters.link("submit")))
    if auth.person().role < Role.ADMIN:
        line("What new models are ranked by is set by admins of this app.")
        return
    st.subheader("What new models are ranked by", anchor=False)
    line("Nothing is asked. Leave the pool open for all models that the judge has ranked.")
    _form(source, benchmark, now)
    if now is not None:
        if st.button("Hold none any more", icon=":material/delete:", key="remove_standing"):
            _remove(benchmark.name)
            st.rerun()
        st.code(commands.standing(benchmark.name, now), language=None, wrap_lines=True)


try:
    source = filters.source("Standing board")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title("Standing board", anchor=False, width="content")
        benchmark = filters.benchmark(source, labelled=False)
    filters.say_unknown()
    elements.tab("Standing board", benchmark.name)
    _page(source, benchmark)
except JudgeBenchError as error:
    unavailable("This cannot be shown.", error, filters.afresh("The leaderboard", "leaderboard"))
