"""Is a submission what it says it is? Rules over outputs, and over verdicts where there are any.

Each rule counts something that a reader can count again, and its severity follows from the interval of that count.
High is kept for outputs that do not depend on the instruction or work on the judge. No judge is asked, no likelihood
is computed and no writer is accused. Rules and sources are in the modules ``repetition``, ``markers``, ``comparison``
and ``outcomes``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from judgebench.audits import SUBMISSIONS
from judgebench.audits.findings import AuditReport, Finding, make_report
from judgebench.audits.rules import comparison, copies, disguise, form, lines, markers, outcomes, repetition
from judgebench.audits.submission_set import SubmissionSet
from judgebench.counts import count
from judgebench.errors import UnknownName
from judgebench.judging.templates import Template
from judgebench.stats.verdict_table import VerdictTable

RULES = (
    *repetition.RULES,
    *markers.RULES,
    *lines.RULES,
    *disguise.RULES,
    *form.RULES,
    *comparison.RULES,
    *copies.RULES,
    *outcomes.RULES,
)
PASSES = "persuasion in other words than those of the rules is not found, nor is any in another language than English"


def audit_submissions(
    submissions: SubmissionSet,
    templates: Sequence[Template],
    *,
    models: Iterable[str] | None = None,
    table: VerdictTable | None = None,
) -> AuditReport:
    """Findings about ``models``, all where None; the others serve for comparison.

    ``templates`` are those of the judges that read, or will read, the outputs. ``table`` holds the benchmark's
    verdicts; without it the rules about outcomes are left out, and the report says so.

    Raises UnknownName for a model without outputs.
    """
    chosen = sorted(submissions.by_model if models is None else set(models))
    for name in chosen:
        if name not in submissions.by_model:
            raise UnknownName("model", name, submissions.by_model)
    marks = markers.TemplateMarks(templates)
    findings: list[Finding] = []
    sets = {}
    for name in chosen:
        submission = replace(submissions.by_model[name])  # what is read of it is let go with it
        sets[name] = copies.SequenceSets.of(submission)
        findings += repetition.findings(submission, submissions)
        findings += markers.findings(submission, marks)
        findings += lines.findings(submission, submissions)
        findings += disguise.findings(submission)
        findings += form.findings(submission)
        if table is not None:
            findings += outcomes.findings(submission, table)
    findings += comparison.findings(submissions, chosen)
    findings += copies.findings(submissions, chosen, sets)
    notes = _notes(submissions, chosen, table)
    if chosen and not any(finding.rule == lines.PRAISE.name for finding in findings):
        notes.append(PASSES)
    return make_report(SUBMISSIONS, findings, RULES, notes)


def _notes(submissions: SubmissionSet, chosen: Sequence[str], table: VerdictTable | None) -> list[str]:
    notes = [
        f"{name} has {count(len(submission), 'output')} only: intervals are wide, and little can be found"
        for name, submission in sorted(submissions.by_model.items())
        if len(submission) < 20
    ]
    if table is None or not len(table):
        notes.append("there are no verdicts: whether outputs win without their instruction was not checked")
    compared = copies.compared_keys(submissions, chosen)
    if len(compared) < max((len(submissions.by_model[name]) for name in chosen), default=0):
        of_all = f"{len(compared):,} of {count(len(submissions.instructions), 'instruction')}"
        notes.append(f"copies were looked for on {of_all}")
    if len(submissions.by_model) < 4:
        notes.append("fewer than four models: lengths were not compared")
    return notes
