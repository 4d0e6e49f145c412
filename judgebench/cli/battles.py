"""judgebench battles."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from judgebench import services
from judgebench.cli.options import Benchmark, Category, Html, Models, OneJudge, Output, Shown
from judgebench.cli.session import opened, print_json, print_table, say, write_file
from judgebench.records import Order
from judgebench.show.conversations import battle_document, battle_lines, samples
from judgebench.show.coverage import averaged
from judgebench.show.numbers import amount
from judgebench.show.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgebench.services.battles import BattleSummary, JudgedBattle


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
    output: Output = "table",
) -> None:
    """List battles with the mean preference of their verdicts.

    Of two models, named by --model twice, those between them.

    $ judgebench battles --benchmark demo --inconsistent
    $ judgebench battles --benchmark demo --model demo-careful --model demo-hasty
    $ judgebench battles --benchmark demo --text "error" --limit 1 --full
    """
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
    if html is not None:
        write_file(html, battles_page(shown))
    if output == "json":
        listed = [asdict(row) for row in rows]
        if full:
            listed = [about | battle_document(battle) for about, battle in zip(listed, shown, strict=True)]
        print_json({"total": total, "judges": [judge] if judge else list(judges), "battles": listed})
    elif full:
        for battle in shown:
            _print_battle(battle)
        say(f"{len(rows)} of {total} battles")
    else:
        say(*averaged(judge, judges))
        _print_list(rows)
        say(f"{len(rows)} of {total} battles")


def _print_list(rows: Sequence[BattleSummary]) -> None:
    print_table(
        ("instruction", "A", "B", "preference for A", "consistent", "verdicts"),
        [
            (
                one_line(row.text),
                row.model_a,
                row.model_b,
                amount(row.preference, "number"),
                {True: "yes", False: "no", None: "-"}[row.consistent],
                f"{row.with_preference}/{row.trials}",
            )
            for row in rows
        ],
    )


def _print_battle(battle: JudgedBattle) -> None:
    say(*battle_lines(battle))
    several = len(battle.outputs) > 1
    print_table(
        (
            "judge",
            "first",
            *(("samples",) if several else ()),
            "repeat",
            "preference for A",
            "label",
            "status",
            "read from",
            "detail",
        ),
        [
            (
                one_line(shown.judge),
                {Order.AB: "A", Order.BA: "B", None: "-"}[shown.order],
                *((samples(shown.output_a, shown.output_b),) if several else ()),
                shown.repeat + 1,
                amount(shown.verdict.preference, "number"),
                one_line(shown.verdict.label or "-"),
                shown.verdict.status,
                shown.verdict.source,
                one_line(shown.verdict.detail or "-", 120),
            )
            for shown in battle.verdicts
        ],
    )
    say("")
