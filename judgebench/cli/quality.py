"""judgebench quality."""

from enum import StrEnum
from typing import Annotated, Any

import numpy as np
import typer

from judgebench import services
from judgebench.cli.options import BenchmarkOption, FormatOption, JudgesOption
from judgebench.cli.session import Format, Session, percent, print_json, say
from judgebench.leaderboard import Choices


class Compared(StrEnum):
    WIN_RATE = "win-rate"
    BRADLEY_TERRY = "bradley-terry"
    LENGTH_CONTROLLED = "length-controlled"


def quality(
    context: typer.Context,
    benchmark: BenchmarkOption,
    judge: JudgesOption = None,
    against: Annotated[str | None, typer.Option(help="Another benchmark; default: the same.")] = None,
    against_judge: Annotated[list[str] | None, typer.Option(help="Judge of the other leaderboard.")] = None,
    method: Annotated[Compared, typer.Option(help="Of both leaderboards.")] = Compared.WIN_RATE,
    output: FormatOption = Format.TABLE,
) -> None:
    """Separability of a leaderboard; with --against or --against-judge, how well it foretells the other one."""
    session: Session = context.obj
    with session.database() as database:
        measured = services.leaderboards.board_quality(
            database,
            benchmark,
            judges=judge or (),
            against=against,
            against_judges=against_judge or (),
            choices=Choices(method=method.value),
        )
    share, other = measured.separability, measured.against
    document: dict[str, Any] = {"benchmark": benchmark, "method": method.value, "separability": share}
    if other is not None:
        agreement = other.agreement if np.isfinite(other.agreement) else None
        document["against"] = {"benchmark": against or benchmark, "judges": against_judge or []}
        document |= {"agreement": agreement, "brier": other.brier, "pairs": other.pairs}
    if output is Format.JSON:
        print_json(document)
        return
    say(f"separability: {percent(share)} of pairs have intervals that do not overlap ({measured.level:.0%})")
    if other is not None:
        shown = (
            "not identified: the other separates no pair" if document["agreement"] is None else f"{other.agreement:.3f}"
        )
        say(f"agreement with confidence: {shown}")
        say(f"Brier score: {other.brier:.3f} (0.25 is what saying even everywhere gets), over {other.pairs} pairs")
