"""Readings of dialogues that list goals: every verdict in force of a judge whose template asks for them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import sqlalchemy as sa

from judgebench.records import Goal, Status
from judgebench.store import particulars
from judgebench.store import schema as t
from judgebench.store.benchmarks import within
from judgebench.store.verdicts import in_force

_PAGE = 5000


@dataclass(frozen=True, slots=True)
class GoalReading:
    """One judge reading one dialogue once."""

    verdict_id: int
    judge: str  # name
    instruction: str  # key
    turns: int  # of the user's
    declared: int  # goals
    category: str | None
    model: str
    sample: int
    repeat: int
    status: Status
    detail: str | None
    goals: tuple[Goal, ...]  # none where the reply could not be read


def goal_readings(
    connection: sa.Connection, benchmark: int, judge: str, *, category: str | None = None
) -> list[GoalReading]:
    """Of one judge, failures included, in the order of their verdicts."""
    return _readings(connection, within(benchmark, category), t.judges.c.name == judge)


def lists_on(connection: sa.Connection, benchmark: int, instruction: str) -> list[GoalReading]:
    """Those on the instruction with this key that list goals, of every judge, by judge, model, sample and repeat."""
    if connection.scalar(sa.select(t.verdict_goals.c.verdict_id).limit(1)) is None:  # as in most databases
        return []
    readings = _readings(connection, within(benchmark, None), t.instructions.c.key == instruction)
    listing = [reading for reading in readings if reading.goals]
    return sorted(listing, key=lambda row: (row.judge, row.model, row.sample, row.repeat))


def _readings(connection: sa.Connection, *chosen: sa.ColumnElement[bool]) -> list[GoalReading]:
    """Pointwise ones, in the order of their verdicts."""
    verdicts, i = in_force(connection), t.instructions.c
    v = verdicts.c
    query = (
        sa.select(
            v.id,
            t.judges.c.name.label("judge"),
            i.key,
            i.turns,
            i.goals,
            i.category,
            t.models.c.name,
            t.outputs.c.sample,
        )
        .add_columns(v.repeat, v.status, v.detail)
        .select_from(verdicts)
        .join(t.instructions, i.id == v.instruction_id)
        .join(t.judges, t.judges.c.id == v.judge_id)
        .join(t.outputs, t.outputs.c.id == v.output_a_id)
        .join(t.models, t.models.c.id == t.outputs.c.model_id)
        .where(*chosen, v.output_b_id.is_(None))
        .order_by(v.id)
    )
    rows = iter(connection.execute(query).all())
    readings = []
    while page := list(islice(rows, _PAGE)):
        listed = particulars.goals(connection, [row.id for row in page])
        readings += [_reading(row, listed.get(row.id, ())) for row in page]
    return readings


def _reading(row: sa.Row[tuple[object, ...]], goals: tuple[Goal, ...]) -> GoalReading:
    turns, declared = len(json.loads(row.turns)), len(json.loads(row.goals or "[]"))
    about = (row.category, row.name, row.sample, row.repeat, Status(row.status), row.detail)
    return GoalReading(row.id, row.judge, row.key, turns, declared, *about, goals)


def judges_with_goals(connection: sa.Connection, benchmark: int) -> Sequence[str]:
    """The judges with a verdict on the benchmark that lists goals, by name."""
    verdicts, listed = in_force(connection), sa.exists()
    v = verdicts.c
    query = (
        sa.select(t.judges.c.name)
        .join(verdicts, v.judge_id == t.judges.c.id)
        .join(t.instructions, t.instructions.c.id == v.instruction_id)
        .where(within(benchmark, None), listed.where(t.verdict_goals.c.verdict_id == v.id))
        .distinct()
    )
    return list(connection.scalars(query.order_by(t.judges.c.name)))
