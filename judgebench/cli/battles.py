"""judgebench battles."""

from dataclasses import asdict
from typing import Annotated

import typer

from judgebench import services, store
from judgebench.cli.options import FormatOption
from judgebench.cli.session import Format, Session, out, print_json, print_list

_EXCERPT = 60


def battles(
    context: typer.Context,
    benchmark: Annotated[str, typer.Option(help="Name of the benchmark.")],
    judge: Annotated[str | None, typer.Option(help="Only this judge's verdicts.")] = None,
    model: Annotated[list[str] | None, typer.Option(help="Battles of this model; twice: between these two.")] = None,
    category: Annotated[str | None, typer.Option(help="Only this category.")] = None,
    inconsistent: Annotated[bool, typer.Option(help="Only where verdicts name different winners.")] = False,
    without_verdict: Annotated[bool, typer.Option(help="Only where a trial has no preference.")] = False,
    text: Annotated[str, typer.Option(help="Found in the instruction.")] = "",
    limit: Annotated[int, typer.Option(min=1)] = 20,
    offset: Annotated[int, typer.Option(min=0)] = 0,
    output: FormatOption = Format.TABLE,
) -> None:
    """List battles with the mean preference of their verdicts."""
    session: Session = context.obj
    chosen = store.battles.BattleFilter(
        *(judge, category, tuple(model or ())), inconsistent=inconsistent, without_verdict=without_verdict, text=text
    )
    with session.database() as database:
        found, total = services.battles.battles(database, benchmark, chosen, limit=limit, offset=offset)
    rows = [asdict(each) | {"consistent": each.consistent} for each in found]
    shown = [
        (
            each.text.replace("\n", " ")[:_EXCERPT],
            each.model_a,
            each.model_b,
            "-" if each.preference is None else f"{each.preference:.3f}",
            {True: "yes", False: "no", None: "-"}[each.consistent],
            f"{each.with_preference}/{each.trials}",
        )
        for each in found
    ]
    if output is Format.JSON:
        print_json({"total": total, "battles": rows})
        return
    print_list(rows, ("instruction", "A", "B", "preference for A", "consistent", "verdicts"), shown, output)
    out().print(f"{len(found)} of {total} battles")
