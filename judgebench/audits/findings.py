"""What an audit says: findings with their numbers and evidence, and a report that passes or does not.

A finding states what was counted, never a motive. Its severity follows from its interval by the thresholds of its rule
(``FindingRule``), so that a reader can repeat the decision from the number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from math import inf, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from judgebench.estimate import Estimate
from judgebench.stats.intervals import normal_estimate
from judgebench.stats.verdict_table import Floats

LEVEL = 0.95
_EVIDENCE = 3  # spans shown with a finding
CONTEXT = 60  # characters on either side of a span
_MATCH = 200  # characters of a span that are shown


class Severity(StrEnum):
    LOW = "low"  # worth a look; honest submissions have it too
    MEDIUM = "medium"  # rare in honest submissions; explain it before publishing
    HIGH = "high"  # the ranking of this model means nothing until it is explained; the audit fails


@dataclass(frozen=True, slots=True)
class Evidence:
    """A span of a model's output, with what stands around it."""

    instruction: str  # key
    start: int  # characters from the output's beginning
    end: int  # exclusive
    before: str
    match: str  # the span itself, cut where it is very long
    after: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule counted, and how severe that is."""

    model: str  # or the judge's name, where the finding is about a judge
    severity: Severity
    rule: str  # name of the rule, whose words are in the report
    evidence: tuple[Evidence, ...]
    estimate: Estimate  # without an interval where the rule has no sampling error
    outputs: tuple[str, ...] = ()  # keys of the instructions whose output counted, where outputs are counted

    def document(self) -> dict[str, Any]:
        """Plain values, the estimate's value and ends among them; ``count`` and ``outputs`` where outputs counted."""
        about = {"model": self.model, "severity": str(self.severity), "rule": self.rule}
        counted = {"count": len(self.outputs), "outputs": list(self.outputs)} if self.outputs else {}
        return about | {"evidence": [asdict(evidence) for evidence in self.evidence]} | counted | ends(self.estimate)


@dataclass(frozen=True, slots=True)
class FindingRule:
    """Thresholds that the *lower end* of a share's interval must reach; None: never that severe."""

    name: str
    words: str  # what is counted, so that a reader can count it too
    low: float | None = 0.0
    medium: float | None = None
    high: float | None = None

    def severity(self, lower: float) -> Severity | None:
        """None below every threshold. A threshold of 0 needs a lower end above 0."""
        for bound, severity in ((self.high, Severity.HIGH), (self.medium, Severity.MEDIUM), (self.low, Severity.LOW)):
            if bound is not None and lower >= bound and lower > 0:
                return severity
        return None


@dataclass(frozen=True, slots=True)
class AuditReport:
    """Findings, the worst first, and the gates that failed."""

    audit: str
    findings: tuple[Finding, ...]
    failures: tuple[str, ...] = ()  # gates that failed, in words
    notes: tuple[str, ...] = ()  # what could not be checked, and why
    rules: Mapping[str, str] = field(default_factory=dict)  # name -> words, of the rules that found something
    details: Mapping[str, Any] = field(default_factory=dict)  # plain values that this kind of audit adds
    about: tuple[str, ...] = ()  # the judge's digest, or the models; empty: the benchmark's verdicts
    extents: Mapping[str, int] = field(default_factory=dict)  # model -> how many of its outputs were looked at
    finished: bool = True  # False: stopped before its end, and not kept
    settles: bool = True  # False: the gate was laxer than the usual one, so that passing it says nothing elsewhere

    @property
    def passed(self) -> bool:
        """It came to its end, no gate failed and nothing severe was found."""
        return self.finished and not self.failures and not self.severe

    @property
    def severe(self) -> tuple[Finding, ...]:
        """The findings for which it does not pass."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.HIGH)

    def of_models(self, *models: str) -> "AuditReport":
        """The part of it that is about these models."""
        findings = tuple(finding for finding in self.findings if finding.model in models)
        rules = {finding.rule: self.rules[finding.rule] for finding in findings}
        extents = {model: self.extents[model] for model in models if model in self.extents}
        return replace(self, findings=findings, rules=rules, about=models, extents=extents)

    def document(self) -> dict[str, Any]:
        """Plain values, as ``--format json`` prints them; numbers that are not finite are None."""
        return {
            "audit": self.audit,
            "passed": self.passed,
            "findings": [_plain(finding.document()) for finding in self.findings],
            "failures": list(self.failures),
            "notes": list(self.notes),
            "rules": dict(self.rules),
            **({} if self.finished else {"finished": False}),
            **_plain(dict(self.details)),
        }


_OWN = ("audit", "passed", "findings", "failures", "notes", "rules", "finished")  # of a document; all else are details


def read_reports(documents: Sequence[Mapping[str, Any]]) -> AuditReport:
    """What ``AuditReport.document`` made of one report, or of its parts by model (``AuditReport.of_models``)."""
    first = documents[0]
    rules = {name: words for document in documents for name, words in document["rules"].items()}
    notes, failures = (
        tuple(dict.fromkeys(line for document in documents for line in document[name]))
        for name in ("notes", "failures")
    )
    return AuditReport(
        audit=first["audit"],
        findings=_ordered([_read_finding(one) for document in documents for one in document["findings"]]),
        failures=failures,
        notes=notes,
        rules=rules,
        details={name: value for name, value in first.items() if name not in _OWN},
        finished=first.get("finished", True),
    )


def _read_finding(document: Mapping[str, Any]) -> Finding:
    """Of its estimate a document has the value and the ends alone."""
    outputs = tuple(document.get("outputs", ()))
    number = Estimate(
        *(document["value"], document["lower"], document["upper"], LEVEL, "as reported", len(outputs)),
        "" if document["value"] is not None else "the report has none",
    )
    evidence = tuple(Evidence(**one) for one in document["evidence"])
    return Finding(document["model"], Severity(document["severity"]), document["rule"], evidence, number, outputs)


def make_report(
    audit: str, findings: Sequence[Finding], rules: Sequence[FindingRule], notes: Sequence[str]
) -> AuditReport:
    """The report of a rule-based audit; only rules that found something are explained."""
    used = {finding.rule for finding in findings}
    words = {rule.name: rule.words for rule in rules if rule.name in used}
    return AuditReport(audit, _ordered(findings), notes=tuple(notes), rules=words)


def _ordered(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The worst first."""
    rank = {Severity.HIGH: 0, Severity.MEDIUM: 1, Severity.LOW: 2}
    return tuple(sorted(findings, key=lambda finding: (rank[finding.severity], finding.model, finding.rule)))


def share_estimate(count: int, total: int, level: float = LEVEL) -> Estimate:
    """A share with its exact interval (Clopper and Pearson 1934); [0, 1] without a value where nothing was counted."""
    tail = (1 - level) / 2
    lower = float(betaincinv(count, total - count + 1, tail)) if count else 0.0
    upper = float(betaincinv(count + 1, total - count, 1 - tail)) if count < total else 1.0
    value, reason = (count / total, "") if total else (None, "nothing was counted")
    return Estimate(value, lower, upper, level, "exact binomial", total, reason)


def share_finding(
    rule: FindingRule, model: str, counted: Sequence[Evidence | None], total: int, level: float = LEVEL
) -> Finding | None:
    """The finding that ``counted`` of ``total`` outputs amount to, if any; None stands for one without a span."""
    share = share_estimate(len(counted), total, level)
    severity = rule.severity(share.ends[0]) if total else None
    if severity is None:
        return None
    spans = tuple(evidence for evidence in counted if evidence is not None)
    outputs = tuple(evidence.instruction for evidence in spans)
    return Finding(model, severity, rule.name, spans[:_EVIDENCE], share, outputs)


def span(instruction: str, text: str, start: int, end: int) -> Evidence:
    """The characters ``start`` to ``end`` of an output, as evidence."""
    return Evidence(
        instruction=instruction,
        start=start,
        end=end,
        before=text[max(0, start - CONTEXT) : start],
        match=text[start : min(end, start + _MATCH)],
        after=text[end : end + CONTEXT],
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not isfinite(value):
        return None
    return value


def mean_by_instruction(instruction: NDArray[np.int32], values: Floats) -> Floats:
    """One mean an instruction that has a value, in the order of the codes."""
    codes, rows = np.unique(instruction, return_inverse=True)
    return np.asarray(np.bincount(rows, weights=values, minlength=len(codes)) / np.bincount(rows, minlength=len(codes)))


def mean_estimate(means: Floats, bounds: tuple[float, float] = (-inf, inf)) -> Estimate:
    """Mean of one value an instruction, with Student's interval within ``bounds``; of one instruction there is none."""
    n = len(means)
    se = float(means.std(ddof=1) / np.sqrt(n)) if n > 1 else inf
    return normal_estimate(float(means.mean()), se, level=LEVEL, n=n, degrees=max(n - 1, 1), bounds=bounds)


def counted(number: float, n: int = 0) -> Estimate:
    """A number without sampling error, from ``n`` observations."""
    return Estimate(number, None, None, LEVEL, "none", n, "it has no sampling error")


def ends(estimate: Estimate) -> dict[str, float | None]:
    """The value and the interval's ends in a document."""
    return {"value": estimate.value, "lower": estimate.lower, "upper": estimate.upper}
