"""judgebench bias."""

from typing import Annotated

import typer

from judgebench import services
from judgebench.bias.counterfactual import WithoutEffect
from judgebench.bias.report import BiasReport
from judgebench.cli.figures import print_lines
from judgebench.cli.options import BenchmarkOption, CategoryOption, FormatOption, JudgesOption, LevelOption
from judgebench.cli.session import Format, Session, out, print_json, visible
from judgebench.show.tables import document

_MOVED = 5  # models shown of a counterfactual board, and flips


_WORTH_SHOWING = 0.01  # of a change of win rate


def bias(
    context: typer.Context,
    benchmark: BenchmarkOption,
    judge: JudgesOption = None,
    category: CategoryOption = None,
    baseline: Annotated[str | None, typer.Option(help="Win rates in the ledger are against this model.")] = None,
    level: LevelOption = 0.95,
    output: FormatOption = Format.TABLE,
) -> None:
    """What besides quality moves a judge: position, length, style, its relatives; and the ranking without it."""
    session: Session = context.obj
    with session.database() as database:
        found = services.bias.bias(
            database, benchmark, judges=judge or (), category=category, baseline=baseline, level=level
        )  # fmt: skip
    if output is Format.JSON:
        print_json({"benchmark": benchmark, "category": category, **document(found)})
        return
    out().print(visible(f"{', '.join(found.judges)} on {benchmark}: {found.verdicts} verdicts, {level:.0%} intervals"))
    _print_bias(found)


def _print_bias(found: BiasReport) -> None:
    place = found.position
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
            ("effect where orders vary across battles", found.position_across, "points"),
            ("repeats that agree", place.repeatability, "share"),
            *((f"gap {b.gap_from:.1f}-{b.gap_to:.1f}: first place", b.points, "points") for b in found.position_curve),
        ],
    )
    slope = found.length.slope
    print_lines(
        "length",
        [
            ("prefers the longer", found.length.prefers_longer, "share"),
            ("the same where people tie", found.length.prefers_longer_at_human_tie, "share"),
            ("more than people do", found.length.excess_over_people, "points"),
            ("slope in log-length", slope.raw, "number"),
            ("twice as long", slope.points, "points"),
            ("twice as long, beyond people", slope.points_beyond_people, "points"),
        ],
    )
    if found.style:
        print_lines("style, each at equal others", [(s.meaning, s.points, "points") for s in found.style.values()])
    favour = found.self_preference
    print_lines(
        "relatives",
        [
            *((f"favour in verdicts: {kind}", figure, "points") for kind, figure in found.leakage.points.items()),
            ("beyond other judges: own", favour.own, "points"),
            ("beyond other judges: family", favour.family, "points"),
            *((f"people's side for its own ({name})", e.bias, "points") for name, e in found.equal_opportunity.items()),
            ("what its LLM finds more likely", found.likelihood, "points"),
        ],
    )
    print_lines("ledger", [(f"{e.name}: {e.meaning}", e.points, "points") for e in found.ledger.entries])
    for entry in (*found.ledger.entries, found.ledger.together):
        _print_counterfactual(entry)


def _print_counterfactual(entry: WithoutEffect) -> None:
    """Whom the effect helps and harms most, and what flips without it."""
    moved = sorted(entry.board, key=lambda row: -abs(row.change.value or 0.0))[:_MOVED]
    if not entry.flips and all(abs(row.change.value or 0.0) < _WORTH_SHOWING for row in moved):
        return
    lines = [(f"{row.model} ({row.rank} to {row.rank_without})", row.change, "points") for row in moved]
    print_lines(f"without {entry.name}: change of win rate (rank as judged to rank without)", lines)
    flips = [f"  {words}" for words in entry.flips[:_MOVED]]
    rest = len(entry.flips) - len(flips)
    for words in [*flips, *([f"  and {rest} more pairs, see --format json"] if rest else [])]:
        out().print(visible(words))
