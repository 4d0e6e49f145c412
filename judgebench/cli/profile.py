"""judgebench profile."""

from typing import Annotated

import typer

from judgebench import services
from judgebench.cli import options
from judgebench.cli.session import opened, print_json, print_table, say, say_coverage
from judgebench.leaderboard import METHODS, USUAL_METHOD, Choices


@options.flat
def profile(
    context: typer.Context,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Which model.")],
    benchmark: options.Benchmark,
    counted: options.ScopeOptions,
    method: options.RankingMethod = USUAL_METHOD,
    baseline: options.BoardBaseline = None,
    output: options.Output = "table",
) -> None:
    """Where a model stands, by category and opponent, and what it did best and worst.

    $ judgebench profile demo-careful --benchmark demo
    $ judgebench profile demo-careful --benchmark demo --format json
    """
    from judgebench.show import coverage, profiles, tables
    from judgebench.show.numbers import estimate, ranks

    choices = Choices(method=method, baseline=baseline)
    with opened(context) as database:
        about = services.profiles.profile(database, benchmark, model, scope=counted.scope(), choices=choices)
    board, row = about.board, about.row
    if output == "json":
        parts = {
            name: tables.document(getattr(about, name))
            for name in ("categories", "opponents", "best", "worst", "style", "relatives")
        }
        known = {"benchmark": benchmark, "model": model, "method": board.method, "baseline": board.baseline}
        print_json({**known, "row": row.columns(), **parts, **coverage.told(board.coverage)})
        return
    say_coverage(board.coverage)
    place = f"rank {ranks(row.rank_lower, row.rank_upper)} of {len(board.ranked):,}" if row.rank else "without a rank"
    say(f"{model}: {METHODS[board.method].label} {estimate(row.estimate, board.scale)}, {place}")
    unit = profiles.unit_of(board)
    for heading, kind in (("category", about.categories), ("opponent", about.opponents)):
        if kind:
            print_table(profiles.part_headings(heading, unit), profiles.part_cells(kind, unit), text=(heading,))
    print_table(profiles.STYLE_HEADINGS, profiles.style_cells(about.style), text=("an output has",))
    for heading, rows in (("best on", about.best), ("worst on", about.worst)):
        if rows:
            headings = (heading, "category", "preferred" if unit == "rate" else "score")
            print_table(headings, profiles.instruction_cells(rows, unit), text=(heading, "category"))
