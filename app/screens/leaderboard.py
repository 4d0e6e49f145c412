"""Who leads, how surely, and what the numbers rest on."""

from typing import Any

import streamlit as st

from app import charts, choosing, data, downloads, words
from app.text import line, name, problem
from judgebench.errors import JudgeBenchError
from judgebench.leaderboard import Choices, Leaderboard, Method

_METHODS: dict[Method, str] = {"win-rate": "Win rate", "bradley-terry": "Bradley-Terry"}


def _chosen(source: data.Source) -> tuple[str, Leaderboard]:
    places = st.columns(5)
    with places[0]:
        benchmark = choosing.benchmark(source)
    with places[1]:
        method = st.selectbox(
            "Method", list(_METHODS), format_func=_METHODS.__getitem__, key="method", bind="query-params"
        )
    with places[2]:
        baseline = choosing.one("Baseline", benchmark.models, key="baseline", none="Automatic")
    with places[3]:
        judges = choosing.some("Judges", benchmark.judges, key="judges", none="All")
    with places[4]:
        category = choosing.one("Category", benchmark.categories, key="category", none="All")
    choices = Choices(method=method, baseline=baseline)
    board = data.leaderboard(source, benchmark.name, judges=judges, category=category, choices=choices)
    return benchmark.name, board


def _table(board: Leaderboard) -> None:
    level = f"{board.interval.level:.0%}"
    percent = board.scale == "rate"
    rows: dict[str, list[Any]] = {
        "Ranks": [charts.ranks(row.rank_lower, row.rank_upper) for row in board.rows],
        "Tier": [row.tier for row in board.rows],
        "Model": [name(row.model, 200) for row in board.rows],
        charts.unit(board): [charts.shown(row.rating, board.scale) for row in board.rows],
        f"{level} low": [charts.shown(row.lower, board.scale) for row in board.rows],
        f"{level} high": [charts.shown(row.upper, board.scale) for row in board.rows],
    }
    numbers = list(rows)[3:]
    if not percent:
        rows["Win rate, %"] = [charts.shown(row.win_rate, "rate") for row in board.rows]
    rows |= {"Battles": [row.battles for row in board.rows], "Ties": [row.ties for row in board.rows]}
    if any(row.flag for row in board.rows):
        rows["Note"] = [name(row.flag, 200) for row in board.rows]
    digits = {"rate": "%.1f", "elo": "%.0f", "logit": "%.3f"}[board.scale]
    formats = {column: st.column_config.NumberColumn(format=digits) for column in numbers}
    formats["Win rate, %"] = st.column_config.NumberColumn(format="%.1f")
    st.dataframe(
        rows,
        hide_index=True,
        column_config={**formats, "Model": st.column_config.TextColumn(width="medium")},
        alt="Leaderboard",
        height="content",
    )


def _downloads(benchmark: str, board: Leaderboard) -> None:
    with st.container(horizontal=True):
        for label, content, ending, mime in (
            ("CSV", downloads.as_csv(board), "csv", "text/csv"),
            ("JSON", downloads.as_json(benchmark, board), "json", "application/json"),
            ("Markdown", downloads.as_markdown(board), "md", "text/markdown"),
        ):
            st.download_button(
                label, content, f"leaderboard.{ending}", mime, icon=":material/download:", on_click="ignore"
            )


st.title("Leaderboard")
try:
    benchmark, board = _chosen(choosing.source())
except JudgeBenchError as error:
    problem("There is no leaderboard for this choice.", error)
    st.stop()
st.altair_chart(charts.intervals(board), alt="Ratings with their intervals; the table below holds the same numbers")
line(words.sentence(board))
with st.container(border=True):
    for each in words.basis(board):
        line(each)
_table(board)
_downloads(benchmark, board)
