"""All that verdicts, lineage, human labels and style tell about the bias of a judge, or of a board's judges together.

Position, length and the counterfactual leaderboards are of the chosen judges' own verdicts. Whether a judge favours its
relatives is seen only against judges that are not related to them, so leakage and consensus residuals also use the
other judges' verdicts, on battles in which those have no relative. Agreement is ``human_agreement``'s.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from judgebench.bias.counterfactual import Counterfactuals, counterfactuals
from judgebench.bias.effects import Effect, Fits, length_effect, place_effect
from judgebench.bias.human_agreement import people_preference
from judgebench.bias.position import GapBin, Position, match_orders, position, position_curve
from judgebench.bias.relatives import RELATED, Leakage, Relation, leakage, relation_effects, relation_matrix
from judgebench.bias.self_preference import (
    EqualOpportunity,
    SelfPreference,
    consensus_residuals,
    equal_opportunity,
    familiarity,
    favour_beyond_people,
    no_opportunity,
)
from judgebench.bias.taste import Length, Slopes, length, slopes, style_effect
from judgebench.coverage import Coverage
from judgebench.errors import UnknownName
from judgebench.estimate import Estimate, unidentified
from judgebench.records import Lineage
from judgebench.stats.verdict_table import NO_LABELS, Floats, LabelTable, VerdictTable, occurring

_NOT_OWN = "the judge's own outputs are not among those it judged"


@dataclass(frozen=True, slots=True)
class SideInformation:
    """What is known besides the verdicts."""

    lineages: Mapping[str, Lineage] = field(default_factory=dict)  # by model, also of judges' LLMs
    labels: LabelTable = NO_LABELS  # coded as the table
    style: Mapping[str, Floats] = field(default_factory=dict)  # by feature: (instructions, models) counts of outputs
    by_likelihood: Set[str] = frozenset()  # judges with a likelihood template


@dataclass(frozen=True, slots=True)
class BiasReport:
    """Figures of the chosen judges' verdicts."""

    judges: tuple[str, ...]
    verdicts: int
    position: Position
    position_across: Estimate  # points of the first place where orders vary across battles, at equal other effects
    position_curve: tuple[GapBin, ...]
    length: Length
    style: Mapping[str, Slopes]  # by feature, together with length
    relations: Mapping[str, Mapping[str, tuple[str, ...]]]  # judge -> relation -> models
    leakage: Leakage
    self_preference: SelfPreference
    equal_opportunity: Mapping[str, EqualOpportunity]  # by judge
    own_beyond_people: Mapping[str, Estimate]  # by judge: points for its own outputs, at least, beyond people's taste
    likelihood: Estimate  # preference for the output more likely to the judge's own LLM, less one half
    ledger: Counterfactuals
    coverage: Coverage | None = None  # what of a benchmark it counts; None: it is of a table that nobody chose


def bias_report(
    table: VerdictTable,
    judge_models: Sequence[str],
    beside: SideInformation,
    *,
    judges: Sequence[str] = (),
    baseline: str | None = None,
    level: float = 0.95,
) -> BiasReport:
    """Of ``judges``, or all of the table's where none is named.

    ``judge_models`` names the LLM of each of ``table.judges``. The ``baseline`` is that of counterfactual win
    rates and the consensus. Raises StatisticsError when there is no verdict, InputError when the judges' LLMs are not
    aligned, UnknownName for an unknown judge or baseline.
    """
    relations = relation_matrix(table, judge_models, beside.lineages)
    chosen = _chosen(table, judges)
    own = table.select(chosen[table.judge])
    human = people_preference(own, beside.labels)
    features = style_effects(own, beside.style)
    effects = [place_effect(own), length_effect(own), *features, *relation_effects(own, relations)]
    fits = Fits(own)
    entries = counterfactuals(own, effects, human=human, baseline=baseline, level=level, fits=fits)
    pairs = match_orders(own)
    apart = _apart(table, relations, chosen)
    seen = np.where(chosen[:, None] | (relations == Relation.UNRELATED), relations, Relation.UNKNOWN)
    return BiasReport(
        judges=tuple(table.judges[code] for code in occurring(own.judge)),
        verdicts=len(own),
        ledger=entries,
        position_across=_first_place(entries, level),
        position=position(own, level=level, pairs=pairs),
        position_curve=position_curve(pairs, level=level),
        length=length(own, human=human, level=level, fits=fits),
        style=slopes(own, [length_effect(own), *features], human=human, level=level, fits=fits) if features else {},
        relations=_related(table, relations, chosen),
        leakage=leakage(table.select(apart), judge_models, beside.lineages, level=level),
        self_preference=consensus_residuals(table, seen, baseline=baseline, level=level),
        equal_opportunity=_opportunities(own, judge_models, human, level),
        own_beyond_people=_favours(own, judge_models, human, level),
        likelihood=familiarity(table, judge_models, beside.by_likelihood, chosen=chosen, level=level),
    )


def _first_place(known: Counterfactuals, level: float) -> Estimate:
    points = next(entry.points for entry in known.entries if entry.name == "position")
    return points or unidentified("it was not fitted", level=level)


def style_effects(table: VerdictTable, style: Mapping[str, Floats]) -> list[Effect]:
    """A column for each feature that is effects in any output at all."""
    effects = []
    for name, counts in style.items():
        of_a, of_b = (counts[table.instruction, model] for model in (table.model_a, table.model_b))
        if of_a.any() or of_b.any():
            effects.append(style_effect(name, of_a, of_b))
    return effects


def _chosen(table: VerdictTable, judges: Sequence[str]) -> NDArray[np.bool_]:
    """(judges,) which of the table's judges are asked about."""
    for name in judges:
        if name not in table.judges:
            raise UnknownName("judge", name, table.judges)
    return np.array([not judges or name in judges for name in table.judges], dtype=bool)


def _apart(table: VerdictTable, relations: NDArray[np.object_], chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(n,) the chosen judges' verdicts, and those of others on battles in which these have no relative."""
    free = relations == Relation.UNRELATED
    neutral = free[table.judge, table.model_a] & free[table.judge, table.model_b]
    return np.asarray(chosen[table.judge] | neutral)


def _related(
    table: VerdictTable, relations: NDArray[np.object_], chosen: NDArray[np.bool_]
) -> dict[str, dict[str, tuple[str, ...]]]:
    met = occurring(table.model_a, table.model_b)
    kinds = (*RELATED, Relation.UNKNOWN)
    return {
        table.judges[judge]: {
            kind.value: tuple(table.models[code] for code in met if relations[judge, code] == kind) for kind in kinds
        }
        for judge in occurring(table.judge)
        if chosen[judge]
    }


def _opportunities(
    own: VerdictTable, judge_models: Sequence[str], human: Floats, level: float
) -> dict[str, EqualOpportunity]:
    return {
        judge: no_opportunity(reason, level) if reason else equal_opportunity(rows, llm, theirs, level=level)
        for judge, llm, rows, theirs, reason in _beside_people(own, judge_models, human)
    }


def _favours(own: VerdictTable, judge_models: Sequence[str], human: Floats, level: float) -> dict[str, Estimate]:
    return {
        judge: unidentified(reason, level=level) if reason else favour_beyond_people(rows, llm, theirs, level=level)
        for judge, llm, rows, theirs, reason in _beside_people(own, judge_models, human)
    }


def _beside_people(
    own: VerdictTable, judge_models: Sequence[str], human: Floats
) -> Iterator[tuple[str, str, VerdictTable, Floats, str]]:
    """Each judge, its LLM, verdicts, people's preferences there, and why these tell nothing of its own outputs."""
    for code in occurring(own.judge):
        judged = own.judge == code
        rows, llm = own.select(judged), judge_models[code]
        met = llm in own.models and bool(np.isin(own.model_code(llm), [rows.model_a, rows.model_b]))
        labelled = np.isfinite(human[judged]).any()
        reason = "" if labelled and met else _NOT_OWN if labelled else "no battle has a human preference"
        yield own.judges[code], llm, rows, human[judged], reason
