"""Pointwise scores as arrays; pairwise verdicts are ``reader``'s. Only verdicts in force, see there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from judgebench.records import Status
from judgebench.stats.scores import ScoreTable
from judgebench.stats.table import encode
from judgebench.store import tables as t
from judgebench.store.reader import IN_FORCE

_v = t.verdicts.c


@dataclass(frozen=True, slots=True)
class StoredScores:
    """Scores as arrays, and what could not be in them."""

    table: ScoreTable
    templates: tuple[str, ...]  # that the scores were asked for with: more than one, and they share no scale
    left_out: Mapping[Status, int]  # readings without a score, by status


def score_table(
    connection: sa.Connection, benchmark: int, *, judges: Sequence[str] = (), category: str | None = None
) -> StoredScores:
    """The benchmark's pointwise verdicts in force, of ``judges`` (all where empty), of one category or all."""
    i, o, j = t.instructions.c, t.outputs.c, t.judges.c
    within = [i.benchmark_id == benchmark, _v.output_b_id.is_(None), IN_FORCE]
    within += [j.name.in_(judges)] if judges else []
    within += [] if category is None else [i.category == category]
    joined = (
        sa.join(t.verdicts, t.instructions, i.id == _v.instruction_id)
        .join(t.outputs, o.id == _v.output_a_id)
        .join(t.models, t.models.c.id == o.model_id)
        .join(t.judges, j.id == _v.judge_id)
    )
    columns = (t.models.c.name, i.key, j.name, j.template, o.length_chars, _v.score)
    scored = sa.select(*columns).select_from(joined).where(*within, _v.score.is_not(None)).order_by(_v.id)
    rows = connection.execute(scored).all()
    failed = sa.select(_v.status, sa.func.count()).select_from(joined).where(*within, _v.score.is_(None))
    models, model = encode([row[0] for row in rows])
    instructions, instruction = encode([row[1] for row in rows])
    names, judge = encode([row[2] for row in rows])
    score = np.array([row[5] for row in rows], dtype=np.float64)
    length = np.array([row[4] for row in rows], dtype=np.int32)
    return StoredScores(
        ScoreTable(models, instructions, names, model, instruction, judge, score, length),
        tuple(sorted({row[3] for row in rows})),
        {Status(status): count for status, count in connection.execute(failed.group_by(_v.status))},
    )
