"""How audits are printed, and the exit codes that they leave with: 0 passed, 1 a high finding or a failed gate."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from judgebench.audits.findings import AuditReport, Finding
from judgebench.cli.session import Format, out, print_json, visible, write_file
from judgebench.show.html import audit_page

_FAILED = 1
_SHOWN_CHARS = 100


def finish(report: AuditReport, output: Format, html: Path | None) -> None:
    """Print the report, write it where that was asked for, and leave with its exit code.

    Raises InputError when the file cannot be written.
    """
    if html is not None:
        write_file(html, audit_page(report))
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
        screen.print(visible(line_of(finding)))
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


def print_entrants(report: AuditReport) -> None:
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


def print_defences(report: AuditReport) -> None:
    """Each defence with what null models win under it, and what it costs honest verdicts."""
    rows = report.details.get("defences", [])
    if not rows:
        return
    table = Table(box=None, pad_edge=False)
    for name in ("defence", "null win rate", "gate", "worst entrant", "agreement", "accuracy", "lost", "tokens", "USD"):
        table.add_column(name, justify="left" if name in ("defence", "worst entrant") else "right", no_wrap=True)
    for each in rows:
        table.add_row(
            each["defence"],
            f"<= {_percent(each['null_win_rate'])}",
            "passed" if each["passed"] else "failed",
            visible(each["worst_entrant"] or "-"),
            _share(each["agreement"]),
            _share(each["accuracy"]),
            f"{each['without_verdict']} of {each['honest_trials']}",
            "-" if each["tokens_a_trial"] is None else f"{each['tokens_a_trial']:.0f}",
            "-" if each["cost_usd"] is None else f"{each['cost_usd']:.4f}",
        )
    screen = out()
    screen.print(table)
    screen.print("agreement: with the undefended judge (fixed) on honest battles; accuracy: with people's labels")
    screen.print("lost: honest trials without a verdict; tokens: a trial, prompt and reply; USD: of all honest trials")


def _share(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "-"
    return f"{_percent(found['value'])} [{_percent(found['lower'])}, {_percent(found['upper'])}]"


def print_estimates(report: AuditReport) -> None:
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


def line_of(finding: Finding) -> str:
    share = finding.estimate
    ends = "" if share.lower is None or share.upper is None else f" [{share.lower:.4g}, {share.upper:.4g}]"
    return f"{finding.severity:<7} {finding.model}  {finding.rule} {share.value:.4g}{ends}"
