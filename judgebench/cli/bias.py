"""judgebench bias."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from judgebench import services
from judgebench.cli.figures import print_lines
from judgebench.cli.options import Baseline, Benchmark, Category, Judges, Level, Output
from judgebench.cli.session import opened, print_json, say

if TYPE_CHECKING:
    from judgebench.bias.counterfactual import Entry
    from judgebench.bias.report import BiasReport

_MOVED = 5  # models shown of a counterfactual board, and flips
_WORTH_SHOWING = 0.01  # of a change of win rate


def bias(
    context: typer.Context,
    benchmark: Benchmark,
    judge: Judges = None,
    category: Category = None,
    baseline: Baseline = None,
    level: Level = 0.95,
    output: Output = "table",
) -> None:
    """What besides quality moves a judge: position, length, style, relatives; and the ranking without it.

    Examples:
      judgebench bias --benchmark demo --judge embedded
      judgebench bias --benchmark demo --baseline demo-careful --format json
    """
    from judgebench.bias.document import plain

    with opened(context) as database:
        report = services.bias.bias(
            database, benchmark, judges=judge or (), category=category, baseline=baseline, level=level
        )
    if output == "json":
        print_json({"benchmark": benchmark, "category": category, **plain(report)})
        return
    say(f"{', '.join(report.judges)} on {benchmark}: {report.verdicts} verdicts, {level:.0%} intervals")
    _print_bias(report)


def _print_bias(report: BiasReport) -> None:
    place = report.position
    print_lines(
        f"position ({place.matched} battles in both orders, {place.unmatched} verdicts without a partner)",
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
    slope = report.length.slope
    print_lines(
        "length",
        [
            ("prefers the longer", report.length.prefers_longer, "share"),
            ("the same where people tie", report.length.prefers_longer_at_human_tie, "share"),
            ("more than people do", report.length.excess_over_people, "points"),
            ("slope in log-length", slope.raw, "number"),
            ("twice as long", slope.points, "points"),
            ("twice as long, beyond people", slope.points_beyond_people, "points"),
        ],
    )
    if report.style:
        print_lines("style, each at equal others", [(s.meaning, s.points, "points") for s in report.style.values()])
    favour = report.self_preference
    print_lines(
        "relatives",
        [
            *((f"favour in verdicts: {kind}", figure, "points") for kind, figure in report.leakage.points.items()),
            ("beyond other judges: own", favour.own, "points"),
            ("beyond other judges: family", favour.family, "points"),
            *((f"people's side for its own ({name})", e.bias, "points") for name, e in report.equal_opportunity.items()),
            ("what its LLM finds more likely", report.likelihood, "points"),
        ],
    )
    print_lines("ledger", [(f"{e.name}: {e.meaning}", e.points, "points") for e in report.ledger.entries])
    for entry in (*report.ledger.entries, report.ledger.together):
        _print_counterfactual(entry)


def _print_counterfactual(entry: Entry) -> None:
    """Whom the effect helps and harms most, and what flips without it."""
    moved = sorted(entry.board, key=lambda row: -abs(row.change.value or 0.0))[:_MOVED]
    if not entry.flips and all(abs(row.change.value or 0.0) < _WORTH_SHOWING for row in moved):
        return
    lines = [(f"{row.model} ({row.rank} to {row.rank_without})", row.change, "points") for row in moved]
    print_lines(f"without {entry.name}: change of win rate (rank as judged to rank without)", lines)
    flips = [f"  {words}" for words in entry.flips[:_MOVED]]
    rest = len(entry.flips) - len(flips)
    say(*flips, *([f"  and {rest} more pairs, see --format json"] if rest else []))
