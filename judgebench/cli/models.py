"""judgebench models."""

from typing import Annotated

import typer

from judgebench import services
from judgebench.cli.options import FormatOption
from judgebench.cli.session import Format, Session, print_list


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
    print_list(rows, ("model", "family", "parent", "trained on"), shown, output)
