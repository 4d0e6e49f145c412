"""judgebench compare."""

from dataclasses import replace
from typing import Annotated

import typer

from judgebench import services
from judgebench.cli import options
from judgebench.cli.session import opened, print_json, print_table, say, say_coverage

_LISTED = 20


@options.flat
def compare(
    context: typer.Context,
    first: Annotated[str, typer.Argument(metavar="FIRST", help="A model.")],
    second: Annotated[str, typer.Argument(metavar="SECOND", help="The model that it is compared with.")],
    benchmark: options.Benchmark,
    counted: options.ScopeOptions,
    level: options.Level = 0.95,
    output: options.Output = "table",
) -> None:
    """Two models beside each other: wins, losses and ties, by category, and their battles.

    The table lists the surest battles of either; JSON has all.

    $ judgebench compare demo-careful demo-hasty --benchmark demo
    $ judgebench compare demo-careful demo-hasty --benchmark demo --format json
    """
    from judgebench.show import coverage, profiles, tables

    with opened(context) as database:
        between = services.profiles.compare(database, benchmark, first, second, scope=counted.scope(), level=level)
    if output == "json":
        numbers = {name: tables.document(getattr(between, name)) for name in ("whole", "categories", "battles")}
        known = {"benchmark": benchmark, "first": first, "second": second}
        print_json({**known, **numbers, **coverage.told(between.coverage)})
        return
    say_coverage(between.coverage)
    heading = f"{first} against {second}"
    parts = (replace(between.whole, name="all"), *between.categories)
    print_table(profiles.part_headings(heading, "rate"), profiles.part_cells(parts, "rate"), text=(heading,))
    battles = between.battles
    shown = battles if len(battles) <= 2 * _LISTED else (*battles[:_LISTED], *battles[-_LISTED:])
    headings = ("instruction", "category", "preferred", "shown first", "shown second")
    print_table(headings, profiles.battle_cells(shown), text=headings[:2])
    if len(shown) < len(battles):
        say(f"{len(battles) - len(shown):,} battles in between are not shown")
