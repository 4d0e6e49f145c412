"""judgebench compare."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from judgebench import services
from judgebench.cli import options
from judgebench.cli.session import opened, print_estimates, print_json, print_table, say, say_coverage, write

if TYPE_CHECKING:
    from judgebench.services.profiles import Comparison

_LISTED = 20
_EXIT = {"no worse": 0, "worse": 1, "cannot tell": 3}


@options.flat
def compare(
    context: typer.Context,
    first: Annotated[str, typer.Argument(metavar="OLD", help="A model, or its old version.")],
    second: Annotated[str, typer.Argument(metavar="NEW", help="Another model, or the new version.")],
    benchmark: options.Benchmark,
    counted: options.ScopeOptions,
    baseline: options.VersionsBaseline = None,
    right_from: Annotated[
        float | None,
        typer.Option("--right-from", help="Scores from this on are right.", show_default="scores of 0 and 1"),
    ] = None,
    margin: options.VersionsMargin = 0.0,
    cluster: options.Dependence = "dialogue",
    level: options.Level = 0.95,
    output: options.ComparisonOutput = "table",
) -> None:
    """Two models, or two versions of one, beside each other: what got better and what got worse.

    Exit code 0 means that NEW is no worse, 1 that it is worse by more than the margin, 3 that this cannot be told. The
    table lists the largest changes; CSV and JSON have all.

    $ judgebench compare demo-hasty demo-careful --benchmark demo
    $ judgebench compare demo-hasty demo-careful --benchmark demo --margin 0.05 --format csv
    """
    from judgebench.show import coverage, tables, versions

    scope, by = counted.scope(), services.versions.ByVersions(baseline, right_from, margin, cluster)
    with opened(context) as database:
        between = services.profiles.compare(database, benchmark, first, second, scope=scope, by=by, level=level)
    change = between.change
    if output == "json":
        numbers = {
            name: tables.document(getattr(between, name)) for name in ("whole", "categories", "battles", "change")
        }
        known = {"benchmark": benchmark, "first": first, "second": second, "decision": change.decision}
        print_json({**known, **numbers, **coverage.told(between.coverage)})
    elif output == "csv":
        write(tables.csv_text(versions.rows(change), versions.COLUMNS))
    else:
        say_coverage(between.coverage)
        say(*versions.sentences(between))
        _tables(between)
    raise typer.Exit(_EXIT[change.decision])


def _tables(between: Comparison) -> None:
    from judgebench.show import profiles, versions
    from judgebench.show.text import count

    change = between.change
    lines = ((line.label, line.estimate, line.unit) for line in versions.labelled(between))
    print_estimates(f"{between.second} as a new version of {between.first}", lines)
    heading = f"{between.first} against {between.second}"
    parts = (replace(between.whole, name="all"), *between.categories)
    print_table(profiles.part_headings(heading, "rate"), profiles.part_cells(parts, "rate"), text=(heading,))
    if change.categories:
        print_table(versions.category_headings(change), versions.category_cells(change), text=("category",))
    outputs = [output for output in change.instructions if output.difference]
    shown = outputs if len(outputs) <= 2 * _LISTED else (*outputs[:_LISTED], *outputs[-_LISTED:])
    headings = versions.output_headings(change)
    cells = versions.output_cells(change, shown, between.battles)
    if shown:
        print_table(headings, cells, text=(*headings[:2], "flip"))
    if len(shown) < len(outputs):
        say(f"{len(outputs) - len(shown):,} instructions in between are not shown")
    if equal := len(change.instructions) - len(outputs):
        say(f"nothing changed on {count(equal, 'instruction')}")
