"""judgebench import: files, each recognised or named."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from copy import copy
from dataclasses import asdict
from operator import itemgetter
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from judgebench import services
from judgebench.cli import options
from judgebench.cli.session import complain, known_to, opened, print_json, print_table, say, tell_findings
from judgebench.errors import DatabaseError, InputError, UnknownName
from judgebench.show.imported import imported_words
from judgebench.show.text import count, were

if TYPE_CHECKING:
    from judgebench.formats import Format
    from judgebench.services.imports import ImportOptions, ImportReport

_START_BYTES = 1 << 16  # of standard input, by which its form is told
_HELP = """Import files: instructions, outputs, recorded verdicts, labels, lineage.

'judgebench import FILE... --benchmark B' recognises what each file is; the other commands say it.

$ judgebench import demo/instructions.jsonl --benchmark mine
$ judgebench import results/gpt-4/annotations.json
"""


class _Imports(TyperGroup):
    """``import FILE...`` is short for ``import files FILE...``, ``import FORMAT FILE...`` for that with ``--as``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            args = ["files", *_with_format(args)]
        return super().parse_args(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        shown = copy(self)
        shown.params = self.commands["files"].params
        TyperGroup.format_help(shown, ctx, formatter)


def _with_format(args: list[str]) -> list[str]:
    """``FORMAT FILE...`` as options of ``files``. Raises UnknownName where the first is neither a format nor a file."""
    first = args[0]
    if first.startswith("-") or "." in first or Path(first).exists():
        return args
    from judgebench.formats.registry import readable

    if first not in readable():
        raise UnknownName("format or file", first, readable())
    return ["--as", *args]


app = typer.Typer(cls=_Imports, help=_HELP, no_args_is_help=True, subcommand_metavar="| COMMAND [ARGS]...")


@app.command("files")
def import_files(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="Files or folders, see docs/formats.md; - is stdin.")],
    benchmark: options.AnyBenchmark = None,
    as_format: Annotated[
        str | None,
        typer.Option("--as", metavar="FORMAT", help="What the files are, see 'import formats'.", show_default="told"),
    ] = None,
    model: options.WriterOf = None,
    annotator: options.LabelledBy = None,
    question: options.Question = "",
    columns: options.Columns = None,
    sheet: options.Sheet = None,
    extend: options.Extend = False,
    new_benchmark: options.NewBenchmark = False,
    audit: options.Audited = True,
    output: options.Output = "table",
) -> None:
    """Recognise what each file is and import it, one transaction a file; a file that is wrong stops itself alone.

    Instructions are stored first, then outputs, then what is about these: rows may name what is stored by its id. Of
    a folder all files below it are read whose names end in a known way; what is left out is said.

    Then the models are audited whose outputs came; what was found marks them and does not change the exit code.

    $ judgebench import demo/instructions.jsonl --benchmark mine
    $ judgebench import instructions.jsonl outputs.csv.gz --benchmark mine
    $ judgebench import results/*/annotations.json
    $ judgebench import ./results --benchmark mine
    $ judgebench import - --as labels --benchmark votes
    """
    from judgebench.formats.folders import expanded
    from judgebench.formats.registry import named
    from judgebench.show.tables import brought

    if as_format is not None:
        named(as_format)
    chosen = options.columns_of(columns)
    choices = services.imports.ImportOptions(model, annotator, extend, new_benchmark, audit, question)
    reports: list[ImportReport] = []
    failed: list[dict[str, str]] = []
    listed, left_out = expanded(files)
    with ExitStack() as stack:
        recognised: list[tuple[Path, str | PathLike[str], Format]] = []
        for name in map(Path, listed):
            with _told(name, failed):
                path = stack.enter_context(_opened(name, sheet))
                recognised.append((name, path, services.imports.format_of(path, as_format)))
        for name, path, held in services.imports.in_order(recognised, itemgetter(2)):
            with _told(name, failed):
                with known_to(context, benchmark or held.benchmark) as known:
                    file = services.imports.read(path, as_format=held.name, columns=chosen, known=known)
                with opened(context, create=True) as database:
                    reports.append(services.imports.store_only(database, file, benchmark=benchmark, options=choices))
                if output == "table":
                    say(f"{reports[-1].file} ({reports[-1].format}): {imported_words(reports[-1])}")
    failed.sort(key=lambda failure: [str(Path(name)) for name in listed].index(failure["file"]))
    if audit and reports:
        with opened(context) as database:
            reports = services.imports.audited(database, reports)
    if output == "json":
        print_json({"imported": [brought(report) for report in reports], "failed": failed, "left_out": list(left_out)})
    else:
        say(*left_out)
    _tell_findings(reports)
    if failed:
        if len(listed) > 1:
            names = ", ".join(failure["file"] for failure in failed)
            complain(f"{len(failed):,} of {count(len(listed), 'file')} were not imported: {names}")
        raise typer.Exit(2)


@contextmanager
def _told(name: Path, failed: list[dict[str, str]]) -> Iterator[None]:
    """A file that is wrong is told of, and added to those that failed."""
    try:
        yield
    except (InputError, DatabaseError) as error:
        complain(str(error))
        failed.append({"file": str(name), "error": str(error)})


def _tell_findings(reports: Sequence[ImportReport]) -> None:
    """What audits found, a benchmark after the other."""
    for benchmark in dict.fromkeys(report.benchmark for report in reports if report.benchmark is not None):
        tell_findings(benchmark, *(report.audit for report in reports if report.benchmark == benchmark))


@contextmanager
def _opened(file: Path, sheet: str | None) -> Iterator[str | PathLike[str]]:
    """The file, with the sheet that is meant; standard input as one, under the ending of its form."""
    from judgebench.formats.documents import holds_document
    from judgebench.formats.reading import NamedPath, guessed_ending, of_sheet

    if str(file) != "-":
        yield of_sheet(file, sheet)
        return

    if sys.stdin is None:
        raise InputError("standard input is closed: name a file, or pipe one in")
    with TemporaryDirectory(prefix="judgebench-") as folder:
        start = sys.stdin.buffer.read(_START_BYTES)
        path = Path(folder, f"input{guessed_ending(start)}")
        with path.open("wb") as copy:
            copy.write(start)
            shutil.copyfileobj(sys.stdin.buffer, copy)
        if ".jsonl" in path.name and holds_document(path):
            path = path.rename(path.with_name(path.name.replace(".jsonl", ".json")))
        yield NamedPath(path, "standard input", sheet)


@app.command("formats")
def list_formats(output: options.Output = "table") -> None:
    """List the formats that are read and written.

    $ judgebench import formats
    """
    from judgebench.formats.registry import FORMATS

    headings = ("format", "holds", "read", "written", "what it is")
    rows = [(form.name, form.holds, form.read is not None, form.is_written, form.help) for form in FORMATS]
    if output == "json":
        print_json([dict(zip(headings, row, strict=True)) for row in rows])
        return
    words = {True: "yes", False: ""}
    print_table(headings, [(row[0], row[1], words[row[2]], words[row[3]], row[4]) for row in rows])


@app.command("alpaca-eval")
def alpaca_eval(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="annotations.json files, plain or .gz.")],
    benchmark: options.Benchmark = "alpaca_eval",
    new_benchmark: options.NewBenchmark = False,
    audit: options.Audited = True,
    output: options.Output = "table",
) -> None:
    """Import AlpacaEval annotations: instructions, both outputs, and recorded verdicts; all files or none.

    $ judgebench import alpaca-eval results/gpt-4/annotations.json.gz
    """
    from judgebench.show.tables import brought

    for file in files:
        if not file.is_file():
            raise InputError(f"{file}: there is no such file")
    with opened(context, create=True) as database:
        reports = services.imports.import_alpaca_eval(
            database, files, benchmark=benchmark, new_benchmark=new_benchmark, audit=audit
        )
    if output == "json":
        print_json([brought(report) for report in reports])
    else:
        say(*map(imported_words, reports))
    _tell_findings(reports)


@app.command("judgments")
def judgments(
    context: typer.Context,
    benchmark: options.Benchmark,
    judge: options.ComparedJudges,
    into: Annotated[str, typer.Option("--into", help="Name of the benchmark of judgments.")],
    new_benchmark: options.NewBenchmark = False,
    output: options.Output = "table",
) -> None:
    """Make a benchmark of what judges replied, for a meta-judge: 'run --template pairwise/meta --all-pairs' on it.

    $ judgebench import judgments --benchmark demo --judge embedded --judge scripted:coin --into judgments
    """
    with opened(context) as database:
        report = services.imports.import_judgments(database, benchmark, judge, into=into, new_benchmark=new_benchmark)
    if output == "json":
        print_json(asdict(report))
        return
    cases = f"{report.benchmark}: {count(report.cases, 'case')} judged by {', '.join(report.judges)}"
    say(f"{cases}; {count(report.new, 'judgment')} stored, {report.known:,} {were(report.known)} stored already")


@app.command("instructions")
def instructions(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="JSON, JSONL, CSV or parquet; one instruction a row.")],
    benchmark: options.Benchmark,
    columns: options.Columns = None,
    new_benchmark: options.NewBenchmark = False,
    output: options.Output = "table",
) -> None:
    """Import instructions without outputs, which 'judgebench answer' then collects; those there already stay.

    $ judgebench import instructions demo/instructions.jsonl --benchmark mine
    """
    choices = services.imports.ImportOptions(new_benchmark=new_benchmark)
    import_one(
        context, file, as_format="instructions", benchmark=benchmark, columns=columns, choices=choices, output=output
    )


@app.command("scalerlab")
def scalerlab(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A judge's outputs as JSONL, plain or .gz.")],
    benchmark: options.Benchmark = "scalerlab",
    new_benchmark: options.NewBenchmark = False,
    audit: options.Audited = True,
    output: options.Output = "table",
) -> None:
    """Import the ScalerLab JudgeBench: pairs with an objective key, and a judge's decisions in both orders.

    $ judgebench import scalerlab gpt-4o.jsonl.gz
    """
    choices = services.imports.ImportOptions(new_benchmark=new_benchmark, audit=audit)
    import_one(context, file, as_format="scalerlab", benchmark=benchmark, choices=choices, output=output)


def import_one(
    context: typer.Context,
    path: Path,
    *,
    as_format: str,
    output: str,
    benchmark: str | None = None,
    columns: list[str] | None = None,
    choices: ImportOptions | None = None,
) -> None:
    """Import a file that was said to be of this format, and print what it brought."""
    from judgebench.show.tables import brought

    with known_to(context, benchmark) as known:
        file = services.imports.read(path, as_format=as_format, columns=options.columns_of(columns), known=known)
    with opened(context, create=True) as database:
        report = services.imports.save(database, file, benchmark=benchmark, options=choices)
    if output == "json":
        print_json(brought(report))
    else:
        say(imported_words(report))
    _tell_findings([report])
