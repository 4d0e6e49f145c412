"""judgebench lineage: list, propose, accept, set, import."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from judgebench import services
from judgebench.cli.import_ import import_one
from judgebench.cli.session import Format, Session, out, print_json, visible
from judgebench.errors import InputError
from judgebench.records import Lineage, Model

app = typer.Typer(help="Where models and judges come from: family, parent, teachers.", no_args_is_help=True)
FormatOption = Annotated[Format, typer.Option("--format")]


@app.command("list")
def list_lineage(context: typer.Context, output: FormatOption = Format.TABLE) -> None:
    """List what was declared."""
    session: Session = context.obj
    with session.database() as database:
        found = services.lineage.declared(database)
    if output is Format.JSON:
        print_json([{"model": name, **asdict(lineage)} for name, lineage in found.items()])
    else:
        _print_models([Model(name, lineage) for name, lineage in found.items()])


@app.command()
def propose(context: typer.Context, output: FormatOption = Format.TABLE) -> None:
    """What the names of models and judges without a lineage suggest; nothing is stored."""
    session: Session = context.obj
    with session.database() as database:
        found = services.lineage.undeclared(database)
    if output is Format.JSON:
        print_json([asdict(each) for each in found])
        return
    table = Table("model", "family", "parent", "trained on", box=None, pad_edge=False)
    for each in found:
        name = f"{each.name} (a judge's LLM)" if each.is_judge else each.name
        if each.proposal is None:
            table.add_row(visible(name), "no proposal", "", "")
        else:
            table.add_row(visible(name), *_cells(each.proposal.lineage))
    out().print(table)
    out().print(
        "Confirm with: judgebench lineage accept NAME... (or --all); declare others with: judgebench lineage set"
    )


@app.command()
def accept(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="Models whose proposals are right.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All proposals are right.")] = False,
    output: FormatOption = Format.TABLE,
) -> None:
    """Confirm proposals: they become declared lineage, with those of the parents and teachers that they name."""
    session: Session = context.obj
    if bool(names) == everything:
        raise InputError("name the models whose proposals are right, or say --all")
    with session.database() as database:
        chosen = names or [each.name for each in services.lineage.undeclared(database) if each.proposal is not None]
        stored = services.lineage.accept(database, chosen)
    if output is Format.JSON:
        print_json([{"model": model.name, **asdict(model.lineage)} for model in stored])
    else:
        _print_models(stored)


@app.command("set")
def set_lineage(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A model, or the LLM of a judge.")],
    family: Annotated[str | None, typer.Option(help="e.g. llama")] = None,
    parent: Annotated[str | None, typer.Option(help="The model it was tuned from.")] = None,
    trained_on: Annotated[
        list[str] | None, typer.Option(help="A model whose outputs were in its training data; may be repeated.")
    ] = None,
) -> None:
    """Declare one lineage."""
    session: Session = context.obj
    lineage = Lineage(family, parent, tuple(trained_on or ()))
    if lineage == Lineage():
        raise InputError("say something: --family, --parent or --trained-on")
    with session.database() as database:
        services.lineage.declare(database, [Model(name, lineage)])
    _print_models([Model(name, lineage)])


@app.command("import")
def import_lineage(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="JSON, JSONL, CSV or parquet: model, family, parent, trained_on.")],
    output: FormatOption = Format.TABLE,
) -> None:
    """Declare the lineages in a file, all or none."""
    import_one(context.obj, file, as_format="lineage", output=output)


def _print_models(models: list[Model]) -> None:
    table = Table("model", "family", "parent", "trained on", box=None, pad_edge=False)
    for model in models:
        table.add_row(visible(model.name), *_cells(model.lineage))
    out().print(table)


def _cells(lineage: Lineage) -> tuple[str, str, str]:
    return visible(lineage.family or ""), visible(lineage.parent or ""), visible(", ".join(lineage.trained_on))
