"""Commands on a server, by the REST API: the same options, the same output, another database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from judgebench.cli import session, waiting
from judgebench.cli.options import given, names
from judgebench.cli.session import (
    FAILED,
    INTERRUPTED,
    Session,
    complain,
    leave,
    print_json,
    print_result,
    say,
    tell,
    warn,
)
from judgebench.cli.waiting import tell_unfinished, was_stopped
from judgebench.errors import InputError
from judgebench.remote import TOKEN_VARIABLE, ServerUnreachable, TeamServer
from judgebench.show.text import count, were

if TYPE_CHECKING:
    from judgebench.cli.options import DesignOptions, JudgeOptions
    from judgebench.engine.run import RunReport
    from judgebench.remote import Option
    from judgebench.show.printed import Printed


def server_of(context: typer.Context) -> TeamServer | None:
    """The server that the command was pointed at, if any. Raises InputError."""
    invoked: Session = context.obj
    return None if invoked.server is None else TeamServer(invoked.server, invoked.environment.get(TOKEN_VARIABLE))


def refuse(**options: object) -> None:
    """Raises InputError where one of these was given, which servers do not take."""
    for name, value in options.items():
        if value not in (None, False, (), []):
            raise InputError(f"a server does not take --{name.replace('_', '-')}: leave it out, or --server")


def refuse_dry_run(*, dry_run: bool) -> None:
    """Raises InputError. To leave it out would start what was only to be estimated."""
    if dry_run:
        raise InputError(
            "a server does not say beforehand what this takes: bound it by --max-cost or --max-calls, or ask by --db"
        )


def show(server: TeamServer, what: str, output: str, **options: Option) -> str:
    """Print a result of the server, in the form that was chosen. Returns what it decides, if anything."""
    result, decision = server.read_decided(what, format=output, **options)
    print_result(_printed(server, result) if output == "table" else result)
    return decision


def _printed(server: TeamServer, document: Any) -> Printed:
    """Raises InputError."""
    from judgebench.show import printed

    try:
        return printed.read(document)
    except (KeyError, TypeError, ValueError):
        raise _unknown_form(server) from None


def _unknown_form(server: TeamServer) -> InputError:
    return InputError(
        f"{server.url} says it in a form that this version does not know: use the version that runs there"
    )


def write_page(server: TeamServer, what: str, path: Path | None, **options: Option) -> None:
    """Write an HTML page of the server into a file, where one was named."""
    if path is not None:
        session.write_page(path, server.read(what, format="html", **options))


@dataclass(frozen=True, slots=True)
class Placing:
    """Models that are to be judged as the board was, and how."""

    benchmark: str
    models: tuple[str, ...]
    judges: tuple[str, ...]  # none: the board's
    max_cost: float | None
    yes: bool


def submit(
    server: TeamServer, file: Path, output: str, options: Mapping[str, Any], placing: Placing | None = None
) -> None:
    """As ``judgebench submit``: with a high finding nothing is stored, nor where it could not be ranked."""
    if placing is not None:
        _start(server, placing, step="plan")
    try:
        report = server.submit(file, **options)
    except InputError as error:
        for line in getattr(error, "report", {}).get("told", ()):
            tell(str(line))
        raise
    tell(*(line for line in report["told"] if output == "table" or line.startswith("  audit: ")))
    if output == "table" and "stored" in report:
        known = report["already_stored"]
        say(f"stored {count(report['stored'], 'output')}; {known:,} {were(known)} stored already")
    document = {name: value for name, value in report.items() if name != "told"}
    if placing is not None:
        jobs = _judged(server, placing, output)
        document["placement"] = landed = _landed(server, placing, jobs, output)
        if output == "table":
            print_result(_printed(server, landed))
    if output == "json":
        print_json(document)
    if placing is not None:
        _leave(server, jobs)


def place(server: TeamServer, placing: Placing, output: str, *, dry_run: bool) -> None:
    """As ``judgebench place``, by jobs of the server."""
    if dry_run:
        bill = _start(server, placing, step="bill")
        if output == "json":
            print_json({name: value for name, value in bill.items() if name not in ("told", "needs_consent")})
        else:
            say(*bill["told"])
        return
    jobs = _judged(server, placing, output)
    landed = _landed(server, placing, jobs, output)
    print_result(landed if output == "json" else _printed(server, landed))
    _leave(server, jobs)


def _judged(server: TeamServer, placing: Placing, output: str) -> list[Mapping[str, Any]]:
    """The jobs that asked about the models, once they have ended. Says before what that takes.

    Raises InputError without consent, and where a job has failed.
    """
    bill = _start(server, placing, step="bill")
    tell(*bill["told"])
    is_agreed = session.agreed(needs_consent=bill["needs_consent"], yes=placing.yes, output=output)
    with _queueing(server):
        numbers = _start(server, placing, agreed=is_agreed)["jobs"]
    return _ended(server, *numbers)


def _start(server: TeamServer, placing: Placing, **how: Any) -> dict[str, Any]:
    return server.start_placement(
        placing.models, benchmark=placing.benchmark, judges=placing.judges, max_cost=placing.max_cost, **how
    )


def _landed(server: TeamServer, placing: Placing, jobs: Sequence[Mapping[str, Any]], output: str) -> Any:
    """The placement's document, in the form that was chosen."""
    about: dict[str, Any] = {"benchmark": placing.benchmark, "model": placing.models, "judge": placing.judges}
    return server.read("placement", **about, job=[str(job["id"]) for job in jobs], format=output)


def _leave(server: TeamServer, jobs: Sequence[Mapping[str, Any]]) -> None:
    """Warn of what went otherwise, and exit as on a database."""
    reports = [report for job in jobs if (report := _report(server, job)) is not None]
    for report in reports:
        warn(f"judge {report.judge!r}", report, lacking="a verdict")
    leave(*reports, interrupted=any(map(was_stopped, jobs)))


def run(server: TeamServer, fields: dict[str, Any], output: str, *, waits: bool) -> RunReport | None:
    """Start a run at the server, and wait for its end where that is wanted. None: that is not."""
    with _queueing(server):
        number = server.start_run(**fields)
    if not waits:
        _tell_queued(server, number, output)
        return None
    [job] = _ended(server, number)
    report = _report(server, job)
    if report is None:  # it was stopped before it began
        leave(interrupted=True)
    return report


def _report(server: TeamServer, job: Mapping[str, Any]) -> RunReport | None:
    """How a run has ended; None where it has not begun. Raises InputError."""
    from judgebench import services

    kept = job.get("report") or {}
    if job["state"] != "done" and "planned" not in kept:
        return None
    try:
        return services.jobs.report_of(job["subject"], kept, interrupted=was_stopped(job))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise _unknown_form(server) from None


def audit(
    server: TeamServer, name: str, settings: Mapping[str, Any], output: str, *, html: Path | None, waits: bool
) -> None:
    """Start an audit at the server, and print what it found once it has ended, where that is wanted."""
    with _queueing(server):
        number = server.start_audit(name, settings)
    if not waits:
        _tell_queued(server, number, output)
        return
    _ended(server, number)
    write_page(server, f"jobs/{number}/audit", html)
    if show(server, f"jobs/{number}/audit", output) != "passed":
        raise typer.Exit(FAILED)


def _tell_queued(server: TeamServer, number: int, output: str) -> None:
    if output == "json":
        print_json({"job": number})
        return
    say(f"job {number} is queued: judgebench --server {server.url} jobs show {number} says how far it is")


def ended(server: TeamServer, *numbers: int) -> list[Mapping[str, Any]]:
    """The jobs once they have ended; on an interrupt they go on."""
    listed = " ".join(map(str, numbers))
    goes_on = (
        f"it goes on at the server: judgebench --server {server.url} jobs stop {listed} ends it, and "
        f"judgebench --server {server.url} jobs list says how far it is"
    )
    try:
        jobs = waiting.ended(server.job, numbers, at=f" at {server.url}")
    except KeyboardInterrupt:
        complain(f"interrupted; {goes_on}")
        raise typer.Exit(INTERRUPTED) from None
    except ServerUnreachable as error:
        raise ServerUnreachable(f"{error}; {goes_on}") from error
    tell_unfinished(jobs, f"judgebench --server {server.url}")
    return jobs


def _ended(server: TeamServer, *numbers: int) -> list[Mapping[str, Any]]:
    """``ended``. Raises InputError where one has failed."""
    jobs = ended(server, *numbers)
    for job in jobs:
        if job["state"] == "failed":
            raise InputError(f"job {job['id']} has failed: {job.get('message') or 'an admin can read why'}")
    return jobs


@contextmanager
def _queueing(server: TeamServer) -> Iterator[None]:
    """While something is being queued: an interrupt leaves open whether it is."""
    try:
        yield
    except KeyboardInterrupt:
        complain(f"interrupted; judgebench --server {server.url} jobs list says whether it was queued before")
        raise typer.Exit(INTERRUPTED) from None


def study(file: Path | None, design: DesignOptions, judge: JudgeOptions, more: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the study that these options and the file describe. Raises InputError."""
    fields: dict[str, Any] = {}
    if file is not None:
        from judgebench.spec import load_study

        fields = load_study(file).model_dump(mode="json", exclude_defaults=True)
    fields |= given(**asdict(design)) | dict(more)
    if design.models:
        fields["models"] = names(design.models)
    if design.pairs:
        fields["pairs"] = [[name.strip() for name in text.split(",")] for text in design.pairs]
    served = {**fields.get("judge", {}), **judge.fields()}
    if "benchmark" not in fields:
        raise InputError("say which benchmark: --benchmark NAME, or a study file")
    if "model" not in served:
        raise InputError("say which judge: --judge MODEL --judge-url URL, --judge embedded, or a study file")
    return fields | {"judge": served["model"] if served.keys() == {"model"} else served}  # a known one by its name
