"""Commands on a server, by the REST API: the same options, the same output, another database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from judgebench.cli import session
from judgebench.cli.options import given, names
from judgebench.cli.session import (
    FAILED,
    INTERRUPTED,
    WITHOUT_VERDICT,
    Session,
    complain,
    print_json,
    print_result,
    say,
    tell,
)
from judgebench.errors import InputError
from judgebench.remote import TOKEN_VARIABLE, TeamServer

if TYPE_CHECKING:
    from judgebench.cli.options import DesignOptions, JudgeOptions
    from judgebench.remote import Option
    from judgebench.show.printed import Printed

_COUNTED = ("planned", "ok", "tie", "unparsed", "refused", "truncated", "failed", "pending")


def server_of(context: typer.Context) -> TeamServer | None:
    """The server that the command was pointed at, if any. Raises InputError."""
    invoked: Session = context.obj
    return None if invoked.server is None else TeamServer(invoked.server, invoked.environment.get(TOKEN_VARIABLE))


def refuse(**options: object) -> None:
    """Raises InputError where one of these was given, which servers do not take."""
    for name, value in options.items():
        if value not in (None, False, (), []):
            raise InputError(f"a server does not take --{name.replace('_', '-')}: leave it out, or --server")


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
        raise InputError(
            f"{server.url} says it in a form that this version does not know: use the version that runs there"
        ) from None


def write_page(server: TeamServer, what: str, path: Path | None, **options: Option) -> None:
    """Write an HTML page of the server into a file, where one was named."""
    if path is not None:
        session.write_page(path, server.read(what, format="html", **options))


@dataclass(frozen=True, slots=True)
class Ranking:
    """How what is submitted is to be ranked."""

    judges: tuple[str, ...]  # none: the board's
    max_cost: float | None
    yes: bool


def submit(
    server: TeamServer, file: Path, output: str, options: Mapping[str, Any], ranking: Ranking | None = None
) -> None:
    """As ``judgebench submit``: with a high finding nothing is stored, nor where it could not be ranked."""
    if ranking is not None:
        _start(server, options, ranking, step="plan")
    try:
        report = server.submit(file, **options)
    except InputError as error:
        for line in getattr(error, "report", {}).get("told", ()):
            tell(str(line))
        raise
    tell(*(line for line in report["told"] if output == "table" or line.startswith("  audit: ")))
    if output == "table" and "stored" in report:
        say(f"stored {report['stored']} outputs; {report['already_stored']} were stored already")
    reports = [] if ranking is None else _judged(server, options, ranking, output)
    if output == "json":
        place = {"placement": _landed(server, options, ranking, reports, output)} if ranking is not None else {}
        print_json({name: value for name, value in report.items() if name != "told"} | place)
    elif ranking is not None:
        print_result(_printed(server, _landed(server, options, ranking, reports, output)))
    _exit_without_verdict(*(job["report"] for job in reports))


def _judged(server: TeamServer, options: Mapping[str, Any], ranking: Ranking, output: str) -> list[dict[str, Any]]:
    """The jobs that asked about the model, once they have ended, each with a report. Says before what that takes.

    Raises InputError without consent, and where a job ended without a report.
    """
    bill = _start(server, options, ranking, step="bill")
    tell(*bill["told"])
    is_agreed = session.agreed(needs_consent=bill["needs_consent"], yes=ranking.yes, output=output)
    jobs = _ended(server, *_start(server, options, ranking, agreed=is_agreed)["jobs"])
    for job in jobs:
        job["report"] = _report(job)
        if job.get("message"):
            complain(str(job["message"]))
    return jobs


def _start(server: TeamServer, options: Mapping[str, Any], ranking: Ranking, **how: Any) -> dict[str, Any]:
    models, benchmark = [options["model"]], options["benchmark"]
    return server.start_placement(models, benchmark=benchmark, judges=ranking.judges, max_cost=ranking.max_cost, **how)


def _landed(
    server: TeamServer, options: Mapping[str, Any], ranking: Ranking, jobs: Sequence[Mapping[str, Any]], output: str
) -> Any:
    """The placement's document, in the form that was chosen."""
    numbers = [str(job["id"]) for job in jobs]
    about: dict[str, Any] = {"benchmark": options["benchmark"], "model": [options["model"]], "judge": ranking.judges}
    return server.read("placement", **about, job=numbers, format=output)


def run(server: TeamServer, fields: dict[str, Any], output: str, *, waits: bool) -> None:
    """Start a run at the server, and wait for its end where that is wanted."""
    number = server.start_run(**fields)
    if not waits:
        _tell_queued(server, number)
        return
    [job] = _ended(server, number)
    report = _report(job)
    if output == "json":
        print_json(report)
    else:
        counted = ", ".join(f"{report[name]} {name}" for name in _COUNTED if report.get(name))
        say(f"{job['subject']}: {counted}; {report.get('calls', 0)} calls")
    if job.get("message"):
        complain(str(job["message"]))
    _exit_without_verdict(report)


def _report(job: Mapping[str, Any]) -> dict[str, Any]:
    """Raises InputError where it has ended without one."""
    report: dict[str, Any] = job.get("report") or {}
    if job["state"] != "done" and not report:
        raise InputError(f"job {job['id']} has {job['state']}: {job.get('message') or 'an admin can read why'}")
    return report


def _exit_without_verdict(*reports: Mapping[str, Any]) -> None:
    if any(report.get(name) for report in reports for name in _COUNTED[3:]):
        raise typer.Exit(WITHOUT_VERDICT)


def audit(
    server: TeamServer, name: str, settings: Mapping[str, Any], output: str, *, html: Path | None, waits: bool
) -> None:
    """Start an audit at the server, and print what it found once it has ended, where that is wanted."""
    number = server.start_audit(name, settings)
    if not waits:
        _tell_queued(server, number)
        return
    [job] = _ended(server, number)
    if job["state"] == "failed":
        _report(job)
    write_page(server, f"jobs/{number}/audit", html)
    if show(server, f"jobs/{number}/audit", output) != "passed":
        raise typer.Exit(FAILED)


def _tell_queued(server: TeamServer, number: int) -> None:
    say(f"job {number} is queued: judgebench --server {server.url} jobs show {number} says how far it is")


def _ended(server: TeamServer, *numbers: int) -> list[dict[str, Any]]:
    """The jobs once they have ended; on an interrupt they go on."""
    tell(*(f"job {number} at {server.url}" for number in numbers))
    try:
        return [server.wait(number) for number in numbers]
    except KeyboardInterrupt:
        listed = " ".join(map(str, numbers))
        complain(f"it goes on at the server, until: judgebench --server {server.url} jobs stop {listed}")
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
    return fields | {"judge": served}
