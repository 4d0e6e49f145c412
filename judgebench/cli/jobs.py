"""judgebench jobs: list, show, stop, resume."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from judgebench import services
from judgebench.cli import options, remote
from judgebench.cli.session import opened, print_json, print_table, say
from judgebench.records import JobState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgebench.services.benchmarks import RunSummary
    from judgebench.services.jobs import Job

app = typer.Typer()
Number = Annotated[int, typer.Argument(metavar="NUMBER", help="Of the job.")]
Numbers = Annotated[list[int], typer.Argument(metavar="NUMBER...", help="Of the jobs.")]
_HEADINGS = ("job", "kind", "benchmark", "who", "state", "done", "of", "asked for by", "created, UTC", "message")
_TEXT = ("kind", "benchmark", "who", "state", "asked for by", "created, UTC", "message")
_MESSAGE_CHARS = 80


@app.callback(invoke_without_command=True)
def jobs(context: typer.Context, output: options.Output = "table") -> None:
    """Jobs that workers do: list, show, stop and resume them. Without a command they are listed.

    $ judgebench jobs
    $ judgebench jobs list --state queued --state running --format json
    """
    if context.invoked_subcommand is None:
        list_jobs(context, output=output)


@app.command("list")
def list_jobs(
    context: typer.Context,
    state: Annotated[
        list[JobState] | None, typer.Option("--state", help="Only in this state; may be repeated.", show_default="all")
    ] = None,
    benchmark: options.AnyBenchmark = None,
    last: options.Last = None,
    output: options.Output = "table",
) -> None:
    """List jobs, the newest first: what each is, how far it is, and what it says.

    $ judgebench jobs list
    $ judgebench jobs list --state running --last 20
    """
    if (server := remote.server_of(context)) is not None:
        remote.refuse(state=state, last=last)
        remote.jobs(server, output, benchmark)
        return
    with opened(context) as database:
        listed = services.jobs.jobs(database, states=state or (), benchmark=benchmark, most=last)
        runs = services.benchmarks.runs(database) if listed else []
    if output == "json":
        print_json([_document(job, runs) for job in listed])
        return
    rows = [
        (
            *(job.id, job.kind, job.benchmark, job.subject, _state(job)),
            *(services.jobs.done(job, runs), job.planned, job.actor, job.created_at[:19], job.message[:_MESSAGE_CHARS]),
        )
        for job in listed
    ]
    print_table(_HEADINGS, rows, text=_TEXT)


@app.command()
def show(context: typer.Context, number: Number, output: options.Output = "table") -> None:
    """What a job was asked for, by whom, which worker has it, how far it is, and how it ended.

    $ judgebench jobs show 1
    """
    if (server := remote.server_of(context)) is not None:
        remote.job(server, number, output)
        return
    with opened(context) as database:
        job, runs = services.jobs.job(database, number), services.benchmarks.runs(database)
    document = _document(job, runs)
    if output == "json":
        print_json(document)
        return
    for field, value in document.items():
        say(f"{field}: {'' if value is None else value}")


@app.command()
def stop(context: typer.Context, number: Numbers) -> None:
    """Have jobs end before their end; what is in flight still ends and is stored.

    $ judgebench jobs stop 1
    """
    if (server := remote.server_of(context)) is not None:
        remote.stop(server, number)
        return
    with opened(context) as database:
        for one in number:
            before, job = services.jobs.job(database, one), services.jobs.stop(database, one)
            is_open = before.is_open
            say(f"job {one}: {_state(job)}" if is_open else f"job {one} has ended before: {job.state}")


@app.command()
def resume(context: typer.Context, number: Numbers) -> None:
    """Queue stopped and failed jobs again: they go on where they were, and ask nothing twice.

    $ judgebench jobs resume 1
    """
    with opened(context) as database:
        for one in number:
            say(f"job {one}: {services.jobs.resume(database, one).state}")


def tell_queued(job: Job) -> None:
    """Where a command has left its work to a worker."""
    say(f"job {job.id} is queued: judgebench worker does it, and judgebench jobs show {job.id} says how far it is")


def _state(job: Job) -> str:
    return "stopping" if job.is_stopping else str(job.state)


def _document(job: Job, runs: Sequence[RunSummary]) -> dict[str, Any]:
    """Without what is of no use outside the database."""
    fields = {name: value for name, value in asdict(job).items() if name not in ("work_key", "after_run", "holder")}
    return fields | {"worker": job.worker, "done": services.jobs.done(job, runs)}
