"""judgebench quality."""

import math
from typing import Annotated, Any

import typer

from judgebench import services
from judgebench.cli.options import Against, Benchmark, Judges, Method, Output
from judgebench.cli.session import opened, percent, print_json, say


def quality(
    context: typer.Context,
    benchmark: Benchmark,
    judge: Judges = None,
    against: Against = None,
    against_judge: Annotated[
        list[str] | None, typer.Option("--against-judge", help="Judge of the other leaderboard; may be repeated.")
    ] = None,
    method: Method = "win-rate",
    output: Output = "table",
) -> None:
    """How many pairs a leaderboard separates, and how well it foretells another one.

    Examples:
      judgebench quality --benchmark demo
      judgebench quality --benchmark demo --judge embedded --against-judge scripted:coin
    """
    from judgebench.leaderboard import Choices

    choices = Choices(method=method)
    with opened(context) as database:
        board = services.leaderboards.leaderboard(database, benchmark, judges=judge or (), choices=choices)
        share = services.analyses.board_separability(board)
        other = None
        if against is not None or against_judge:
            other = services.leaderboards.leaderboard(
                database, against or benchmark, judges=against_judge or (), choices=choices
            )
    compared = None if other is None else services.analyses.quality(board, other)
    document: dict[str, Any] = {"benchmark": benchmark, "method": method, "separability": share}
    if compared is not None:
        agreement = compared.agreement if math.isfinite(compared.agreement) else None
        document["against"] = {"benchmark": against or benchmark, "judges": against_judge or []}
        document |= {"agreement": agreement, "brier": compared.brier, "pairs": compared.pairs}
    if output == "json":
        print_json(document)
        return
    say(f"separability: {percent(share)} of pairs have intervals that do not overlap ({board.interval.level:.0%})")
    if compared is not None:
        none = "not identified: the other separates no pair"
        say(f"agreement with confidence: {none if document['agreement'] is None else f'{compared.agreement:.3f}'}")
        say(
            f"Brier score: {compared.brier:.3f} (0.25 is what saying even everywhere gets), over {compared.pairs} pairs"
        )
