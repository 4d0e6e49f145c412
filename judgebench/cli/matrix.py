"""judgebench matrix."""

import typer

from judgebench import services
from judgebench.cli.options import Benchmark, Category, Judges, Output
from judgebench.cli.session import opened, print_json, print_table, say
from judgebench.show.numbers import percent, span


def matrix(
    context: typer.Context,
    benchmark: Benchmark,
    judge: Judges = None,
    category: Category = None,
    output: Output = "table",
) -> None:
    """How often each model was preferred to each other one, with intervals.

    $ judgebench matrix --benchmark demo
    $ judgebench matrix --benchmark demo --judge embedded --category writing
    """
    with opened(context) as database:
        rates = services.leaderboards.matrix(database, benchmark, judges=judge or (), category=category)
    pairs = list(rates.pairs())
    if output == "json":
        interval = {"level": rates.level, "method": rates.method}
        print_json({"benchmark": benchmark, "interval": interval, "models": list(rates.models), "pairs": pairs})
        return
    print_table(
        ("model", "opponent", "win rate", "interval", "battles"),
        [
            (p["model"], p["opponent"], percent(p["win_rate"]), span(p["lower"], p["upper"], "share"), p["battles"])
            for p in pairs
        ],
        text=("model", "opponent"),
    )
    say(f"{rates.level:.0%} intervals: {rates.method}")
