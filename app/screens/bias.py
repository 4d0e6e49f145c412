"""What moves the board besides quality, in points of win rate, and the board as it would be without it."""

from dataclasses import dataclass

import streamlit as st
from streamlit.elements.lib.layout_utils import Height

from app import charts, choosing, data, movement
from app.figures import Shown, columns, widths
from app.text import line, name, problem
from judgebench.bias.report import BiasReport
from judgebench.errors import JudgeBenchError
from judgebench.services.bias import Scope

_TABLE_PX, _TABLE_ROWS = 320, 9


@dataclass(frozen=True, slots=True)
class _View:
    source: data.Source
    benchmark: str
    scope: Scope
    report: BiasReport


def _chosen(source: data.Source) -> _View:
    with st.container(horizontal=True):
        benchmark = choosing.benchmark(source)
        judges = choosing.some("Judges", benchmark.judges, key="judges", none="All")
        category = choosing.one("Category", benchmark.categories, key="category", none="All")
    scope = Scope(judges, category)
    return _View(source, benchmark.name, scope, data.bias(source, benchmark.name, scope))


def _table(view: _View, rows: list[Shown], alt: str) -> None:
    height: Height = _TABLE_PX if len(rows) > _TABLE_ROWS else "content"
    st.dataframe(columns(rows, view.benchmark), hide_index=True, alt=alt, height=height, column_config=widths())


def _ledger(view: _View) -> None:
    entries = [entry for entry in view.report.ledger.entries if entry.points is not None]
    rows = [Shown(f"{entry.name}: {entry.meaning}", entry.points, "points") for entry in entries if entry.points]
    known = [row for row in rows if row.figure.value is not None]
    if known:
        st.vega_lite_chart(charts.effects(known), alt="Effects on win rates; the table below has the same numbers")
    _table(view, rows, "Effects in points of win rate at equal quality")


def _board(view: _View) -> None:
    moves = movement.rows(view.report.ledger, None)
    if not moves:
        line("Nothing in the ledger is identified, so the board stays as it is.")
        return
    part = choosing.places(len(moves))
    st.vega_lite_chart(
        charts.moves(moves[part.start : part.stop]), alt="How each model moves; the table below holds the same numbers"
    )
    choosing.say_part(part, len(moves))
    line(movement.sentence(moves))
    st.dataframe(
        movement.columns(moves),
        hide_index=True,
        column_config=dict.fromkeys(movement.NUMBERS, st.column_config.NumberColumn(format="%.1f")),
        alt="Win rates as judged and without all effects",
        height=_TABLE_PX if len(moves) > _TABLE_ROWS else "content",
    )


def _position(view: _View) -> None:
    found = view.report.position
    if view.report.position_curve:
        st.vega_lite_chart(
            charts.position_curve(view.report.position_curve),
            alt="Points of the first place by gap in quality; the table below has the same numbers",
        )
    gaps = [
        Shown(f"First place, better model wins {each.gap_from:.0%} to {each.gap_to:.0%}", each.points, "points")
        for each in view.report.position_curve
    ]
    rows = [
        Shown("Both orders name the same winner", found.consistency),
        Shown("Both lean to the output shown first", found.primacy),
        Shown("Both lean to the output shown second", found.recency),
        Shown("They name opposite winners", found.conflict),
        Shown("First place, at equal quality", found.points, "points"),
        Shown("First place, orders varied across battles", view.report.position_across, "points"),
        Shown("Repeats of a trial agree", found.repeatability),
        *gaps,
    ]
    _table(view, rows, "Position")


def _length_and_style(view: _View) -> None:
    report = view.report
    slopes = {"length": report.length.slope, **report.style}
    rows = [
        Shown("Prefers the longer output", report.length.prefers_longer),
        Shown("Prefers the longer where people saw a tie", report.length.prefers_longer_at_human_tie),
        Shown("More often than people do", report.length.excess_over_people, "points"),
        *(Shown(f"{label}: {each.meaning}", each.points, "points") for label, each in slopes.items()),
        *(
            Shown(f"{label}, at equal human preference", each.points_beyond_people, "points")
            for label, each in slopes.items()
        ),
    ]
    _table(view, rows, "Length and style")


def _kinship(view: _View) -> None:
    report = view.report
    rows = [
        Shown("Favours its own outputs, beyond other judges", report.self_preference.own, "points"),
        Shown("Favours its family's outputs, beyond other judges", report.self_preference.family, "points"),
        *(
            Shown(f"Favour to relatives: {relation}", figure, "points")
            for relation, figure in report.leakage.points.items()
        ),
        *(
            Shown(f"{name(judge)}: concurs with people more on its own outputs", each.bias, "points")
            for judge, each in report.equal_opportunity.items()
        ),
        Shown("Prefers what its own LLM finds more likely", report.likelihood, "points"),
    ]
    _table(view, rows, "Kinship")


def _people(view: _View) -> None:
    found = data.agreement(view.source, view.benchmark, view.scope)
    rows = []
    for judge in found.judges:
        title = name(judge.judge)
        curve = () if judge.calibration is None else judge.calibration.curve
        line(f"{title}: {judge.items:,} labelled battles")
        if curve:
            st.vega_lite_chart(
                charts.reliability(curve), alt=f"{title}: accuracy by confidence; the table below has the same numbers"
            )
        rows += [
            Shown(f"{title}: accuracy", judge.accuracy),
            Shown(f"{title}: agrees with each person", judge.each_person),
            Shown(f"{title}: calibration error", judge.calibration_error),
            *(Shown(f"{title}: right where it is {each.confidence:.0%} sure", each.accuracy) for each in curve),
        ]
    _table(view, [*rows, Shown("People agree with each other", found.people.ceiling)], "Judges beside people")


_PARTS = {
    "Ledger": _ledger,
    "Board without bias": _board,
    "Position": _position,
    "Length and style": _length_and_style,
    "Kinship": _kinship,
    "Beside people": _people,
}


st.title("Bias", anchor=False)
try:
    view = _chosen(choosing.source())
    line(f"{view.report.verdicts:,} verdicts of {', '.join(name(judge) for judge in view.report.judges)}.")
    for tab, show in zip(st.tabs(list(_PARTS), key="part", bind="query-params"), _PARTS.values(), strict=True):
        if tab.open:
            with tab:
                show(view)
    st.page_link("screens/judges.py", label="Report cards of judges", query_params={"benchmark": view.benchmark})
except JudgeBenchError as error:
    problem("There is nothing to say about bias here.", error)
