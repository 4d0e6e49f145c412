"""All that a table of verdicts tells about bias by itself: position, length, lineage, and the ledger of all three.

What needs human labels or other texts is not here; see ``agreement``, ``calibration`` and ``contamination``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from judgebench.bias.effects import length_effect, place_effect
from judgebench.bias.leakage import Leakage, leakage, relation_effects, relation_matrix
from judgebench.bias.ledger import Ledger, ledger
from judgebench.bias.length import Length, length
from judgebench.bias.position import Position, position
from judgebench.bias.self_preference import SelfPreference, consensus_residuals
from judgebench.records import Lineage
from judgebench.stats.table import VerdictTable


@dataclass(frozen=True, slots=True)
class BiasReport:
    """Figures of the verdicts of all judges in the table together."""

    judges: tuple[str, ...]
    verdicts: int
    position: Position
    length: Length
    leakage: Leakage
    self_preference: SelfPreference
    ledger: Ledger


def bias_report(
    table: VerdictTable,
    judge_models: Sequence[str],
    lineages: Mapping[str, Lineage],
    *,
    baseline: str | None = None,
    level: float = 0.95,
) -> BiasReport:
    """``judge_models`` names the LLM of each of ``table.judges``; ``lineages`` what was declared, by model.

    The ``baseline`` is that of win rates in the ledger and the consensus. Raises StatisticsError when there is no
    verdict, InputError when the judges' LLMs are not aligned, UnknownName for an unknown baseline.
    """
    relations = relation_matrix(table, judge_models, lineages)
    effects = [place_effect(table), length_effect(table), *relation_effects(table, relations)]
    return BiasReport(
        judges=table.judges,
        verdicts=len(table),
        ledger=ledger(table, effects, baseline=baseline, level=level),
        position=position(table, level=level),
        length=length(table, level=level),
        leakage=leakage(table, judge_models, lineages, level=level),
        self_preference=consensus_residuals(table, relations, baseline=baseline, level=level),
    )
