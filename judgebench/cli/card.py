"""judgebench card."""

from __future__ import annotations

import typer

from judgebench import services
from judgebench.cli import remote
from judgebench.cli.options import CardBenchmark, CardJudges, Html, Level, Output
from judgebench.cli.session import opened, print_result, write_page


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
    if (server := remote.server_of(context)) is not None:
        remote.write_page(server, "card", html, judge=judge, benchmark=benchmark, level=level)
        remote.show(server, "card", output, judge=judge, benchmark=benchmark, level=level)
        return
    from judgebench.show import results
    from judgebench.show.html import card_page

    with opened(context) as database:
        cards = [services.cards.card(database, name, benchmark=benchmark, level=level) for name in judge]
    if html is not None:
        write_page(html, card_page(*cards))
    print_result(results.cards(cards, output))
