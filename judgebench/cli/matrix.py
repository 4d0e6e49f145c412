"""judgebench matrix."""

import typer

from judgebench import services
from judgebench.cli.options import AllJudges, Benchmark, BoardJudges, Category, Language, Output
from judgebench.cli.session import opened, print_json, print_table, say, say_coverage
from judgebench.show.numbers import percent, span


def matrix(
    context: typer.Context,
    benchmark: Benchmark,
    judge: BoardJudges = None,
    all_judges: AllJudges = False,
    category: Category = None,
    language: Language = None,
    output: Output = "table",
) -> None:
    """How often each model was preferred to each other one, with intervals.

    $ judgebench matrix --benchmark demo
    $ judgebench matrix --benchmark demo --judge embedded --category writing
    """
    from judgebench.show import coverage

    scope = services.scope.Scope(tuple(judge or ()), category, language, all_judges)
    with opened(context) as database:
        rates = services.leaderboards.matrix(database, benchmark, scope=scope)
    pairs = list(rates.pairs())
    if output == "json":
        interval = {"level": rates.level, "method": rates.method}
        counted = coverage.told(rates.coverage)
        about = {"benchmark": benchmark, "interval": interval, **counted}
        print_json({**about, "models": list(rates.models), "pairs": pairs})
        return
    say_coverage(rates.coverage)
    print_table(
        ("model", "opponent", "win rate", "interval", "battles"),
        [
            (p["model"], p["opponent"], percent(p["win_rate"]), span(p["lower"], p["upper"], "share"), p["battles"])
            for p in pairs
        ],
        text=("model", "opponent"),
    )
    say(f"{rates.level:.0%} intervals: {rates.method}")
