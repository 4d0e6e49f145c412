"""judgebench db ...: the database as a whole."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from judgebench.cli.options import Done, Last, Output
from judgebench.cli.session import opened, print_json, print_table, say, tell
from judgebench.errors import InputError
from judgebench.records import Deletable, Named
from judgebench.show.text import count

if TYPE_CHECKING:
    from judgebench.services.upkeep import Change

By = Annotated[list[str] | None, typer.Option("--actor", help="Of whom; may be repeated.", show_default="everybody")]
Of = Annotated[list[str] | None, typer.Option("--action", help="What was done; may be repeated.", show_default="all")]
Skip = Annotated[int, typer.Option("--skip", min=0, max=10**9, help="Leave out the newest N.")]

_HELP = """Upgrade, check, back up, copy and merge databases; rename and delete what is in it.

$ judgebench db check
$ judgebench db backup saved.db
$ judgebench db delete model demo-hasty
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
    notes = [*report.notes, *missing.notes]
    if output == "json":
        print_json({"rows": report.rows, "problems": problems, "notes": notes})
    else:
        width = max(map(len, report.rows), default=0)
        say(*(f"{table:<{width}}{count:>10}" for table, count in report.rows.items()))
        say("\n".join(problems) or "no problem found")
        tell(*notes)
    if problems:
        raise typer.Exit(1)


@app.command()
def backup(context: typer.Context, file: Annotated[Path, typer.Argument(help="A new SQLite file.")]) -> None:
    """Write the whole database into a new SQLite file, also while others write.

    $ judgebench db backup saved.db
    $ judgebench --db postgresql://me@db.example.org/bench db backup saved.db
    """
    from judgebench import services

    with opened(context) as database:
        services.upkeep.backup(database, file)
    say(f"saved as {file}")


@app.command()
def copy(
    context: typer.Context,
    target: Annotated[str, typer.Argument(metavar="URL", help="An empty database, SQLite or PostgreSQL.")],
) -> None:
    """Copy every row into another database: from SQLite to PostgreSQL, or back. Tokens are revoked there.

    $ judgebench db copy other.db
    $ judgebench db copy postgresql://me@db.example.org/bench
    """
    from judgebench import services
    from judgebench.store.database import Database

    with opened(context) as database:
        counts = services.upkeep.copy(database, target)
        name = Database(target).name
    say(f"copied {count(sum(counts.values()), 'row')} into {name}")
    if counts["api_tokens"]:
        say("all tokens of the API are revoked there: judgebench tokens create makes new ones")


@app.command()
def merge(
    context: typer.Context,
    sources: Annotated[
        list[str], typer.Argument(metavar="DATABASE...", help="Databases, SQLite or PostgreSQL, of the same study.")
    ],
    output: Output = "table",
) -> None:
    """Take in the verdicts of other databases on the same outputs, as of the parts of a study; what is known stays.

    Each was copied from this one, or filled by the same files. What people say of the steps of outputs and what
    happened afterwards comes too; labels of battles, audits and addresses of judges do not.

    $ judgebench db merge part-1.db part-2.db
    """
    from judgebench import services

    with opened(context) as database:
        merged = [services.merging.merge(database, source) for source in sources]
    if output == "json":
        print_json([asdict(one) for one in merged])
        return
    print_table(
        ("database", "new runs", "new trials", "known trials", "new beside outputs"),
        [(one.source, one.runs, one.new, one.known, one.beside) for one in merged],
        text=("database",),
    )


@app.command()
def rename(
    context: typer.Context,
    what: Annotated[Named, typer.Argument(help="What is renamed.")],
    name: Annotated[str, typer.Argument(help="Its name.")],
    new: Annotated[str, typer.Argument(help="The name that it gets.")],
    yes: Done = False,
    output: Output = "table",
) -> None:
    """Call a benchmark, a model or a judge by another name, wherever it stands; without --yes, say what changes.

    $ judgebench db rename model demo-hasty demo-quick
    $ judgebench db rename benchmark demo demo-2024 --yes
    """
    from judgebench import services

    with opened(context) as database:
        _print_change(services.upkeep.rename(database, what, name, new, yes=yes), output)


@app.command()
def delete(
    context: typer.Context,
    what: Annotated[Deletable, typer.Argument(help="What is deleted.")],
    name: Annotated[str, typer.Argument(help="Its name, or a run's number.")],
    yes: Done = False,
    output: Output = "table",
) -> None:
    """Delete a benchmark, a model, a judge or a run with all that belongs to it; without --yes, say what that is.

    $ judgebench db delete model demo-hasty
    $ judgebench db delete run 3 --yes
    """
    from judgebench import services

    with opened(context) as database:
        _print_change(services.upkeep.delete(database, what, name, yes=yes), output)


@app.command()
def compact(context: typer.Context) -> None:
    """Write the database anew, so that nothing is left of what was deleted; nobody else may use it meanwhile.

    $ judgebench db compact
    """
    from judgebench import services

    with opened(context) as database:
        services.upkeep.compact(database)
        say(f"{database.name}: written anew")


@app.command()
def events(
    context: typer.Context, actor: By = None, action: Of = None, skip: Skip = 0, last: Last = None,
    output: Output = "table",
) -> None:  # fmt: skip
    """List who did what, the newest first: submitted, imported, voted, started, audited, renamed, deleted ...

    $ judgebench db events --last 20
    $ judgebench db events --action deleted --action renamed
    $ judgebench db events --skip 20 --last 20 --format json
    """
    from judgebench import services
    from judgebench.show.sentences import event_details

    with opened(context) as database:
        done = services.upkeep.events(database, actors=actor or (), actions=action or (), skip=skip, most=last)
    if output == "json":
        print_json([asdict(event) for event in done])
        return
    print_table(
        ("at, UTC", "who", "action", "what", "name", "details"),
        [(e.at[:19], e.actor, e.action, e.kind, e.name, event_details(e.details)) for e in done],
    )


@app.command()
def runs(context: typer.Context, output: Output = "table") -> None:
    """List the runs, imports and batches that brought verdicts, the newest first, by the number that delete takes.

    $ judgebench db runs
    """
    from judgebench import services

    with opened(context) as database:
        stored = services.benchmarks.runs(database)
    if output == "json":
        print_json([asdict(run) for run in stored])
        return
    print_table(
        ("run", "kind", "part", "benchmark", "judge", "started, UTC", "finished", "trials"),
        [
            (
                run.id,
                run.kind,
                "" if run.shard is None else str(run.shard),
                run.benchmark,
                run.judge,
                run.started_at[:19],
                (run.finished_at or "")[:19],
                trials,
            )
            for run in stored
            for trials in (sum(run.ended.values()),)
        ],
        text=("kind", "part", "benchmark", "judge", "started, UTC", "finished"),
    )


def _print_change(change: "Change", output: str) -> None:
    """Raises InputError where it was not done."""
    if output == "json":
        print_json(asdict(change))
    else:
        from judgebench.show.sentences import changed

        say(*changed(change))
    if not change.done:
        raise InputError(f"nothing was {change.action}: add --yes")
