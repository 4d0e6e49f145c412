"""What of a database some benchmarks hold."""

from collections.abc import Collection

import sqlalchemy as sa

from judgebench.store import schema as t

_b, _i, _o, _r = t.benchmarks.c, t.instructions.c, t.outputs.c, t.runs.c


def models_of(connection: sa.Connection, benchmarks: Collection[str]) -> list[str]:
    """With an output to one of these ``benchmarks``."""
    instructions = sa.select(_i.id).where(_i.benchmark_id.in_(_ids(benchmarks)))
    outputs = sa.select(_o.model_id).where(_o.instruction_id.in_(instructions))
    return list(connection.scalars(sa.select(t.models.c.name).where(t.models.c.id.in_(outputs))))


def judges_of(connection: sa.Connection, benchmarks: Collection[str]) -> list[str]:
    """With a run on one of these ``benchmarks`` or an audit there, or named by the standing board of one."""
    return list(connection.scalars(sa.select(t.judges.c.name).where(_is_held(benchmarks))))


def llms_of(connection: sa.Connection, benchmarks: Collection[str]) -> list[str]:
    """The models of ``judges_of``."""
    return list(connection.scalars(sa.select(t.judges.c.model).where(_is_held(benchmarks))))


def _is_held(benchmarks: Collection[str]) -> sa.ColumnElement[bool]:
    mine, j, a, s = _ids(benchmarks), t.judges.c, t.audits.c, t.standing_boards.c
    return (
        j.id.in_(sa.select(_r.judge_id).where(_r.benchmark_id.in_(mine)))
        | j.id.in_(sa.select(s.judge_id).where(s.benchmark_id.in_(mine), s.judge_id.is_not(None)))
        | j.digest.in_(sa.select(a.judge_digest).where(a.benchmark_id.in_(mine), a.judge_digest.is_not(None)))
    )


def _ids(benchmarks: Collection[str]) -> sa.Select[tuple[int]]:
    return sa.select(_b.id).where(_b.name.in_(benchmarks))
