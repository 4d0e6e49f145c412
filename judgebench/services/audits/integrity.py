"""The integrity audit: stored verdicts held against their completions, and the database against a copy of itself."""

import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa

from judgebench import store
from judgebench.audits.findings import AuditReport
from judgebench.audits.integrity import StoredVerdict, audit_integrity
from judgebench.errors import InputError, UnknownName
from judgebench.judging.parsing import parse
from judgebench.judging.templates import Template
from judgebench.records import Battle, Judge, Order, Source, Trial
from judgebench.services.audits.results import keep
from judgebench.spec import load_template
from judgebench.store import schema as t
from judgebench.store import transfer
from judgebench.store.database import Connection, Database


def integrity(database: Database, benchmark: str, *, round_trip: bool = True) -> AuditReport:
    """Audit the benchmark's verdicts; with ``round_trip`` also copy the whole database and compare every row.

    Raises UnknownName for an unknown benchmark.
    """
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        judges = store.judges.judges(connection, benchmark_id)
        templates, notes = _templates(judges)
        report = audit_integrity(_stored(connection, benchmark_id, {j.name: j for j in judges}, templates), judges)
    failures = _differences(database) if round_trip else ()
    if not round_trip:
        notes = (*notes, "the database was not copied and compared")
    report = replace(report, failures=failures, notes=(*report.notes, *notes))
    keep(database, benchmark, report, judge_digest=None, passed=report.passed)
    return report


def _templates(judges: list[Judge]) -> tuple[dict[str, Template], tuple[str, ...]]:
    """By the judge's name, where it is still the text that the judge was asked with; and what cannot be read again."""
    found, notes = {}, []
    for judge in judges:
        try:
            template = load_template(judge.template)
        except (UnknownName, InputError):
            notes.append(f"{judge.name}: its template {judge.template} is not here, so its replies were not read again")
            continue
        if template.digest == judge.template_digest:
            found[judge.name] = template
        else:
            notes.append(f"{judge.name}: template {judge.template} has changed since, its replies were not read again")
    return found, tuple(notes)


def _stored(
    connection: Connection, benchmark_id: int, judges: dict[str, Judge], templates: dict[str, Template]
) -> Iterator[StoredVerdict]:
    for row in store.battles.battle_rows(connection, [t.instructions.c.benchmark_id == benchmark_id]):
        verdict, template = store.battles.verdict_of(row), templates.get(row.judge)
        order = None if row.order is None else Order(row.order)
        reread = None
        a, b = store.battles.sides(row)
        if template and b and order and row.completion_id is not None and verdict.source is not Source.RECORDED:
            trial = Trial(
                judges[row.judge].digest, Battle(store.benchmarks.instruction_of(row), a, b), order, row.repeat
            )
            reread = parse(store.battles.completion_of(row), template, trial)
        yield StoredVerdict(
            judge=row.judge,
            instruction=row.key,
            model_a=row.model_a,
            model_b=row.model_b,
            order=order,
            repeat=row.repeat,
            verdict=verdict,
            replied_by=row.reply_model,
            reread=reread,
        )


def _differences(database: Database) -> tuple[str, ...]:
    """Tables that differ after a copy into a new database file, in words."""
    with tempfile.TemporaryDirectory(prefix="judgebench-") as folder:
        address = str(Path(folder) / "copy.db")
        transfer.copy(database, address)
        other = Database(address)
        try:
            before, after = _digests(database), _digests(other)
        finally:
            other.close()
    return tuple(f"table {name} differs after being copied" for name in before if before[name] != after[name])


def _digests(database: Database) -> dict[str, str]:
    """A digest of every table's rows in the order of their ids."""
    found = {}
    with database.read() as connection:
        for table in t.metadata.sorted_tables:
            digest = hashlib.sha256()
            rows = connection.execute(sa.select(table).order_by(table.c.id).execution_options(yield_per=5000))
            for row in rows:
                digest.update(repr(tuple(row)).encode("utf-8", "surrogatepass"))
            found[table.name] = digest.hexdigest()
    return found
