"""Stored verdicts: stored rule finds what was planted, and nothing in a complete, balanced set."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from judgebench.audits.findings import Finding, Severity
from judgebench.audits.integrity import StoredVerdict, agrees, audit_integrity
from judgebench.records import Judge, Order, Source, Status, Verdict
from tests.factories import JUDGE, failed, ok

COUNT = 40


def verdicts() -> list[StoredVerdict]:
    """Two models against a baseline in both orders, all parsed, all by one LLM."""
    return [
        StoredVerdict("judge", f"i{number}", model, "z-base", order, 0, ok(1.0), "llm-1", ok(1.0))
        for number in range(COUNT)
        for model in ("alpha", "beta")
        for order in Order
    ]


def findings(given: list[StoredVerdict], judges: tuple[Judge, ...] = (JUDGE,)) -> dict[tuple[str, str], Finding]:
    return {(finding.rule, finding.model): finding for finding in audit_integrity(given, judges).findings}


def test_a_complete_set_has_no_finding() -> None:
    report = audit_integrity(verdicts(), [JUDGE])
    assert report.passed
    assert not report.findings
    assert report.details["verdicts"] == {"judge": 4 * COUNT}


def test_one_order_only_is_found_and_a_random_order_is_not() -> None:
    one_sided = [stored for stored in verdicts() if stored.model_a == "beta" or stored.order is Order.AB]
    assert findings(one_sided)["unbalanced-orders", "alpha"].severity is Severity.MEDIUM
    drawn = [stored for n, stored in enumerate(verdicts()) if (n // 4 + n) % 2]
    assert not findings(drawn)


def test_missing_and_failed_trials_are_shares_of_a_models_own() -> None:
    given = verdicts()
    lacking = [
        stored
        for stored in given
        if not (stored.model_a == "alpha" and stored.instruction in ("i0", "i1", "i2") and stored.order is Order.BA)
    ]
    assert findings(lacking)["missing-trials", "alpha"].estimate.value == pytest.approx(3 / COUNT)
    broken = [
        replace(stored, verdict=failed(), reread=None) if stored.model_a == "beta" else stored for stored in given
    ]
    finding = findings(broken)["failed-trials", "beta"]
    assert (finding.severity, finding.estimate.value) == (Severity.MEDIUM, 1.0)
    assert ("failed-trials", "alpha") not in findings(broken)


@pytest.mark.parametrize(
    ("rule", "severity", "change"),
    [
        ("judge-changed", Severity.LOW, lambda stored: replace(stored, replied_by="llm-2")),
        ("not-borne-out", Severity.HIGH, lambda stored: replace(stored, verdict=ok(0.0))),
        ("not-borne-out", Severity.HIGH, lambda stored: replace(stored, reread=failed())),
        ("label-for-odds", Severity.LOW, lambda stored: replace(stored, verdict=replace(ok(1.0), detail="why"))),
        ("older-parser", Severity.LOW, lambda stored: replace(stored, verdict=replace(ok(0.0), parser="0"))),
    ],
)
def test_one_changed_verdict_is_found(
    rule: str, severity: Severity, change: Callable[[StoredVerdict], StoredVerdict]
) -> None:
    given = verdicts()
    given[0] = change(given[0])
    finding = findings(given)[rule, "judge"]
    assert (finding.severity, finding.estimate.value) == (severity, 1 / len(given) if rule != "older-parser" else 1.0)


def test_a_verdict_counted_twice_fails_the_audit() -> None:
    given = verdicts()
    report = audit_integrity([*given, given[7]], [JUDGE])
    assert [finding.rule for finding in report.findings if finding.severity is Severity.HIGH] == ["duplicated-verdicts"]
    assert not report.passed


def test_one_templates_name_with_two_texts_is_found() -> None:
    edited = replace(JUDGE, name="judge-2", template_digest="1" * 32)
    assert findings(verdicts(), (JUDGE, edited))["template-edited", "judge"].estimate.value == 2.0
    assert not findings(verdicts(), (JUDGE, replace(edited, model="another")))


def test_agreement_is_of_status_preference_and_score() -> None:
    assert agrees(ok(0.7), replace(ok(0.7 + 1e-12), label="other words"))
    assert not agrees(ok(0.7), ok(0.8))
    assert not agrees(Verdict(Status.OK, Source.LABEL, score=3.0), Verdict(Status.OK, Source.LABEL, score=4.0))
    assert not agrees(failed(), ok(1.0))


def test_samples_are_battles_of_their_own() -> None:
    given = verdicts()
    second = [replace(stored, samples=(1, 0)) for stored in given if stored.model_a == "alpha"]
    assert not findings([*given, *second])
    assert ("duplicated-verdicts", "judge") in findings([*given, *second, second[0]])
