"""judgebench matrix."""

import typer

from judgebench import services
from judgebench.cli.options import BenchmarkOption, CategoryOption, FormatOption, JudgesOption
from judgebench.cli.session import Format, Session, percent, print_json, print_rows, say, span


def matrix(
    context: typer.Context,
    benchmark: BenchmarkOption,
    judge: JudgesOption = None,
    category: CategoryOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """How often each model was preferred to each other one, with intervals."""
    session: Session = context.obj
    with session.database() as database:
        found = services.leaderboards.matrix(database, benchmark, judges=judge or (), category=category)
    pairs = list(found.pairs())
    if output is Format.JSON:
        interval = {"level": found.level, "method": found.method}
        print_json({"benchmark": benchmark, "interval": interval, "models": list(found.models), "pairs": pairs})
        return
    print_rows(
        ("model", "opponent", "win rate", "interval", "battles"),
        [
            (p["model"], p["opponent"], percent(p["win_rate"]), span(p["lower"], p["upper"]), p["battles"])
            for p in pairs
        ],
    )
    say(f"{found.level:.0%} intervals: {found.method}")
