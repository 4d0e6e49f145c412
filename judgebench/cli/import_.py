"""judgebench import ..."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from judgebench.cli.options import Benchmark, Columns, Output, columns_of
from judgebench.cli.session import Session, out, print_json
from judgebench.errors import InputError
from judgebench.services.imports import (
    ImportReport,
    import_alpaca_eval,
    import_instructions,
    import_judgments,
    import_scalerlab,
)
from judgebench.show.text import visible

app = typer.Typer(help="Import verdicts that others published, or instructions alone.", no_args_is_help=True)


@app.command("alpaca-eval")
def alpaca_eval(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="annotations.json files, plain or .gz.")],
    benchmark: Benchmark = "alpaca_eval",
    output: Output = "table",
) -> None:
    """Import AlpacaEval annotations: instructions, both outputs, and the recorded verdicts of their judge."""
    session: Session = context.obj
    for file in files:
        if not file.is_file():
            raise InputError(f"{file}: there is no such file")
    with session.database(create=True) as database:
        reports = import_alpaca_eval(database, files, benchmark=benchmark)
    if output == "json":
        print_json([asdict(report) for report in reports])
        return
    for report in reports:
        _print_import(report)
    out().print(f"{sum(r.new for r in reports)} verdicts stored, {sum(r.known for r in reports)} were stored already")


@app.command("judgments")
def judgments(
    context: typer.Context,
    benchmark: Benchmark,
    judge: Annotated[list[str], typer.Option(help="A judge whose replies are to be compared; name two or more.")],
    into: Annotated[str, typer.Option(help="Name of the benchmark of judgments.")],
    output: Output = "table",
) -> None:
    """Make a benchmark of what judges replied, for a meta-judge: 'run --template pairwise/meta --all-pairs' on it."""
    session: Session = context.obj
    with session.database() as database:
        report = import_judgments(database, benchmark, judge, into=into)
    if output == "json":
        print_json(asdict(report))
        return
    shown = f"{report.benchmark}: {report.cases} cases judged by {', '.join(report.judges)}"
    out().print(visible(f"{shown}; {report.new} judgments stored, {report.known} were stored already"))


@app.command("instructions")
def instructions(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="JSON, JSONL, CSV or parquet; one instruction a row.")],
    benchmark: Benchmark,
    columns: Columns = None,
    output: Output = "table",
) -> None:
    """Import instructions without outputs, which 'judgebench answer' then collects; those there already stay."""
    session: Session = context.obj
    with session.database(create=True) as database:
        report = import_instructions(database, file, benchmark=benchmark, columns=columns_of(columns))
    if output == "json":
        print_json(asdict(report))
        return
    out().print(visible(f"{report.benchmark}: {report.new} instructions stored; {report.known} were stored already"))


@app.command("scalerlab")
def scalerlab(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A judge's outputs as JSONL, plain or .gz.")],
    benchmark: Benchmark = "scalerlab",
    output: Output = "table",
) -> None:
    """Import the ScalerLab JudgeBench: pairs with an objective key, and a judge's decisions in both orders."""
    session: Session = context.obj
    with session.database(create=True) as database:
        report = import_scalerlab(database, file, benchmark=benchmark)
    if output == "json":
        print_json(asdict(report))
        return
    shown = f"{report.judge}: {report.pairs} pairs, {report.new} verdicts and {report.labels} keys stored"
    out().print(visible(f"{shown}; {report.known} verdicts were stored already; {report.without_preference} null"))


def _print_import(report: ImportReport) -> None:
    counted = {
        "new": report.new,
        "stored already": report.known,
        "without preference": report.without_preference,
        "against itself": report.against_itself,
        "duplicate": report.duplicate,
    }
    shown = ", ".join(f"{count} {name}" for name, count in counted.items() if count)
    out().print(visible(f"{', '.join(report.models)}: {shown}"))
