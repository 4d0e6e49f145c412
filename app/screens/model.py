"""One model: where it stands and how surely, by category and opponent, and what it did best and worst."""

import streamlit as st

from app import cached, filters
from app.views import about, charts, elements, findings, rates, ways
from app.views.elements import line, unavailable
from judgebench.services.pages import METHODS, Choices, JudgeBenchError
from judgebench.services.profiles import Profile
from judgebench.services.scope import Scope
from judgebench.show import spread
from judgebench.show.numbers import paid, ranks, whole
from judgebench.show.seen import BesideOutputs
from judgebench.show.sentences import basis
from judgebench.show.text import count, one_line

_ROWS = 20  # outputs on a page
_SHOWN = {
    "results": "Results",
    "radar": "Radar",
    "outputs": "Outputs",
    "style": "Length and style",
    "preferences": "Distribution",
    "findings": "Findings",
    "lineage": "Lineage and history",
}


def _standing(profile: Profile) -> None:
    board, row = profile.board, profile.row
    unit = board.scale
    with st.container(horizontal=True):
        place = ranks(row.rank_lower, row.rank_upper)
        elements.metric("Rank", f"{place} of {len(board.ranked):,}" if row.rank is not None else "without a rank")
        elements.metric(METHODS[board.method].label, about.rating(board, row))
        what = row.outputs if unit == "score" else row.battles
        elements.metric("Outputs judged" if unit == "score" else "Battles", whole(what))
    if about.is_fixed(board, row):
        line(
            "It is the baseline, whose win rate is 50 by definition. "
            "What stands below by category and by opponent is of its battles with all others."
        )
    if row.flag:
        line(f"Marked: {one_line(row.flag, 400)}")


def _about(source: cached.Source, benchmark: str, profile: Profile, scope: Scope, choices: Choices) -> None:
    """Length, cost, failures, and what audits and lineage say."""
    tally = cached.beside(source, benchmark, scope, choices=choices).tallies[profile.model]
    spent = f"cost {paid(tally.cost_usd)}" if tally.cost_usd else "were free"
    cost = "" if tally.cost_usd is None else f"; the judge's replies about it {spent}"
    line(f"{about.length(tally.length)}; {count(tally.failures, 'trial')} without a verdict{cost}.")
    elements.links(("Its battles", filters.link("battles", models=profile.model)), ("Audits", filters.link("audits")))


def _parts(profile: Profile) -> None:
    unit = "score" if profile.board.scale == "score" else "rate"
    if profile.categories:
        st.subheader("By category", anchor=False)
        elements.table(
            rates.parts(
                *("Category", profile.categories),
                lambda name: filters.link("model", model=profile.model, category=name) if name else None,
                unit=unit,
            )
        )
    if profile.opponents:
        st.subheader("By opponent", anchor=False)
        line("Every name opens the two beside each other.")
        elements.table(
            rates.parts(
                *("Opponent", profile.opponents),
                lambda name: filters.link("compare", first=profile.model, second=name),
                unit=unit,
            )
        )
    for title, rows in (("Best instructions", profile.best), ("Worst instructions", profile.worst)):
        if rows:
            st.subheader(title, anchor=False)
            elements.table(
                rates.listed(
                    rows, lambda key: filters.link("instruction", instruction=key, model=profile.model), unit=unit
                )
            )


def _radar(shown: charts.Shown, profile: Profile) -> None:
    """Beside one or two others that the reader chooses."""
    if not profile.categories:
        line("No instruction of this benchmark has a category.")
        return
    others = [row.model for row in profile.board.rows if row.model != profile.model]
    beside = filters.some("Beside others", others, key="beside", none="Choose models", most=2)
    charts.radar_of(shown, (profile.model, *beside))


def _outputs(source: cached.Source, benchmark: str, profile: Profile) -> None:
    """A page at a time, as they were judged; each opens its instruction, with what others answered."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = filters.words("Instruction contains", key="text")
        order = filters.either("First", {"best": "Best", "worst": "Worst"}, key="order")
    rows = [row for row in profile.instructions if text.casefold() in row.text.casefold()]
    rows = rows if order == "best" else rows[::-1]
    pages = max(-(-len(rows) // _ROWS), 1)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        line(f"{count(len(rows), 'instruction')} on which it was judged")
        page = filters.page(pages)
    part = rows[(page - 1) * _ROWS : page * _ROWS]
    written = {row.key: cached.outputs_of(source, benchmark, row.key, profile.model) for row in part}
    elements.table(
        about.outputs(
            *(part, written, lambda key: filters.link("instruction", instruction=key, model=profile.model)),
            is_score=profile.board.scale == "score",
        )
    )
    seen = cached.seen(source, benchmark, tuple((row.key, profile.model) for row in part))
    beside = BesideOutputs(seen, cached.seen_images(source, seen))
    for row in part:
        if html := beside.markup(row.key, profile.model):
            elements.linked(row.text, filters.link("instruction", instruction=row.key, model=profile.model))
            elements.table(html)


def _findings(source: cached.Source, benchmark: str, profile: Profile) -> None:
    documents = [audit.document for audit in cached.audits(source, benchmark) if audit.model == profile.model]
    if not documents:
        line("Nobody audited it. An audit looks for outputs that cheat.")
        elements.links(("Audit it on the page Audits", filters.link("audits")))
        return
    rows = [row for document in documents for row in document["findings"] if row["model"] == profile.model]
    seen = cached.seen(source, benchmark, tuple(findings.places(rows)))
    beside = BesideOutputs(seen, cached.seen_images(source, seen))
    html = about.findings(
        *(documents, profile.model),
        lambda key: filters.link("battles", models=profile.model, instruction=key),
        lambda key: beside.markup(key, profile.model),
    )
    elements.table(html) if html else line("Its audit found nothing.")


def _lineage(shown: charts.Shown, profile: Profile) -> None:
    """Where it comes from, who else does, and how their ratings came about."""
    line(about.origin(profile.relatives))
    html = about.relatives(profile.relatives, profile.board, lambda name: filters.link("model", model=name))
    if html:
        elements.table(html)
        line("Versions of one model are of one family; their ratings as verdicts came in:")
    charts.past_of(shown, (profile.model, *(other.model for other in profile.relatives.others)))


def _shown(shown: charts.Shown, profile: Profile) -> None:
    """The part that is chosen; no other is reckoned."""
    part = filters.either("Show", _SHOWN, key="show")
    filters.say_unknown()
    if part == "results":
        _parts(profile)
    elif part == "radar":
        _radar(shown, profile)
    elif part == "outputs":
        _outputs(shown.source, shown.benchmark, profile)
    elif part == "style":
        style = cached.styles(
            shown.source, shown.benchmark, profile.model, shown.scope.category, level=profile.board.level
        )
        elements.table(about.styles(style))
        line("Outputs are counted whole; a median is of all models with outputs here, so it has no interval.")
    elif part == "preferences":
        counted = cached.distributions(shown.source, shown.benchmark, shown.scope, choices=shown.choices)
        charts.spread_of(shown, spread.histograms(counted, [profile.model]))
    elif part == "findings":
        _findings(shown.source, shown.benchmark, profile)
    else:
        _lineage(shown, profile)


try:
    source = filters.source("Model")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title("Model", anchor=False, width="content")
        benchmark = filters.benchmark(source, labelled=False)
        method = filters.method()
        with st.popover("What counts", icon=":material/tune:", width="content"):
            baseline = filters.one("Baseline", benchmark.models, key="baseline", none="Automatic")
            scope = filters.ranking(source, benchmark)
        model = filters.required("Model", benchmark.models, key="model")
    filters.say_unknown()
    elements.tab(model)
    ways.need_verdicts(source, benchmark)
    choices = Choices(method=method, baseline=baseline)
    profile = cached.profile(source, benchmark.name, model, scope, choices=choices)
except JudgeBenchError as error:
    unavailable(
        "There is nothing to show about this model yet.", error, filters.afresh("The leaderboard", "leaderboard")
    )
    st.stop()
elements.heading(model)
_standing(profile)
elements.counted_briefly(profile.board.coverage, filters.link("leaderboard"))
_about(source, benchmark.name, profile, scope, choices)
beside = cached.beside(source, benchmark.name, scope, choices=choices)
_shown(charts.Shown(source, benchmark.name, scope, choices, profile.board, beside), profile)
with st.container(border=True):
    elements.basis(basis(profile.board, commands=False))
