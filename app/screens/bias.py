"""What moves the board besides quality, in points of win rate, and the board as it would be without it."""

from dataclasses import dataclass

import streamlit as st
from streamlit.elements.lib.layout_utils import Height

from app import charts, choosing, data, movement
from app.figures import Shown, columns, widths
from app.text import line, name, problem
from judgebench.bias.report import BiasReport
from judgebench.errors import JudgeBenchError
from judgebench.queries import Scope

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
    st.subheader("Ledger", anchor=False)
    entries = [entry for entry in view.report.ledger.entries if entry.points is not None]
    rows = [Shown(f"{entry.name}: {entry.meaning}", entry.points, "points") for entry in entries if entry.points]
    known = [row for row in rows if row.figure.value is not None]
    if known:
        st.vega_lite_chart(charts.effects(known), alt="Effects on win rates; the table below has the same numbers")
    _table(view, rows, "Effects in points of win rate at equal quality")
    moves = movement.rows(view.report.ledger, None)
    st.subheader("The board without all of it", anchor=False)
    if not moves:
        line("Nothing above is identified, so the board stays as it is.")
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
    st.subheader("Position", anchor=False)
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


def _length_and_kin(view: _View) -> None:
    report = view.report
    st.subheader("Length and style", anchor=False)
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
    st.subheader("Kinship", anchor=False)
    kin = [
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
    _table(view, kin, "Kinship")


def _people(view: _View) -> None:
    st.subheader("Beside people", anchor=False)
    found = data.agreement(view.source, view.benchmark, view.scope)
    for judge in found.judges:
        line(f"{name(judge.judge)}: {judge.items:,} labelled battles")
        if judge.calibration is not None and judge.calibration.curve:
            st.vega_lite_chart(
                charts.reliability(judge.calibration.curve),
                alt="Accuracy by confidence; the table below has the same numbers",
            )
        curve = () if judge.calibration is None else judge.calibration.curve
        rows = [
            Shown("Accuracy", judge.accuracy),
            Shown("Agrees with each person", judge.each_person),
            Shown("Calibration error", judge.calibration_error),
            *(Shown(f"Right where it is {each.confidence:.0%} sure", each.accuracy) for each in curve),
        ]
        _table(view, rows, f"{name(judge.judge)} beside people")
    _table(view, [Shown("People agree with each other", found.people.ceiling)], "People beside each other")


st.title("Bias", anchor=False)
try:
    view = _chosen(choosing.source())
    line(f"{view.report.verdicts:,} verdicts of {', '.join(name(judge) for judge in view.report.judges)}.")
    _ledger(view)
    _position(view)
    _length_and_kin(view)
    _people(view)
    st.page_link("screens/judges.py", label="Report cards of judges", query_params={"benchmark": view.benchmark})
except JudgeBenchError as error:
    problem("There is nothing to say about bias here.", error)
