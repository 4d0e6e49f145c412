"""Who beats whom: the pairwise win rates that a ranking condenses."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from app import cached, filters
from app.views import elements, pairs, ways
from app.views.board import Linked
from app.views.elements import line, unavailable
from judgebench.services.pages import Choices, JudgeBenchError, Leaderboard, PairRates
from judgebench.services.scope import Scope
from judgebench.show import tables
from judgebench.show.numbers import fixed, plotted
from judgebench.show.text import count, one_line


@dataclass(frozen=True, slots=True)
class _View:
    benchmark: str
    scope: Scope
    board: Leaderboard
    shown: list[str]  # models, in the order of the board


def _chosen(source: cached.Source) -> _View:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title("Matrix", anchor=False, width="content")
        benchmark = filters.benchmark(source, labelled=False)
        with st.popover("What counts", icon=":material/tune:", width="content"):
            scope = filters.scope(benchmark, spoken=cached.languages(source, benchmark.name))
    filters.say_unknown()
    ways.need_verdicts(source, benchmark)
    board = cached.leaderboard(source, benchmark.name, scope, choices=Choices())
    return _View(benchmark.name, scope, board, _shown([row.model for row in board.rows]))


def _shown(ranked: list[str]) -> list[str]:
    """All models where they are few, else those chosen or those of a part of the places, at most ``choosing.MOST``."""
    with st.container(horizontal=True):
        part = filters.places(len(ranked))
        if len(part) == len(ranked):
            return ranked
        none = f"Those on places {part.start + 1} to {part.stop}"
        chosen = filters.some("Or these models", ranked, key="models", none=none, most=filters.MOST)
    return [model for model in ranked if model in chosen] or ranked[part.start : part.stop]


def _table(rates: PairRates, models: Sequence[str]) -> None:
    met = list(rates.pairs(models))
    low, high = (f"{rates.level:.0%} {end}" for end in ("low", "high"))
    elements.values(
        {
            "Model": [one_line(pair["model"], 200) for pair in met],
            "Against": [_compared(pair["model"], pair["opponent"]) for pair in met],
            "Win rate, %": [fixed(plotted(pair["win_rate"], "rate")) for pair in met],
            low: [fixed(plotted(pair["lower"], "rate")) for pair in met],
            high: [fixed(plotted(pair["upper"], "rate")) for pair in met],
            "Battles": [pair["battles"] for pair in met],
        },
        alt="Pairwise win rates, all numbers",
    )


def _compared(model: str, opponent: str) -> Linked:
    return Linked(one_line(opponent, 200), filters.link("compare", first=model, second=opponent))


def _left_out(view: _View) -> None:
    """What of the board is not in the picture, said before it."""
    models = len(view.board.rows)
    if len(view.shown) < models:
        shown = f"{len(view.shown):,} of {count(models, 'model')}"
        line(f"{shown}; pairs with the others are not shown, the CSV holds them all.")


def _downloads(view: _View, rates: PairRates) -> None:
    ranked = [row.model for row in view.board.rows]
    st.download_button(
        *("CSV", lambda: tables.pairs_csv(rates, ranked).encode(), "matrix.csv", "text/csv"),
        icon=":material/download:",
        on_click="ignore",
    )


try:
    source = filters.source("Matrix")
    view = _chosen(source)
    rates = cached.matrix(source, view.benchmark, view.scope)
except JudgeBenchError as error:
    unavailable(
        "There is no matrix for this choice.", error, filters.afresh("The matrix by what counts usually", "matrix")
    )
    st.stop()
elements.tab("Matrix", view.benchmark)
filters.say_unknown()
elements.counted_briefly(rates.coverage, filters.link("leaderboard"))
_left_out(view)
line("Win rate of the row against the column, ties half. A cell opens the two models beside each other.")
elements.table(
    pairs.matrix(
        *(rates, view.shown),
        lambda model: filters.link("model", model=model),
        lambda first, second: filters.link("compare", first=first, second=second),
    )
)
with st.container(border=True):
    line("Models are in the order of the leaderboard. Pairs that never met stay empty.")
    line(f"{rates.level:.0%} intervals: {rates.method}, pair by pair.")
with st.expander("All numbers, with intervals"):
    _table(rates, view.shown)
_downloads(view, rates)
