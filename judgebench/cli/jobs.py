"""judgebench jobs: list, show, wait, stop, resume."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from judgebench import services
from judgebench.cli import options, remote, waiting
from judgebench.cli.session import INTERRUPTED, complain, opened, print_json, print_table, say
from judgebench.records import JobState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.services.jobs import Job
    from judgebench.store.database import Database

app = typer.Typer()
Number = Annotated[int, typer.Argument(metavar="NUMBER", help="Of the job.")]
Numbers = Annotated[list[int], typer.Argument(metavar="NUMBER...", help="Of the jobs.")]
_HEADINGS = ("job", "kind", "benchmark", "who", "state", "done", "of", "asked for by", "created, UTC", "message")
_TEXT = ("kind", "benchmark", "who", "state", "asked for by", "created, UTC", "message")
_MESSAGE_CHARS = 80


@app.callback(invoke_without_command=True)
def jobs(context: typer.Context, output: options.Output = "table") -> None:
    """Jobs that workers do: list, show, wait for, stop and resume them. Without a command they are listed.

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
        listed = server.jobs(benchmark, state=state or (), last=last)
    else:
        with opened(context) as database:
            jobs = services.jobs.jobs(database, states=state or (), benchmark=benchmark, most=last)
            runs = services.benchmarks.runs(database) if jobs else []
        listed = [services.jobs.document(job, runs) for job in jobs]
    if output == "json":
        print_json(listed)
        return
    print_table(_HEADINGS, map(_row, listed), text=_TEXT)


@app.command()
def show(context: typer.Context, number: Number, output: options.Output = "table") -> None:
    """What a job was asked for, by whom, which worker has it, how far it is, and how it ended.

    $ judgebench jobs show 1
    """
    if (server := remote.server_of(context)) is not None:
        document = server.job(number)
    else:
        with opened(context) as database:
            document = services.jobs.document(services.jobs.job(database, number), services.benchmarks.runs(database))
    if output == "json":
        print_json(document)
        return
    for field, value in document.items():
        if field != "progress":
            say(f"{field}: {'' if value is None else value}")


@app.command()
def wait(
    context: typer.Context,
    number: Annotated[
        list[int] | None, typer.Argument(metavar="NUMBER...", help="Of the jobs.", show_default="all that are open")
    ] = None,
    output: options.Output = "table",
) -> None:
    """Wait until jobs have ended, and leave with their exit code: that of the command which does the same work.

    Ctrl-C ends the waiting alone. Of several jobs it is the first code that is not 0.

    $ judgebench jobs wait 1
    $ judgebench jobs wait --format json
    """
    if (server := remote.server_of(context)) is not None:
        numbers = number or [job["id"] for job in server.jobs(state=waiting.OPEN)]
        ended = remote.ended(server, *numbers)
    else:
        with opened(context) as database:
            numbers = number or [job.id for job in services.jobs.jobs(database, states=waiting.OPEN)]
            ended = _ended(database, numbers)
    for job in ended:
        if job.get("message"):
            complain(f"job {job['id']}: {job['message']}")
    if output == "json":
        print_json(ended)
    else:
        say(*(f"job {job['id']}: {job['state']}" for job in ended))
    raise typer.Exit(next(filter(None, map(waiting.exit_code, ended)), 0))


def _ended(database: Database, numbers: Sequence[int]) -> list[Mapping[str, Any]]:
    """The jobs once they have ended; on an interrupt they go on. Raises UnknownName, and DatabaseAway."""
    try:
        jobs = waiting.ended(partial(services.jobs.described, database), numbers)
    except KeyboardInterrupt:
        listed = " ".join(map(str, numbers))
        complain(f"interrupted; the work goes on: judgebench jobs stop {listed} ends it")
        raise typer.Exit(INTERRUPTED) from None
    waiting.tell_unfinished(jobs, "judgebench")
    return jobs


@app.command()
def stop(context: typer.Context, number: Numbers) -> None:
    """Have jobs end before their end; what is in flight still ends and is stored.

    $ judgebench jobs stop 1
    """
    if (server := remote.server_of(context)) is not None:
        for one in number:
            is_open = server.job(one)["state"] in waiting.OPEN
            _say_stopped(one, server.stop(one), is_open=is_open)
        return
    with opened(context) as database:
        for one in number:
            is_open = services.jobs.job(database, one).is_open
            _say_stopped(one, asdict(services.jobs.stop(database, one)), is_open=is_open)


@app.command()
def resume(context: typer.Context, number: Numbers) -> None:
    """Queue stopped and failed jobs again: they go on where they were, and ask nothing twice.

    $ judgebench jobs resume 1
    """
    if (server := remote.server_of(context)) is not None:
        for one in number:
            say(f"job {one}: {server.resume(one)['state']}")
        return
    with opened(context) as database:
        for one in number:
            say(f"job {one}: {services.jobs.resume(database, one).state}")


def tell_queued(job: Job, output: str) -> None:
    """Where a command has left its work to a worker."""
    if output == "json":
        print_json({"job": job.id})
        return
    say(f"job {job.id} is queued: judgebench worker does it, and judgebench jobs show {job.id} says how far it is")


def _row(job: Mapping[str, Any]) -> tuple[object, ...]:
    """Cells of a job's document; what a server says of it to admins alone is left empty for others."""
    return (
        *(job["id"], job["kind"], job["benchmark"], job["subject"], _state(job), *_far(job)),
        *(job["actor"], job["created_at"][:19], job.get("message", "")[:_MESSAGE_CHARS]),
    )


def _far(job: Mapping[str, Any]) -> tuple[object, object]:
    """How much is done, and of how much; nothing of an audit that asks nobody, of which nothing is counted."""
    if not job.get("at_most"):
        return job["done"], job["planned"]
    return (job["done"], f"at most {job['planned']:,}") if job["planned"] else ("", "")


def _state(job: Mapping[str, Any]) -> str:
    return "stopping" if job["is_stopping"] else str(job["state"])


def _say_stopped(number: int, job: Mapping[str, Any], *, is_open: bool) -> None:
    say(f"job {number}: {_state(job)}" if is_open else f"job {number} has ended before: {job['state']}")
