"""judgebench categories."""

import typer

from judgebench import services
from judgebench.cli import options
from judgebench.cli.session import opened, print_json, print_table, say, say_coverage
from judgebench.leaderboard import USUAL_METHOD, Choices


def categories(
    context: typer.Context,
    benchmark: options.Benchmark,
    judge: options.BoardJudges = None,
    all_judges: options.AllJudges = False,
    language: options.Language = None,
    common: options.Common = False,
    with_flagged: options.WithFlagged = False,
    method: options.RankingMethod = USUAL_METHOD,
    baseline: options.BoardBaseline = None,
    output: options.Output = "table",
) -> None:
    """What every model did on every category of instructions, with intervals.

    $ judgebench categories --benchmark demo
    $ judgebench categories --benchmark demo --baseline demo-careful --format json
    """
    from judgebench.show import coverage, profiles, tables

    scope = services.scope.Scope(tuple(judge or ()), None, language, all_judges, common, with_flagged)
    choices = Choices(method=method, baseline=baseline)
    with opened(context) as database:
        rates = services.part_rates.category_rates(database, benchmark, scope=scope, choices=choices)
    board = rates.board
    if output == "json":
        known = {"benchmark": benchmark, "method": board.method, "baseline": board.baseline, "level": board.level}
        rows = list(tables.category_rows(rates))
        print_json({**known, "categories": list(rates.categories), "rows": rows, **coverage.told(board.coverage)})
        return
    say_coverage(board.coverage)
    unit = profiles.unit_of(board)
    lines = [(model, *cells) for model, parts in rates.rates.items() for cells in profiles.part_cells(parts, unit)]
    if not lines:
        say(f"no instruction of {benchmark} that was judged has a category")
        return
    print_table(("model", *profiles.part_headings("category", unit)), lines, text=("model", "category"))
