"""judgebench benchmarks."""

from dataclasses import asdict

import typer

from judgebench import services
from judgebench.cli.options import Output
from judgebench.cli.session import opened, print_json, print_table


def benchmarks(context: typer.Context, output: Output = "table") -> None:
    """List benchmarks.

    $ judgebench benchmarks
    $ judgebench --db my.db benchmarks --format json
    """
    with opened(context) as database:
        rows = services.benchmarks.benchmarks(database)
    if output == "json":
        print_json([asdict(row) for row in rows])
        return
    print_table(
        ("benchmark", "instructions", "models", "judges", "verdicts"),
        [(row.name, row.instructions, len(row.models), len(row.judges), row.verdicts) for row in rows],
    )
