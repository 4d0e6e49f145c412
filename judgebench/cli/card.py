"""judgebench card."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from judgebench import services
from judgebench.bias.card import Card
from judgebench.cli.session import Format, Session, err, out, print_json, visible, write_file
from judgebench.show.html import card_page
from judgebench.show.numbers import interval, value
from judgebench.show.tables import document


def card(
    context: typer.Context,
    judge: Annotated[str, typer.Option(help="Name of the judge.")],
    benchmark: Annotated[
        str | None, typer.Option(help="On this benchmark; default: where the judge gave most verdicts.")
    ] = None,
    level: Annotated[float, typer.Option(min=0.5, max=0.999, help="Of the intervals.")] = 0.95,
    html: Annotated[Path | None, typer.Option(help="Write the card into this file, which opens offline.")] = None,
    output: Annotated[Format, typer.Option("--format")] = Format.TABLE,
) -> None:
    """A judge's report card: can it be trusted, by every measure that the stored verdicts allow."""
    session: Session = context.obj
    with session.database() as database:
        found = services.cards.card(database, judge, benchmark=benchmark, level=level)
    if html is not None:
        write_file(html, card_page(found))
        err().print(visible(f"written to {html}"))
    if output is Format.JSON:
        print_json(document(found))
    else:
        _print(found)


def _print(found: Card) -> None:
    screen = out()
    screen.print(visible(f"{found.judge} on {found.benchmark} (LLM {found.model}, template {found.template})"))
    table = Table("grade", "line", "value", "interval", "evidence", box=None, pad_edge=False)
    for each in found.lines:
        about = each.figure.reason if each.figure.value is None else each.evidence
        cells = (
            each.grade,
            each.name,
            value(each.figure, each.unit),
            interval(each.figure, each.unit),
            f"{each.question}: {about}",
        )
        table.add_row(*(visible(cell) for cell in cells))
    screen.print(table)
    screen.print("Grades, by the worse end of the interval:")
    for each in found.lines:
        if each.rule:
            screen.print(f"  {each.name}: {each.rule}")
    for note in found.notes:
        screen.print(visible(note))
