"""New models judged against a benchmark's board: who is asked, what it takes, how far it is, and where they land."""

from collections.abc import Sequence
from urllib.parse import urlencode

import streamlit as st

from app import auth, cached, commands, filters
from app.entered import kept
from app.views import asking, elements, progress, ways
from app.views.board import table
from app.views.elements import line, links, unavailable
from judgebench import services
from judgebench.services.access import Role
from judgebench.services.benchmarks import RunSummary
from judgebench.services.jobs import Job
from judgebench.services.pages import Choices, JudgeBenchError
from judgebench.services.placement import CAP_USD, Placement, PlacementPlan
from judgebench.show.board import USUAL, board_lines
from judgebench.show.glossary import explained
from judgebench.show.placement import placed, planned
from judgebench.show.text import listing, one_line

_NEW = "new"  # in the address: the models


def remember(benchmark: str, models: Sequence[str]) -> None:
    """Let the address name what was just stored: it is the link that is sent to whoever starts the judging."""
    st.query_params["benchmark"] = benchmark
    st.query_params[_NEW] = list(models)


def remembered() -> list[str]:
    """The models that the address names."""
    return st.query_params.get_all(_NEW)


def section(source: cached.Source) -> None:
    """All of it, for models that the address names or that are chosen."""
    st.subheader("Judge it against the board", anchor=False)
    with st.container(horizontal=True):
        benchmark = filters.benchmark(source)
        none = "Choose models"
        models = filters.some("New models", benchmark.models, key=_NEW, none=none, width="stretch")
    filters.say_unknown()
    if not models:
        line("Choose models whose outputs are stored. They are judged as the board was, and nobody else anew.")
        return
    try:
        plan = _plan(source, benchmark.name, models)
    except JudgeBenchError as error:
        unavailable("There is no board yet to judge these against.", error)
        if not benchmark.judges:
            line("Runs gives the benchmark its first verdicts, or this command:")
            ways.to_judge(source, benchmark.name)
        return
    for sentence in planned(plan):
        line(sentence)
    elements.links(filters.afresh("The standing board, by which new models are ranked", "standing"))
    _begin(plan)
    started = _started(plan)
    progress.watched(
        lambda: progress.shown(_started(plan), cached.runs(cached.source())), running=progress.are_running(started)
    )
    _landed(source, plan, so_far=is_unfinished(started, cached.runs(cached.source())))


def _started(plan: PlacementPlan) -> list[Job]:
    """The jobs that ask about the plan's models, as they are now."""
    return [job for job in cached.jobs(("run",), plan.benchmark) if is_about(job, plan)]


def _plan(source: cached.Source, benchmark: str, models: Sequence[str]) -> PlacementPlan:
    """By the choices of whoever may start it; else as the board was judged. Raises InputError."""
    if auth.person().role < Role.ADMIN:
        return cached.placement_plan(source, benchmark, tuple(models), (), None, None, None)
    with st.expander("Judges, template, repeats, limit"):
        places = st.columns([2, 1, 1, 1])
        askable, names, nobody = cached.askable(source), cached.template_names(), list[str]()
        judges = kept(
            *(places[0].multiselect, "Judges", askable),
            key="place_judges",
            first=nobody,
            among=askable,
            placeholder="The board's",
            help=explained("Judges"),
            format_func=one_line,
        )
        template: str | None = kept(
            *(places[1].selectbox, "Template", names),
            key="place_template",
            first=None,
            index=None,
            placeholder="The judge's",
            help=explained("Template"),
            format_func=one_line,
        )
        repeats: int | None = kept(
            *(places[2].number_input, "Repeats", 1, 1000),
            key="place_repeats",
            first=None,
            value=None,
            placeholder="As judged",
            help=explained("Repeats"),
        )
        cap: float | None = kept(
            *(places[3].number_input, "Stop at, USD", 0.01),
            key="place_cost",
            first=None,
            value=None,
            placeholder=f"{CAP_USD:g}",
            help=explained("Stop at, USD"),
        )
        line("Several judges are a panel, whose verdicts are pooled and which shares the limit.")
    return cached.placement_plan(source, benchmark, tuple(models), tuple(judges), template, repeats, cap)


def _begin(plan: PlacementPlan) -> None:
    """The button that counts and asks back; for others what to send to whom."""
    if auth.person().role < Role.ADMIN:
        line(
            "Asking judges costs money, so an admin of this app must start it. Send them this link, or this command; "
            "the result stands here and on the leaderboard."
        )
        st.code(_address(plan), language=None, wrap_lines=True)
        st.code(commands.place(cached.address(), plan.benchmark, plan.models), language=None, wrap_lines=True)
        return
    if st.button("Estimate and start", icon=":material/play_arrow:", key="place"):
        auth.need(Role.ADMIN)
        for study in plan.studies:
            auth.policy().check_asked(study.judge)
        with cached.for_checking() as database, st.spinner("Counting"):
            estimates = services.placement.estimates(database, plan)
        asking.confirm(planned(plan), estimates)


def _address(plan: PlacementPlan) -> str:
    words = urlencode([("benchmark", plan.benchmark), *((_NEW, model) for model in plan.models)])
    return f"{st.context.url or 'submit'}?{words}"


def is_about(job: Job, plan: PlacementPlan) -> bool:
    """Whether the job asks about the plan's models."""
    study = job.specification["study"]
    about = {*study.get("models", ()), *(name for pair in study.get("pairs", ()) for name in pair[:1])}
    return job.benchmark == plan.benchmark and bool(about & {*plan.models})


def is_unfinished(started: Sequence[Job], runs: Sequence[RunSummary]) -> bool:
    """Whether a job runs, or was stopped before all was asked, by it or by later runs."""
    return progress.are_running(started) or any(services.jobs.done(job, runs) < job.planned for job in started)


def _landed(source: cached.Source, plan: PlacementPlan, *, so_far: bool) -> None:
    """Where the models stand by the verdicts so far, marked on the board."""
    placement = cached.placement(source, plan)
    if placement.board is None or not placement.rows:
        line("They appear on the board here once judges have answered.")
        return
    if so_far:
        line("Not all was judged yet: ranks are of what was judged so far, and may change.")
    for sentence in placed(placement):
        line(sentence)
    links((f"{listing(plan.models)} on the leaderboard", leaderboard_link(plan)))
    _board(source, placement)


def leaderboard_link(plan: PlacementPlan) -> str:
    """The leaderboard by the judges that rank here, with the new models marked."""
    judges, models = (("judges", name) for name in plan.judges), ((_NEW, name) for name in plan.models)
    return f"leaderboard?{urlencode([('benchmark', plan.benchmark), *judges, *models])}"


def _board(source: cached.Source, placement: Placement) -> None:
    board, plan = placement.board, placement.plan
    if board is None:
        return
    choices = Choices(method="score") if board.scale == "score" else Choices()
    beside = cached.beside(source, plan.benchmark, plan.scope, choices=choices)
    lines = board_lines(board, beside, USUAL)
    elements.counted(board.coverage, "app: nothing")
    elements.table(table(lines, lambda model: filters.link("model", model=model), new=plan.models))
