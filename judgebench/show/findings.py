"""What a finding of an audit comes to: its number, and what it does to leaderboards."""

from collections.abc import Mapping
from typing import Any

from judgebench.audits import INTEGRITY, NET_FLIP, NULL_MODELS, ROBUSTNESS, SUBMISSIONS
from judgebench.audits.findings import CONTEXT, Severity
from judgebench.services.audits.results import ON_JUDGES
from judgebench.show.numbers import amount, span

SEVERITIES = tuple(str(severity) for severity in reversed(Severity))  # the worst first
FoundBy = str  # the name of an audit
_OTHERS = {
    NULL_MODELS: "Every leaderboard by this judge says that its null-model audit did not pass.",
    ROBUSTNESS: "Leaderboards by this judge say so in their notes.",
    INTEGRITY: "No rank changes by itself; rankings by these verdicts wait for an explanation.",
}


def effect(audit: FoundBy, finding: Mapping[str, Any]) -> str:
    """What a finding of the audit's document does to the leaderboard, in a sentence."""
    severity, rule = str(finding["severity"]), str(finding["rule"])
    if audit == SUBMISSIONS and severity == Severity.HIGH:
        return (
            "On the leaderboard it is red, without a rank, and nobody's opponent, except where flagged models count: "
            "if asked for, if the baseline is flagged, or if fewer than two others are left."
        )
    if audit == SUBMISSIONS and severity == Severity.MEDIUM and rule in ON_JUDGES:
        return "On the leaderboard its row is marked; it keeps its rank."
    if audit == ROBUSTNESS and severity == Severity.HIGH and rule == NET_FLIP:
        return "Every leaderboard by this judge says that the gate is not passed."
    return _OTHERS.get(audit, "On the leaderboard it changes nothing.")


def number(finding: Mapping[str, Any]) -> str:
    """Its value with the interval, or that it has none because it was counted, without sampling error."""
    lower, upper = finding.get("lower"), finding.get("upper")
    known = amount(finding.get("value"), "short")
    return f"{known} {'(counted)' if lower is None and upper is None else span(lower, upper, 'short')}"


def quoted(span: Mapping[str, Any]) -> tuple[str, str, str]:
    """What stands before a span, the span, and what stands after it, with an ellipsis only where the output goes on."""
    before, match, after = (str(span.get(part) or "") for part in ("before", "match", "after"))
    start, end = (int(span.get(place) or 0) for place in ("start", "end"))
    return (
        f"…{before}" if start > len(before) else before,
        f"{match}…" if end - start > len(match) else match,
        f"{after}…" if len(after) >= CONTEXT else after,
    )
