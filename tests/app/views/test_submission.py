"""What of an audit is new to who has read an earlier one."""

from dataclasses import replace

from app.views.submission import new_findings
from judgebench.audits.findings import Finding, Severity
from judgebench.estimate import Estimate


def test_a_finding_with_another_interval_is_not_new() -> None:
    before = Finding("m", Severity.MEDIUM, "self-praise", (), Estimate(0.2, 0.1, 0.3, 0.95, "exact", 50))
    again = replace(before, estimate=replace(before.estimate, upper=0.28))
    others = [replace(again, model="n"), replace(again, rule="repeated-line"), replace(again, severity=Severity.HIGH)]
    assert new_findings([before], [again, *others]) == others
