"""Who leads, how surely, what the numbers rest on, and who would move at equal length, style or kinship."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import streamlit as st

from app import charts, choosing, data, downloads, movement, picture, words
from app.text import line, name, problem
from judgebench.errors import JudgeBenchError
from judgebench.leaderboard import Choices, Leaderboard, Method
from judgebench.leaderboard.board import State
from judgebench.services.bias import Scope, Without
from judgebench.services.leaderboards import Tally

_METHODS: dict[Method, str] = {
    "win-rate": "Win rate",
    "length-controlled": "Win rate at equal length",
    "bradley-terry": "Bradley-Terry",
    "davidson": "Bradley-Terry, ties by Davidson",
    "rao-kupper": "Bradley-Terry, ties by Rao-Kupper",
    "judge-aware": "Bradley-Terry, judges weighed",
    "elo": "Online Elo",
    "score": "Mean score",
}
_CONTROLS: dict[Without, str] = {"length": "Length", "style": "Style", "lineage": "Lineage"}
_STATES: dict[State, tuple[Literal["green", "red", "orange", "gray"], str]] = {
    "passed": ("green", ":material/verified:"),
    "failed": ("red", ":material/report:"),
    "stale": ("orange", ":material/update:"),
    "missing": ("gray", ":material/help:"),
}
_MOVES_PX, _MOVES_ROWS, _TABLE_PX = 320, 9, 800


@dataclass(frozen=True, slots=True)
class _View:
    source: data.Source
    benchmark: str
    scope: Scope
    language: str | None
    board: Leaderboard
    part: range  # of its rows, in the pictures


def _chosen(source: data.Source) -> _View:
    choosing.by_name("method", _METHODS)
    with st.container(horizontal=True):
        benchmark = choosing.benchmark(source)
        method = st.selectbox(
            *("Method", list(_METHODS)),
            format_func=_METHODS.__getitem__,
            key="method",
            bind="query-params",
            width=choosing.WIDTH_PX,
        )
        baseline = choosing.one("Baseline", benchmark.models, key="baseline", none="Automatic")
        judges = choosing.some("Judges", benchmark.judges, key="judges", none="All")
        category = choosing.one("Category", benchmark.categories, key="category", none="All")
        spoken = data.languages(source, benchmark.name)
        language = choosing.one("Language (a guess)", spoken, key="language", none="All")
        scope, choices = Scope(judges, category), Choices(method=method, baseline=baseline)
        board = data.leaderboard(source, benchmark.name, scope, language=language, choices=choices)
        part = choosing.places(len(board.rows))
    return _View(source, benchmark.name, scope, language, board, part)


def _badges(board: Leaderboard) -> None:
    """What audits say about the judges and models of this board; the words are ours alone, names are in the notes."""
    if board.gate is None:
        return
    states = [each.state for each in board.gate.judges]
    with st.container(horizontal=True, vertical_alignment="center"):
        for state, (colour, icon) in _STATES.items():
            count = states.count(state)
            if count:
                which = "" if len(states) == 1 else f" ({count} of {len(states)} judges)"
                st.badge(f"Null-model audit {state}{which}", color=colour, icon=icon)
        if board.gate.models:
            st.badge(
                f"Severe findings on {words.count(len(board.gate.models), 'model')}",
                color="red",
                icon=":material/report:",
            )
        st.page_link("screens/audits.py", label="Audits", query_params=_here("benchmark"))
        st.page_link("screens/judges.py", label="Grades of judges", query_params=_here("benchmark"))


def _here(*keys: str) -> dict[str, str]:
    return {key: st.query_params[key] for key in keys if key in st.query_params}


def _table(board: Leaderboard, counted: dict[str, Tally]) -> None:
    level = f"{board.level:.0%}"
    rows: dict[str, list[Any]] = {
        "Ranks": [charts.ranks(row.rank_lower, row.rank_upper) for row in board.rows],
        "Tier": [row.tier for row in board.rows],
        "Model": [name(row.model, 200) for row in board.rows],
        charts.unit(board): [charts.shown(row.rating, board.scale) for row in board.rows],
        f"{level} low": [charts.shown(row.lower, board.scale) for row in board.rows],
        f"{level} high": [charts.shown(row.upper, board.scale) for row in board.rows],
    }
    numbers = list(rows)[3:]
    if board.scale == "score":
        rows["Outputs"] = [row.outputs for row in board.rows]
    else:
        if board.scale != "rate":
            rows["Win rate, %"] = [charts.shown(row.win_rate, "rate") for row in board.rows]
        rows |= {"Battles": [row.battles for row in board.rows], "Ties": [row.ties for row in board.rows]}
    rows["No verdict"] = [counted[row.model].failures for row in board.rows]
    if any(tally.cost_usd is not None for tally in counted.values()):
        rows["Cost, USD"] = [counted[row.model].cost_usd for row in board.rows]
    if any(row.flag for row in board.rows):
        rows["Note"] = [name(row.flag, 200) for row in board.rows]
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
        height="content" if len(board.rows) <= choosing.MOST else _TABLE_PX,
    )


def _downloads(view: _View) -> None:
    board = view.board
    with st.container(horizontal=True):
        for label, content, ending, mime in (
            ("CSV", lambda: downloads.as_csv(board), "csv", "text/csv"),
            ("JSON", lambda: downloads.as_json(view.benchmark, board), "json", "application/json"),
            ("Markdown", lambda: downloads.as_markdown(board), "md", "text/markdown"),
            ("SVG", lambda: picture.svg(board), "svg", "image/svg+xml"),
            ("PNG", lambda: picture.png(board), "png", "image/png"),
        ):
            st.download_button(
                label, content, f"leaderboard.{ending}", mime, icon=":material/download:", on_click="ignore"
            )


def _held_equal() -> tuple[Without, ...]:
    choosing.by_name("control", _CONTROLS, many=True)
    wanted: list[Without] = st.pills(
        "Hold equal, to see how each model would move",
        get_args(Without),
        format_func=_CONTROLS.__getitem__,
        selection_mode="multi",
        key="control",
        bind="query-params",
    )
    return tuple(sorted(wanted))


def _moves(view: _View, controls: tuple[Without, ...]) -> None:
    """What holding length, style or kinship equal does to each model."""
    st.subheader(f"At equal {words.listing(controls)}", anchor=False)
    found = data.moves(view.source, view.benchmark, controls, scope=view.scope, baseline=view.board.baseline)
    rows = movement.rows(found, view.board.baseline)
    if rows:
        st.vega_lite_chart(
            charts.moves(rows[view.part.start : view.part.stop]),
            alt="How each model moves; the table below holds the same numbers",
        )
        line(movement.sentence(rows))
    for said in movement.effect_lines(found):
        line(said)
    if view.language is not None:
        line("This part is about all languages.")
    if rows:
        st.dataframe(
            movement.columns(rows),
            hide_index=True,
            column_config=dict.fromkeys(movement.NUMBERS, st.column_config.NumberColumn(format="%.1f")),
            alt="Win rates as judged and at equal length, style or lineage",
            height=_MOVES_PX if len(rows) > _MOVES_ROWS else "content",
        )


st.title("Leaderboard", anchor=False)
try:
    view = _chosen(choosing.source())
    controls = _held_equal()
except JudgeBenchError as error:
    problem("There is no leaderboard for this choice.", error)
    st.stop()
_badges(view.board)
st.vega_lite_chart(
    charts.intervals(view.board, view.part), alt="Ratings with their intervals; the table below holds the same numbers"
)
choosing.say_part(view.part, len(view.board.rows))
line(words.sentence(view.board))
if controls:
    try:
        _moves(view, controls)
    except JudgeBenchError as error:
        problem("This cannot be held equal here.", error)
st.subheader("All numbers", anchor=False)
with st.container(border=True):
    for each in words.basis(view.board):
        line(each)
_table(view.board, data.tallies(view.source, view.benchmark, view.scope))
_downloads(view)
