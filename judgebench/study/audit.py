"""Audits as the command line and the app start them: read what is stored, hand it to ``judgebench.audits``."""

from collections.abc import Sequence

import sqlalchemy as sa

from judgebench.audits.field import Field
from judgebench.audits.findings import AuditReport
from judgebench.audits.submissions import audit_submissions
from judgebench.judging.templates import Template
from judgebench.spec import templates
from judgebench.store import reader
from judgebench.store.database import Database

_PAGE = 200  # instructions read at a time


def submissions(
    database: Database, benchmark: str, *, models: Sequence[str] = (), own_templates: Sequence[Template] = ()
) -> AuditReport:
    """Audit what ``models`` (all where empty) submitted to the benchmark, with its verdicts where it has any.

    Outputs are held against the package's templates and ``own_templates``. Nothing is asked or written.

    Raises UnknownName for an unknown benchmark or model.
    """
    with database.read() as connection:
        benchmark_id = reader.benchmark_id(connection, benchmark)
        field = read_field(connection, benchmark_id)
        table = reader.verdict_table(connection, benchmark_id).table
    return audit_submissions(field, [*templates(), *own_templates], models=models or None, table=table)


def read_field(connection: sa.Connection, benchmark_id: int) -> Field:
    """Every output to a benchmark, in memory at once."""
    names = [model.name for model in reader.models(connection, benchmark_id)]
    instructions: dict[str, str] = {}
    outputs: dict[str, dict[str, str]] = {name: {} for name in names}
    after = 0
    while page := reader.questions(connection, benchmark_id, names, after=after, limit=_PAGE):
        for question in page:
            instructions[question.instruction.key] = question.instruction.text
            for model, output in question.outputs.items():
                outputs[model][question.instruction.key] = output.text
        after = page[-1].id
    return Field.of(instructions, outputs)
