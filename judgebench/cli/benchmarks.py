"""judgebench benchmarks."""

from dataclasses import asdict

import typer

from judgebench import services
from judgebench.cli.options import FormatOption
from judgebench.cli.session import Format, Session, print_list


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
    print_list(rows, ("benchmark", "instructions", "models", "judges", "verdicts"), shown, output)
