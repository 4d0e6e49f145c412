"""Preference leakage: a judge favouring models related to it, by lineage.

The preference leakage score compares two students under the judges they learned from (Li et al. 2025, arXiv 2502.01534,
equations 1 and 2); wins alone are wins in the published Arena-Hard rows. The regression form needs no such design: a
coefficient for each kind of relation beside the strengths of the models, for any verdicts by judges that are related to
some models and not to others. It does not ask why a judge likes its relatives, and with one related judge a taste of
that judge alone looks the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from judgebench.bias.effects import Effect, fit_effects, place_effect
from judgebench.errors import InputError, StatisticsError, UnknownName
from judgebench.estimate import Estimate, unidentified
from judgebench.records import Lineage
from judgebench.stats.intervals import cluster_error, normal_estimate
from judgebench.stats.verdict_table import Floats, VerdictTable, average_battles


class Relation(StrEnum):
    """What a judge is to a model, the closest relation that holds."""

    SAME = "same"  # the judge is the model
    INHERITANCE = "inheritance"  # one was tuned from, or trained on outputs of, the other, at any remove
    FAMILY = "family"  # they, or those they descend from, share a family
    UNRELATED = "unrelated"
    UNKNOWN = "unknown"  # none of the first three is declared, and one of the two has no declared lineage


RELATED = (Relation.SAME, Relation.INHERITANCE, Relation.FAMILY)


def preference_leakage_score(win_rates: Sequence[Sequence[float]]) -> float:
    """How much two judges favour their own students, a fraction in [-1, 1]; 0 without leakage.

    ``win_rates[student][judge]``, 2 x 2, student i having learned from judge i: all fractions, or all percentages.
    Raises InputError for another shape or numbers outside the range, StatisticsError when a student never wins.
    """
    rates = _checked(win_rates)
    if (rates.sum(axis=1) == 0).any():
        raise StatisticsError("the preference leakage score is not defined for a student that wins under neither judge")
    own, other = np.diag(rates), rates[[0, 1], [1, 0]]
    return float(((own - other) / (own + other)).mean())


def leakage_score(
    table: VerdictTable,
    students: tuple[str, str],
    judges: tuple[str, str],
    *,
    opponent: str | None = None,
    wins_only: bool = False,
    level: float = 0.95,
) -> Estimate:
    """The score from verdicts, students against each other or both against ``opponent``; its n counts battles.

    A battle counts its mean preference, or with ``wins_only`` 1 where every verdict prefers the student and else 0.
    Raises UnknownName for a name that is not in the table.
    """
    one, other = (_code(table.models, "model", name) for name in students)
    against = (other, one) if opponent is None else (_code(table.models, "model", opponent),) * 2
    seats = [_code(table.judges, "judge", name) for name in judges]
    cells = [
        [_cell(table, student, rival, judge, wins_only) for judge in seats]
        for student, rival in zip((one, other), against, strict=True)
    ]
    n = sum(len(cell.won) for row in cells for cell in row)
    if any(not len(cell.won) for row in cells for cell in row):
        return unidentified("a student was not judged by both judges", level=level, n=n)
    rates = np.array([[cell.won.mean() for cell in row] for row in cells])
    if (rates.sum(axis=1) == 0).any():
        return unidentified("a student wins under neither judge", level=level, n=n)
    se = _score_error(cells, rates)
    return normal_estimate(preference_leakage_score(rates.tolist()), se, level=level, n=n, bounds=(-1.0, 1.0))


def relation(judge_model: str, model: str, lineages: Mapping[str, Lineage]) -> Relation:
    """The closest relation between the LLM of a judge and a model, from what was declared of both and their ancestors.

    >>> relation("gpt-4", "student", {"student": Lineage(trained_on=("gpt-4",))}).value
    'inheritance'
    """
    if judge_model == model:
        return Relation.SAME
    mine, other = _ancestors(judge_model, lineages), _ancestors(model, lineages)
    if judge_model in other or model in mine:
        return Relation.INHERITANCE
    if _families(mine, lineages) & _families(other, lineages) or mine & other:
        return Relation.FAMILY
    declared = all(lineages.get(name, Lineage()) != Lineage() for name in (judge_model, model))
    return Relation.UNRELATED if declared else Relation.UNKNOWN


@dataclass(frozen=True, slots=True)
class Leakage:
    """Of each relation: what it adds in log-odds, and in points of win rate at equal quality."""

    log_odds: Mapping[Relation, Estimate]
    points: Mapping[Relation, Estimate]
    verdicts: int  # used
    unknown: int  # left out, because a relation of the judge to one of its two models is not declared


def leakage(
    table: VerdictTable,
    judge_models: Sequence[str],
    lineages: Mapping[str, Lineage],
    *,
    controls: Sequence[Effect] = (),
    level: float = 0.95,
) -> Leakage:
    """Favour for each kind of relative, at equal strength, place and ``controls``.

    ``judge_models`` names the LLM of each of ``table.judges``. Raises InputError when they are not aligned.
    """
    relations = relation_matrix(table, judge_models, lineages)
    known = ~_touches(table, relations, Relation.UNKNOWN)
    rows = table.select(known)
    if not len(rows):
        missing = unidentified("the lineage of the models or judges is not declared", level=level)
        return Leakage(dict.fromkeys(RELATED, missing), dict.fromkeys(RELATED, missing), 0, len(table))
    kept = [replace(control, column=control.column[known]) for control in controls]
    fit = fit_effects(rows, [*relation_effects(rows, relations), place_effect(rows), *kept])
    return Leakage(
        {kind: fit.log_odds(kind.value, level=level) for kind in RELATED},
        {kind: fit.points(kind.value, level=level) for kind in RELATED},
        len(rows),
        len(table) - len(rows),
    )


def relation_matrix(
    table: VerdictTable, judge_models: Sequence[str], lineages: Mapping[str, Lineage]
) -> NDArray[np.object_]:
    """(judges, models) relations. Raises InputError unless ``judge_models`` names one LLM for each judge."""
    if len(judge_models) != len(table.judges):
        raise InputError(f"{len(table.judges)} judges need as many LLM names, not {len(judge_models)}")
    rows = [[relation(llm, model, lineages) for model in table.models] for llm in judge_models]
    matrix = np.empty((len(table.judges), len(table.models)), dtype=object)
    matrix[:] = rows
    return matrix


def relation_effects(table: VerdictTable, relations: NDArray[np.object_]) -> list[Effect]:
    """A column for each kind of relative: 1 where A alone is one of the judge's, -1 where B alone is.

    Not identified where a relation is unknown: nobody knows whether that model is a relative.
    """
    unknown = _touches(table, relations, Relation.UNKNOWN).any()
    impossible = "the lineage of some models or judges is not declared" if unknown else ""
    return [
        Effect(
            kind.value,
            (relations == kind)[table.judge, table.model_a].astype(np.float64)
            - (relations == kind)[table.judge, table.model_b],
            1.0,
            f"the judge's relative ({kind.value})",
            impossible,
        )
        for kind in RELATED
    ]


def exclude_related(
    table: VerdictTable, relations: NDArray[np.object_], kinds: Sequence[Relation] = RELATED
) -> VerdictTable:
    """The verdicts of judges that are none of ``kinds`` to either model, for a board without them."""
    related = np.zeros(len(table), dtype=bool)
    for kind in kinds:
        related |= _touches(table, relations, kind)
    return table.select(~related)


@dataclass(frozen=True, slots=True, eq=False)
class _Cell:
    """A student before a judge, one row a battle."""

    won: Floats
    instruction: NDArray[np.int32]


def _cell(table: VerdictTable, student: int, against: int, judge: int, wins_only: bool) -> _Cell:
    straight = (table.model_a == student) & (table.model_b == against)
    turned = (table.model_a == against) & (table.model_b == student)
    rows = table.select((straight | turned) & (table.judge == judge))
    toward = np.where(rows.model_a == student, rows.preference, 1 - rows.preference)
    if wins_only:
        toward = (toward > 0.5).astype(np.float64)
    sides = (np.full(len(rows), code, dtype=np.int32) for code in (student, against))
    battles = average_battles(replace(rows, model_a=next(sides), model_b=next(sides), preference=toward))
    share = battles.preference if student < against else 1 - battles.preference
    return _Cell((share == 1).astype(np.float64) if wins_only else share, battles.instruction)


def _score_error(cells: Sequence[Sequence[_Cell]], rates: Floats) -> float:
    """By the delta method, the four rates' errors taken together by instruction."""
    total = rates.sum(axis=1, keepdims=True) ** 2
    slope = rates[:, ::-1] / total * np.array([[1, -1], [-1, 1]])
    influence = [
        slope[s, j] * (cells[s][j].won - rates[s, j]) / len(cells[s][j].won) for s in range(2) for j in range(2)
    ]
    return cluster_error(np.concatenate(influence), np.concatenate([cell.instruction for row in cells for cell in row]))


def _code(names: tuple[str, ...], kind: str, name: str) -> int:
    if name not in names:
        raise UnknownName(kind, name, names)
    return names.index(name)


def _touches(table: VerdictTable, relations: NDArray[np.object_], kind: Relation) -> NDArray[np.bool_]:
    """(n,) verdicts in which the judge is that to one of the two models."""
    cell = relations == kind
    touched: NDArray[np.bool_] = cell[table.judge, table.model_a] | cell[table.judge, table.model_b]
    return touched


def _ancestors(name: str, lineages: Mapping[str, Lineage]) -> set[str]:
    """The model itself, its parents and teachers, theirs, and so on."""
    found, ahead = set[str](), [name]
    while ahead:
        current = ahead.pop()
        if current in found:
            continue
        found.add(current)
        lineage = lineages.get(current, Lineage())
        ahead.extend([*lineage.trained_on, *([lineage.parent] if lineage.parent else [])])
    return found


def _families(names: set[str], lineages: Mapping[str, Lineage]) -> set[str]:
    families = (lineages.get(name, Lineage()).family for name in names)
    return {family.casefold() for family in families if family}


def _checked(win_rates: Sequence[Sequence[float]]) -> Floats:
    what = "win_rates must be 2 x 2 numbers, win_rates[student][judge]"
    try:
        rates = np.array(win_rates, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(what) from error
    if rates.shape != (2, 2):
        raise InputError(f"{what}, not of shape {rates.shape}")
    if not np.isfinite(rates).all() or (rates < 0).any() or (rates > 100).any():
        raise InputError(f"{what}, each a fraction in [0, 1] or a percentage in [0, 100]")
    return rates


@dataclass(frozen=True, slots=True)
class Weighted:
    """A table with less say for related judges."""

    table: VerdictTable
    related: int  # verdicts by a judge related to one of the two models
    removed: int  # of those, left out

    @property
    def words(self) -> str:
        """What became of them."""
        kept = self.related - self.removed
        return f"{self.removed} left out" + (f", {kept} given less weight" if kept else "")


def without_related(table: VerdictTable, related: NDArray[np.bool_], *, weight: float = 0.0) -> Weighted:
    """``related`` (judges, models): whether the judge is a relative. ``weight``: 0 leaves out, 1 does nothing.

    Raises InputError for a weight outside [0, 1].
    """
    if not 0 <= weight <= 1:
        raise InputError(f"the weight of related judges must lie in [0, 1], not {weight!r}")
    touched = related[table.judge, table.model_a] | related[table.judge, table.model_b]
    count = int(touched.sum())
    if weight == 0:
        return Weighted(table.select(~touched), count, count)
    others = _unrelated_mean(table, touched)
    mixed = np.where(touched, weight * table.preference + (1 - weight) * others, table.preference)
    kept = np.isfinite(mixed)
    found = replace(table, preference=np.where(kept, mixed, 0.5)).select(kept)
    return Weighted(found, count, int((~kept).sum()))


def _unrelated_mean(table: VerdictTable, touched: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(n,) mean preference for A of unrelated judges on each verdict's battle; NaN where there is none."""
    k = max(len(table.models), 1)
    low, high = np.minimum(table.model_a, table.model_b), np.maximum(table.model_a, table.model_b)
    _, battle = np.unique((table.instruction.astype(np.int64) * k + low) * k + high, return_inverse=True)
    toward = np.where(table.model_a < table.model_b, table.preference, 1 - table.preference)
    free = ~touched
    size = int(battle.max(initial=-1)) + 1
    count = np.bincount(battle[free], minlength=size)
    total = np.bincount(battle[free], weights=toward[free], minlength=size)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)[battle]
    return np.asarray(np.where(table.model_a < table.model_b, mean, 1 - mean))
