"""The integrity audit: stored verdicts held against their completions, and the database against a copy of itself."""

import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from judgebench import store
from judgebench.audits.findings import AuditReport
from judgebench.audits.integrity import StoredVerdict, audit_integrity
from judgebench.engine.judges import template_of
from judgebench.errors import DatabaseError, InputError, UnknownName
from judgebench.judging.parsing import parse
from judgebench.judging.templates import Template
from judgebench.records import Judge, Source
from judgebench.services.audits.registry import Asking, IntegrityAudit
from judgebench.services.gaps import find_gaps
from judgebench.store import transfer
from judgebench.store.database import Connection, Database


def integrity(database: Database, settings: IntegrityAudit, asking: Asking) -> AuditReport:
    """Audit the benchmark's verdicts, and with ``round_trip`` the whole database; nobody is asked.

    Raises UnknownName for an unknown benchmark.
    """
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, settings.benchmark)
        judges = store.judges.judges(connection, benchmark_id)
        templates, notes = _templates(judges)
        report = audit_integrity(_stored(connection, benchmark_id, templates), judges)
        lost = transfer.lost_completions(connection)
    missing = find_gaps(database, settings.benchmark)
    failures = (*report.failures, *lost, *map(str, missing.gaps))
    notes = (*report.notes, *notes, *missing.notes)
    if not settings.round_trip:
        return replace(report, failures=failures, notes=(*notes, "the database was not copied and compared"))
    return replace(report, failures=(*failures, *_differences(database)), notes=notes)


def _templates(judges: list[Judge]) -> tuple[dict[str, Template], tuple[str, ...]]:
    """By the judge's name, where it is still the text that the judge was asked with; and what cannot be read again."""
    unchanged, notes = {}, []
    for judge in judges:
        try:
            unchanged[judge.name] = template_of(judge)
        except (UnknownName, InputError) as error:
            notes.append(f"{judge.name}: its replies were not read again: {error}")
    return unchanged, tuple(notes)


def _stored(connection: Connection, benchmark_id: int, templates: dict[str, Template]) -> Iterator[StoredVerdict]:
    for judged in store.battles.judged_trials(connection, benchmark_id):
        verdict, template = judged.verdict, templates.get(judged.judge)
        trial, reply, reread = judged.trial, judged.completion, None
        if template and reply and trial and verdict.source is not Source.RECORDED:
            reread = parse(reply, template, trial)
        yield StoredVerdict(
            judge=judged.judge,
            instruction=judged.output_a.instruction,
            model_a=judged.output_a.model,
            model_b=None if judged.output_b is None else judged.output_b.model,
            samples=(judged.output_a.sample, 0 if judged.output_b is None else judged.output_b.sample),
            order=judged.order,
            repeat=judged.repeat,
            verdict=verdict,
            replied_by=None if reply is None else reply.model,
            reread=reread,
        )


def _differences(database: Database) -> tuple[str, ...]:
    """Tables that differ after a copy into a new database file, in words."""
    with tempfile.TemporaryDirectory(prefix="judgebench-") as folder:
        address = str(Path(folder) / "copy.db")
        with database.read() as one:  # what others write meanwhile is in neither
            try:
                transfer.copy_snapshot(one, address)
            except DatabaseError as error:  # of the copy, to which rows that refer to missing ones cannot be written
                return (f"the database could not be copied, judgebench db check says why ({error})",)
            with closing(Database(address)) as other, other.read() as copied:
                before, after = transfer.digests(one), transfer.digests(copied)
    return tuple(f"table {name} differs after being copied" for name in before if before[name] != after[name])
