"""judgebench batch: export, submit, ingest, list. Questions in files, answered elsewhere and later."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from judgebench import engine
from judgebench.cli import options
from judgebench.cli.connection import ConnectionOptions
from judgebench.cli.session import WITHOUT_VERDICT, Session, complain, opened, print_json, print_table, say
from judgebench.errors import InputError
from judgebench.records import Status
from judgebench.show.numbers import paid
from judgebench.show.sentences import not_shown, unseen
from judgebench.show.text import count

if TYPE_CHECKING:
    from judgebench.engine.batches import IngestReport
    from judgebench.store.runs import Batch

_HELP = """Judge by batch files: export, submit, ingest, list.

$ judgebench batch export --to b.jsonl --benchmark demo --judge qwen3 --all-pairs
$ judgebench batch ingest results.jsonl
"""
app = typer.Typer(help=_HELP, no_args_is_help=True)


@app.command()
@options.flat
def export(
    context: typer.Context,
    to: options.To,
    judge: options.JudgeOptions,
    design: options.DesignOptions,
    connection: ConnectionOptions,
    file: options.StudyFile = None,
    prices: options.Prices = None,
    max_requests: Annotated[int, typer.Option("--max-requests", min=1, help="Questions in one file.")] = 50_000,
    max_mebibytes: Annotated[int, typer.Option("--max-mebibytes", min=1, help="Size of one file.")] = 190,
    output: options.Output = "table",
) -> None:
    """Write a study's pending trials as batch files, which OpenAI's batches and 'vllm run-batch' read.

    Where one file does not hold them, more get numbers: FILE.2.jsonl and so on.

    $ judgebench batch export --to b.jsonl --benchmark demo --judge qwen3 --template pairwise/three-way --all-pairs
    $ judgebench batch export study.yaml --to b.jsonl --judge-url https://api.openai.com/v1
    """
    limits = engine.batches.FileLimits(max_requests, max_mebibytes)
    with opened(context) as database:
        study = options.study_of(
            database, file, design, judge, prices, connection=connection, otherwise=engine.judges.NO_ADDRESS
        )
        report = engine.batches.export(database, study, to, limits=limits)
    if study.judge.url == engine.judges.NO_ADDRESS and "url" not in judge.fields():
        complain(
            f"'batch submit' would send these questions to {engine.judges.NO_ADDRESS}; --judge-url URL names another "
            "server"
        )
    if output == "json":
        print_json(asdict(report))
        return
    over = report.taken_over
    taken_over = f"{over:,} taken over from other benchmarks, " if over else ""
    for part in report.files:
        say(f"{part.file}: batch {part.batch}, {count(part.requests, 'question')}, {count(part.bytes, 'byte')}")
    say(
        f"{report.planned:,} planned: {report.answered:,} answered already, {taken_over}{report.identical:,} decided "
        f"without a question, {report.awaited:,} awaited from earlier batches or runs, {report.exported:,} exported",
        *not_shown(report.not_shown),
        *unseen(report.unseen),
    )


@app.command()
@options.flat
def submit(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A file that 'batch export' wrote.")],
    connection: ConnectionOptions,
    judge_key_env: options.JudgeKeyVariable = None,
    output: options.Output = "table",
) -> None:
    """Hand a batch file to its judge's server; doing it again finds the batch, and submits nothing twice.

    $ judgebench batch submit b.jsonl
    """
    session: Session = context.obj
    with session.database() as database:
        given = options.given(key_env=judge_key_env) | connection.fields()
        submitted = engine.batches.submit(database, file, environment=session.environment, given=given)
    if output == "json":
        print_json(asdict(submitted))
        return
    how = "submitted" if submitted.new else "was submitted already"
    say(f"batch {submitted.batch} {how}: {submitted.server_id} {submitted.status}".rstrip())


@app.command()
@options.flat
def ingest(
    context: typer.Context,
    connection: ConnectionOptions,
    files: Annotated[list[Path] | None, typer.Argument(help="Files of results. Default: fetch them.")] = None,
    batch: Annotated[
        list[str] | None,
        typer.Option("--batch", help="Fetch this batch's results; may be repeated.", show_default="all open ones"),
    ] = None,
    close: Annotated[
        bool, typer.Option("--close", help="Expect nothing further from the batches in the files.")
    ] = False,
    judge_key_env: options.JudgeKeyVariable = None,
    output: options.Output = "table",
) -> None:
    """Store the results of batches, from files or from their servers; what is stored already is not stored again.

    $ judgebench batch ingest results.jsonl
    $ judgebench batch ingest --batch jb-0123456789
    """
    session: Session = context.obj
    if files and batch:
        raise InputError("give files of results, or batches to fetch them from, not both")
    with session.database() as database:
        if files:
            report = engine.batches.ingest_files(database, files, close=close)
        else:
            given = options.given(key_env=judge_key_env) | connection.fields()
            report = engine.batches.ingest_from_servers(
                database, batch or (), environment=session.environment, given=given
            )
    ended = {str(status): report.ended[status] for status in Status}
    if output == "json":
        print_json({**asdict(report), "ended": ended})
    else:
        _print_ingested(report, ended)
    if report.unreadable:
        complain(f"warning: {count(report.unreadable, 'line')} passed over, as no results")
    if report.unreadable or report.new - report.ended[Status.OK] - report.ended[Status.TIE]:
        raise typer.Exit(WITHOUT_VERDICT)


@app.command("list")
def list_batches(context: typer.Context, output: options.Output = "table") -> None:
    """List batches and what is still awaited from them.

    $ judgebench batch list
    """
    with opened(context) as database:
        batches = engine.batches.known_batches(database)
    if output == "json":
        print_json([_document(batch) for batch in batches])
        return
    print_table(
        ("batch", "judge", "benchmark", "questions", "answered", "at the server", "state"),
        [(b.name, b.judge, b.benchmark, b.requests, b.answered, b.server_id, b.state) for b in batches],
    )


def _print_ingested(report: IngestReport, ended: dict[str, int]) -> None:
    say(*(f"{name}: {status}" for name, status in report.servers.items()))
    shown = ", ".join(f"{number:,} {name}" for name, number in ended.items() if number) or "nothing new"
    others = {
        "known": report.known,
        "repeated": report.repeated,
        "expired": report.expired,
        "of no batch here": report.foreign,
        "unreadable": report.unreadable,
    }
    rest = "".join(f", {number:,} {name}" for name, number in others.items() if number)
    say(f"{count(report.results, 'result')}: {shown}{rest}; {paid(report.cost_usd)}")


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
