"""The integrity audit: stored verdicts held against their completions, and the database against a copy of itself."""

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
from pydantic import Field

from judgebench import store
from judgebench.audits.findings import AuditReport
from judgebench.audits.integrity import StoredVerdict, audit_integrity
from judgebench.engine.runner import OnProgress
from judgebench.errors import InputError, UnknownName
from judgebench.judging.parsing import parse
from judgebench.judging.templates import Template
from judgebench.records import Battle, Judge, Order, Source, Trial
from judgebench.spec import load_template
from judgebench.store import schema as t
from judgebench.store import transfer
from judgebench.store.database import Connection, Database


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrityAudit:
    """What is audited."""

    benchmark: Annotated[str, Field(description="Name of the benchmark.")]
    round_trip: Annotated[
        bool, Field(description="Copy the whole database to a temporary file and compare every row.")
    ] = True


def integrity(
    database: Database,
    settings: IntegrityAudit,
    *,
    environment: Mapping[str, str],
    on_progress: OnProgress | None = None,
) -> AuditReport:
    """Audit the benchmark's verdicts, and with ``round_trip`` the whole database; nobody is asked.

    Raises UnknownName for an unknown benchmark.
    """
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, settings.benchmark)
        judges = store.judges.judges(connection, benchmark_id)
        templates, notes = _templates(judges)
        report = audit_integrity(_stored(connection, benchmark_id, {j.name: j for j in judges}, templates), judges)
    if not settings.round_trip:
        return replace(report, notes=(*report.notes, *notes, "the database was not copied and compared"))
    return replace(report, failures=_differences(database), notes=(*report.notes, *notes))


def _templates(judges: list[Judge]) -> tuple[dict[str, Template], tuple[str, ...]]:
    """By the judge's name, where it is still the text that the judge was asked with; and what cannot be read again."""
    unchanged, notes = {}, []
    for judge in judges:
        try:
            template = load_template(judge.template)
        except (UnknownName, InputError):
            notes.append(f"{judge.name}: its template {judge.template} is not here, so its replies were not read again")
            continue
        if template.digest == judge.template_digest:
            unchanged[judge.name] = template
        else:
            notes.append(f"{judge.name}: template {judge.template} has changed since, its replies were not read again")
    return unchanged, tuple(notes)


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
