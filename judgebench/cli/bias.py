"""judgebench bias."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from judgebench import services
from judgebench.cli.options import AllJudges, Baseline, Benchmark, BoardJudges, Category, Level, Output
from judgebench.cli.session import opened, print_estimates, print_json, say, say_coverage
from judgebench.show.text import count

if TYPE_CHECKING:
    from judgebench.bias.counterfactual import WithoutEffect
    from judgebench.bias.report import BiasReport
    from judgebench.bias.taste import Slopes
    from judgebench.cli.session import Line

_MOVED = 5  # models shown of a counterfactual board
_WORTH_SHOWING = 0.01  # of a change of win rate


def bias(
    context: typer.Context,
    benchmark: Benchmark,
    judge: BoardJudges = None,
    all_judges: AllJudges = False,
    category: Category = None,
    baseline: Baseline = None,
    level: Level = 0.95,
    output: Output = "table",
) -> None:
    """What besides quality moves a judge: position, length, style, relatives; and the ranking without it.

    $ judgebench bias --benchmark demo --judge embedded
    $ judgebench bias --benchmark demo --baseline demo-careful --format json
    """
    from judgebench.show import coverage
    from judgebench.show.tables import document

    scope = services.scope.Scope(tuple(judge or ()), category, all_judges=all_judges)
    with opened(context) as database:
        report = services.bias.bias(database, benchmark, scope=scope, baseline=baseline, level=level)
    if output == "json":
        told = coverage.told(report.coverage)
        print_json({"benchmark": benchmark, "category": category, **document(report), **told})
        return
    say_coverage(report.coverage)
    say(f"{', '.join(report.judges)} on {benchmark}: {count(report.verdicts, 'verdict')}, {level:.0%} intervals")
    _print_bias(report)


def _print_bias(report: BiasReport) -> None:
    from judgebench.show.text import one_line

    place = report.position
    print_estimates(
        f"position bias ({count(place.matched, 'battle')} in both orders, {count(place.unmatched, 'verdict')} without "
        "a partner)",
        [
            ("consistency", place.consistency, "share"),
            ("leans to the first", place.primacy, "share"),
            ("leans to the second", place.recency, "share"),
            ("conflict", place.conflict, "share"),
            ("fairness (second - first)", place.preference_fairness, "number"),
            ("effect in log-odds, soft", place.log_odds_soft, "number"),
            ("effect in log-odds, labels", place.log_odds_hard, "number"),
            ("effect at equal quality", place.points, "points"),
            ("effect where orders vary across battles", report.position_across, "points"),
            ("repeats that agree", place.repeatability, "share"),
            *((f"gap {b.gap_from:.1f}-{b.gap_to:.1f}: first place", b.points, "points") for b in report.position_curve),
        ],
    )
    print_estimates(
        "length bias",
        [
            ("prefers the longer", report.length.prefers_longer, "share"),
            ("the same where people tie", report.length.prefers_longer_at_human_tie, "share"),
            ("judge's share less people's, no bias", report.length.less_peoples_share, "points"),
            ("slope in log-length", report.length.slope.raw, "number"),
            ("sharpness beside people", report.length.slope.sharpness, "number"),
            *_slope_lines(report.length.slope),
        ],
    )
    if report.style:
        print_estimates("style, each at equal others", [row for s in report.style.values() for row in _slope_lines(s)])
    own = report.self_preference
    print_estimates(
        "self-preference, family bias and preference leakage",
        [
            *((f"preference leakage: {kind}", points, "points") for kind, points in report.leakage.points.items()),
            ("own model above other judges' scores, no bias", own.own, "points"),
            ("family above other judges' scores, no bias", own.family, "points"),
            *(
                (f"favour of {name} for its own beyond people, at least", points, "points")
                for name, points in report.own_beyond_people.items()
            ),
            *(
                (f"{name} concurs on its own less on others', no bias", e.bias, "points")
                for name, e in report.equal_opportunity.items()
            ),
            ("prefers what its LLM finds more likely", report.likelihood, "points"),
        ],
    )
    print_estimates(
        "effects on win rates", [(f"{e.name}: {e.meaning}", e.points, "points") for e in report.ledger.entries]
    )
    for entry in (*report.ledger.entries, report.ledger.together):
        _print_counterfactual(entry)
    say(*(f"Note: {one_line(note, 1000)}" for note in report.ledger.notes))


def _slope_lines(slope: Slopes) -> list[Line]:
    return [
        (f"{slope.meaning}, with the quality in it", slope.points, "points"),
        (f"{slope.meaning}, when people judge", slope.points_of_people, "points"),
        (f"{slope.meaning}, beyond people, at least", slope.points_beyond_people, "points"),
    ]


def _print_counterfactual(entry: WithoutEffect) -> None:
    """Whom the effect helps and harms most, and whose places surely change without it."""
    from judgebench.show.sentences import movement

    moved = sorted(entry.board, key=lambda row: -abs(row.change.value or 0.0))[:_MOVED]
    if not entry.flips and all(abs(row.change.value or 0.0) < _WORTH_SHOWING for row in moved):
        return
    lines: list[Line] = [(row.model + (f" ({row.flag})" if row.flag else ""), row.change, "points") for row in moved]
    print_estimates(f"counterfactual leaderboard without {entry.name}: change of win rate", lines)
    say(*(f"  {words}" for words in movement(entry)))
