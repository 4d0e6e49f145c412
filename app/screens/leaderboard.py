"""Who leads, how surely, what the numbers rest on, and who would move at equal length, style or lineage."""

import json
from dataclasses import dataclass
from typing import Any, Literal, get_args

import streamlit as st

from app import cached, filters
from app.views import elements, picture
from app.views.elements import line, moves, problem
from judgebench.services.bias import Without
from judgebench.services.leaderboards import Tally
from judgebench.services.pages import METHODS, Choices, JudgeBenchError, Leaderboard, State
from judgebench.services.scope import Scope
from judgebench.show import charts, sentences, tables
from judgebench.show.numbers import plotted, ranks
from judgebench.show.text import count, listing, one_line

_METHODS = {name: method.label for name, method in METHODS.items()}
_CONTROLS: dict[Without, str] = {"length": "Length", "style": "Style", "lineage": "Lineage"}
_STATES: dict[State, tuple[Literal["green", "red", "orange", "gray"], str]] = {
    "passed": ("green", ":material/verified:"),
    "failed": ("red", ":material/report:"),
    "stale": ("orange", ":material/update:"),
    "missing": ("gray", ":material/help:"),
}
_TABLE_PX = 800


@dataclass(frozen=True, slots=True)
class _View:
    source: cached.Source
    benchmark: str
    scope: Scope
    board: Leaderboard
    part: range  # of its rows, in the pictures


def _chosen(source: cached.Source) -> _View:
    filters.by_name("method", _METHODS)
    with st.container(horizontal=True):
        benchmark = filters.benchmark(source)
        method = st.selectbox(
            *("Method", list(_METHODS)),
            format_func=_METHODS.__getitem__,
            key="method",
            bind="query-params",
            width=filters.WIDTH_PX,
        )
        baseline = filters.one("Baseline", benchmark.models, key="baseline", none="Automatic")
        scope = filters.scope(benchmark, spoken=cached.languages(source, benchmark.name))
        choices = Choices(method=method, baseline=baseline)
        board = cached.leaderboard(source, benchmark.name, scope, choices=choices)
        part = filters.places(len(board.rows))
    return _View(source, benchmark.name, scope, board, part)


def _badges(board: Leaderboard) -> None:
    """What audits say about the judges and models of this board; the words are ours alone, names are in the notes."""
    if board.gate is None:
        return
    states = [judge.state for judge in board.gate.judges]
    with st.container(horizontal=True, vertical_alignment="center"):
        for state, (colour, icon) in _STATES.items():
            number = states.count(state)
            if number:
                which = "" if len(states) == 1 else f" ({number} of {len(states)} judges)"
                st.badge(f"Null-model audit {state}{which}", color=colour, icon=icon)
        flagged = board.gate.models_that_are("flagged")
        if flagged:
            models = count(len(flagged), "model")
            st.badge(f"Severe findings on {models}", color="red", icon=":material/report:")
        st.page_link("screens/audits.py", label="Audits", query_params=_here("benchmark"))
        st.page_link("screens/judges.py", label="Grades of judges", query_params=_here("benchmark"))


def _here(*keys: str) -> dict[str, str]:
    return {key: st.query_params[key] for key in keys if key in st.query_params}


def _table(board: Leaderboard, counted: dict[str, Tally]) -> None:
    level = f"{board.level:.0%}"
    rows: dict[str, list[Any]] = {
        "Ranks": [ranks(row.rank_lower, row.rank_upper) for row in board.rows],
        "Tier": [row.tier for row in board.rows],
        "Model": [one_line(row.model, 200) for row in board.rows],
        charts.unit(board): [plotted(row.rating, board.scale) for row in board.rows],
        f"{level} low": [plotted(row.lower, board.scale) for row in board.rows],
        f"{level} high": [plotted(row.upper, board.scale) for row in board.rows],
    }
    numbers = list(rows)[3:]
    if board.scale == "score":
        rows["Outputs"] = [row.outputs for row in board.rows]
    else:
        if board.scale != "rate":
            rows["Win rate, %"] = [plotted(row.win_rate, "rate") for row in board.rows]
        rows |= {"Battles": [row.battles for row in board.rows], "Ties": [row.ties for row in board.rows]}
    rows["No verdict"] = [counted[row.model].failures for row in board.rows]
    if any(tally.cost_usd is not None for tally in counted.values()):
        rows["Cost, USD"] = [counted[row.model].cost_usd for row in board.rows]
    if any(row.flag for row in board.rows):
        rows["Note"] = [one_line(row.flag, 200) for row in board.rows]
    digits = {"rate": "%.1f", "elo": "%.0f"}.get(board.scale, "%.3f")
    formats = {column: st.column_config.NumberColumn(format=digits) for column in numbers}
    formats |= {
        "Win rate, %": st.column_config.NumberColumn(format="%.1f"),
        "Cost, USD": st.column_config.NumberColumn(format="%.4f", help="Of all replies about the model's outputs"),
        "No verdict": st.column_config.NumberColumn(help="Trials that ended unparsed, refused, truncated or failed"),
    }
    if board.scale == "rate":
        formats["Win rate, %"] = st.column_config.NumberColumn(format=digits)
    st.dataframe(
        rows,
        hide_index=True,
        column_config={**formats, "Model": st.column_config.TextColumn(width="medium")},
        alt="Leaderboard",
        placeholder="-",
        height="content" if len(board.rows) <= filters.MOST else _TABLE_PX,
    )


def _downloads(view: _View) -> None:
    board = view.board
    with st.container(horizontal=True):
        for label, content, ending, mime in (
            ("CSV", lambda: tables.board_csv(board).encode(), "csv", "text/csv"),
            ("JSON", lambda: _json(view), "json", "application/json"),
            ("Markdown", lambda: tables.board_markdown(board).encode(), "md", "text/markdown"),
            ("SVG", lambda: picture.svg(board), "svg", "image/svg+xml"),
            ("PNG", lambda: picture.png(board), "png", "image/png"),
        ):
            st.download_button(
                label, content, f"leaderboard.{ending}", mime, icon=":material/download:", on_click="ignore"
            )


def _json(view: _View) -> bytes:
    document = tables.board_document(view.benchmark, view.board)
    return json.dumps(document, ensure_ascii=False, indent=2).encode()


def _held_equal() -> tuple[Without, ...]:
    filters.by_name("control", _CONTROLS, many=True)
    controls: list[Without] = st.pills(
        "Hold equal, to see how each model would move",
        get_args(Without),
        format_func=_CONTROLS.__getitem__,
        selection_mode="multi",
        key="control",
        bind="query-params",
    )
    return tuple(sorted(controls))


def _moves(view: _View, controls: tuple[Without, ...]) -> None:
    """What holding length, style or lineage equal does to each model."""
    st.subheader(f"At equal {listing(controls)}, by one fit for all models", anchor=False)
    counterfactuals = cached.moves(
        view.source, view.benchmark, controls, scope=view.scope, baseline=view.board.baseline
    )
    rows = tables.moves(counterfactuals, view.board.baseline)
    if rows:
        st.vega_lite_chart(
            charts.moves(rows[view.part.start : view.part.stop]),
            alt="How each model moves; the table below holds the same numbers",
        )
        for sentence in sentences.movement(counterfactuals.together):
            line(sentence)
    for sentence in sentences.effects(counterfactuals):
        line(sentence)
    for note in counterfactuals.notes:
        line(one_line(note, 1000))
    if rows:
        moves(rows, alt="Win rates as judged and at equal length, style or lineage")


st.title("Leaderboard", anchor=False)
try:
    view = _chosen(filters.source())
    controls = _held_equal()
except JudgeBenchError as error:
    problem("There is no leaderboard for this choice.", error)
    st.stop()
_badges(view.board)
elements.counted(view.board.coverage)
st.vega_lite_chart(
    charts.intervals(view.board, view.part), alt="Ratings with their intervals; the table below holds the same numbers"
)
filters.say_part(view.part, len(view.board.rows))
line(sentences.summary(view.board))
if controls:
    try:
        _moves(view, controls)
    except JudgeBenchError as error:
        problem("This cannot be held equal here.", error)
st.subheader("All numbers", anchor=False)
with st.container(border=True):
    for sentence in sentences.basis(view.board):
        line(sentence)
_table(view.board, cached.tallies(view.source, view.benchmark, view.board.judges, view.scope.category))
_downloads(view)
