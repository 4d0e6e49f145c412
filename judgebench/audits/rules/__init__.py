"""Is a submission what it says it is? Rules over outputs, and over verdicts where there are any.

Each rule counts something that a reader can count again, and its severity follows from the interval of that count.
High is kept for outputs that do not depend on the instruction or work on the judge. No judge is asked, no likelihood
is computed and no writer is accused. Rules and sources are in the modules ``repetition``, ``dependence``,
``markers``, ``comparison`` and ``outcomes``.
"""

from collections.abc import Iterable, Sequence

from judgebench.audits.findings import AuditReport, Finding, make_report
from judgebench.audits.rules import comparison, dependence, markers, outcomes, repetition
from judgebench.audits.submission_set import Field
from judgebench.errors import UnknownName
from judgebench.judging.templates import Template
from judgebench.stats.verdict_table import VerdictTable

RULES = (*repetition.RULES, *markers.RULES, *comparison.RULES, dependence.UNRELATED, *outcomes.RULES)


def audit_submissions(
    field: Field,
    templates: Sequence[Template],
    *,
    models: Iterable[str] | None = None,
    table: VerdictTable | None = None,
) -> AuditReport:
    """Findings about ``models``, all of the field where None; the others serve for comparison.

    ``templates`` are those of the judges that read, or will read, the outputs. ``table`` holds the benchmark's
    verdicts; without it the rules about outcomes are left out, and the report says so.

    Raises UnknownName for a model without outputs.
    """
    chosen = sorted(field.submissions if models is None else set(models))
    for name in chosen:
        if name not in field.submissions:
            raise UnknownName("model", name, field.submissions)
    marks = markers.TemplateMarks(templates)
    found: list[Finding] = []
    for name in chosen:
        submission = field.submissions[name]
        found += repetition.findings(submission, field)
        found += markers.findings(submission, marks)
        if table is not None:
            found += outcomes.findings(submission, table)
    beside = [*comparison.findings(field), *dependence.findings(field)]
    found += [each for each in beside if each.model in chosen]
    return make_report("submissions", found, RULES, _notes(field, table))


def _notes(field: Field, table: VerdictTable | None) -> list[str]:
    notes = [
        f"{name} has {len(submission)} outputs only: intervals are wide, and little can be found"
        for name, submission in sorted(field.submissions.items())
        if len(submission) < 20
    ]
    if table is None or not len(table):
        notes.append("there are no verdicts: whether outputs win without their instruction was not checked")
    if len(field.submissions) < 4:
        notes.append("fewer than four models: lengths were not compared")
    return notes
