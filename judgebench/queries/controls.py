"""A board as it would be if length, style or kinship to the judge did not move verdicts: who rises, who falls.

The estimates are those of ``bias.ledger``; this chooses the effects and reads what they need.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import sqlalchemy as sa

from judgebench.bias.effects import Effect, length_effect
from judgebench.bias.leakage import relation_effects, relation_matrix
from judgebench.bias.ledger import Ledger, ledger
from judgebench.errors import StatisticsError
from judgebench.leaderboard.build import common_baseline
from judgebench.stats.table import VerdictTable
from judgebench.store import reader, tallies
from judgebench.store.database import Database

Control = Literal["length", "style", "lineage"]

_STYLE_UNITS = {  # what one more step of a style's column is, in words
    "headers": "twice the headers",
    "lists": "twice the list items",
    "bold": "twice the bold spans",
    "code": "twice the code blocks",
}


@dataclass(frozen=True, slots=True)
class Scope:
    """Which verdicts of a benchmark; empty and None take all."""

    judges: tuple[str, ...] = ()
    category: str | None = None


EVERYTHING = Scope()


def moves(
    database: Database,
    benchmark: str,
    controls: Sequence[Control],
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


def _effects(connection: sa.Connection, benchmark_id: int, table: VerdictTable, control: Control) -> list[Effect]:
    if control == "length":
        return [length_effect(table)]
    if control == "style":
        return _style_effects(connection, benchmark_id, table)
    lineages = {model.name: model.lineage for model in reader.models(connection)}
    llms = {judge.name: judge.model for judge in reader.judges(connection)}
    return relation_effects(table, relation_matrix(table, [llms[name] for name in table.judges], lineages))


def _style_effects(connection: sa.Connection, benchmark_id: int, table: VerdictTable) -> list[Effect]:
    """Differences of the natural logarithms of 1 + marks, one effect a kind of mark."""
    counts = np.log1p(
        tallies.style_counts(connection, benchmark_id, models=table.models, instructions=table.instructions)
    )
    gaps = counts[table.model_a, table.instruction] - counts[table.model_b, table.instruction]
    return [
        Effect(style, np.ascontiguousarray(gaps[:, at]), float(np.log(2)), _STYLE_UNITS[style])
        for at, style in enumerate(tallies.STYLES)
    ]
