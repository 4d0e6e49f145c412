"""judgebench batch: export, submit, ingest, list. Questions in files, answered elsewhere and later."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from judgebench import engine
from judgebench.cli import options
from judgebench.cli.session import Format, Session, complain, out, print_json, visible
from judgebench.errors import InputError
from judgebench.records import Status
from judgebench.store.runs import Batch

app = typer.Typer(help="Judge by batch files: export, submit, ingest, list.", no_args_is_help=True)
FormatOption = Annotated[Format, typer.Option("--format")]
_WITHOUT_VERDICT = 3
_NO_ADDRESS = "http://127.0.0.1:8000/v1"  # of a judge that only ever reads files, as vllm run-batch does


@app.command()
def export(
    context: typer.Context,
    to: Annotated[Path, typer.Option(metavar="FILE", help="The batch file; more get numbers: FILE.2.jsonl ...")],
    file: options.StudyFile = None,
    benchmark: options.Benchmark = None,
    judge: options.JudgeModel = None,
    judge_url: options.JudgeUrl = None,
    judge_key_env: options.JudgeKeyEnv = None,
    judge_name: options.JudgeName = None,
    template: options.TemplateId = None,
    price: options.Price = None,
    prices: options.Prices = None,
    models: options.Models = None,
    baseline: options.Baseline = None,
    all_pairs: options.AllPairs = None,
    pair: options.Pairs = None,
    orders: options.OrdersOption = None,
    repeats: options.Repeats = None,
    limit: options.Limit = None,
    category: options.Category = None,
    seed: options.Seed = None,
    max_requests: Annotated[int, typer.Option(min=1, help="Questions in one file.")] = 50_000,
    max_mebibytes: Annotated[int, typer.Option(min=1, help="Size of one file.")] = 190,
    output: FormatOption = Format.TABLE,
) -> None:
    """Write a study's pending trials as batch files, which OpenAI's batches and 'vllm run-batch' read."""
    session: Session = context.obj
    given = {
        "benchmark": benchmark,
        "models": options.names(models),
        "baseline": baseline,
        "all_pairs": all_pairs,
        "pairs": options.pairs(pair),
        "orders": None if orders is None else str(orders),
        "repeats": repeats,
        "limit": limit,
        "category": category,
        "seed": seed,
    }
    asked = {
        "model": judge,
        "url": judge_url,
        "key_env": judge_key_env,
        "name": judge_name,
        "template": template,
        "price": price,
    }
    limits = engine.batches.FileLimits(max_requests, max_mebibytes)
    with session.database() as database:
        wanted = options.study_of(database, file, given, asked, prices, otherwise=_NO_ADDRESS)
        report = engine.batches.export(database, wanted, to, limits=limits)
    if output is Format.JSON:
        print_json(asdict(report))
        return
    for each in report.files:
        out().print(visible(f"{each.file}: batch {each.batch}, {each.requests} questions, {each.bytes:,} bytes"))
    out().print(
        f"{report.planned} planned: {report.answered} answered already, {report.identical} decided without a question, "
        f"{report.awaited} awaited from earlier batches, {report.exported} exported"
    )


@app.command()
def submit(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A file that 'batch export' wrote.")],
    output: FormatOption = Format.TABLE,
) -> None:
    """Hand a batch file to its judge's server; doing it again finds the batch, and submits nothing twice."""
    session: Session = context.obj
    with session.database() as database:
        found = engine.batches.submit(database, file, environment=session.environment)
    if output is Format.JSON:
        print_json(asdict(found))
        return
    how = "submitted" if found.new else "was submitted already"
    out().print(visible(f"batch {found.batch} {how}: {found.server_id} {found.status}".rstrip()))


@app.command()
def ingest(
    context: typer.Context,
    files: Annotated[list[Path] | None, typer.Argument(help="Files of results. Default: fetch them.")] = None,
    batch: Annotated[
        list[str] | None, typer.Option(help="Fetch this batch's results; may be repeated. Default: all open ones.")
    ] = None,
    close: Annotated[
        bool, typer.Option("--close", help="Expect nothing further from the batches in the files.")
    ] = False,
    output: FormatOption = Format.TABLE,
) -> None:
    """Store the results of batches, from files or from their servers; what is stored already is not stored again."""
    session: Session = context.obj
    if files and batch:
        raise InputError("give files of results, or batches to fetch them from, not both")
    with session.database() as database:
        if files:
            report = engine.batches.ingest_files(database, files, close=close)
        else:
            report = engine.batches.ingest_from_servers(database, batch or (), environment=session.environment)
    ended = {str(status): report.ended[status] for status in Status}
    if output is Format.JSON:
        print_json({**asdict(report), "ended": ended})
    else:
        _print_ingested(report, ended)
    if report.unreadable:
        complain(f"warning: {report.unreadable} lines are no results, and were passed over")
    if report.new - report.ended[Status.OK] - report.ended[Status.TIE]:
        raise typer.Exit(_WITHOUT_VERDICT)


@app.command("list")
def list_batches(context: typer.Context, output: FormatOption = Format.TABLE) -> None:
    """List batches and what is still awaited from them."""
    session: Session = context.obj
    with session.database() as database:
        found = engine.batches.known_batches(database)
    if output is Format.JSON:
        print_json([_document(each) for each in found])
        return
    table = Table(
        "batch", "judge", "benchmark", "questions", "answered", "at the server", "state", box=None, pad_edge=False
    )
    for each in found:
        cells = (each.name, each.judge, each.benchmark, str(each.requests), str(each.answered))
        table.add_row(*(visible(cell) for cell in (*cells, each.server_id or "", each.state)))
    out().print(table)


def _print_ingested(report: engine.batches.IngestReport, ended: dict[str, int]) -> None:
    for name, status in report.servers.items():
        out().print(visible(f"{name}: {status}"))
    shown = ", ".join(f"{count} {name}" for name, count in ended.items() if count) or "nothing new"
    others = {
        "known": report.known,
        "repeated": report.repeated,
        "expired": report.expired,
        "of no batch here": report.foreign,
        "unreadable": report.unreadable,
    }
    rest = "".join(f", {count} {name}" for name, count in others.items() if count)
    cost = "cost not known" if report.cost_usd is None else f"{report.cost_usd:.4f} USD"
    out().print(f"{report.results} results: {shown}{rest}; {cost}")


def _document(batch: Batch) -> dict[str, object]:
    return {
        "batch": batch.name,
        "judge": batch.judge,
        "benchmark": batch.benchmark,
        "requests": batch.requests,
        "answered": batch.answered,
        "server_id": batch.server_id,
        "state": batch.state,
    }
