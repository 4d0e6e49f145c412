"""judgebench battles."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from judgebench import services
from judgebench.cli import remote
from judgebench.cli.options import Benchmark, Category, ComparisonOutput, Html, Models, OneJudge, Shown
from judgebench.cli.session import opened, print_result, write_page
from judgebench.errors import InputError


def battles(
    context: typer.Context,
    benchmark: Benchmark,
    judge: OneJudge = None,
    model: Models = None,
    category: Category = None,
    inconsistent: Annotated[
        bool, typer.Option("--inconsistent", help="Only where verdicts on the same two outputs name different winners.")
    ] = False,
    without_verdict: Annotated[
        bool, typer.Option("--without-verdict", help="Only where a trial has no preference.")
    ] = False,
    text: Annotated[
        str, typer.Option("--text", help="Only where the instruction or an output contains this, calls included.")
    ] = "",
    instruction: Annotated[
        str | None, typer.Option("--instruction", metavar="KEY", help="Only on this instruction, as audits name it.")
    ] = None,
    limit: Shown = 20,
    offset: Annotated[int, typer.Option("--offset", min=0, max=10**9, help="Pass over so many.")] = 0,
    full: Annotated[
        bool, typer.Option("--full", help="Show each battle: who said what, tool calls and results, and every verdict.")
    ] = False,
    html: Html = None,
    output: ComparisonOutput = "table",
) -> None:
    """List battles with the mean preference of their verdicts.

    Of two models, named by --model twice, those between them. CSV has a row a battle.

    $ judgebench battles --benchmark demo --inconsistent
    $ judgebench battles --benchmark demo --model demo-careful --model demo-hasty
    $ judgebench battles --benchmark demo --text "error" --limit 1 --full
    """
    if full and output == "csv":
        raise InputError("--full has more than a row a battle: leave it out, or --format csv")
    if (server := remote.server_of(context)) is not None:
        parameters: dict[str, Any] = {
            "benchmark": benchmark, "judge": judge, "model": model, "category": category, "inconsistent": inconsistent,
            "without_verdict": without_verdict, "text": text, "instruction": instruction, "limit": limit,
            "offset": offset,
        }  # fmt: skip
        remote.write_page(server, "battles", html, **parameters)
        remote.show(server, "battles", output, **parameters, full=full)
        return
    from judgebench.show import results
    from judgebench.show.html import battles_page
    from judgebench.store.battles import BattleFilter

    chosen = BattleFilter(
        *(judge, category, tuple(model or ())),
        inconsistent=inconsistent,
        without_verdict=without_verdict,
        text=text,
        instruction=instruction,
    )
    with opened(context) as database:
        rows, total = services.battles.battles(database, benchmark, chosen, limit=limit, offset=offset)
        judges = services.battles.judges(database, benchmark)
        opened_rows = rows if full or html is not None else []
        shown = [
            services.battles.battle(database, benchmark, row.instruction, row.model_a, row.model_b, judge=judge)
            for row in opened_rows
        ]
        images = services.images.of_battles(database, shown) if html is not None else {}
    if html is not None:
        write_page(html, battles_page(shown, images))
    print_result(results.battles(rows, total, judge, judges, shown if full else None, output))
