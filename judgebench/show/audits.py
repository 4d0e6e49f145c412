"""What an audit found, as lines and tables: of a report, and of the document in which one is kept."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from judgebench.audits.findings import AuditReport, Finding
from judgebench.show.numbers import MISSING, amount, interval, percent, span, value

_SPAN_CHARS = 100  # shown of a finding's first evidence

Row = Mapping[str, Any]  # of a document


@dataclass(frozen=True, slots=True)
class AuditTable:
    """Cells, and what is said below them."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def report_lines(report: AuditReport) -> Iterator[str]:
    """Findings with their numbers and first evidence, what each rule counts, and how it ended."""
    for finding in report.findings:
        yield finding_line(finding)
        for evidence in finding.evidence[:1]:
            text = " ".join((evidence.before[-20:] + "»" + evidence.match + "«" + evidence.after[:20]).split())
            yield f"        {text[:_SPAN_CHARS]}"
    yield from (f"rule {name}: {words}" for name, words in sorted(report.rules.items()))
    yield from (f"note: {note}" for note in report.notes)
    yield from (f"failed: {failure}" for failure in report.failures)
    yield f"audit {report.audit}: {'passed' if report.passed else 'FAILED'}"


def finding_line(finding: Finding) -> str:
    """Severity, model, rule, and the number with its interval."""
    number = f"{value(finding.estimate, 'short')} {interval(finding.estimate, 'short')}".rstrip()
    return f"{finding.severity:<7} {finding.model}  {finding.rule} {number}"


def tables(document: Row) -> Iterator[AuditTable]:
    """Those that the kind of audit adds to its findings."""
    if "entrants" in document:
        yield entrants(document)
    if "defences" in document:
        yield defences(document["defences"])
    if "estimates" in document:
        yield changes(document)


def entrants(document: Row) -> AuditTable:
    """Null models, and what each wins."""
    return AuditTable(
        ("entrant", "win rate", "bounds", "shown first", "shown second", "verdicts", "gate"),
        tuple(
            (
                row["name"],
                percent(row["win_rate"]),
                span(row["lower"], row["upper"], "share"),
                percent(row["by_order"]["first"]),
                percent(row["by_order"]["second"]),
                str(row["verdicts"]),
                row["gate"],
            )
            for row in document["entrants"]
        ),
        (f"worst null model: at most {percent(document['null_win_rate'])}",),
    )


def defences(rows: Sequence[Row]) -> AuditTable:
    """Each defence with what null models win under it, and what it costs honest verdicts."""
    return AuditTable(
        ("defence", "null win rate", "gate", "worst entrant", "agreement", "accuracy", "lost", "tokens", "USD"),
        tuple(
            (
                row["defence"],
                f"<= {percent(row['null_win_rate'])}",
                "passed" if row["passed"] else "failed",
                row["worst_entrant"] or MISSING,
                _share(row["agreement"]),
                _share(row["accuracy"]),
                f"{row['without_verdict']} of {row['honest_trials']}",
                MISSING if row["tokens_a_trial"] is None else f"{row['tokens_a_trial']:.0f}",
                MISSING if row["cost_usd"] is None else f"{row['cost_usd']:.4f}",
            )
            for row in rows
        ),
        (
            "agreement: with the undefended judge (fixed) on honest battles; accuracy: with people's labels",
            "lost: honest trials without a verdict; tokens: a trial, prompt and reply; USD: of all honest trials",
        ),
    )


def changes(document: Row) -> AuditTable:
    """Changes of an output, and what the judge made of each."""
    return AuditTable(
        ("change", "family", "net flip or detected", "interval", "same winner", "battles"),
        tuple(
            (
                row["name"],
                row["family"],
                percent(row["value"]),
                span(row["lower"], row["upper"], "share"),
                percent(row["robustness"]),
                str(row["instructions"]),
            )
            for row in document["estimates"]
        ),
        (", ".join(f"{name} {amount(rate, 'share')}" for name, rate in document["summary"].items()),),
    )


def _share(row: Row | None) -> str:
    return MISSING if row is None else f"{percent(row['value'])} {span(row['lower'], row['upper'], 'share')}"
