"""Battles: a list of those that pass a filter, and one with everything that was said about it."""

import math
from dataclasses import dataclass

from judgebench import store
from judgebench.errors import UnknownName
from judgebench.records import HumanLabel, Instruction
from judgebench.stats.win_rate import win_rates
from judgebench.store import labels
from judgebench.store.battles import BattleFilter, BattleOrder, BattleSummary, JudgedTrial
from judgebench.store.database import Connection, Database

__all__ = ["BattleFilter", "BattleOrder", "BattleSummary", "JudgedBattle", "JudgedTrial", "battle", "battles"]


@dataclass(frozen=True, slots=True)
class JudgedBattle:
    """A battle with everything that was said about it."""

    instruction: Instruction
    model_a: str
    model_b: str
    output_a: str
    output_b: str
    verdicts: tuple[JudgedTrial, ...]
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


def battle(database: Database, benchmark: str, instruction: str, model_a: str, model_b: str) -> JudgedBattle:
    """The battle of two models on the instruction with this key. Raises UnknownName when there is no verdict on it."""
    first, second = sorted((model_a, model_b))
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        trials = tuple(store.battles.trials_between(connection, benchmark_id, instruction, (first, second)))
        labelled = labels.labels(connection, benchmark_id, instruction=instruction)
        mine = tuple(label for label in labelled if (label.model_a, label.model_b) == (first, second))
    if not trials:
        raise UnknownName("battle", f"{first} against {second} on {instruction}", [])
    a, b = trials[0].output_a, trials[0].output_b
    return JudgedBattle(trials[0].instruction, first, second, a.whole, "" if b is None else b.whole, trials, mine)
