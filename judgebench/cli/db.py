"""judgebench db ...: the database as a whole."""

from pathlib import Path
from typing import Annotated

import typer

from judgebench.cli.options import Output
from judgebench.cli.session import opened, print_json, say, tell

_HELP = """Upgrade, check, back up and copy the database.

$ judgebench db check
$ judgebench db backup saved.db
"""
app = typer.Typer(help=_HELP, no_args_is_help=True)


@app.command()
def upgrade(context: typer.Context) -> None:
    """Create the database, or bring its schema to this version's; and build anew what is derived from verdicts.

    $ judgebench db upgrade
    $ judgebench --db postgresql://me@db.example.org/bench db upgrade
    """
    from judgebench.store import transfer

    with opened(context, create=True) as database:
        transfer.refresh(database)
        say(f"{database.name}: schema {database.revision()}")


@app.command()
def check(context: typer.Context, output: Output = "table") -> None:
    """Count rows and look for what is broken or missing; exit code 1 when something is.

    $ judgebench db check
    """
    from judgebench.services.gaps import GapReport, find_gaps
    from judgebench.store import transfer

    with opened(context) as database:
        report = transfer.check(database)
        missing = find_gaps(database) if report.rows else GapReport()  # a damaged file is not read further
    problems = [*report.problems, *map(str, missing.gaps)]
    if output == "json":
        print_json({"rows": report.rows, "problems": problems, "notes": list(missing.notes)})
    else:
        width = max(map(len, report.rows), default=0)
        say(*(f"{table:<{width}}{count:>10}" for table, count in report.rows.items()))
        say("\n".join(problems) or "no problem found")
        tell(*missing.notes)
    if problems:
        raise typer.Exit(1)


@app.command()
def backup(context: typer.Context, file: Annotated[Path, typer.Argument(help="A new SQLite file.")]) -> None:
    """Write the whole database into a new SQLite file, also while others write.

    $ judgebench db backup saved.db
    $ judgebench --db postgresql://me@db.example.org/bench db backup saved.db
    """
    from judgebench.store import transfer

    with opened(context) as database:
        transfer.backup(database, file)
    say(f"saved as {file}")


@app.command()
def copy(
    context: typer.Context,
    target: Annotated[str, typer.Argument(metavar="URL", help="An empty database, SQLite or PostgreSQL.")],
) -> None:
    """Copy every row into another database: from SQLite to PostgreSQL, or back.

    $ judgebench db copy other.db
    $ judgebench db copy postgresql://me@db.example.org/bench
    """
    from judgebench.store import transfer
    from judgebench.store.database import Database

    with opened(context) as database:
        counts = transfer.copy(database, target)
        name = Database(target).name
    say(f"copied {sum(counts.values())} rows into {name}")
