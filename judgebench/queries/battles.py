"""Battles: a list of those that pass a filter, and one with everything that was said about it."""

import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from judgebench.errors import UnknownName
from judgebench.records import Completion, Instruction, Order, Verdict
from judgebench.store import battle_reader, reader
from judgebench.store import tables as t
from judgebench.store.database import Database

_v = t.verdicts.c


@dataclass(frozen=True, slots=True)
class BattleFilter:
    """Which battles to list; None and empty let everything pass."""

    judge: str | None = None
    category: str | None = None
    models: tuple[str, ...] = ()  # one: its battles; two: the battles between them
    inconsistent: bool = False  # only those in which verdicts name different winners
    without_verdict: bool = False  # only those with a trial that has no preference
    text: str = ""  # found in the instruction


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


@dataclass(frozen=True, slots=True)
class ShownVerdict:
    """One judge's verdict on a battle, with what it replied."""

    judge: str
    order: Order | None
    repeat: int
    verdict: Verdict
    completion: Completion | None


@dataclass(frozen=True, slots=True)
class Battle:
    """A battle with everything that was said about it."""

    instruction: Instruction
    model_a: str
    model_b: str
    output_a: str
    output_b: str
    verdicts: tuple[ShownVerdict, ...]


def battles(
    database: Database, benchmark: str, chosen: BattleFilter, *, limit: int = 50, offset: int = 0
) -> tuple[list[BattleSummary], int]:
    """A page of the battles that pass, in the order of their instructions, and how many pass in all."""
    with database.read() as connection:
        query = _battle_query(reader.benchmark_id(connection, benchmark), chosen)
        total = connection.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0
        rows = connection.execute(query.limit(limit).offset(offset)).all()
    return [_battle_summary(row) for row in rows], total


def battle(database: Database, benchmark: str, instruction: str, model_a: str, model_b: str) -> Battle:
    """The battle of two models on the instruction with this key. Raises UnknownName when there is no verdict on it."""
    first, second = sorted((model_a, model_b))
    with database.read() as connection:
        reader.benchmark_id(connection, benchmark)
        a, b = (battle_reader.output_id(benchmark, instruction, name) for name in (first, second))
        rows = list(battle_reader.battle_rows(connection, [_v.output_a_id == a, _v.output_b_id == b]))
    if not rows:
        raise UnknownName("battle", f"{first} against {second} on {instruction}", [])
    found = rows[0]
    shown = tuple(
        ShownVerdict(
            judge=row.judge,
            order=None if row.order is None else Order(row.order),
            repeat=row.repeat,
            verdict=battle_reader.verdict(row),
            completion=None if row.completion_id is None else battle_reader.completion(row),
        )
        for row in rows
    )
    return Battle(reader.instruction(found), first, second, found.text_a, found.text_b, shown)


def _battle_query(benchmark_id: int, chosen: BattleFilter) -> sa.Select[Any]:
    a, b = t.outputs.alias("output_a"), t.outputs.alias("output_b")
    model_a, model_b = t.models.alias("of_a"), t.models.alias("of_b")
    i = t.instructions.c
    trials, answered = sa.func.count(), sa.func.count(_v.preference)
    query = (
        sa.select(
            *(i.key, i.turns, i.category, model_a.c.name.label("model_a"), model_b.c.name.label("model_b")),
            sa.func.avg(_v.preference).label("preference"),
            sa.func.min(_v.preference).label("lowest"),
            sa.func.max(_v.preference).label("highest"),
            *(trials.label("trials"), answered.label("with_preference")),
        )
        .select_from(t.verdicts)
        .join(t.instructions, i.id == _v.instruction_id)
        .join(a, a.c.id == _v.output_a_id)
        .join(b, b.c.id == _v.output_b_id)
        .join(model_a, model_a.c.id == a.c.model_id)
        .join(model_b, model_b.c.id == b.c.model_id)
        .where(i.benchmark_id == benchmark_id, reader.IN_FORCE)
        .group_by(i.id, i.key, i.turns, i.category, model_a.c.name, model_b.c.name)
        .order_by(i.id, model_a.c.name, model_b.c.name)
    )
    if chosen.judge is not None:
        query = query.join(t.judges, t.judges.c.id == _v.judge_id).where(t.judges.c.name == chosen.judge)
    if chosen.category is not None:
        query = query.where(i.category == chosen.category)
    for name in chosen.models:
        query = query.where((model_a.c.name == name) | (model_b.c.name == name))
    if chosen.text:
        query = query.where(i.turns.icontains(chosen.text, autoescape=True))
    if chosen.inconsistent:
        query = query.having(sa.func.min(_v.preference) < 0.5, sa.func.max(_v.preference) > 0.5)
    if chosen.without_verdict:
        query = query.having(answered < trials)
    return query


def _battle_summary(row: sa.Row[Any]) -> BattleSummary:
    return BattleSummary(
        instruction=row.key,
        text="\n\n".join(json.loads(row.turns)),
        category=row.category,
        model_a=row.model_a,
        model_b=row.model_b,
        preference=row.preference,
        lowest=row.lowest,
        highest=row.highest,
        trials=row.trials,
        with_preference=row.with_preference,
    )
