"""judgebench export."""

from dataclasses import asdict
from typing import Annotated

import typer

from judgebench import services
from judgebench.cli import options
from judgebench.cli.session import opened, print_json, say


def export(
    context: typer.Context,
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="instructions, outputs, verdicts, labels, battles or leaderboard.")
    ],
    benchmark: options.Benchmark,
    to: options.To,
    judge: options.Judges = None,
    category: options.Category = None,
    output: options.Output = "table",
) -> None:
    """Write a benchmark's rows to a file, which 'judgebench import' reads back.

    The file's ending says its form: .jsonl, .json, .csv or .parquet, and .gz after it. Battles and leaderboards are not
    read back.

    $ judgebench export outputs --benchmark demo --to outputs.jsonl.gz
    $ judgebench export verdicts --benchmark demo --judge scripted:coin --to verdicts.parquet
    """
    with opened(context) as database:
        done = services.exports.export(database, kind, to, benchmark=benchmark, judges=judge or (), category=category)
    if output == "json":
        print_json(asdict(done))
    else:
        say(f"{done.file}: {done.rows} rows of {done.kind} of {done.benchmark}")
