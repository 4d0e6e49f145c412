"""Who beats whom: the pairwise win rates that a ranking condenses."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st
from streamlit.elements.lib.layout_utils import Height

from app import charts, choosing, data, words
from app.pairs import Cell, cells
from app.text import line, name, problem
from judgebench.errors import JudgeBenchError
from judgebench.leaderboard import Choices
from judgebench.queries import Scope

_TABLE_PX, _TABLE_ROWS = 480, 12


def _chosen(source: data.Source) -> tuple[str, Scope]:
    places = st.columns(3)
    with places[0]:
        benchmark = choosing.benchmark(source)
    with places[1]:
        judges = choosing.some("Judges", benchmark.judges, key="judges", none="All")
    with places[2]:
        category = choosing.one("Category", benchmark.categories, key="category", none="All")
    return benchmark.name, Scope(judges, category)


def _table(found: Sequence[Cell], models: Sequence[str]) -> None:
    rows = {
        "Model": [name(models[cell.row], 200) for cell in found],
        "Against": [name(models[cell.column], 200) for cell in found],
        "Win rate, %": [cell.percent for cell in found],
        "95% low": [cell.lower for cell in found],
        "95% high": [cell.upper for cell in found],
        "Battles": [cell.battles for cell in found],
    }
    one_digit = st.column_config.NumberColumn(format="%.1f")
    formats = dict.fromkeys(("Win rate, %", "95% low", "95% high"), one_digit)
    height: Height = _TABLE_PX if len(found) > _TABLE_ROWS else "content"
    st.dataframe(rows, hide_index=True, height=height, column_config=formats, alt="Pairwise win rates")


def _link(event: Any, models: Sequence[str], where: Mapping[str, str]) -> None:
    """To the battles of the chosen cell, under the filters ``where``."""
    chosen = event["selection"].get(charts.CHOSEN) or []
    if not chosen:
        line("Choose a cell to read its battles.")
        return
    pair = [models[int(chosen[0][side])] for side in ("row", "column")]
    line(f"{name(pair[0])} against {name(pair[1])}")
    st.page_link("screens/battles.py", label="Read these battles", query_params={**where, "models": pair})


st.title("Matrix", anchor=False)
try:
    source = choosing.source()
    benchmark, scope = _chosen(source)
    board = data.leaderboard(source, benchmark, scope, language=None, choices=Choices())
    models = [row.model for row in board.rows]
    found = cells(data.matrix(source, benchmark, scope), models)
    left, right = st.columns([3, 2])
    with left:
        event = st.vega_lite_chart(
            charts.matrix(found, models),
            on_select="rerun",
            key="matrix",
            alt="Pairwise win rates; the table beside it holds the same numbers",
        )
    with right:
        _table(found, models)
    _link(event, models, {"benchmark": benchmark} | ({} if scope.category is None else {"category": scope.category}))
    with st.container(border=True):
        line("Win rate of the row against the column, ties half; models in the order of the leaderboard.")
        line("95% intervals: Wilson score, pair by pair, not for all pairs at once. Pairs that never met stay empty.")
        line(words.left_out(board))
except JudgeBenchError as error:
    problem("There is no matrix for this choice.", error)
