"""What judging a benchmark left behind besides preferences: trials without one, what replies cost, which languages.

Only verdicts in force, see ``reader``. Counts and sums, no statistics.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from judgebench.records import Status
from judgebench.stats.language import guess_language
from judgebench.store import tables as t
from judgebench.store.reader import in_force

_v = t.verdicts.c
_FAILURES = (Status.UNPARSED, Status.REFUSED, Status.TRUNCATED, Status.FAILED)


@dataclass(frozen=True, slots=True)
class Failure:
    """A trial that ended without a verdict."""

    instruction: str  # key
    models: tuple[str, ...]  # two, or one where it is pointwise
    status: Status


def failures(
    connection: sa.Connection, benchmark: int, *, judges: Sequence[str] = (), category: str | None = None
) -> list[Failure]:
    a, b = t.outputs.alias("output_a"), t.outputs.alias("output_b")
    model_a, model_b = t.models.alias("of_a"), t.models.alias("of_b")
    query = (
        sa.select(t.instructions.c.key, model_a.c.name, model_b.c.name.label("other"), _v.status)
        .select_from(t.verdicts)
        .join(t.instructions, t.instructions.c.id == _v.instruction_id)
        .join(a, a.c.id == _v.output_a_id)
        .join(model_a, model_a.c.id == a.c.model_id)
        .outerjoin(b, b.c.id == _v.output_b_id)
        .outerjoin(model_b, model_b.c.id == b.c.model_id)
        .where(_v.status.in_(_FAILURES), *in_force(connection), *_chosen(benchmark, judges, category))
        .where(_v.preference.is_(None))  # an index tells, so that hardly any row is read
    )
    rows = connection.execute(query)
    return [Failure(key, (one,) if other is None else (one, other), Status(status)) for key, one, other, status in rows]


def costs(
    connection: sa.Connection, benchmark: int, *, judges: Sequence[str] = (), category: str | None = None
) -> dict[str, float]:
    """USD of the replies about each model, as far as prices were known; a battle's cost counts for both its models."""
    spent: dict[str, float] = {}
    priced = sa.select(t.completions.c.id).where(t.completions.c.cost_usd.is_not(None)).limit(1)
    if connection.scalar(priced) is None:
        return spent
    for side in (_v.output_a_id, _v.output_b_id):
        query = (
            sa.select(t.models.c.name, sa.func.sum(t.completions.c.cost_usd))
            .select_from(t.completions)
            .join(t.verdicts, _v.completion_id == t.completions.c.id)
            .join(t.instructions, t.instructions.c.id == _v.instruction_id)
            .join(t.outputs, t.outputs.c.id == side)
            .join(t.models, t.models.c.id == t.outputs.c.model_id)
            .where(t.completions.c.cost_usd.is_not(None), *_chosen(benchmark, judges, category))
            .group_by(t.models.c.name)
        )
        for model, cost in connection.execute(query):
            spent[model] = spent.get(model, 0.0) + cost
    return spent


def languages(connection: sa.Connection, benchmark: int) -> dict[str, str]:
    """The guessed language of each of the benchmark's instructions, by key."""
    c = t.instructions.c
    rows = connection.execute(sa.select(c.key, c.turns).where(c.benchmark_id == benchmark))
    return {key: guess_language(" ".join(json.loads(turns))) for key, turns in rows}


def _chosen(benchmark: int, judges: Sequence[str], category: str | None) -> list[sa.ColumnElement[bool]]:
    within = [t.instructions.c.benchmark_id == benchmark]
    if category is not None:
        within.append(t.instructions.c.category == category)
    if judges:
        within.append(_v.judge_id.in_(sa.select(t.judges.c.id).where(t.judges.c.name.in_(judges))))
    return within
