"""What every run stored, and what it cost."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import sqlalchemy as sa

from judgebench.records import Status
from judgebench.store import schema as t
from judgebench.store.arrays import BLOCK
from judgebench.store.database import Connection, Database

Counted = tuple[tuple[int, str, int, float | None], ...]  # run's id, status, trials, USD


_v = t.verdicts.c


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One execution of a study, or one import."""

    id: int
    benchmark: str
    judge: str
    kind: str  # "run" or "import"
    started_at: str  # ISO 8601, UTC
    finished_at: str | None  # None while it runs, or when it was stopped
    ended: Mapping[Status, int]  # trials that it stored, by status
    cost_usd: float | None  # of its replies; None where no price was known


def runs(database: Database) -> list[RunSummary]:
    """All runs, the newest first."""
    r = t.runs.c
    named = (
        sa.select(r.id, r.kind, r.started_at, r.finished_at, t.benchmarks.c.name, t.judges.c.name.label("judge"))
        .join(t.benchmarks, t.benchmarks.c.id == r.benchmark_id)
        .join(t.judges, t.judges.c.id == r.judge_id)
        .order_by(r.id.desc())
    )
    with database.read() as connection:
        rows = connection.execute(named).all()
        full = (connection.scalar(sa.select(sa.func.max(_v.id))) or 0) // BLOCK
        counted = _counted(connection, full)
    ended: dict[int, Counter[Status]] = {row.id: Counter() for row in rows}
    costs: dict[int, list[float]] = {row.id: [] for row in rows}
    for part in (*(_full_block(database, number) for number in range(full)), counted):
        for run_id, status, trials, spent in part:
            ended[run_id][Status(status)] += trials
            costs[run_id] += [] if spent is None else [spent]
    return [
        RunSummary(
            id=row.id,
            benchmark=row.name,
            judge=row.judge,
            kind=row.kind,
            started_at=row.started_at,
            finished_at=row.finished_at,
            ended=ended[row.id],
            cost_usd=sum(costs[row.id]) if costs[row.id] else None,
        )
        for row in rows
    ]


@lru_cache(maxsize=1024)
def _full_block(database: Database, number: int) -> Counted:
    """Verdicts are only ever appended: what a full block counts is kept, and watching a run reads what is new."""
    with database.read() as connection:
        return _counted(connection, number)


def _counted(connection: Connection, number: int) -> Counted:
    """Of the block of verdicts with this number, as far as it is filled."""
    query = (
        sa.select(_v.run_id, _v.status, sa.func.count(), sa.func.sum(t.completions.c.cost_usd))
        .outerjoin(t.completions, t.completions.c.id == _v.completion_id)
        .where(_v.id > number * BLOCK, _v.id <= (number + 1) * BLOCK)
        .group_by(_v.run_id, _v.status)
    )
    return tuple((row[0], row[1], row[2], row[3]) for row in connection.execute(query))
