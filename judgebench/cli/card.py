"""judgebench card."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from judgebench import services
from judgebench.cli.options import CardBenchmark, CardJudges, Html, Level, Output
from judgebench.cli.session import opened, print_json, print_table, say, say_coverage, tell, write_file
from judgebench.show.numbers import estimate, interval, value

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from judgebench.bias.card import Card


def card(
    context: typer.Context,
    judge: CardJudges,
    benchmark: CardBenchmark = None,
    level: Level = 0.95,
    html: Html = None,
    output: Output = "table",
) -> None:
    """A judge's report card: every measure that the stored verdicts allow, with its grade.

    $ judgebench card --judge embedded --benchmark demo
    $ judgebench card --judge embedded --html card.html
    """
    from judgebench.show.html import card_page

    with opened(context) as database:
        cards = [services.cards.card(database, name, benchmark=benchmark, level=level) for name in judge]
    if html is not None:
        write_file(html, card_page(*cards))
        tell(f"written to {html}")
    if output == "json":
        print_json(_document(cards[0]) if len(cards) == 1 else {"cards": [_document(card) for card in cards]})
    elif len(cards) == 1:
        _print(cards[0])
    else:
        _print_beside(cards)


def _document(card: Card) -> dict[str, Any]:
    from judgebench.show import coverage
    from judgebench.show.tables import document

    told = coverage.told(card.coverage)
    return {**document(card), **told, "notes": [*told["notes"], *card.notes]}


def _print(card: Card) -> None:
    from judgebench.show import cards

    say_coverage(card.coverage)
    say(f"{card.judge} on {card.benchmark} (LLM {card.model}, template {card.template})")
    say(cards.overall(card), cards.overall_rule(card))
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
    say("Grades, given where the interval leaves one or two neighbours open:")
    say(*(f"  {line.name}: {line.rule}" for line in card.lines if line.rule))
    missing = list(cards.ungraded(card))
    say(*["Too little data, and what would give it:"] * bool(missing))
    say(*(f"  {line.name}: {line.reason}: {line.command}" for line in missing), *card.notes)


def _print_beside(cards: Sequence[Card]) -> None:
    """A column a judge; the rest is in each one's own card."""
    from judgebench.show.cards import overall, overall_rule

    for card in cards:
        say(f"{card.judge} on {card.benchmark}: {overall(card)}")
    say(overall_rule(cards[0]))
    lines = [{line.name: line for line in card.lines} for card in cards]
    print_table(
        ("line", *(card.judge for card in cards)),
        [
            (name, *(f"{own[name].grade}: {estimate(own[name].figure, own[name].unit)}" for own in lines))
            for name in lines[0]
        ],
    )
