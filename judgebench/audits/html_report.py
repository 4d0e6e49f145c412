"""An audit's report as one HTML file that opens offline: no script, no link, and every text escaped.

Control characters, which browsers drop or act upon, are shown as U+FFFD.
"""

import json
from html import escape

from judgebench.audits.findings import AuditReport, Evidence, Finding

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse}td,th{border:1px solid #999;padding:.2rem .6rem;text-align:left}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f4f4f4;padding:.5rem}"
    "mark{background:#fd8}.high{color:#a00}.medium{color:#850}"
)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def html_report(report: AuditReport) -> str:
    """The whole document."""
    ended = "passed" if report.passed else "failed"
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        f"<title>Audit: {_text(report.audit)}</title><style>{_STYLE}</style>",
        f"<h1>Audit {_text(report.audit)}: {ended}</h1>",
        *(f"<p class=high>Failed: {_text(failure)}</p>" for failure in report.failures),
        "<p>Nothing was found.</p>" if not report.findings else "",
        *(_finding(finding, report.rules.get(finding.rule, "")) for finding in report.findings),
        *(f"<p>Note: {_text(note)}</p>" for note in report.notes),
        _details(report),
    ]
    return "\n".join(part for part in parts if part) + "\n</html>\n"


def _finding(finding: Finding, words: str) -> str:
    interval = ""
    estimate = finding.estimate
    if estimate.lower is not None and estimate.upper is not None:
        interval = f", interval {estimate.lower:.4g} to {estimate.upper:.4g}"
    head = f"{_text(finding.model)}: {_text(finding.rule)} {estimate.value:.4g}{interval}"
    shown = "".join(_evidence(each) for each in finding.evidence)
    severity = str(finding.severity)
    return f"<h2 class={severity}>{severity}: {head}</h2><p>{_text(words)}</p>{shown}"


def _evidence(evidence: Evidence) -> str:
    where = f"instruction {_text(evidence.instruction)}, characters {evidence.start} to {evidence.end}"
    spans = f"{_text(evidence.before)}<mark>{_text(evidence.match)}</mark>{_text(evidence.after)}"
    return f"<p>{where}</p><pre>{spans}</pre>"


def _details(report: AuditReport) -> str:
    details = {key: value for key, value in report.document().items() if key in report.details}
    if not details:
        return ""
    return f"<h2>Details</h2><pre>{_text(json.dumps(details, ensure_ascii=False, indent=2))}</pre>"


def _text(text: str) -> str:
    visible = "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in text)
    return escape(visible)
