"""judgebench labels: import, list."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from judgebench import queries, study
from judgebench.cli.session import Format, Session, out, print_json, visible
from judgebench.cli.submit import columns_of

app = typer.Typer(help="Human labels: import and list what people say about battles.", no_args_is_help=True)
BenchmarkOption = Annotated[str, typer.Option(help="Name of the benchmark.")]
FormatOption = Annotated[Format, typer.Option("--format")]


@app.command("import")
def import_labels(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="JSON, JSONL, CSV or parquet, one row a person and pair; plain or .gz.")],
    benchmark: BenchmarkOption,
    annotator: Annotated[
        str | None, typer.Option(help="Who labelled, where the file does not say; default: the file's name.")
    ] = None,
    columns: Annotated[
        list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN", help="e.g. annotator=worker_id")
    ] = None,
    extend: Annotated[bool, typer.Option(help="Add instructions and outputs that the benchmark lacks to it.")] = False,
    output: FormatOption = Format.TABLE,
) -> None:
    """Import human preferences between two outputs; a benchmark that is not there is made of the file."""
    session: Session = context.obj
    with session.database(create=True) as database:
        report = study.import_labels(
            database,
            file,
            benchmark=benchmark,
            annotator=annotator,
            columns=columns_of(columns or []),
            extend=extend,
        )
    if output is Format.JSON:
        print_json(asdict(report))
        return
    counted = {
        "stored already": report.known,
        "duplicate": report.duplicate,
        "contradicting an earlier row (the first was kept)": report.contradicting,
        "on outputs that the benchmark lacks (left out; --extend adds them)": report.without_output,
        "instructions added": report.instructions,
        "outputs added": report.outputs,
    }
    out().print(visible(f"{report.new} labels by {len(report.annotators)} annotators for {report.benchmark}"))
    for what, count in counted.items():
        if count:
            out().print(f"{count} {what}")


@app.command("list")
def list_labels(
    context: typer.Context,
    benchmark: BenchmarkOption,
    annotator: Annotated[str | None, typer.Option(help="Only this annotator's.")] = None,
    category: Annotated[str | None, typer.Option(help="Only the instructions of this category.")] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Count labels by annotator; with --format json every label, for other tools."""
    session: Session = context.obj
    with session.database() as database:
        found = queries.human_labels(database, benchmark, annotator=annotator, category=category)
    if output is Format.JSON:
        print_json([asdict(label) for label in found])
        return
    table = Table("annotator", box=None, pad_edge=False)
    for heading in ("labels", "ties", "both bad"):
        table.add_column(heading, justify="right")
    for name in sorted({label.annotator for label in found}):
        mine = [label for label in found if label.annotator == name]
        ties, bad = sum(label.preference == 0.5 for label in mine), sum(label.both_bad for label in mine)
        table.add_row(visible(name), str(len(mine)), str(ties), str(bad))
    out().print(table)
