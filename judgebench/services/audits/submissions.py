"""Audits of submissions as the command line and the app start them: read what is stored, or about to be, hand it to
``judgebench.audits``, and keep what was found."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from judgebench import store
from judgebench.audits.findings import AuditReport, Finding, make_report
from judgebench.audits.rules import RULES, audit_submissions
from judgebench.audits.rules.comparison import COPY, LENGTH
from judgebench.audits.rules.outcomes import ASKED_RULES
from judgebench.audits.submission_set import SubmissionSet
from judgebench.judging.templates import Template
from judgebench.services.submissions import Prepared
from judgebench.spec import templates
from judgebench.store.audits import Subject, add_audit, extent
from judgebench.store.database import Connection, Database

SUBMISSIONS = "submissions"
_PAGE = 200  # instructions read at a time
_AT_SUBMIT = 2000  # outputs that are looked at when they are submitted, so that submitting stays quick
_COMPARED = 60  # of them, instructions on which they are held against other models' outputs


def submissions(
    database: Database,
    benchmark: str,
    *,
    models: Sequence[str] = (),
    own_templates: Sequence[Template] = (),
    further: Sequence[Finding] = (),
) -> AuditReport:
    """Audit what ``models`` (all where empty) submitted to the benchmark, with its verdicts where it has any.

    Outputs are held against the package's templates and ``own_templates``. Nothing is asked; ``further`` findings, e.g.
    those that a judge's answers led to, go into the same report. Findings are kept.

    Raises UnknownName for an unknown benchmark or model.
    """
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        field = read_field(connection, benchmark_id)
        table = store.arrays.verdict_table(connection, benchmark_id).table
    report = audit_submissions(field, [*templates(), *own_templates], models=models or None, table=table)
    if further:
        found = make_report(SUBMISSIONS, [*report.findings, *further], (*RULES, *ASKED_RULES), report.notes)
        report = replace(found, details=report.details)
    keep_submissions(database, benchmark, report, models or field.by_model)
    return report


def audit_prepared(database: Database, prepared: Prepared) -> AuditReport:
    """Audit a submission before it is stored: its outputs alone, and copies and lengths beside others on a sample."""
    name, benchmark = prepared.model.name, prepared.report.benchmark
    texts = _spread({output.instruction: output.text for output in prepared.outputs}, _AT_SUBMIT)
    instructions = {each.key: each.text for each in prepared.instructions}
    others: dict[str, dict[str, str]] = {}
    if not prepared.report.creates_benchmark:
        with database.read() as connection:
            benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
            instructions |= {each.key: each.text for each in store.benchmarks.instructions(connection, benchmark_id)}
            others = store.models.outputs_to(connection, benchmark_id, list(_spread(texts, _COMPARED)))
    others.pop(name, None)
    asked = {key: instructions[key] for key in texts}
    alone = audit_submissions(SubmissionSet.of(asked, {name: texts}), templates())
    compared = SubmissionSet.of(asked, {name: dict(_spread(texts, _COMPARED)), **others})
    beside = audit_submissions(compared, [], models=[name])
    kinds = {COPY.name, LENGTH.name}
    found = [*alone.findings, *(finding for finding in beside.findings if finding.rule in kinds)]
    notes = [] if len(texts) == len(prepared.outputs) else [f"{len(texts)} of {len(prepared.outputs)} were looked at"]
    if others:
        notes.append(f"copies and lengths were looked for on {len(_spread(texts, _COMPARED))} instructions")
    return make_report(SUBMISSIONS, found, RULES, notes)


def keep_prepared(database: Database, prepared: Prepared, report: AuditReport) -> None:
    """Keep the audit of a submission that was stored; of a part of a model's outputs only where it is severe."""
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, prepared.report.benchmark)
        whole = len(prepared.outputs) == extent(connection, benchmark_id, prepared.model.name)
    if whole or not report.passed:
        keep_submissions(database, prepared.report.benchmark, report, [prepared.model.name])


def keep_submissions(database: Database, benchmark: str, report: AuditReport, models: Iterable[str]) -> None:
    """Keep a report about ``models``, one audit each. Raises UnknownName."""
    document = report.document()
    with database.write() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        for name in models:
            findings = [each for each in document["findings"] if each["model"] == name]
            passed = all(each["severity"] != "high" for each in findings)
            rules = {each["rule"]: document["rules"][each["rule"]] for each in findings}
            mine = {"audit": report.audit, "passed": passed, "findings": findings, "rules": rules}
            add_audit(connection, Subject(SUBMISSIONS, benchmark_id, model=name), passed=passed, document=mine)


def read_field(connection: Connection, benchmark_id: int) -> SubmissionSet:
    """Every output to a benchmark, in memory at once."""
    names = [model.name for model in store.models.models(connection, benchmark_id)]
    instructions: dict[str, str] = {}
    outputs: dict[str, dict[str, str]] = {name: {} for name in names}
    after = 0
    while page := store.benchmarks.questions(connection, benchmark_id, names, after=after, limit=_PAGE):
        for question in page:
            instructions[question.instruction.key] = question.instruction.text
            for model, output in question.outputs.items():
                outputs[model][question.instruction.key] = output.text
        after = page[-1].id
    return SubmissionSet.of(instructions, outputs)


def _spread(texts: Mapping[str, str], most: int) -> dict[str, str]:
    """``most`` of the texts, evenly spaced; all where there are no more."""
    step = max(1, -(-len(texts) // most))
    return {key: texts[key] for key in list(texts)[::step]}
