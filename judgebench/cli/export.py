"""judgebench export."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from judgebench import services
from judgebench.cli.session import Format, Session, out, print_json, visible


def export(
    context: typer.Context,
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="instructions, outputs, verdicts, labels, battles or leaderboard.")
    ],
    benchmark: Annotated[str, typer.Option(help="Name of the benchmark.")],
    to: Annotated[Path, typer.Option(help="The file; its ending says the form: .jsonl, .json, .csv or .parquet.")],
    judge: Annotated[list[str] | None, typer.Option(help="Only this judge's verdicts; may be repeated.")] = None,
    category: Annotated[str | None, typer.Option(help="Only the instructions of this category.")] = None,
    output: Annotated[Format, typer.Option("--format")] = Format.TABLE,
) -> None:
    """Write a benchmark's rows to a file; 'judgebench import' reads them back, but for battles and leaderboards.

    judgebench export outputs --benchmark mine --to outputs.jsonl.gz

    judgebench export verdicts --benchmark mine --judge gpt --to verdicts.parquet
    """
    session: Session = context.obj
    with session.database() as database:
        done = services.exports.export(database, kind, to, benchmark=benchmark, judges=judge or (), category=category)
    if output is Format.JSON:
        print_json(asdict(done))
    else:
        out().print(visible(f"{done.file}: {done.rows} rows of {done.benchmark}'s {done.kind}"))
