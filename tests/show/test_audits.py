"""Reports of audits as lines and tables."""

from judgebench.audits.findings import AuditReport, Evidence, Finding, Severity
from judgebench.audits.robustness import invariance, robustness_report, sensitivity
from judgebench.estimate import Estimate
from judgebench.show.audits import finding_line, report_lines, tables

SHARE = Estimate(0.5, 0.4, 0.6123456, 0.95, "exact binomial", 10)


def test_a_finding_is_a_line_with_its_number() -> None:
    assert finding_line(Finding("m", Severity.HIGH, "rule", (), SHARE)) == "high    m  rule 0.5 [0.4, 0.6123]"
    entropy = Estimate(0.25, None, None, 0.95, "none", 9, "it has no sampling error")
    assert finding_line(Finding("m", Severity.LOW, "rule", (), entropy)) == "low     m  rule 0.25"


def test_a_report_ends_with_how_it_ended() -> None:
    evidence = (Evidence("key", 0, 4, "", "text", " and\nmore"), Evidence("key", 9, 10, "", "x", ""))
    report = AuditReport(
        "kind",
        (Finding("m", Severity.HIGH, "rule", evidence, SHARE),),
        ("a gate",),
        ("a note",),
        {"rule": "what it counts"},
    )
    assert list(report_lines(report)) == [
        "high    m  rule 0.5 [0.4, 0.6123]",
        "        »text« and more",
        "rule rule: what it counts",
        "note: a note",
        "failed: a gate",
        "audit kind: FAILED",
    ]
    assert list(report_lines(AuditReport("kind", ()))) == ["audit kind: passed"]


def test_tables_are_those_that_the_document_holds() -> None:
    before = {f"i{number}": 1.0 for number in range(4)}
    report = robustness_report("judge", [invariance("style", before, before), sensitivity("truncation", before)], 1.0)
    (table,) = tables(report.document())
    assert table.rows[0] == ("style", "invariance", "0.0%", "[0.0%, 0.0%]", "100.0%", "4")
    assert table.rows[1] == ("truncation", "sensitivity", "100.0%", "[100.0%, 100.0%]", "-", "4")
    assert table.notes == ("consistency 100.0%, invariance 100.0%, sensitivity 100.0%, score 100.0%",)
    assert not list(tables(AuditReport("kind", ()).document()))
