"""judgebench lineage: list, propose, accept, set, import."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from judgebench import services
from judgebench.cli.import_ import import_one
from judgebench.cli.options import Family, Output, Parent, TrainedOn
from judgebench.cli.session import opened, print_json, print_table, say
from judgebench.errors import InputError
from judgebench.records import Lineage, Model

_HELP = """Where models and judges come from: family, parent, teachers.

$ judgebench lineage propose
$ judgebench lineage accept --all
"""
app = typer.Typer(help=_HELP, no_args_is_help=True)


@app.command("list")
def list_lineage(context: typer.Context, output: Output = "table") -> None:
    """List what was declared.

    $ judgebench lineage list
    """
    with opened(context) as database:
        declared = services.lineage.declared(database)
    _print_models([Model(name, lineage) for name, lineage in declared.items()], output)


@app.command()
def propose(context: typer.Context, output: Output = "table") -> None:
    """What the names of models and judges without a lineage suggest; nothing is stored.

    $ judgebench lineage propose
    """
    with opened(context) as database:
        undeclared = services.lineage.undeclared(database)
    if output == "json":
        print_json([asdict(model) for model in undeclared])
        return
    print_table(
        ("model", "family", "parent", "trained on"),
        [
            (
                f"{model.name} (a judge's LLM)" if model.is_judge else model.name,
                *(("no proposal", "", "") if model.proposal is None else _cells(model.proposal.lineage)),
            )
            for model in undeclared
        ],
    )
    say("Confirm with: judgebench lineage accept NAME... (or --all); declare others with: judgebench lineage set")


@app.command()
def accept(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="Models whose proposals are right.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All proposals are right.")] = False,
    output: Output = "table",
) -> None:
    """Confirm proposals: they become declared lineage, with those of the parents and teachers that they name.

    $ judgebench lineage accept --all
    $ judgebench lineage accept vicuna-7b tulu-2-dpo-70b
    """
    if bool(names) == everything:
        raise InputError("name the models whose proposals are right, or say --all")
    with opened(context) as database:
        chosen = names or [model.name for model in services.lineage.undeclared(database) if model.proposal is not None]
        stored = services.lineage.accept(database, chosen)
    _print_models(stored, output)


@app.command("set")
def set_lineage(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A model, or the LLM of a judge.")],
    family: Family = None,
    parent: Parent = None,
    trained_on: TrainedOn = None,
) -> None:
    """Declare one lineage.

    $ judgebench lineage set demo-careful --family demo
    $ judgebench lineage set my-vicuna --family llama --parent llama-2 --trained-on gpt-4
    """
    lineage = Lineage(family, parent, tuple(trained_on or ()))
    if lineage == Lineage():
        raise InputError("say something: --family, --parent or --trained-on")
    with opened(context) as database:
        services.lineage.declare(database, [Model(name, lineage)])
    _print_models([Model(name, lineage)], "table")


@app.command("import")
def import_lineage(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="JSON, JSONL, CSV or parquet: model, family, parent, trained_on.")],
    output: Output = "table",
) -> None:
    """Declare the lineages in a file, all or none.

    $ judgebench lineage import lineage.csv
    """
    import_one(context, file, as_format="lineage", output=output)


def _print_models(models: list[Model], output: str) -> None:
    if output == "json":
        print_json([{"model": model.name, **asdict(model.lineage)} for model in models])
    else:
        print_table(
            ("model", "family", "parent", "trained on"), [(model.name, *_cells(model.lineage)) for model in models]
        )


def _cells(lineage: Lineage) -> tuple[str, str, str]:
    return lineage.family or "", lineage.parent or "", ", ".join(lineage.trained_on)
