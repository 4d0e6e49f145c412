"""judgebench audit ...: exit code 0 passed, 1 a high finding or a failed gate, 2 bad input."""

from pathlib import Path
from typing import Annotated

import typer

from judgebench.audits.findings import AuditReport, Finding
from judgebench.cli.session import Format, Session, out, print_json, visible
from judgebench.spec import load_template
from judgebench.study import audit as audits

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
    output: Annotated[Format, typer.Option("--format")] = Format.TABLE,
) -> None:
    """Look for outputs that ignore their instruction, work on the judge, or are somebody else's."""
    session: Session = context.obj
    own = [load_template(path) for path in template or ()]
    with session.database() as database:
        report = audits.submissions(database, benchmark, models=model or (), own_templates=own)
    finish(report, output)


def finish(report: AuditReport, output: Format) -> None:
    """Print the report and leave with its exit code."""
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


def _line(finding: Finding) -> str:
    ends = "" if finding.lower is None or finding.upper is None else f" [{finding.lower:.4g}, {finding.upper:.4g}]"
    return f"{finding.severity:<7} {finding.model}  {finding.rule} {finding.value:.4g}{ends}"
