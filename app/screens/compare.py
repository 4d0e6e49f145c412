"""Two models beside each other: wins, losses and ties, by category, and every battle, by how surely it was won."""

import streamlit as st

from app import cached, filters
from app.views import charts, elements, rates
from app.views.elements import line, unavailable
from judgebench.services.pages import Choices, JudgeBenchError
from judgebench.services.profiles import BattleOfTwo, Comparison
from judgebench.services.scope import Scope
from judgebench.show import versions
from judgebench.show.numbers import estimate
from judgebench.show.text import count, one_line, sentence

_ROWS = 50  # on a page
_ORDERS = {"won": "Won", "lost": "Lost", "differing": "Orders differ"}


def _whole(comparison: Comparison) -> None:
    whole = comparison.whole
    if not comparison.met:  # there is no battle between them to count
        elements.heading(f"{comparison.first} beside {comparison.second}")
        return
    elements.heading(f"{comparison.first} against {comparison.second}")
    with st.container(horizontal=True):
        elements.metric("Win rate", estimate(whole.estimate, "rate"))
        for label, number in (("Won", whole.wins), ("Lost", whole.losses), ("Tied", whole.ties)):
            elements.metric(label, f"{number:,}")
    if comparison.categories:
        st.subheader("By category", anchor=False)
        elements.table(
            rates.parts(
                *("Category", comparison.categories),
                lambda name: filters.link("compare", **_pair(comparison), category=name) if name else None,
                unit="rate",
            )
        )


def _change(comparison: Comparison) -> None:
    """The second as a new version of the first."""
    st.subheader("What changed", anchor=False)
    sentences = (*versions.sentences(comparison), *versions.estimates(comparison))
    names = one_line(comparison.first), one_line(comparison.second)
    elements.lines(words if words.startswith(names) else sentence(words) for words in sentences)
    change = comparison.change
    if change.categories:
        headings = (heading.capitalize() for heading in versions.category_headings(change))
        columns = zip(*versions.category_cells(change), strict=True)
        elements.values(dict(zip(headings, columns, strict=True)), alt="What changed by category")
    sizes = [size for size in versions.flip_sizes(change) if any(size[1:])]
    if sizes:
        margins, negative, positive = zip(*sizes, strict=True)
        elements.values(
            {"Margin": margins, "Negative flips": negative, "Positive flips": positive}, alt="Flips by their margin"
        )


def _round(source: cached.Source, benchmark: str, scope: Scope, models: tuple[str, str]) -> None:
    """Both on the leaderboard's terms, where it ranks them by win rates: against its baseline, or all. Beside the
    baseline, which is not drawn, only the other one would be left."""
    choices = Choices()
    try:
        board = cached.leaderboard(source, benchmark, scope, choices=choices)
        beside = cached.beside(source, benchmark, scope, choices=choices)
    except JudgeBenchError:  # of scores: the two are compared all the same
        return
    names = [row.model for row in board.rows if row.model in models and row.model != board.baseline]
    if len(names) < len(models):
        return
    st.subheader("By category, on the leaderboard's terms", anchor=False)
    charts.radar_of(charts.Shown(source, benchmark, scope, choices, board, beside), names)


def _pair(comparison: Comparison) -> dict[str, str]:
    return {"first": comparison.first, "second": comparison.second}


def _battles(comparison: Comparison) -> None:
    """Every battle, a page at a time; each opens what both wrote and what judges said."""
    st.subheader("Battles" if comparison.met else "Instructions", anchor=False)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        text = filters.words("Instruction contains", key="text")
        orders = _ORDERS if comparison.met else {name: _ORDERS[name] for name in ("won", "lost")}
        order = filters.either("First", orders, key="order")
    rows = [battle for battle in comparison.battles if text.casefold() in battle.text.casefold()]
    if order == "lost":
        rows.reverse()
    if order == "differing":
        rows = sorted(rows, key=_swing, reverse=True)
    pages = max(-(-len(rows) // _ROWS), 1)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        line(count(len(rows), "battle" if comparison.met else "instruction"))
        page = filters.page(pages)
    shown = rows[(page - 1) * _ROWS : page * _ROWS]
    names = comparison.first, comparison.second
    elements.table(rates.of_two(shown, _battle_link(comparison), names=names, met=comparison.met))


def _swing(battle: BattleOfTwo) -> float:
    """How much the place of the outputs changed the preference."""
    ends = battle.shown_first, battle.shown_second
    return -1.0 if ends[0] is None or ends[1] is None else abs(ends[0] - ends[1])


def _battle_link(comparison: Comparison) -> rates.Link:
    if not comparison.met:  # those with others
        return lambda key: filters.link("battles", instruction=key)
    a, b = sorted((comparison.first, comparison.second))
    return lambda key: filters.link("battles", instruction=key, a=a, b=b)


try:
    source = filters.source("Compare")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title("Compare", anchor=False, width="content")
        benchmark = filters.benchmark(source, labelled=False)
        with st.popover("What counts", icon=":material/tune:", width="content"):
            scope = filters.ranking(source, benchmark)
        first = filters.required("Model", benchmark.models, key="first")
        second = filters.required("Other model", benchmark.models, key="second")
    filters.say_unknown()
    elements.tab(f"{one_line(first)} against {one_line(second)}")
except JudgeBenchError as error:
    unavailable("There is nothing to compare here.", error, filters.afresh("Compare by all that counts", "compare"))
    st.stop()
try:
    comparison = cached.comparison(source, benchmark.name, first, second, scope)
except JudgeBenchError as error:
    ways = [(one_line(name), filters.link("model", model=name)) for name in (first, second)]
    ways += [("Who met whom", filters.link("matrix")), ("Have judges compare them", filters.link("runs"))]
    unavailable("These two have not been compared yet.", error, *ways)
    _round(source, benchmark.name, scope, (first, second))  # they may have met a third one
    st.stop()
_whole(comparison)
elements.counted_briefly(comparison.coverage, filters.link("leaderboard"))
_change(comparison)
_round(source, benchmark.name, scope, (first, second))
if all(cached.hindsight_judges(source, benchmark.name)):
    elements.links(("What it changes to know what happened afterwards", filters.link("hindsight")))
_battles(comparison)
