"""What moves the board besides quality, in points of win rate, and the board as it would be without it."""

from dataclasses import dataclass

import streamlit as st

from app import cached, filters
from app.views import elements, origins, ways
from app.views.elements import line, unavailable
from judgebench.services.pages import BiasReport, JudgeBenchError, Slopes
from judgebench.services.scope import Scope
from judgebench.show import charts, sentences, tables
from judgebench.show.numbers import Labelled
from judgebench.show.text import count, one_line


@dataclass(frozen=True, slots=True)
class _View:
    source: cached.Source
    benchmark: str
    scope: Scope
    report: BiasReport


def _chosen(source: cached.Source) -> _View:
    with st.container(horizontal=True):
        benchmark = filters.benchmark(source)
        scope = filters.scope(benchmark)
    filters.say_unknown()
    ways.need_verdicts(source, benchmark)
    return _View(source, benchmark.name, scope, cached.bias(source, benchmark.name, scope))


def _effects(view: _View) -> None:
    rows = [
        Labelled(f"{entry.name}: {entry.meaning}", entry.points, "points")
        for entry in view.report.ledger.entries
        if entry.points is not None
    ]
    known = [row for row in rows if row.estimate is not None and row.estimate.identified]
    if known:
        st.vega_lite_chart(charts.effects(known), alt="Effects on win rates; the table below has the same numbers")
    ways.estimates(rows, view.benchmark, alt="Effects in points of win rate at equal quality")


def _board(view: _View) -> None:
    moves = tables.moves(view.report.ledger)
    if not moves:
        line("Nothing in the ledger is identified, so the board stays as it is.")
        return
    part = filters.places(len(moves))
    st.vega_lite_chart(
        charts.moves(moves[part.start : part.stop]), alt="How each model moves; the table below holds the same numbers"
    )
    filters.say_part(part, len(moves))
    for sentence in sentences.movement(view.report.ledger.together):
        line(sentence)
    elements.moves(moves, alt="Win rates as judged and without all effects")
    elements.notes(view.report.ledger.notes)


def _position(view: _View) -> None:
    position = view.report.position
    if view.report.position_curve:
        st.vega_lite_chart(
            charts.position_curve(view.report.position_curve),
            alt="Points of the first place by gap in quality; the table below has the same numbers",
        )
    gaps = [
        Labelled(f"First place, better model wins {gap.gap_from:.0%} to {gap.gap_to:.0%}", gap.points, "points")
        for gap in view.report.position_curve
    ]
    rows = [
        Labelled("Both orders name the same winner", position.consistency),
        Labelled("Both lean to the output shown first", position.primacy),
        Labelled("Both lean to the output shown second", position.recency),
        Labelled("They name opposite winners", position.conflict),
        Labelled("First place, at equal quality", position.points, "points"),
        Labelled("First place, orders varied across battles", view.report.position_across, "points"),
        Labelled("Repeats of a trial agree", position.repeatability),
        *gaps,
    ]
    ways.estimates(rows, view.benchmark, alt="Position")


def _length_and_style(view: _View) -> None:
    report = view.report
    slopes = {"length": report.length.slope, **report.style}
    rows = [
        Labelled("Prefers the longer output", report.length.prefers_longer),
        Labelled("Prefers the longer where people saw a tie", report.length.prefers_longer_at_human_tie),
        Labelled("Share of the longer, judge less people; no bias", report.length.less_peoples_share, "points"),
        Labelled("Sharpness beside people", report.length.slope.sharpness, "number"),
        *(row for label, slope in slopes.items() for row in _slope(label, slope)),
    ]
    ways.estimates(rows, view.benchmark, alt="Length and style")


def _slope(label: str, slope: Slopes) -> list[Labelled]:
    return [
        Labelled(f"{label}: {slope.meaning}, with the quality that comes with it", slope.points, "points"),
        Labelled(f"{label}: the same when people judge", slope.points_of_people, "points"),
        Labelled(f"{label}: beyond people's taste, at least", slope.points_beyond_people, "points"),
    ]


def _relatives(view: _View) -> None:
    report = view.report
    rows = [
        Labelled("Own model above what other judges' scores let expect; no bias", report.self_preference.own, "points"),
        Labelled("Family above what other judges' scores let expect; no bias", report.self_preference.family, "points"),
        *(
            Labelled(f"Favour to relatives: {relation}", favour, "points")
            for relation, favour in report.leakage.points.items()
        ),
        *(
            Labelled(f"{one_line(judge)}: favours its own outputs, beyond people's taste, at least", favour, "points")
            for judge, favour in report.own_beyond_people.items()
        ),
        *(
            Labelled(f"{one_line(judge)}: concurs with people on its own, less on others'; no bias", own.bias, "points")
            for judge, own in report.equal_opportunity.items()
        ),
        Labelled("Prefers what its own LLM finds more likely", report.likelihood, "points"),
    ]
    ways.estimates(rows, view.benchmark, alt="Kinship")
    origins.section(view.source)


def _people(view: _View) -> None:
    agreement = cached.agreement(view.source, view.benchmark, view.scope)
    rows = []
    for judge in agreement.judges:
        title = one_line(judge.judge)
        curve = () if judge.calibration is None else judge.calibration.curve
        line(f"{title}: {count(judge.items, 'labelled battle')}")
        if curve:
            st.vega_lite_chart(
                charts.reliability(curve), alt=f"{title}: accuracy by confidence; the table below has the same numbers"
            )
        rows += [
            Labelled(f"{title}: accuracy", judge.accuracy),
            Labelled(f"{title}: human agreement", judge.each_person),
            Labelled(f"{title}: calibration error", judge.calibration_error),
            *(Labelled(f"{title}: right where it is {point.confidence:.0%} sure", point.accuracy) for point in curve),
        ]
    rows.append(Labelled("Human agreement of people with each other", agreement.people.ceiling))
    ways.estimates(rows, view.benchmark, alt="Judges beside people")


_PARTS = {
    "Counterfactuals": _effects,
    "Board without bias": _board,
    "Position": _position,
    "Length and style": _length_and_style,
    "Kinship": _relatives,
    "Beside people": _people,
}


st.title("Bias", anchor=False)
try:
    view = _chosen(filters.source())
    elements.tab("Bias", view.benchmark)
    elements.counted(view.report.coverage, "app: judges")
    for tab, show in zip(filters.tabs(list(_PARTS), key="part"), _PARTS.values(), strict=True):
        if tab.open:
            with tab:
                show(view)
    elements.links(("Report cards of judges", filters.link("judges")))
except JudgeBenchError as error:
    unavailable(
        "There is nothing to say about bias here yet.", error, filters.afresh("Bias by what counts usually", "bias")
    )
