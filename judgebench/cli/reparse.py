"""judgebench reparse."""

from typing import Annotated

import typer

from judgebench import engine
from judgebench.cli.session import Format, Session, out, print_json


def reparse(
    context: typer.Context,
    judge: Annotated[str, typer.Argument(help="Name of a judge.")],
    output: Annotated[Format, typer.Option("--format")] = Format.TABLE,
) -> None:
    """Read a judge's stored replies again with the current parser; no call is made."""
    session: Session = context.obj
    with session.database() as database:
        read, changed = engine.run.reparse(database, judge)
    if output is Format.JSON:
        print_json({"read": read, "changed": changed})
    else:
        out().print(f"{read} replies read again, {changed} verdicts changed")
