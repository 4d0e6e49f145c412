"""A board as it would be if length, style or kinship to the judge did not move verdicts: who rises, who falls.

The estimates are those of ``bias.ledger``; this chooses the effects and reads what they need.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from judgebench.bias.effects import Effect, length_effect
from judgebench.bias.leakage import relation_effects, relation_matrix
from judgebench.bias.ledger import Ledger, ledger
from judgebench.bias.report import style_effects
from judgebench.errors import StatisticsError
from judgebench.leaderboard.build import common_baseline
from judgebench.stats.table import VerdictTable
from judgebench.store import judge_reader, reader
from judgebench.store.database import Database

Without = Literal["length", "style", "lineage"]


@dataclass(frozen=True, slots=True)
class Scope:
    """Which verdicts of a benchmark; empty and None take all."""

    judges: tuple[str, ...] = ()
    category: str | None = None


EVERYTHING = Scope()


def moves(
    database: Database,
    benchmark: str,
    controls: Sequence[Without],
    *,
    scope: Scope = EVERYTHING,
    baseline: str | None = None,
) -> Ledger:
    """The ledger of the chosen effects; its entry ``together`` is the board without all that the data identify.

    Raises UnknownName for any name that is not there, StatisticsError when there is no verdict.
    """
    with database.read() as connection:
        benchmark_id = reader.chosen_benchmark(connection, benchmark, scope.judges, scope.category)
        table = reader.verdict_table(connection, benchmark_id, judges=scope.judges, category=scope.category).table
        if not len(table):
            raise StatisticsError("there is no verdict to control: run a judge first, or choose another judge")
        effects = [effect for control in controls for effect in _effects(connection, benchmark_id, table, control)]
    return ledger(table, effects, baseline=baseline or common_baseline(table))


def _effects(connection: sa.Connection, benchmark_id: int, table: VerdictTable, control: Without) -> list[Effect]:
    if control == "length":
        return [length_effect(table)]
    if control == "style":
        marks = judge_reader.style_counts(
            connection, benchmark_id, models=table.models, instructions=table.instructions
        )
        return style_effects(table, marks)
    llms = {judge.name: judge.model for judge in reader.judges(connection)}
    models = [llms[name] for name in table.judges]
    return relation_effects(table, relation_matrix(table, models, judge_reader.lineages(connection)))
