"""judgebench distributions."""

import typer

from judgebench import services
from judgebench.cli import options
from judgebench.cli.session import opened, print_json, print_table, say_coverage
from judgebench.leaderboard import USUAL_METHOD, Choices


@options.flat
def distributions(
    context: typer.Context,
    benchmark: options.Benchmark,
    counted: options.ScopeOptions,
    method: options.RankingMethod = USUAL_METHOD,
    baseline: options.BoardBaseline = None,
    output: options.Output = "table",
) -> None:
    """How the preferences for every model spread over its battles; with --method score its scores.

    $ judgebench distributions --benchmark demo
    $ judgebench distributions --benchmark demo --baseline demo-careful --format json
    """
    from judgebench.show import coverage, spread, tables

    choices = Choices(method=method, baseline=baseline)
    with opened(context) as database:
        of = services.distributions.distributions(database, benchmark, scope=counted.scope(), choices=choices)
    if output == "json":
        known = {"benchmark": benchmark, "method": of.board.method, "baseline": of.board.baseline}
        rows = list(tables.distribution_rows(of))
        print_json({**known, "rows": rows, **coverage.told(of.board.coverage)})
        return
    say_coverage(of.board.coverage)
    labels = spread.labels(of)
    print_table(
        ("model", *labels), [(model, *map(str, counts)) for model, counts in of.counts.items()], text=("model",)
    )
