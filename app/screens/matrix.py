"""Who beats whom: the pairwise win rates that a ranking condenses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.elements.lib.layout_utils import Height

from app import cached, filters
from app.views.elements import counted, line, problem
from judgebench.services.pages import Choices, JudgeBenchError, Leaderboard, PairRates
from judgebench.services.scope import Scope
from judgebench.show import charts, tables
from judgebench.show.numbers import plotted
from judgebench.show.text import one_line

_TABLE_PX, _TABLE_ROWS = 480, 12
_NAME_PX, _NUMBER_PX = 125, 70
_NARROW = 12  # models in a picture that leaves room for the table beside it
_PICTURE_PX, _BESIDE_PX = 600, 620  # where a window is not as wide as both, the table comes below


@dataclass(frozen=True, slots=True)
class _View:
    benchmark: str
    scope: Scope
    board: Leaderboard
    shown: list[str]  # models, in the order of the board


def _chosen(source: cached.Source) -> _View:
    with st.container(horizontal=True):
        benchmark = filters.benchmark(source)
        scope = filters.scope(benchmark, spoken=cached.languages(source, benchmark.name))
        board = cached.leaderboard(source, benchmark.name, scope, choices=Choices())
        return _View(benchmark.name, scope, board, _shown([row.model for row in board.rows]))


def _shown(ranked: list[str]) -> list[str]:
    """All models where they are few, else those chosen or those of a part of the places, at most ``choosing.MOST``."""
    part = filters.places(len(ranked))
    if len(part) == len(ranked):
        return ranked
    none = f"Those on places {part.start + 1} to {part.stop}"
    chosen = filters.some("Or these models", ranked, key="models", none=none, most=filters.MOST)
    return [model for model in ranked if model in chosen] or ranked[part.start : part.stop]


def _halves(models: int) -> tuple[Any, Any]:
    """Where the picture and its table go: beside each other where there is room, else one below the other."""
    if models > _NARROW:
        return st.container(), st.container()
    with st.container(horizontal=True):
        return st.container(width=_PICTURE_PX), st.container(width=_BESIDE_PX)


def _table(rates: PairRates, models: Sequence[str]) -> None:
    pairs = list(rates.pairs(models))
    rows = {
        "Model": [one_line(pair["model"], 200) for pair in pairs],
        "Against": [one_line(pair["opponent"], 200) for pair in pairs],
        "Win rate, %": [100 * pair["win_rate"] for pair in pairs],
        "95% low": [plotted(pair["lower"], "rate") for pair in pairs],
        "95% high": [plotted(pair["upper"], "rate") for pair in pairs],
        "Battles": [pair["battles"] for pair in pairs],
    }
    formats: dict[str, Any] = dict.fromkeys(("Model", "Against"), st.column_config.Column(width=_NAME_PX))
    formats |= dict.fromkeys(("95% low", "95% high"), st.column_config.NumberColumn(format="%.1f", width=_NUMBER_PX))
    formats["Win rate, %"] = st.column_config.NumberColumn(format="%.1f")
    formats["Battles"] = st.column_config.NumberColumn(width=_NUMBER_PX)
    height: Height = _TABLE_PX if len(pairs) > _TABLE_ROWS else "content"
    st.dataframe(rows, hide_index=True, height=height, column_config=formats, alt="Pairwise win rates")


def _link(event: Any, models: Sequence[str], where: Mapping[str, str]) -> None:
    """To the battles of the chosen cell, under the filters ``where``."""
    chosen = event["selection"].get(charts.CHOSEN) or []
    if not chosen:
        line("Choose a cell to read its battles.")
        return
    pair = [models[int(chosen[0][side])] for side in ("row", "column")]
    line(f"{one_line(pair[0])} against {one_line(pair[1])}")
    st.page_link("screens/battles.py", label="Read these battles", query_params={**where, "models": pair})


def _left_out(view: _View) -> None:
    """What of the board is not in the picture, said before it."""
    count = len(view.board.rows)
    if len(view.shown) < count:
        line(f"{len(view.shown)} of {count:,} models; pairs with the others are not shown, the CSV holds them all.")


st.title("Matrix", anchor=False)
try:
    source = filters.source()
    view = _chosen(source)
    rates = cached.matrix(source, view.benchmark, view.scope)
    counted(rates.coverage)
    _left_out(view)
    left, right = _halves(len(view.shown))
    with left:
        event = st.vega_lite_chart(
            charts.matrix(rates.pairs(view.shown), view.shown),
            on_select="rerun",
            key="matrix",
            alt="Pairwise win rates; the table holds the same numbers",
        )
    with right:
        _table(rates, view.shown)
        ranked = [row.model for row in view.board.rows]
        st.download_button(
            *("CSV", lambda: tables.pairs_csv(rates, ranked).encode(), "matrix.csv", "text/csv"),
            icon=":material/download:",
            on_click="ignore",
        )
    where = {} if view.scope.category is None else {"category": view.scope.category}
    _link(event, view.shown, {"benchmark": view.benchmark, **where})
    with st.container(border=True):
        line("Win rate of the row against the column, ties half; models in the order of the leaderboard.")
        line(f"{rates.level:.0%} intervals: {rates.method}, pair by pair. Pairs that never met stay empty.")
except JudgeBenchError as error:
    problem("There is no matrix for this choice.", error)
