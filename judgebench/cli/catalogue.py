"""judgebench benchmarks, models, templates, battles: what is there."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.table import Table

from judgebench import services, store
from judgebench.cli.session import Format, Session, out, print_json, visible
from judgebench.spec import templates as all_templates

FormatOption = Annotated[Format, typer.Option("--format")]
_EXCERPT = 60


def benchmarks(context: typer.Context, output: FormatOption = Format.TABLE) -> None:
    """List benchmarks."""
    session: Session = context.obj
    with session.database() as database:
        found = services.benchmarks.benchmarks(database)
    rows = [
        {**asdict(each), "categories": list(each.categories), "models": list(each.models), "judges": list(each.judges)}
        for each in found
    ]
    shown = [(each.name, each.instructions, len(each.models), len(each.judges), each.verdicts) for each in found]
    _print(rows, ("benchmark", "instructions", "models", "judges", "verdicts"), shown, output)


def models(
    context: typer.Context,
    benchmark: Annotated[str, typer.Option(help="Name of the benchmark.")],
    output: FormatOption = Format.TABLE,
) -> None:
    """List the models that have outputs in a benchmark, with their declared lineage."""
    session: Session = context.obj
    with session.database() as database:
        found = services.benchmarks.models(database, benchmark)
        generated = services.benchmarks.generated(database)
    rows = [
        {
            "model": m.name,
            "family": m.lineage.family,
            "parent": m.lineage.parent,
            "trained_on": [*m.lineage.trained_on],
            "generated": generated.get(m.name),
        }
        for m in found
    ]
    shown = [(m.name, m.lineage.family, m.lineage.parent, ", ".join(m.lineage.trained_on)) for m in found]
    _print(rows, ("model", "family", "parent", "trained on"), shown, output)


def templates(output: FormatOption = Format.TABLE) -> None:
    """List the templates that judges can be asked with."""
    found = all_templates()
    rows = [{"template": each.id, "kind": each.kind, "digest": each.digest} for each in found]
    _print(rows, ("template", "kind"), [(each.id, each.kind) for each in found], output)


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
    _print(rows, ("instruction", "A", "B", "preference for A", "consistent", "verdicts"), shown, output)
    out().print(f"{len(found)} of {total} battles")


def _print(
    rows: Sequence[dict[str, Any]], headings: Sequence[str], shown: Sequence[Sequence[Any]], output: Format
) -> None:
    if output is Format.JSON:
        print_json(list(rows))
        return
    table = Table(*headings, box=None, pad_edge=False)
    for line in shown:
        table.add_row(*(visible("" if cell is None else str(cell)) for cell in line))
    out().print(table)
