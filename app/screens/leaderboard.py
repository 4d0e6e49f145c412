"""Who leads, how surely, what the numbers rest on, and who would move at equal length, style or lineage."""

import json
from dataclasses import dataclass, replace
from typing import Any, NoReturn
from urllib.parse import urlencode

import streamlit as st

from app import cached, filters
from app.views import both, charts, elements, gate, ways
from app.views.board import Linked, Sorting, table
from app.views.elements import line, moves, unavailable
from app.views.progress import watched
from judgebench.services.bias import Without
from judgebench.services.leaderboards import Beside, may_be_controlled
from judgebench.services.pages import Choices, JudgeBenchError, Leaderboard, UnknownName
from judgebench.services.scope import Scope
from judgebench.services.voters import TwoBoards
from judgebench.show import charts as drawn
from judgebench.show import sentences, tables
from judgebench.show.board import COLUMNS, USUAL, ColumnName, axis_title, board_lines, ordered, with_name
from judgebench.show.numbers import dollars, fixed, plotted, ranks
from judgebench.show.placement import standing_board
from judgebench.show.text import escaped_html, listing, one_line

_CONTROLS: dict[Without, str] = {"length": "Length", "style": "Style", "lineage": "Lineage"}
_POLL_S = 1.0  # for numbers that are computed later
_ADDRESSED = 20  # models that one address names
_Way = tuple[str, str]  # a link: its words and its address


@dataclass(frozen=True, slots=True)
class _View:
    source: cached.Source
    benchmark: str
    scope: Scope
    choices: Choices
    board: Leaderboard
    search: str  # what the names of the models shown hold
    columns: tuple[ColumnName, ...]  # of the table
    order: tuple[str, bool]  # of its lines: by what, and whether the most comes first


def _chosen(source: cached.Source) -> _View:
    """What is shown, by the line of widgets above it; all but the usual ones are folded."""
    with st.container(horizontal=True, vertical_alignment="center"):
        benchmark = filters.benchmark(source, labelled=False)
        method = filters.method()
        search = filters.words("Search models", key="search", hint="Search models", labelled=False)
        with st.popover("What counts", icon=":material/tune:", width="content"):
            baseline = filters.one("Baseline", benchmark.models, key="baseline", none="Automatic")
            scope, question = filters.rankings(source, benchmark)
        with st.popover("Columns", icon=":material/view_column:", width="content"):
            columns = _columns()
    order = filters.order()
    filters.say_unknown()
    ways.need_verdicts(source, benchmark)
    choices = Choices(method=method, baseline=baseline)
    if question is not None:
        two = cached.two_boards(source, benchmark.name, scope, question, choices=choices)
        _beside_people(_View(source, benchmark.name, scope, choices, two.judges, search, columns, order), two)
    board = cached.leaderboard(source, benchmark.name, scope, choices=choices)
    return _View(source, benchmark.name, scope, choices, board, search, columns, order)


def _beside_people(view: _View, two: TwoBoards) -> NoReturn:
    """Judges' leaderboard, which ``view`` is of, beside people's, which is all that the page shows then."""
    beside = _beside(view)
    elements.tab("Leaderboard", view.benchmark)
    both.boards(two, search=view.search, further=board_lines(view.board, beside, view.columns))
    both.downloads(view.benchmark, two)
    elements.links(("Who voted, and how they agree", filters.link("people")))
    _await(view, beside)
    st.stop()


def _columns() -> tuple[ColumnName, ...]:
    headings = {column.name: column.heading for column in COLUMNS}
    return tuple(filters.several("Columns", headings, key="columns", default=USUAL))


def _lines(view: _View, beside: Beside) -> str:
    """The table, as far as its models fit the search; where none does, that, and whose names are near."""
    lines = board_lines(view.board, beside, view.columns)
    try:
        lines = with_name(lines, view.search)
    except UnknownName as error:
        return f"<p>{escaped_html(one_line(f'Search: {error}', 1000))}</p>"
    new = st.query_params.get_all("new")  # as a link from a submission names it
    by, descending = view.order
    lines = ordered(lines, by, descending=descending)
    sorting = Sorting(by, descending, lambda name, down: filters.order_link(name, descending=down))
    return table(lines, lambda model: filters.link("model", model=model), new=new, sorting=sorting)


def _beside(view: _View) -> Beside:
    """With what the table shows of length-controlled win rates, as far as they are computed."""
    if "length-controlled" not in view.columns or not may_be_controlled(view.board):
        return cached.beside(view.source, view.benchmark, view.scope, choices=view.choices)
    whole = cached.with_controlled(view.source, view.benchmark, view.scope, choices=view.choices).value()
    known = cached.beside(view.source, view.benchmark, view.scope, choices=view.choices)
    return replace(known, awaited=True) if whole is None else whole


def _await(view: _View, beside: Beside) -> None:
    """Begin what is computed later, once the page is there, which it would slow down."""
    if beside.awaited:
        cached.with_controlled(view.source, view.benchmark, view.scope, choices=view.choices).begin()
        watched(lambda: _beside(view).awaited, running=True, poll_s=_POLL_S)


def _table(board: Leaderboard, beside: Beside) -> None:
    """Every number, each model on a row."""
    counted, level, rows = beside.tallies, f"{board.level:.0%}", board.rows
    places = {"rate": 1, "elo": 0}.get(board.scale, 3)
    columns: dict[str, list[Any]] = {
        "Model": [Linked(one_line(row.model, 200), filters.link("model", model=row.model)) for row in rows],
        "Ranks": [ranks(row.rank_lower, row.rank_upper) for row in rows],
        "Tier": [row.tier for row in rows],
        axis_title(board): [fixed(plotted(row.rating, board.scale), places) for row in rows],
        f"{level} low": [fixed(plotted(row.lower, board.scale), places) for row in rows],
        f"{level} high": [fixed(plotted(row.upper, board.scale), places) for row in rows],
    }
    if board.scale == "score":
        columns["Outputs"] = [row.outputs for row in rows]
    else:
        if board.scale != "rate":
            columns["Win rate, %"] = [fixed(plotted(row.win_rate, "rate")) for row in rows]
        columns |= {"Battles": [row.battles for row in rows], "Ties": [row.ties for row in rows]}
    if board.judges:  # else people rank, whose votes do not fail
        columns["No verdict"] = [counted[row.model].failures for row in rows]
    if beside.has_costs:
        columns["Cost, USD"] = [dollars(counted[row.model].cost_usd) for row in rows]
    if any(row.flag for row in rows):
        columns["Note"] = [one_line(row.flag, 200) for row in rows]
    elements.values(columns, alt="All numbers")


def _downloads(view: _View) -> None:
    board = view.board
    with st.popover("Download", icon=":material/download:", width="content"):
        for label, content, ending, mime in (
            ("CSV", lambda: tables.board_csv(board).encode(), "csv", "text/csv"),
            ("JSON", lambda: _json(view), "json", "application/json"),
            ("Markdown", lambda: tables.board_markdown(board).encode(), "md", "text/markdown"),
            ("HTML", lambda: _page(view), "html", "text/html"),
        ):
            st.download_button(label, content, f"leaderboard.{ending}", mime, on_click="ignore")


def _page(view: _View) -> bytes:
    return cached.page(view.source, view.benchmark, view.scope, choices=view.choices).encode()


def _json(view: _View) -> bytes:
    document = tables.board_document(view.benchmark, view.board)
    return json.dumps(document, ensure_ascii=False, indent=2).encode()


def _held_equal(view: _View) -> None:
    chosen = filters.several("Hold equal, to see how each model would move", _CONTROLS, key="control")
    filters.say_unknown()
    if not chosen:
        return
    try:
        _moves(view, tuple(sorted(chosen)))
    except JudgeBenchError as error:
        unavailable("This is not held equal here.", error)


def _unjudged(view: _View) -> list[_Way]:
    """That models looked for are among those that nobody judged; and where these get onto the board."""
    waiting = () if view.board.coverage is None else view.board.coverage.not_judged
    missing = [model for model in st.query_params.get_all("new") if model in waiting]
    if missing:
        line(f"Not on the board yet, as no judge was asked about: {listing(missing)}.")
    names = [("benchmark", view.benchmark), *(("new", model) for model in (missing or waiting)[:_ADDRESSED])]
    return [("Judge what waits against the board", f"submit?{urlencode(names)}")] if waiting else []


def _standing(view: _View) -> list[_Way]:
    """By what new models are ranked, where the benchmark holds that; and the pages about it."""
    standing = cached.standing(view.source, view.benchmark)
    if standing is None:
        return []
    for sentence in standing_board(view.benchmark, standing):
        line(sentence)
    return [filters.afresh("Submit a model to it", "submit"), filters.afresh("The standing board", "standing")]


def _particulars(view: _View) -> list[_Way]:
    """Where judges listed goals of dialogues, judged steps, or knew what happened afterwards, what came of it."""
    ways = (
        (cached.goal_judges(view.source, view.benchmark), "Goals of dialogues", "goals"),
        (cached.step_judges(view.source, view.benchmark), "Steps of outputs", "steps"),
        (all(cached.hindsight_judges(view.source, view.benchmark)), "What hindsight changes", "hindsight"),
    )
    return [(words, filters.link(page)) for judges, words, page in ways if judges]


def _moves(view: _View, controls: tuple[Without, ...]) -> None:
    """What holding length, style or lineage equal does to each model."""
    st.subheader(f"At equal {listing(controls)}, by one fit for all models", anchor=False)
    counterfactuals = cached.moves(
        view.source, view.benchmark, controls, scope=view.scope, baseline=view.board.baseline
    )
    rows = tables.moves(counterfactuals, view.board.baseline)
    if rows:
        st.vega_lite_chart(
            drawn.moves(rows[: filters.MOST]), alt="How each model moves; the table below holds the same numbers"
        )
        for sentence in sentences.movement(counterfactuals.together):
            line(sentence)
    for sentence in sentences.effects(counterfactuals):
        line(sentence)
    elements.notes(counterfactuals.notes)
    if rows:
        moves(rows, alt="Win rates as judged and at equal length, style or lineage")


def _are_votes(source: cached.Source) -> bool:
    """On the benchmark that is chosen."""
    return bool(cached.questions(source, st.session_state["benchmark"]))


try:
    source = filters.source("Leaderboard")
    st.title("Leaderboard", anchor=False)
    who_leads = st.empty()  # before the controls, which fill a phone's first screen
    view = _chosen(source)
except JudgeBenchError as error:
    unavailable(
        *("There is no leaderboard for this choice.", error),
        filters.afresh("The leaderboard by what counts usually", "leaderboard"),
        *([filters.afresh("By people's votes", "leaderboard", by="people")] if _are_votes(source) else []),
        *(filters.afresh("Vote", "vote"), filters.afresh("Have it judged", "runs")),
    )
    st.stop()
elements.tab("Leaderboard", view.benchmark)
who_leads.text(sentences.leader(view.board), width="stretch")
if view.board.gate is not None:
    elements.table(gate.badges(view.board.gate, filters.link, ranked=not any(row.apart for row in view.board.rows)))
if others := sentences.summary(view.board, with_leader=False):
    line(others)
elements.counted(view.board.coverage)
if pages := [*_unjudged(view), *_standing(view), *_particulars(view)]:
    elements.links(*pages)
numbers_beside = _beside(view)
elements.table(_lines(view, numbers_beside))
with st.container(border=True):
    elements.basis(sentences.basis(view.board, commands=False))
    if view.board.gate is not None and (told := ways.ways(about.command for about in view.board.gate.open)):
        elements.links(*told)
charts.below(
    charts.Shown(view.source, view.benchmark, view.scope, view.choices, view.board, numbers_beside),
    numbers=lambda: _table(view.board, numbers_beside),
)
if not view.scope.people:  # what is held equal is what judges are swayed by
    _held_equal(view)
_downloads(view)
_await(view, numbers_beside)
