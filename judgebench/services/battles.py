"""Battles: a list of those that pass a filter, and one with everything that was said about it."""

import math
from dataclasses import dataclass

import sqlalchemy as sa

from judgebench import store
from judgebench.errors import UnknownName
from judgebench.records import Completion, HumanLabel, Instruction, Order, Verdict
from judgebench.stats.win_rate import win_rates
from judgebench.store import labels
from judgebench.store import schema as t
from judgebench.store.battles import BattleFilter, BattleOrder, BattleSummary
from judgebench.store.database import Connection, Database

__all__ = ["Battle", "BattleFilter", "BattleOrder", "BattleSummary", "ShownVerdict", "battle", "battles"]


_v = t.verdicts.c


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
    labels: tuple[HumanLabel, ...] = ()  # what people said, in the order they said it


def battles(
    database: Database, benchmark: str, chosen: BattleFilter, *, limit: int = 50, offset: int = 0
) -> tuple[list[BattleSummary], int]:
    """A page of the battles that pass, and how many pass in all. Raises UnknownName."""
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        strength = _strength(connection, benchmark_id) if chosen.order == "upsets" else {}
        return store.battles.page(connection, benchmark_id, chosen, strength, at=slice(offset, offset + limit))


def _strength(connection: Connection, benchmark_id: int) -> dict[str, float]:
    """Each model's win rate over the field, by all judges."""
    table = store.arrays.verdict_table(connection, benchmark_id).table
    if not len(table):
        return {}
    rates = win_rates(table).rate.tolist()
    return {model: rate for model, rate in zip(table.models, rates, strict=True) if math.isfinite(rate)}


def battle(database: Database, benchmark: str, instruction: str, model_a: str, model_b: str) -> Battle:
    """The battle of two models on the instruction with this key. Raises UnknownName when there is no verdict on it."""
    first, second = sorted((model_a, model_b))
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        asked = sa.select(t.instructions.c.id).where(
            t.instructions.c.benchmark_id == benchmark_id, t.instructions.c.key == instruction
        )
        a, b = (store.battles.output_id(benchmark, instruction, name) for name in (first, second))
        between = [_v.instruction_id == asked.scalar_subquery(), _v.output_a_id == a, _v.output_b_id == b]
        rows = list(store.battles.battle_rows(connection, between))
        said = labels.labels(connection, benchmark_id, instruction=instruction)
        mine = tuple(label for label in said if (label.model_a, label.model_b) == (first, second))
    if not rows:
        raise UnknownName("battle", f"{first} against {second} on {instruction}", [])
    found = rows[0]
    shown = tuple(
        ShownVerdict(
            judge=row.judge,
            order=None if row.order is None else Order(row.order),
            repeat=row.repeat,
            verdict=store.battles.verdict_of(row),
            completion=None if row.completion_id is None else store.battles.completion_of(row),
        )
        for row in rows
    )
    one, other = ("" if side is None else side.whole for side in store.battles.sides(found))
    return Battle(store.benchmarks.instruction_of(found), first, second, one, other, shown, mine)
