"""What audits found, kept and read: append-only. Of several audits of the same thing the newest is listed.

An audit is of a judge on a benchmark (by the judge's digest), of a model's submission, or of a benchmark's verdicts. As
nothing stored is ever changed, one number tells whether what it looked at has grown since: the benchmark's
instructions, or the model's outputs. Then the audit is *stale*.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from judgebench import __version__
from judgebench.store import schema as t
from judgebench.store.among import among, rows_among
from judgebench.store.database import now

_a = t.audits.c


@dataclass(frozen=True, slots=True)
class StoredAudit:
    """One audit as it was kept."""

    id: int
    kind: str
    judge_digest: str | None
    model: str | None
    passed: bool
    high: int  # findings of that severity
    document: Mapping[str, Any]  # as ``--format json`` printed it
    created_at: str  # ISO 8601, UTC
    stale: bool  # what it looked at has grown since


@dataclass(frozen=True, slots=True)
class Subject:
    """What an audit is about. At most one of ``judge_digest`` and ``model`` is given."""

    kind: str
    benchmark_id: int
    judge_digest: str | None = None
    model: str | None = None


def add_audit(
    connection: sa.Connection, subject: Subject, *, passed: bool, document: Mapping[str, Any], extent: int | None = None
) -> None:
    """Keep an audit; the same as the newest of its subject adds nothing.

    ``extent``: how many outputs or instructions it looked at; None: as many as there are now.
    """
    model_id = None if subject.model is None else _model_id(connection, subject.model)
    row = {
        "kind": subject.kind,
        "benchmark_id": subject.benchmark_id,
        "judge_digest": subject.judge_digest,
        "model_id": model_id,
        "extent": _extent(connection, subject.benchmark_id, model_id) if extent is None else extent,
        "passed": passed,
        "high": sum(finding["severity"] == "high" for finding in document["findings"]),
        "document": json.dumps(document, ensure_ascii=True, sort_keys=True),
        "version": __version__,
    }
    about = [_a[name].is_not_distinct_from(row[name]) for name in ("kind", "benchmark_id", "judge_digest", "model_id")]
    newest = connection.execute(sa.select(t.audits).where(*about).order_by(_a.id.desc()).limit(1)).first()
    if newest is None or any(newest._mapping[name] != value for name, value in row.items()):
        connection.execute(sa.insert(t.audits).values(**row, created_at=now()))


def newest_audits(
    connection: sa.Connection,
    benchmark_id: int,
    *,
    kind: str | None = None,
    judges: Sequence[str] | None = None,
    only_high: bool = False,
    until: str | None = None,
) -> list[StoredAudit]:
    """The newest audit of each subject, the newest first; of ``judges`` (digests) where given.

    ``only_high``: those with findings of that severity. ``until``: a time, as ``created_at``, after which none counts.
    Few rows are read, and no verdict.
    """
    within = [_a.benchmark_id == benchmark_id]
    within += [] if kind is None else [_a.kind == kind]
    within += [] if judges is None else [_a.judge_digest.in_(judges)]
    within += [] if until is None else [_a.created_at <= until]
    newest = (
        sa.select(sa.func.max(_a.id)).where(*within).group_by(_a.kind, _a.judge_digest, _a.model_id).scalar_subquery()
    )
    query = (
        sa.select(t.audits, t.models.c.name)
        .outerjoin(t.models, t.models.c.id == _a.model_id)
        .where(_a.id.in_(newest), *([_a.high > 0] if only_high else []))
        .order_by(_a.id.desc())
    )
    rows = connection.execute(query).all()
    return list(_stored(rows, _extents(connection, benchmark_id, {row.model_id for row in rows})))


def audits_of_judges(
    connection: sa.Connection, benchmark_id: int, judges: Sequence[str], *, kinds: Sequence[str]
) -> list[StoredAudit]:
    """Every audit of these kinds of the judges (digests), the newest first."""
    within = (_a.benchmark_id == benchmark_id, _a.kind.in_(kinds), _a.judge_digest.in_(judges))
    query = sa.select(t.audits, sa.null().label("name")).where(*within).order_by(_a.id.desc())
    return list(_stored(connection.execute(query).all(), _extents(connection, benchmark_id, {None})))


def _stored(rows: Sequence[sa.Row[Any]], extents: Mapping[int | None, int]) -> Iterator[StoredAudit]:
    for row in rows:
        yield StoredAudit(
            id=row.id,
            kind=row.kind,
            judge_digest=row.judge_digest,
            model=row.name,
            passed=row.passed,
            high=row.high,
            document=json.loads(row.document),
            created_at=row.created_at,
            stale=row.extent != extents[row.model_id],
        )


def _extent(connection: sa.Connection, benchmark_id: int, model_id: int | None) -> int:
    return _extents(connection, benchmark_id, {model_id})[model_id]


def _extents(connection: sa.Connection, benchmark_id: int, models: Collection[int | None]) -> Mapping[int | None, int]:
    """How many outputs each of the models (ids) has to the benchmark, of all in one statement; under None how many
    instructions it has."""
    i, o = t.instructions.c, t.outputs.c
    extents: dict[int | None, int] = dict.fromkeys(models, 0)
    if None in extents:
        instructions = sa.select(sa.func.count()).select_from(t.instructions).where(i.benchmark_id == benchmark_id)
        extents[None] = connection.scalar(instructions) or 0
    ids = [model for model in models if model is not None]
    outputs = (
        sa.select(o.model_id, sa.func.count())
        .join(t.instructions, i.id == o.instruction_id)
        .where(i.benchmark_id == benchmark_id, among(o.model_id))
        .group_by(o.model_id)
    )
    return extents | {row[0]: row[1] for row in rows_among(connection, outputs, ids)}


def _model_id(connection: sa.Connection, name: str) -> int:
    return int(connection.execute(sa.select(t.models.c.id).where(t.models.c.name == name)).scalar_one())
