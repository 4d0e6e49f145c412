"""judgebench battles."""

from dataclasses import asdict
from typing import Annotated

import typer

from judgebench import services
from judgebench.cli.options import Benchmark, Category, Models, OneJudge, Output, Shown
from judgebench.cli.session import opened, print_json, print_table, say
from judgebench.show.numbers import amount
from judgebench.show.text import one_line


def battles(
    context: typer.Context,
    benchmark: Benchmark,
    judge: OneJudge = None,
    model: Models = None,
    category: Category = None,
    inconsistent: Annotated[
        bool, typer.Option("--inconsistent", help="Only where verdicts name different winners.")
    ] = False,
    without_verdict: Annotated[
        bool, typer.Option("--without-verdict", help="Only where a trial has no preference.")
    ] = False,
    text: Annotated[str, typer.Option("--text", help="Only where the instruction contains this.")] = "",
    limit: Shown = 20,
    offset: Annotated[int, typer.Option("--offset", min=0, max=10**9, help="Pass over so many.")] = 0,
    output: Output = "table",
) -> None:
    """List battles with the mean preference of their verdicts.

    Of two models, named by --model twice, those between them.

    $ judgebench battles --benchmark demo --inconsistent
    $ judgebench battles --benchmark demo --model demo-careful --model demo-hasty
    """
    from judgebench.store.battles import BattleFilter

    chosen = BattleFilter(
        *(judge, category, tuple(model or ())), inconsistent=inconsistent, without_verdict=without_verdict, text=text
    )
    with opened(context) as database:
        rows, total = services.battles.battles(database, benchmark, chosen, limit=limit, offset=offset)
    if output == "json":
        print_json({"total": total, "battles": [asdict(row) | {"consistent": row.consistent} for row in rows]})
        return
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
    say(f"{len(rows)} of {total} battles")
