"""judgebench audit NAME, a command for each entry in the table of audits.

Exit code 0: passed; 1: a high finding or a failed gate; 2: bad input.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields
from inspect import Parameter, Signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin, get_type_hints

import typer
from rich.table import Table
from typer.core import TyperCommand, TyperGroup

from judgebench.cli import options
from judgebench.cli.session import Format, ProgressLine, Session, out, print_json, write_file
from judgebench.services.audits import registry
from judgebench.services.audits.registry import AUDITS, Audit
from judgebench.show.text import visible

if TYPE_CHECKING:
    from judgebench.audits.findings import AuditReport

_FAILED = 1
_WORDS = ("entrant", "defence", "worst entrant", "change", "family")  # columns of words; all others are numbers
_JUDGE_FIELDS = {  # of JudgeSpec, by the option that gives it
    "judge": "model",
    "judge_url": "url",
    "judge_key_env": "key_env",
    "judge_name": "name",
    "template": "template",
    "judge_template": "template",
    "price": "price",
}


class _Audits(TyperGroup):
    """Loads an audit when it is run or asked for its help; the list of audits loads none."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(AUDITS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return TyperCommand(cmd_name, help=registry.named(cmd_name).help)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, _, rest = super().resolve_command(ctx, args)
        return name, None if name is None else _command(registry.named(name)), rest


app = typer.Typer(cls=_Audits, help="Is this judge, or this submission, to be trusted?", no_args_is_help=True)


@app.callback()
def _group() -> None:
    pass


def _command(audit: Audit) -> Any:
    holder = typer.Typer(add_completion=False)
    holder.command(audit.name, help=audit.help)(_function(audit))
    return typer.main.get_command(holder)


def _function(audit: Audit) -> Callable[..., None]:
    """The audit with an option for each of its settings; for a judge there are several."""

    def run(context: typer.Context, html: Path | None, output: Format, **values: Any) -> None:
        session: Session = context.obj
        with session.database() as database, ProgressLine() as progress:
            settings = audit.fill(_with_judge(database, values) if "judge" in values else values)
            how: dict[str, Any] = {"environment": session.environment, "on_progress": progress.show}
            report = registry.audit(database, audit.name, settings, **how)
        _finish(report, output, html)

    parameters = {"context": (typer.Context, Parameter.empty), **dict(_options(audit))}
    parameters["html"] = (
        Annotated[Path | None, typer.Option(help="Also write the report to this HTML file.")],
        None,
    )
    parameters["output"] = (Annotated[Format, typer.Option("--format")], Format.TABLE)
    kind = Parameter.KEYWORD_ONLY
    run.__annotations__ = {name: hint for name, (hint, _) in parameters.items()}
    run.__signature__ = Signature(  # type: ignore[attr-defined]
        [Parameter(name, kind, annotation=hint, default=default) for name, (hint, default) in parameters.items()]
    )
    return run


def _options(audit: Audit) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Name, annotation and default of each."""
    hints = get_type_hints(audit.settings, include_extras=True)
    for setting in fields(audit.settings):
        default = Parameter.empty if setting.default is MISSING else setting.default
        if setting.name == "judge":
            yield from _judge_options(default, own_template="template" in hints)
        else:
            yield setting.name, (_annotation(setting.name, hints[setting.name]), default)


def _annotation(name: str, hint: Any) -> Any:
    """As the command line has it: ``hint`` is a type with a ``pydantic.Field``."""
    kind, about = get_args(hint)
    ends = {end: bound for limit in about.metadata for end, bound in _bound(limit)}
    flag = f"--{name.replace('_', '-')}"
    flags = (flag,)
    ...


def _judge_options(default: Any, *, own_template: bool) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """``own_template``: whether --template is a setting of the audit itself."""
    ...
