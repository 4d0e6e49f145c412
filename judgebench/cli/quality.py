"""judgebench quality."""

import math
from typing import Annotated, Any

import typer

from judgebench import services
from judgebench.cli.options import Against, Benchmark, Judges, Output, QualityMethod
from judgebench.cli.session import opened, print_json, say
from judgebench.leaderboard import Choices
from judgebench.show.numbers import amount, percent


def quality(
    context: typer.Context,
    benchmark: Benchmark,
    judge: Judges = None,
    against: Against = None,
    against_judge: Annotated[
        list[str] | None, typer.Option("--against-judge", help="Judge of the other leaderboard; may be repeated.")
    ] = None,
    method: QualityMethod = "win-rate",
    output: Output = "table",
) -> None:
    """How many pairs a leaderboard separates, and how well it foretells another one.

    $ judgebench quality --benchmark demo
    $ judgebench quality --benchmark demo --judge embedded --against-judge scripted:coin
    """
    with opened(context) as database:
        measured = services.leaderboards.board_quality(
            database,
            benchmark,
            judges=judge or (),
            against=against,
            against_judges=against_judge or (),
            choices=Choices(method=method),
        )
    other = measured.against
    document: dict[str, Any] = {"benchmark": benchmark, "method": method, "separability": measured.separability}
    if other is not None:
        document["against"] = {"benchmark": against or benchmark, "judges": against_judge or []}
        agreement = other.agreement if math.isfinite(other.agreement) else None
        document |= {"agreement": agreement, "brier": other.brier, "pairs": other.pairs}
    if output == "json":
        print_json(document)
        return
    separability = percent(measured.separability)
    say(f"separability: {separability} of pairs have intervals that do not overlap ({measured.level:.0%})")
    if other is not None:
        none = "not identified: the other separates no pair"
        say(
            f"agreement with confidence: {none if document['agreement'] is None else amount(other.agreement, 'number')}"
        )
        say(
            f"Brier score: {amount(other.brier, 'number')} (0.25 is what saying even everywhere gets), "
            f"over {other.pairs} pairs"
        )
