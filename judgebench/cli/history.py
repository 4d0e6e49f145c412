"""judgebench history."""

from typing import Annotated

import typer

from judgebench import services
from judgebench.cli import options
from judgebench.cli.session import opened, print_json, print_table, say, say_coverage
from judgebench.leaderboard import USUAL_METHOD, Choices
from judgebench.show.text import count


@options.flat
def history(
    context: typer.Context,
    benchmark: options.Benchmark,
    counted: options.ScopeOptions,
    method: options.RankingMethod = USUAL_METHOD,
    baseline: options.BoardBaseline = None,
    moments: Annotated[int, typer.Option("--moments", min=1, help="At most so many.")] = 12,
    output: options.Output = "table",
) -> None:
    """How ratings changed as verdicts came in, with intervals.

    $ judgebench history --benchmark demo
    $ judgebench history --benchmark demo --moments 4 --format json
    """
    from judgebench.show import coverage, tables

    choices = Choices(method=method, baseline=baseline)
    with opened(context) as database:
        past = services.history.history(database, benchmark, scope=counted.scope(), choices=choices, most=moments)
    board = past.board
    if output == "json":
        known = {"benchmark": benchmark, "method": board.method, "scale": board.scale, "baseline": board.baseline}
        told = coverage.told(board.coverage)
        missing = [{"time": then.time, "reason": then.reason} for then in past.moments if then.board is None]
        print_json({**known, "level": board.level, "rows": list(tables.history_rows(past)), "without": missing, **told})
        return
    say_coverage(board.coverage)
    print_table(tables.HISTORY_HEADINGS, tables.history_cells(past), text=("time", "model"))
    for then in past.moments:
        if then.board is None:
            say(f"{then.time}, {count(then.verdicts, 'verdict')}: {then.reason}")
