"""Report cards and audit reports as HTML files that open offline: no script, no link, and every text escaped."""

import json

from judgebench.audits.findings import AuditReport, Evidence, Finding
from judgebench.bias.card import Card, CardLine
from judgebench.show.numbers import interval, value
from judgebench.show.text import escaped_html

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_CARD_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}"
    "table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ccc;padding:.4rem .6rem;text-align:left;"
    "vertical-align:top}.grade{font-weight:700;text-align:center}.A{background:#cfe8d4}.B{background:#e4efc9}"
    ".C{background:#fbe8b9}.D{background:#f6cfca}small{color:#555;display:block}"
    "@media (prefers-color-scheme:dark){body{background:#141414;color:#eee}small{color:#aaa}"
    ".A,.B,.C,.D{color:#111}td,th{border-color:#444}}"
)
_AUDIT_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse}td,th{border:1px solid #999;padding:.2rem .6rem;text-align:left}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f4f4f4;padding:.5rem}"
    "mark{background:#fd8}.high{color:#a00}.medium{color:#850}"
)


def card_page(card: Card) -> str:
    """A judge's report card, the whole document."""
    return _page(
        f"Report card: {escaped_html(card.judge)} on {escaped_html(card.benchmark)}",
        _CARD_STYLE,
        f"<p>LLM {escaped_html(card.model)}, template {escaped_html(card.template)}</p>",
        "<table><thead><tr><th>Question<th>Value<th>Interval<th>Grade<th>Evidence and rule</thead><tbody>",
        *(_card_row(line) for line in card.lines),
        "</tbody></table>",
        *(f"<p>{escaped_html(note)}</p>" for note in card.notes),
    )


def audit_page(report: AuditReport) -> str:
    """An audit's report, the whole document."""
    return _page(
        f"Audit {escaped_html(report.audit)}: {'passed' if report.passed else 'failed'}",
        _AUDIT_STYLE,
        *(f"<p class=high>Failed: {escaped_html(failure)}</p>" for failure in report.failures),
        "" if report.findings else "<p>Nothing was found.</p>",
        *(_finding(finding, report.rules.get(finding.rule, "")) for finding in report.findings),
        *(f"<p>Note: {escaped_html(note)}</p>" for note in report.notes),
        _details(report),
    )


def _page(title: str, style: str, *body: str) -> str:
    """``title`` and ``body`` are HTML."""
    head = [
        '<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content="width=device-width">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        f"<title>{title}</title><style>{style}</style>",
        f"<h1>{title}</h1>",
    ]
    return "\n".join(part for part in (*head, *body, "</html>") if part) + "\n"


def _card_row(line: CardLine) -> str:
    known = line.figure
    about = line.evidence if known.identified else known.reason
    how = "" if known.lower is None else f"{known.level:.0%}, {known.method}"
    return (
        f"<tr><td>{escaped_html(line.name)}<small>{escaped_html(line.question)}</small>"
        f"<td>{value(known, line.unit)}<td>{interval(known, line.unit)}<small>{escaped_html(how)}</small>"
        f"<td class='grade {line.grade if line.grade != '-' else ''}'>{line.grade}"
        f"<td>{escaped_html(about)}<small>{escaped_html(line.rule)}</small>"
    )


def _finding(finding: Finding, words: str) -> str:
    number = f"{value(finding.estimate, 'short')} {interval(finding.estimate, 'short')}".rstrip()
    head = f"{escaped_html(finding.model)}: {escaped_html(finding.rule)} {number}"
    spans = "".join(_evidence(evidence) for evidence in finding.evidence)
    severity = str(finding.severity)
    return f"<h2 class={severity}>{severity}: {head}</h2><p>{escaped_html(words)}</p>{spans}"


def _evidence(evidence: Evidence) -> str:
    where = f"instruction {escaped_html(evidence.instruction)}, characters {evidence.start} to {evidence.end}"
    match = f"<mark>{escaped_html(evidence.match)}</mark>"
    return f"<p>{where}</p><pre>{escaped_html(evidence.before)}{match}{escaped_html(evidence.after)}</pre>"


def _details(report: AuditReport) -> str:
    details = {key: item for key, item in report.document().items() if key in report.details}
    if not details:
        return ""
    return f"<h2>Details</h2><pre>{escaped_html(json.dumps(details, ensure_ascii=False, indent=2))}</pre>"
