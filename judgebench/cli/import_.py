"""judgebench import: files, each recognised or named."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from rich.table import Table
from typer.core import TyperGroup

from judgebench import services
from judgebench.cli.options import columns_of
from judgebench.cli.session import Format, Session, complain, out, print_json, visible
from judgebench.errors import InputError
from judgebench.formats.reading import NamedPath, guessed_ending
from judgebench.formats.registry import FORMATS, named

_START_BYTES = 1 << 16  # of standard input, by which its form is told


class _Imports(TyperGroup):
    """``import FILE...`` is short for ``import files FILE...``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            args = ["files", *args]
        return super().parse_args(ctx, args)


imports = typer.Typer(
    cls=_Imports,
    no_args_is_help=True,
    help="""Import files: instructions, outputs, recorded verdicts, labels, lineage.

    'judgebench import FILE... --benchmark B' recognises what each file is; the other commands say it.
    """,
)
Columns = Annotated[list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN", help="e.g. instruction=question")]
Output = Annotated[Format, typer.Option("--format")]


@imports.command("files")
def import_files(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="JSON, JSONL, CSV or parquet, plain or .gz; - is stdin.")],
    benchmark: Annotated[str | None, typer.Option(help="Name of the benchmark; some formats have a usual one.")] = None,
    as_format: Annotated[
        str | None, typer.Option("--as", metavar="FORMAT", help="What the files are; default: recognise each.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Whose outputs these are; default: as the file says.")] = None,
    annotator: Annotated[
        str | None, typer.Option(help="Who labelled, where the file does not say; default: the file's name.")
    ] = None,
    columns: Columns = None,
    extend: Annotated[bool, typer.Option(help="Add instructions and outputs that the benchmark lacks to it.")] = False,
    new_benchmark: Annotated[bool, typer.Option(help="Create it although its name is hardly another's.")] = False,
    output: Output = Format.TABLE,
) -> None:
    """Recognise what each file is and import it, one transaction a file; a file that is wrong stops itself alone.

    judgebench import instructions.jsonl outputs.csv.gz --benchmark mine

    judgebench import results/*/annotations.json

    zcat votes.csv.gz | judgebench import - --as labels --benchmark votes
    """
    session: Session = context.obj
    if as_format is not None:
        named(as_format)
    chosen = columns_of(columns or [])
    options = services.imports.ImportOptions(model, annotator, extend, new_benchmark)
    imported, failed = [], []
    for name in files:
        try:
            with _opened(name) as path:
                file = services.imports.read(path, as_format=as_format, columns=chosen)
            with session.database(create=True) as database:
                report = services.imports.save(database, file, benchmark=benchmark, options=options)
        except InputError as error:
            complain(str(error))
            failed.append({"file": str(name), "error": str(error)})
            continue
        imported.append(asdict(report))
        if output is Format.TABLE:
            out().print(f"{visible(report.file)} ({report.format}): {_in_words(report)}")
    if output is Format.JSON:
        print_json({"imported": imported, "failed": failed})
    if failed:
        if len(files) > 1:
            names = ", ".join(failure["file"] for failure in failed)
            complain(f"{len(failed)} of {len(files)} files were not imported: {names}")
        raise typer.Exit(2)


@contextmanager
def _opened(file: Path) -> Iterator[str | PathLike[str]]:
    """The file; standard input as one, under the ending of its form."""
    if str(file) != "-":
        yield file
        return
    with TemporaryDirectory(prefix="judgebench-") as folder:
        start = sys.stdin.buffer.read(_START_BYTES)
        path = Path(folder, f"input{guessed_ending(start)}")
        with path.open("wb") as copy:
            copy.write(start)
            shutil.copyfileobj(sys.stdin.buffer, copy)
        yield NamedPath(path, "standard input")


@imports.command("formats")
def list_formats(output: Output = Format.TABLE) -> None:
    """List the formats that are read and written."""
    headings = ("format", "holds", "read", "written", "what it is")
    rows = [(form.name, form.holds, form.read is not None, bool(form.columns), form.help) for form in FORMATS]
    if output is Format.JSON:
        print_json([dict(zip(headings, row, strict=True)) for row in rows])
        return
    table = Table(*headings, box=None, pad_edge=False)
    for name, holds, read, written, about in rows:
        table.add_row(name, holds, "yes" if read else "", "yes" if written else "", about)
    out().print(table)


@imports.command("alpaca-eval")
def alpaca_eval(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="annotations.json files, plain or .gz.")],
    benchmark: Annotated[str, typer.Option(help="Name of the benchmark.")] = "alpaca_eval",
    output: Output = Format.TABLE,
) -> None:
    """Import AlpacaEval annotations: instructions, both outputs, and recorded verdicts; all files or none."""
    session: Session = context.obj
    for file in files:
        if not file.is_file():
            raise InputError(f"{file}: there is no such file")
    with session.database(create=True) as database:
        reports = services.imports.import_alpaca_eval(database, files, benchmark=benchmark)
    if output is Format.JSON:
        print_json([asdict(report) for report in reports])
        return
    for report in reports:
        out().print(_in_words(report))


@imports.command("judgments")
def judgments(
    context: typer.Context,
    benchmark: Annotated[str, typer.Option(help="Name of the benchmark that was judged.")],
    judge: Annotated[list[str], typer.Option(help="A judge whose replies are to be compared; name two or more.")],
    into: Annotated[str, typer.Option(help="Name of the benchmark of judgments.")],
    output: Output = Format.TABLE,
) -> None:
    """Make a benchmark of what judges replied, for a meta-judge: 'run --template pairwise/meta --all-pairs' on it."""
    session: Session = context.obj
    with session.database() as database:
        report = services.imports.import_judgments(database, benchmark, judge, into=into)
    if output is Format.JSON:
        print_json(asdict(report))
        return
    cases = f"{report.benchmark}: {report.cases} cases judged by {', '.join(report.judges)}"
    out().print(visible(f"{cases}; {report.new} judgments stored, {report.known} were stored already"))


@imports.command("instructions")
def instructions(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="JSON, JSONL, CSV or parquet; one instruction a row.")],
    benchmark: Annotated[str, typer.Option(help="Name of the benchmark; created where it does not exist.")],
    columns: Columns = None,
    output: Output = Format.TABLE,
) -> None:
    """Import instructions without outputs, which 'judgebench answer' then collects; those there already stay."""
    import_one(context.obj, file, as_format="instructions", benchmark=benchmark, columns=columns, output=output)


@imports.command("scalerlab")
def scalerlab(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A judge's outputs as JSONL, plain or .gz.")],
    benchmark: Annotated[str, typer.Option(help="Name of the benchmark.")] = "scalerlab",
    output: Output = Format.TABLE,
) -> None:
    """Import the ScalerLab JudgeBench: pairs with an objective key, and a judge's decisions in both orders."""
    import_one(context.obj, file, as_format="scalerlab", benchmark=benchmark, output=output)


def import_one(
    session: Session,
    path: Path,
    *,
    as_format: str,
    output: Format,
    benchmark: str | None = None,
    columns: list[str] | None = None,
    options: "services.imports.ImportOptions | None" = None,
) -> None:
    """Import a file that was said to be of this format, and print what it brought."""
    file = services.imports.read(path, as_format=as_format, columns=columns_of(columns or []))
    with session.database(create=True) as database:
        report = services.imports.save(database, file, benchmark=benchmark, options=options)
    if output is Format.JSON:
        print_json(asdict(report))
    else:
        out().print(_in_words(report))


def _in_words(report: "services.imports.ImportReport") -> str:
    into = f"{report.benchmark}: " if report.benchmark else ""
    models = report.models[0] if len(report.models) == 1 else f"{len(report.models)} models"
    whose = [*report.judges, *([models] if report.models else [])]
    counted = {
        "duplicate": report.duplicate,
        "without preference": report.without_preference,
        "labels": report.labels,
        "against itself": report.against_itself,
        "contradicting an earlier row (the first was kept)": report.contradicting,
        "to instructions that the benchmark lacks (left out; --extend adds them)": report.without_instruction,
        "on outputs that the benchmark lacks (left out; --extend adds them)": report.without_output,
        "annotators": len(report.annotators),
        "instructions added": report.instructions,
        "outputs added": report.outputs,
        "instructions without an output": report.missing,
        "findings (judgebench audit submissions shows them)": report.findings,
    }
    holds = named(report.format).holds + (f" ({', '.join(whose)})" if whose else "")
    stored = f"{into}{report.new} {holds} stored; {report.known} were stored already"
    return visible("; ".join([stored, *(f"{count} {what}" for what, count in counted.items() if count)]))
