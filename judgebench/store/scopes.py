"""What of a database is of some benchmarks, and what is of the others alone."""

from collections.abc import Collection

import sqlalchemy as sa

from judgebench.store import schema as t

_b, _i, _o, _r = t.benchmarks.c, t.instructions.c, t.outputs.c, t.runs.c


def models_of(connection: sa.Connection, benchmarks: Collection[str]) -> list[str]:
    """With an output to one of these ``benchmarks``."""
    instructions = sa.select(_i.id).where(_i.benchmark_id.in_(_ids(benchmarks)))
    outputs = sa.select(_o.model_id).where(_o.instruction_id.in_(instructions))
    return list(connection.scalars(sa.select(t.models.c.name).where(t.models.c.id.in_(outputs))))


def judges_of(connection: sa.Connection, benchmarks: Collection[str], *, unused: bool) -> list[str]:
    """With a run on one of these ``benchmarks``; ``unused``: and those without any run."""
    mine = t.judges.c.id.in_(sa.select(_r.judge_id).where(_r.benchmark_id.in_(_ids(benchmarks))))
    free = ~sa.exists().where(_r.judge_id == t.judges.c.id)
    return list(connection.scalars(sa.select(t.judges.c.name).where(mine | free if unused else mine)))


def _ids(benchmarks: Collection[str]) -> sa.Select[tuple[int]]:
    return sa.select(_b.id).where(_b.name.in_(benchmarks))


def of_others(connection: sa.Connection, benchmarks: Collection[str]) -> frozenset[str]:
    """Names and addresses that nothing in these ``benchmarks`` holds: of benchmarks, models, judges with their models,
    batches and annotators."""
    mine = _ids(benchmarks)
    instructions = sa.select(_i.id).where(_i.benchmark_id.in_(mine))
    runs = _r.benchmark_id.in_(mine)
    judges = t.judges.c.id.in_(sa.select(_r.judge_id).where(runs))
    outputs = sa.select(_o.model_id).where(_o.instruction_id.in_(instructions))
    labels, batches, addresses = t.human_labels.c, t.batches.c, t.judge_addresses.c
    names: tuple[tuple[sa.Column[str], sa.ColumnElement[bool]], ...] = (
        (_b.name, _b.id.in_(mine)),
        (t.models.c.name, t.models.c.id.in_(outputs)),
        (t.judges.c.name, judges),
        (t.judges.c.model, judges),
        (batches.name, batches.run_id.in_(sa.select(_r.id).where(runs))),
        (labels.annotator, labels.instruction_id.in_(instructions)),
        (addresses.url, addresses.judge_id.in_(sa.select(_r.judge_id).where(runs))),
    )
    every: set[str] = set()
    known: set[str] = set()
    for name, is_mine in names:
        every |= set(connection.scalars(sa.select(name).distinct().where(name.is_not(None))))
        known |= set(connection.scalars(sa.select(name).distinct().where(is_mine, name.is_not(None))))
    return frozenset(every - known)
