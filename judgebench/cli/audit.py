"""judgebench audit ...: exit code 0 passed, 1 a high finding or a failed gate, 2 bad input."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.table import Table

from judgebench.audits.findings import AuditReport, Finding
from judgebench.audits.html_report import html_report
from judgebench.audits.null_gate import Gate
from judgebench.cli.progress import ProgressLine
from judgebench.cli.session import Format, Session, out, print_json, visible
from judgebench.errors import InputError
from judgebench.spec import JudgeSpec, load_template
from judgebench.study import audit as audits
from judgebench.study.integrity import integrity
from judgebench.study.null_audit import NullAudit, defended_spec, null_models
from judgebench.study.robustness import RobustnessAudit, robustness

app = typer.Typer(help="Is this judge, or this submission, to be trusted?", no_args_is_help=True)

_FAILED = 1
_SHOWN_CHARS = 100


@app.command("submissions")
def submissions(
    context: typer.Context,
    benchmark: Annotated[str, typer.Option(help="Name of the benchmark.")],
    model: Annotated[list[str] | None, typer.Option(help="Only this model; may be repeated. Default: all.")] = None,
    template: Annotated[
        list[Path] | None, typer.Option(help="An own template file that judges are asked with; may be repeated.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Also write the report to this HTML file.")] = None,
    output: Annotated[Format, typer.Option("--format")] = Format.TABLE,
) -> None:
    """Look for outputs that ignore their instruction, work on the judge, or are somebody else's."""
    session: Session = context.obj
    own = [load_template(path) for path in template or ()]
    with session.database() as database:
        report = audits.submissions(database, benchmark, models=model or (), own_templates=own)
    finish(report, output, html)


@app.command("null-models")
def null(
    context: typer.Context,
    benchmark: Annotated[str, typer.Option(help="Name of the benchmark.")],
    judge: Annotated[str, typer.Option(help="The judge: its server's name for it, 'embedded', or 'scripted:NAME'.")],
    judge_url: Annotated[
        str | None, typer.Option(help="Address of an OpenAI-compatible server, e.g. http://127.0.0.1:8000/v1")
    ] = None,
    judge_key_env: Annotated[
        str | None, typer.Option(help="NAME of the environment variable that holds the server's key.")
    ] = None,
    judge_name: Annotated[str | None, typer.Option(help="Name under which the judge is stored.")] = None,
    template: Annotated[str | None, typer.Option(help="A template, e.g. pairwise/two-way, or a file.")] = None,
    price: Annotated[
        str | None, typer.Option(metavar="PROMPT,COMPLETION", help="USD per million tokens, e.g. 2.5,10")
    ] = None,
    baseline: Annotated[str | None, typer.Option(help="The model that null models meet.")] = None,
    fail_above: Annotated[float, typer.Option(min=0.001, max=1.0, help="Win rate that none may reach.")] = 0.1,
    error: Annotated[float, typer.Option(min=0.0001, max=0.5, help="Chance of a wrong decision.")] = 0.05,
    limit: Annotated[int, typer.Option(min=2, help="Instructions at most; it stops once the gate is decided.")] = 200,
    seed: Annotated[int, typer.Option(help="Of the instructions' order and the shuffled entrant.")] = 0,
    concurrency: Annotated[int, typer.Option(min=1, max=4096, help="Questions in flight at most.")] = 16,
    defence: Annotated[
        str | None, typer.Option(help="Ask under this defence: escaped, datamarked, sandwich ...; see the docs.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Also write the report to this HTML file.")] = None,
    output: Annotated[Format, typer.Option("--format")] = Format.TABLE,
) -> None:
    """Enter models that ignore the instruction, and see whether the judge lets one of them win."""
    session: Session = context.obj
    spec = _spec(model=judge, url=judge_url, key_env=judge_key_env, name=judge_name, template=template, price=price)
    asked = NullAudit(
        benchmark=benchmark,
        judge=spec if defence is None else defended_spec(spec, defence),
        baseline=baseline,
        gate=Gate(fail_above, error),
        limit=limit,
        seed=seed,
        concurrency=concurrency,
    )
    with session.database() as database, ProgressLine() as progress:
        report = null_models(database, asked, environment=session.environment, on_progress=progress.show)
    if output is Format.TABLE:
        _print_entrants(report)
    finish(report, output, html)


@app.command("robustness")
def robust(
    context: typer.Context,
    benchmark: Annotated[str, typer.Option(help="Name of the benchmark.")],
    judge: Annotated[str, typer.Option(help="The judge: its server's name for it, 'embedded', or 'scripted:NAME'.")],
    model: Annotated[str, typer.Option(help="The model whose outputs are changed.")],
    opponent: Annotated[str, typer.Option(help="The model that they meet.")],
    judge_url: Annotated[
        str | None, typer.Option(help="Address of an OpenAI-compatible server, e.g. http://127.0.0.1:8000/v1")
    ] = None,
    judge_key_env: Annotated[
        str | None, typer.Option(help="NAME of the environment variable that holds the server's key.")
    ] = None,
    judge_name: Annotated[str | None, typer.Option(help="Name under which the judge is stored.")] = None,
    template: Annotated[str | None, typer.Option(help="A template, e.g. pairwise/two-way, or a file.")] = None,
    limit: Annotated[int, typer.Option(min=2, help="Instructions.")] = 30,
    seed: Annotated[int, typer.Option(help="Of the instructions drawn.")] = 0,
    concurrency: Annotated[int, typer.Option(min=1, max=4096, help="Questions in flight at most.")] = 16,
    html: Annotated[Path | None, typer.Option(help="Also write the report to this HTML file.")] = None,
    output: Annotated[Format, typer.Option("--format")] = Format.TABLE,
) -> None:
    """Change outputs in ways that should not, or must, matter, and see what the judge makes of it."""
    session: Session = context.obj
    asked = RobustnessAudit(
        benchmark=benchmark,
        judge=_spec(model=judge, url=judge_url, key_env=judge_key_env, name=judge_name, template=template),
        model=model,
        opponent=opponent,
        limit=limit,
        seed=seed,
        concurrency=concurrency,
    )
    with session.database() as database, ProgressLine() as progress:
        report = robustness(database, asked, environment=session.environment, on_progress=progress.show)
    if output is Format.TABLE:
        _print_estimates(report)
    finish(report, output, html)


@app.command("integrity")
def integrity_of(
    context: typer.Context,
    benchmark: Annotated[str, typer.Option(help="Name of the benchmark.")],
    round_trip: Annotated[
        bool, typer.Option(help="Copy the whole database to a temporary file and compare every row.")
    ] = True,
    html: Annotated[Path | None, typer.Option(help="Also write the report to this HTML file.")] = None,
    output: Annotated[Format, typer.Option("--format")] = Format.TABLE,
) -> None:
    """Hold stored verdicts against their completions, and look for what is missing, doubled or one-sided."""
    session: Session = context.obj
    with session.database() as database:
        report = integrity(database, benchmark, round_trip=round_trip)
    finish(report, output, html)


def finish(report: AuditReport, output: Format, html: Path | None) -> None:
    """Print the report, write it where that was asked for, and leave with its exit code.

    Raises InputError when the file cannot be written.
    """
    if html is not None:
        try:
            html.write_text(html_report(report), encoding="utf-8", errors="replace")
        except OSError as error:
            raise InputError(f"{html}: cannot be written ({error.strerror}): choose another path") from error
    if output is Format.JSON:
        print_json(report.document())
    else:
        print_report(report)
    if not report.passed:
        raise typer.Exit(_FAILED)


def print_report(report: AuditReport) -> None:
    """Findings with their numbers and first evidence, what each rule counts, and how it ended."""
    screen = out()
    for finding in report.findings:
        screen.print(visible(_line(finding)))
        for evidence in finding.evidence[:1]:
            shown = " ".join((evidence.before[-20:] + "»" + evidence.match + "«" + evidence.after[:20]).split())
            screen.print(visible(f"        {shown[:_SHOWN_CHARS]}"))
    for name, words in sorted(report.rules.items()):
        screen.print(visible(f"rule {name}: {words}"))
    for note in report.notes:
        screen.print(visible(f"note: {note}"))
    for failure in report.failures:
        screen.print(visible(f"failed: {failure}"))
    screen.print(visible(f"audit {report.audit}: {'passed' if report.passed else 'FAILED'}"))


def _spec(**fields: str | None) -> JudgeSpec:
    try:
        return JudgeSpec.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"flags: {first['msg'].removeprefix('Value error, ')}") from error


def _print_entrants(report: AuditReport) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("entrant", "win rate", "bounds", "shown first", "shown second", "verdicts", "gate"):
        table.add_column(name, justify="left" if name == "entrant" else "right", no_wrap=True)
    for each in report.details["entrants"]:
        places = (each["by_order"]["first"], each["by_order"]["second"])
        table.add_row(
            visible(each["name"]),
            _percent(each["win_rate"]),
            f"[{_percent(each['lower'])}, {_percent(each['upper'])}]",
            *map(_percent, places),
            str(each["verdicts"]),
            each["gate"],
        )
    out().print(table)
    out().print(visible(f"worst null model: at most {_percent(report.details['null_win_rate'])}"))


def _print_estimates(report: AuditReport) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("change", "family", "net flip or detected", "interval", "same winner", "battles"):
        table.add_column(name, justify="left" if name in ("change", "family") else "right", no_wrap=True)
    for each in report.details["estimates"]:
        interval = f"[{_percent(each['lower'])}, {_percent(each['upper'])}]"
        cells = (_percent(each["value"]), interval, _percent(each["robustness"]), str(each["instructions"]))
        table.add_row(each["name"], each["family"], *cells)
    screen = out()
    screen.print(table)
    screen.print(", ".join(f"{name} {_percent(value)}" for name, value in report.details["summary"].items()))


def _percent(value: float | None) -> str:
    return "-" if value is None or value != value else f"{value:.1%}"  # NaN: nothing was seen


def _line(finding: Finding) -> str:
    ends = "" if finding.lower is None or finding.upper is None else f" [{finding.lower:.4g}, {finding.upper:.4g}]"
    return f"{finding.severity:<7} {finding.model}  {finding.rule} {finding.value:.4g}{ends}"
