"""Which battles pass a filter, a page at a time: grouped over verdicts first, named only for the page that is shown.

An index holds every column of the grouping, so that a page of a million verdicts costs no more than counting them.
Only verdicts in force, see ``reader``.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from judgebench.store import tables as t
from judgebench.store.reader import check_model, in_force, judge

BattleOrder = Literal["instructions", "upsets"]

_LITTLE_MASS = 0.5  # of probability on the labels
_SHORT, _SURE = 0.1, 0.9  # of the other's length; of preference
_v, _o, _h = t.verdicts.c, t.outputs.c, t.human_labels.c
_BATTLE = (_v.instruction_id, _v.output_a_id, _v.output_b_id)
_SUMMARY = (  # of a battle's trials
    sa.func.avg(_v.preference).label("preference"),
    sa.func.min(_v.preference).label("lowest"),
    sa.func.max(_v.preference).label("highest"),
    sa.func.count().label("trials"),
    sa.func.count(_v.preference).label("with_preference"),
)


@dataclass(frozen=True, slots=True)
class BattleFilter:
    """Which battles to list; None and empty let everything pass."""

    judge: str | None = None
    category: str | None = None
    models: tuple[str, ...] = ()  # one: its battles; two: the battles between them
    inconsistent: bool = False  # only those in which verdicts name different winners
    without_verdict: bool = False  # only those with a trial that has no preference
    suspicious: bool = False  # only those with little mass on the labels, or won by an output a tenth as long
    against_human: bool = False  # only those in which people, on average, prefer the other output
    text: str = ""  # found in the instruction or an output
    order: BattleOrder = "instructions"  # as they were asked; or those won most surely by the weaker model first


@dataclass(frozen=True, slots=True)
class BattleSummary:
    """A battle in a list."""

    instruction: str  # key
    text: str  # of the instruction
    category: str | None
    model_a: str
    model_b: str
    preference: float | None  # mean over verdicts, for A
    lowest: float | None
    highest: float | None
    trials: int
    with_preference: int

    @property
    def consistent(self) -> bool | None:
        """Whether all verdicts name the same winner, or a tie; None with fewer than two."""
        if self.with_preference < 2 or self.lowest is None or self.highest is None:
            return None
        return not self.lowest < 0.5 < self.highest


def page(
    connection: sa.Connection, benchmark: int, chosen: BattleFilter, strength: Mapping[str, float], *, at: slice
) -> tuple[list[BattleSummary], int]:
    """The battles from ``at.start`` to ``at.stop``, and how many pass in all.

    ``strength`` is used for the order by upsets alone. Raises UnknownName for a judge or model that is not there.
    """
    trials, kept = _trials(connection, benchmark, chosen), _kept(chosen)
    found = trials.add_columns(*_SUMMARY).group_by(*_BATTLE).having(*kept)
    passing = found if kept else trials.distinct()  # which needs no arithmetic
    total = connection.scalar(sa.select(sa.func.count()).select_from(passing.subquery())) or 0
    ordered = _by_upset(connection, found, strength) if chosen.order == "upsets" else found.order_by(*_BATTLE)
    return _named(connection, ordered.limit(at.stop - at.start).offset(at.start)), total


def _trials(connection: sa.Connection, benchmark: int, chosen: BattleFilter) -> sa.Select[Any]:
    """The battle of each trial that the filter does not leave out by itself. Raises as ``page`` does."""
    i = t.instructions.c
    asked = sa.select(i.id).where(i.benchmark_id == benchmark)
    if chosen.category is not None:
        asked = asked.where(i.category == chosen.category)
    query = sa.select(*_BATTLE).where(_v.instruction_id.in_(asked), _v.output_b_id.is_not(None))
    query = query.where(*in_force(connection))
    if chosen.judge is not None:
        judge(connection, chosen.judge)
        named = sa.select(t.judges.c.id).where(t.judges.c.name == chosen.judge).scalar_subquery()
        query = query.where(_v.judge_id == named)
    for name in chosen.models:
        check_model(connection, name)
        mine = sa.select(_o.id).join(t.models, t.models.c.id == _o.model_id).where(t.models.c.name == name)
        query = query.where(_v.output_a_id.in_(mine) | _v.output_b_id.in_(mine))
    return query.where(_contains(chosen.text)) if chosen.text else query


def _kept(chosen: BattleFilter) -> list[sa.ColumnElement[bool]]:
    """What the trials of a battle must show together; empty where every battle passes."""
    lowest, highest = sa.func.min(_v.preference), sa.func.max(_v.preference)
    conditions = (
        (chosen.inconsistent, (lowest < 0.5) & (highest > 0.5)),
        (chosen.without_verdict, sa.func.count(_v.preference) < sa.func.count()),
        (chosen.suspicious, (sa.func.min(_v.mass) < _LITTLE_MASS) | _won_by_a_short_one()),
        (chosen.against_human, _against_people()),
    )
    return [condition for wanted, condition in conditions if wanted]


def _contains(text: str) -> sa.ColumnElement[bool]:
    i = t.instructions.c
    said = sa.select(_o.id).where(_o.text.icontains(text, autoescape=True))
    asked = sa.select(i.id).where(i.turns.icontains(text, autoescape=True))
    return _v.instruction_id.in_(asked) | _v.output_a_id.in_(said) | _v.output_b_id.in_(said)


def _won_by_a_short_one() -> sa.ColumnElement[bool]:
    a, b = (
        sa.select(_o.length_chars).where(_o.id == side).correlate(t.verdicts).scalar_subquery()
        for side in (_v.output_a_id, _v.output_b_id)
    )
    mean = sa.func.avg(_v.preference)
    return ((a < _SHORT * b) & (mean >= _SURE)) | ((b < _SHORT * a) & (mean <= 1 - _SURE))


def _against_people() -> sa.ColumnElement[bool]:
    people = (
        sa.select(sa.func.avg(_h.preference))
        .where(_h.output_a_id == _v.output_a_id, _h.output_b_id == _v.output_b_id)
        .correlate(t.verdicts)
        .scalar_subquery()
    )
    return (people - 0.5) * (sa.func.avg(_v.preference) - 0.5) < 0


def _by_upset(connection: sa.Connection, found: sa.Select[Any], strength: Mapping[str, float]) -> sa.Select[Any]:
    """The preference for the weaker model beyond a tie, times how much weaker it is; the largest first."""
    ids = {row.name: row.id for row in connection.execute(sa.select(t.models.c.name, t.models.c.id))}
    listed = [(ids[name], float(value)) for name, value in strength.items() if name in ids] or [(0, 0.0)]
    columns = (sa.column("model_id", sa.Integer), sa.column("strength", sa.Float))
    strengths = sa.values(*columns, name="strengths").data(listed).cte("strengths")
    of_a, of_b = strengths.alias("of_a"), strengths.alias("of_b")
    a, b = t.outputs.alias("output_a"), t.outputs.alias("output_b")
    g = found.subquery("battle")
    upset = (g.c.preference - 0.5) * (of_b.c.strength - of_a.c.strength)
    return (
        sa.select(*g.c)
        .join(a, a.c.id == g.c.output_a_id)
        .join(b, b.c.id == g.c.output_b_id)
        .join(of_a, of_a.c.model_id == a.c.model_id)
        .join(of_b, of_b.c.model_id == b.c.model_id)
        .where(g.c.preference.is_not(None))
        .order_by(upset.desc(), g.c.instruction_id, g.c.output_a_id, g.c.output_b_id)
    )


def _named(connection: sa.Connection, query: sa.Select[Any]) -> list[BattleSummary]:
    """The rows of one page with the instruction and the models' names, in the same order."""
    rows = connection.execute(query).all()
    i = t.instructions.c
    found = sa.select(i.id, i.key, i.turns, i.category).where(i.id.in_([row.instruction_id for row in rows]))
    asked = {row.id: row for row in connection.execute(found)}
    outputs = [output for row in rows for output in (row.output_a_id, row.output_b_id)]
    models = sa.select(_o.id, t.models.c.name).join(t.models, t.models.c.id == _o.model_id).where(_o.id.in_(outputs))
    names = {row.id: row.name for row in connection.execute(models)}
    return [
        BattleSummary(
            instruction=asked[row.instruction_id].key,
            text="\n\n".join(json.loads(asked[row.instruction_id].turns)),
            category=asked[row.instruction_id].category,
            model_a=names[row.output_a_id],
            model_b=names[row.output_b_id],
            preference=row.preference,
            lowest=row.lowest,
            highest=row.highest,
            trials=row.trials,
            with_preference=row.with_preference,
        )
        for row in rows
    ]
