"""judgebench hindsight."""

from __future__ import annotations

from typing import Annotated

import typer

from judgebench import services
from judgebench.cli import options
from judgebench.cli.session import opened, print_estimates, print_json, print_table, say, write


def hindsight(
    context: typer.Context,
    benchmark: options.Benchmark,
    judge: options.Judge,
    informed: Annotated[
        str, typer.Option("--informed", help="Name of the judge that was shown what happened afterwards.")
    ],
    category: options.Category = None,
    level: options.Level = 0.95,
    output: options.ComparisonOutput = "table",
) -> None:
    """What it changes to know what happened afterwards: the same trials, read by two judges.

    CSV has a row a trial, those first that changed most.

    $ judgebench hindsight --benchmark demo --judge plain --informed knowing
    $ judgebench hindsight --benchmark demo --judge plain --informed knowing --format csv
    """
    from judgebench.show import hindsight as shown
    from judgebench.show import tables

    with opened(context) as database:
        known = services.hindsight.hindsight(
            database, benchmark, judge=judge, informed=informed, category=category, level=level
        )
    if output == "json":
        print_json(shown.document(known))
    elif output == "csv":
        write(tables.csv_text(shown.rows(known), shown.COLUMNS))
    else:
        say(*shown.sentences(known))
        lines = ((line.label, line.estimate, line.unit) for line in shown.labelled(known))
        print_estimates(f"intervals at {level:.0%}, clustered by instruction", lines)
        for name, parts in (("model", known.models), ("category", known.categories)):
            if parts:
                print_table((name, *shown.HEADINGS[1:]), shown.part_cells(known, parts), text=(name,))
