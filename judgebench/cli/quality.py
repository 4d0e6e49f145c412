"""judgebench quality."""

import math
from typing import Annotated, Any

import typer

from judgebench import services
from judgebench.cli.options import (
    Against,
    AllJudges,
    Benchmark,
    BoardJudges,
    Common,
    Output,
    QualityMethod,
    WithFlagged,
)
from judgebench.cli.session import opened, print_json, say, say_coverage
from judgebench.leaderboard import USUAL_METHOD, Choices
from judgebench.show.numbers import amount, percent
from judgebench.show.text import count


def quality(
    context: typer.Context,
    benchmark: Benchmark,
    judge: BoardJudges = None,
    all_judges: AllJudges = False,
    common: Common = False,
    with_flagged: WithFlagged = False,
    against: Against = None,
    against_judge: Annotated[
        list[str] | None, typer.Option("--against-judge", help="Judge of the other leaderboard; may be repeated.")
    ] = None,
    method: QualityMethod = USUAL_METHOD,
    output: Output = "table",
) -> None:
    """How many pairs a leaderboard separates, and how well it foretells another one.

    $ judgebench quality --benchmark demo
    $ judgebench quality --benchmark demo --judge embedded --against-judge scripted:coin
    """
    from judgebench.show import coverage

    scope = services.scope.Scope(tuple(judge or ()), all_judges=all_judges, common=common, with_flagged=with_flagged)
    with opened(context) as database:
        measured = services.leaderboards.board_quality(
            database,
            benchmark,
            scope=scope,
            against=against,
            against_judges=against_judge or (),
            choices=Choices(method=method),
        )
    other = measured.against
    document: dict[str, Any] = {"benchmark": benchmark, "method": method, "separability": measured.separability}
    if other is not None:
        judges = [] if measured.against_coverage is None else list(measured.against_coverage.judges)
        about = {"benchmark": against or benchmark, "judges": judges}
        document["against"] = about | {"coverage": coverage.document(measured.against_coverage)}
        agreement = other.agreement if math.isfinite(other.agreement) else None
        document |= {"agreement": agreement, "brier": other.brier, "pairs": other.pairs}
    if output == "json":
        told = coverage.told(measured.coverage)
        print_json({**document, **told})
        return
    say_coverage(measured.coverage)
    separability = percent(measured.separability)
    say(f"separability: {separability} of pairs have intervals that do not overlap ({measured.level:.0%})")
    if other is not None:
        say("against the other leaderboard:")
        say_coverage(measured.against_coverage)
        none = "not identified: the other separates no pair"
        say(
            f"agreement with confidence: {none if document['agreement'] is None else amount(other.agreement, 'number')}"
        )
        say(
            f"Brier score: {amount(other.brier, 'number')} (0.25 is what saying even everywhere gets), "
            f"over {count(other.pairs, 'pair')}"
        )
