"""judgebench db ...: the database as a whole."""

from pathlib import Path
from typing import Annotated

import typer

from judgebench.cli.session import Format, Session, out, print_json, visible
from judgebench.store import transfer
from judgebench.store.database import Database

app = typer.Typer(help="Upgrade, check, back up and copy the database.", no_args_is_help=True)


@app.command()
def upgrade(context: typer.Context) -> None:
    """Create the database, or bring its schema to this version's; and build anew what is derived from verdicts."""
    session: Session = context.obj
    with session.database(create=True) as database:
        transfer.refresh(database)
        out().print(visible(f"{database.name}: schema {database.revision()}"))


@app.command()
def check(context: typer.Context, output: Annotated[Format, typer.Option("--format")] = Format.TABLE) -> None:
    """Count rows and look for what is broken; exit code 1 when something is."""
    session: Session = context.obj
    with session.database() as database:
        found = transfer.check(database)
    if output is Format.JSON:
        print_json({"rows": found.rows, "problems": list(found.problems)})
    else:
        for table, count in found.rows.items():
            out().print(f"{table:<14}{count:>10}")
        out().print(visible("\n".join(found.problems) or "no problem found"))
    if found.problems:
        raise typer.Exit(1)


@app.command()
def backup(context: typer.Context, file: Annotated[Path, typer.Argument(help="A new SQLite file.")]) -> None:
    """Write the whole database into a new SQLite file, also while others write."""
    session: Session = context.obj
    with session.database() as database:
        transfer.backup(database, file)
    out().print(visible(f"saved as {file}"))


@app.command()
def copy(
    context: typer.Context,
    target: Annotated[str, typer.Argument(metavar="URL", help="An empty database, SQLite or PostgreSQL.")],
) -> None:
    """Copy every row into another database: from SQLite to PostgreSQL, or back."""
    session: Session = context.obj
    with session.database() as database:
        counts = transfer.copy(database, target)
        name = Database(target).name
    out().print(visible(f"copied {sum(counts.values())} rows into {name}"))
