"""judgebench audit NAME, a command for each entry in the table of audits.

Exit code 0: passed; 1: a high finding or a failed gate; 2: bad input.
"""

from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, asdict, fields
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin, get_type_hints

import typer
from typer.core import TyperCommand, TyperGroup

from judgebench import services
from judgebench.cli import options, remote
from judgebench.cli.connection import ConnectionOptions
from judgebench.cli.jobs import tell_queued
from judgebench.cli.session import FAILED, Session, print_json, print_result, progress_line, say, write_page
from judgebench.errors import InputError
from judgebench.services.audits import registry
from judgebench.services.audits.registry import AUDITS, Audit

if TYPE_CHECKING:
    from pathlib import Path

    from judgebench.audits.findings import AuditReport
    from judgebench.services.audits.estimates import AuditEstimate
    from judgebench.show.results import Form
    from judgebench.store.database import Database

_WAYS = (ConnectionOptions, options.WorkerOptions)  # how the judge is asked
_ENDS = ("ge", "le")  # of a setting's range
_HELP = "\n$ ".join(
    ["Is this judge, or this submission, to be trusted?\n", *(audit.examples[0] for audit in AUDITS.values())]
)


class _Audits(TyperGroup):
    """Loads an audit when it is run or asked for its help; the list of audits loads none."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(AUDITS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return TyperCommand(cmd_name, help=registry.named(cmd_name).help)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, _, rest = super().resolve_command(ctx, args)
        return name, None if name is None else _command(registry.named(name)), rest


app = typer.Typer(cls=_Audits, help=_HELP, no_args_is_help=True)


@app.callback()
def _group() -> None:
    pass


def _command(audit: Audit) -> Any:
    holder = typer.Typer(add_completion=False)
    text = "\n$ ".join([f"{audit.help}\n", *audit.examples])
    holder.command(audit.name, help=text)(_function(audit))
    return typer.main.get_command(holder)


def _function(audit: Audit) -> Callable[..., None]:
    """The audit with an option for each of its settings; a judge has several."""
    hints = audit.hints
    flags = _judge_flags(own_template="template" in hints) if "judge" in hints else {}
    ways = {kind: [field.name for field in fields(kind)] for kind in _WAYS} if flags else {}

    def _run(
        context: typer.Context,
        html: "Path | None",
        output: "Form",
        *,
        queue: bool,
        dry_run: bool = False,
        **values: Any,
    ) -> None:
        from judgebench.services.judges import find_judge

        session: Session = context.obj
        judge = options.JudgeOptions(**{name: values.pop(flag) for name, flag in flags.items()})
        way = [kind(**{name: values.pop(name) for name in names}) for kind, names in ways.items()]
        if queue and html is not None:
            raise InputError("--html is of an audit that is done here: leave it out with --queue")
        if (server := remote.server_of(context)) is not None:
            remote.refuse_dry_run(dry_run=dry_run)
            remote.refuse(**{name: value for one in way for name, value in asdict(one).items()})
            remote.refuse(**{flags.get(name, name): value for name, value in asdict(judge).items() if name != "judge"})
            settings = _settings(audit, values) | options.given(judge=judge.judge)
            remote.audit(server, audit.name, settings, output, html=html, waits=not queue)
            return
        how_asked = [one.fields() for one in way]
        with session.database() as database, progress_line() as show:
            if judge.judge is not None:
                values["judge"] = find_judge(database, dict(ChainMap(judge.fields(), *how_asked)))
            if dry_run:
                _print_estimate(services.audits.estimates.estimate(database, audit.fill(values)), output)
                return
            if queue:
                estimate = services.audits.estimates.estimate(database, audit.fill(values))
                tell_queued(services.jobs.queue_audit(database, audit.name, values, estimate), output)
                return
            how: dict[str, Any] = {"environment": session.environment, "on_progress": show}
            report = registry.audit(database, audit.name, audit.fill(values), **how)
            if html is not None:
                _write_page(database, values["benchmark"], report, html)
        finish(report, output)

    parameters = list(_parameters(audit, hints, flags, ways))
    _run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    _run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]  # typer reads it
    return _run


def _settings(audit: Audit, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those that were given, without the judge. Raises InputError for one that a server does not take."""
    from judgebench.services.web_studies import AUDIT_FIELDS

    usual = {setting.name: setting.default for setting in fields(audit.settings)}
    given = {name: value for name, value in values.items() if value not in (None, [], ()) and value != usual[name]}
    remote.refuse(
        **{name if value else f"no_{name}": True for name, value in given.items() if name not in AUDIT_FIELDS}
    )
    return given


def _parameters(
    audit: Audit, hints: dict[str, Any], flags: dict[str, str], ways: Mapping[type[Any], Sequence[str]]
) -> Iterator[Parameter]:
    yield _parameter("context", typer.Context, MISSING)
    for setting in fields(audit.settings):
        if setting.name != "judge":
            yield _parameter(setting.name, _option(setting.name, hints[setting.name], setting.default), setting.default)
    judge_hints = get_type_hints(options.JudgeOptions, include_extras=True)
    for name, flag in flags.items():
        needed = name in audit.needed
        hint = options.JudgeTemplate if name != flag else judge_hints[name]
        yield _parameter(flag, Annotated[str, get_args(hint)[1]] if needed else hint, MISSING if needed else None)
    for kind, names in ways.items():
        way_hints = get_type_hints(kind, include_extras=True)
        yield from (_parameter(name, way_hints[name], None) for name in names)
    if flags:
        yield _parameter("dry_run", options.DryRun, False)
    yield _parameter("queue", options.Queue, False)
    yield _parameter("html", options.Html, None)
    yield _parameter("output", options.Output, "table")


def _judge_flags(*, own_template: bool) -> dict[str, str]:
    """The option for each field of JudgeOptions; --template may be a setting of the audit itself."""
    flags = {field.name: field.name for field in fields(options.JudgeOptions)}
    return flags | {"template": "judge_template"} if own_template else flags


def _parameter(name: str, hint: Any, default: Any) -> Parameter:
    usual = Parameter.empty if default is MISSING else default
    return Parameter(name, Parameter.KEYWORD_ONLY, annotation=hint, default=usual)


def _option(name: str, hint: Any, default: Any) -> Any:
    """``hint`` is a type with the ``pydantic.Field`` that says what the setting means and allows."""
    kind, about = get_args(hint)
    words = name.replace("_", "-")
    flags = f"--{words}/--no-{words}" if default is True else f"--{words}"
    if get_origin(kind) is tuple:
        kind = list[get_args(kind)[0]]  # type: ignore[misc]  # a type made of a type
    bounds = (next((getattr(bound, end) for bound in about.metadata if hasattr(bound, end)), None) for end in _ENDS)
    least, most = bounds
    return Annotated[kind, typer.Option(flags, help=about.description, min=least, max=most)]


def _print_estimate(estimate: "AuditEstimate", output: str) -> None:
    from judgebench.show.sentences import audit_estimate

    if output == "json":
        print_json(asdict(estimate))
    else:
        say(*audit_estimate(estimate))


def _write_page(database: "Database", benchmark: str, report: "AuditReport", html: "Path") -> None:
    """Raises InputError when the file cannot be written."""
    from judgebench.show.html import audit_page

    write_page(html, audit_page(report, *services.seen.of_findings(database, benchmark, report.findings)))


def finish(report: "AuditReport", output: "Form") -> None:
    """Print the report, and leave with its exit code."""
    from judgebench.show import results

    print_result(results.audit(report, output))
    if not report.passed:
        raise typer.Exit(FAILED)
