"""judgebench card."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from judgebench import services
from judgebench.cli.options import CardBenchmark, Html, Judge, Level, Output
from judgebench.cli.session import opened, print_json, print_table, say, say_coverage, tell, write_file
from judgebench.show.numbers import interval, value

if TYPE_CHECKING:
    from judgebench.bias.card import Card


def card(
    context: typer.Context,
    judge: Judge,
    benchmark: CardBenchmark = None,
    level: Level = 0.95,
    html: Html = None,
    output: Output = "table",
) -> None:
    """A judge's report card: every measure that the stored verdicts allow, with its grade.

    $ judgebench card --judge embedded --benchmark demo
    $ judgebench card --judge embedded --html card.html
    """
    from judgebench.show import coverage
    from judgebench.show.html import card_page
    from judgebench.show.tables import document

    with opened(context) as database:
        report = services.cards.card(database, judge, benchmark=benchmark, level=level)
    if html is not None:
        write_file(html, card_page(report))
        tell(f"written to {html}")
    if output == "json":
        told = coverage.told(report.coverage)
        print_json(document(report) | told | {"notes": [*told["notes"], *report.notes]})
    else:
        _print(report)


def _print(card: Card) -> None:
    say_coverage(card.coverage)
    say(f"{card.judge} on {card.benchmark} (LLM {card.model}, template {card.template})")
    print_table(
        ("grade", "line", "value", "interval", "evidence"),
        [
            (
                *(line.grade, line.name, value(line.figure, line.unit), interval(line.figure, line.unit)),
                f"{line.question}: {line.figure.reason if line.figure.value is None else line.evidence}",
            )
            for line in card.lines
        ],
    )
    say("Grades that the intervals leave open:")
    say(*(f"  {line.name}: {line.rule}" for line in card.lines if line.rule), *card.notes)
