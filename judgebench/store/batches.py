"""Batches: which trials were written into which batch file, where it was submitted, and what is still awaited."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from judgebench.errors import UnknownName
from judgebench.records import Order, Reading, Trial
from judgebench.store import schema as t
from judgebench.store.battles import trial_of
from judgebench.store.database import IN_LIST, bulk_insert, insert, now
from judgebench.store.models import StoredOutputs

_b, _bt = t.batches.c, t.batch_trials.c


@dataclass(frozen=True, slots=True)
class BatchTrial:
    """A trial without its texts: tens of thousands of them are held at once."""

    key: str
    instruction: str  # key
    model_a: str
    model_b: str | None  # None: pointwise
    order: Order | None
    repeat: int

    @classmethod
    def of(cls, trial: Trial | Reading) -> "BatchTrial":
        if isinstance(trial, Reading):
            return cls(trial.key, trial.instruction.key, trial.output.model, None, None, trial.repeat)
        sides = trial.battle
        return cls(trial.key, sides.instruction.key, sides.a.model, sides.b.model, trial.order, trial.repeat)


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it is stored."""

    id: int
    name: str
    run_id: int
    judge: str  # name
    judge_digest: str
    specification: str  # of the study, as JSON
    benchmark: str
    digest: str  # SHA-256 of its file
    server_id: str | None
    closed: bool
    requests: int
    answered: int  # trials whose result was ingested, failures included


def add_batch(
    connection: sa.Connection,
    *,
    name: str,
    run_id: int,
    digest: str,
    trials: Sequence[BatchTrial],
    outputs: Mapping[str, StoredOutputs],
) -> None:
    """Store a batch and its trials; ``outputs`` says where those of each instruction (by key) are stored."""
    batch_id = insert(connection, t.batches, name=name, run_id=run_id, digest=digest, created_at=now())
    next_id = (connection.scalar(sa.select(sa.func.max(_bt.id))) or 0) + 1
    rows = [(next_id + at, batch_id, *_row(trial, outputs)) for at, trial in enumerate(trials)]
    bulk_insert(connection, t.batch_trials, rows)


def _row(trial: BatchTrial, outputs: Mapping[str, StoredOutputs]) -> tuple[Any, ...]:
    stored = outputs[trial.instruction]
    b = None if trial.model_b is None else stored.by_model[trial.model_b]
    order = None if trial.order is None else str(trial.order)
    return trial.key, stored.instruction_id, stored.by_model[trial.model_a], b, order, trial.repeat


def awaited(connection: sa.Connection, trial_keys: Sequence[str]) -> set[str]:
    """Those of the trials that an open batch asks and has brought no result for."""
    v = t.verdicts.c
    came = sa.exists().where(v.trial_key == _bt.trial_key, v.run_id == _b.run_id)
    found: set[str] = set()
    for start in range(0, len(trial_keys), IN_LIST):
        part = trial_keys[start : start + IN_LIST]
        query = sa.select(_bt.trial_key).join(t.batches, _b.id == _bt.batch_id)
        found.update(connection.scalars(query.where(_b.closed_at.is_(None), _bt.trial_key.in_(part), ~came)))
    return found


def batches(connection: sa.Connection) -> list[Batch]:
    """All batches, the oldest first."""
    v = t.verdicts.c
    came = sa.exists().where(v.trial_key == _bt.trial_key, v.run_id == _b.run_id)
    within = sa.select(sa.func.count()).where(_bt.batch_id == _b.id)
    query: sa.Select[Any] = (
        sa.select(
            *(_b.id, _b.name, _b.run_id, _b.digest, _b.server_id, _b.closed_at),
            *(t.judges.c.name.label("judge"), t.judges.c.digest.label("judge_digest"), t.runs.c.specification),
            t.benchmarks.c.name.label("benchmark"),
            within.correlate(t.batches).scalar_subquery().label("requests"),
            within.where(came).correlate(t.batches).scalar_subquery().label("answered"),
        )
        .join(t.runs, t.runs.c.id == _b.run_id)
        .join(t.judges, t.judges.c.id == t.runs.c.judge_id)
        .join(t.benchmarks, t.benchmarks.c.id == t.runs.c.benchmark_id)
        .order_by(_b.id)
    )
    return [_batch(row) for row in connection.execute(query)]


def batch(connection: sa.Connection, name: str) -> Batch:
    """Raises UnknownName."""
    found = {each.name: each for each in batches(connection)}
    if name not in found:
        raise UnknownName("batch", name, found)
    return found[name]


def trials(connection: sa.Connection, of: Batch, trial_keys: Sequence[str]) -> dict[str, Trial | Reading]:
    """Those of the trials that the batch asks, by key."""
    a, b = t.outputs.alias("output_a"), t.outputs.alias("output_b")
    model_a, model_b = t.models.alias("of_a"), t.models.alias("of_b")
    query: sa.Select[Any] = (
        sa.select(
            *(_bt.trial_key, _bt.order, _bt.repeat),
            *(t.instructions.c[name] for name in ("key", "turns", "category", "reference", "checklist")),
            *(model_a.c.name.label("model_a"), a.c.text.label("text_a"), a.c.earlier.label("earlier_a")),
            *(model_b.c.name.label("model_b"), b.c.text.label("text_b"), b.c.earlier.label("earlier_b")),
        )
        .join(t.instructions, t.instructions.c.id == _bt.instruction_id)
        .join(a, a.c.id == _bt.output_a_id)
        .outerjoin(b, b.c.id == _bt.output_b_id)
        .join(model_a, model_a.c.id == a.c.model_id)
        .outerjoin(model_b, model_b.c.id == b.c.model_id)
    )
    found: dict[str, Trial | Reading] = {}
    for start in range(0, len(trial_keys), IN_LIST):
        part = trial_keys[start : start + IN_LIST]
        for row in connection.execute(query.where(_bt.batch_id == of.id, _bt.trial_key.in_(part))):
            trial = trial_of(row, of.judge_digest)
            if trial is not None:
                found[row.trial_key] = trial
    return found


def set_submitted(connection: sa.Connection, of: Batch, server_id: str) -> None:
    values = {"server_id": server_id, "submitted_at": now()}
    connection.execute(sa.update(t.batches).where(_b.id == of.id).values(**values))


def set_closed(connection: sa.Connection, of: Batch) -> None:
    """Nothing further is expected: what it has brought no result for may be asked otherwise."""
    connection.execute(sa.update(t.batches).where(_b.id == of.id, _b.closed_at.is_(None)).values(closed_at=now()))


def _batch(row: sa.Row[Any]) -> Batch:
    return Batch(
        id=row.id,
        name=row.name,
        run_id=row.run_id,
        judge=row.judge,
        judge_digest=row.judge_digest,
        specification=row.specification,
        benchmark=row.benchmark,
        digest=row.digest,
        server_id=row.server_id,
        closed=row.closed_at is not None,
        requests=row.requests,
        answered=row.answered,
    )
