"""One ranking under every reasonable choice of analysis, and which conclusions survive them all.

A universe is one combination of choices (parser, tie rule, control, judges, baseline ...) with the estimates it leads
to; whoever runs the analyses supplies them. Universes are not draws from anything: shares of universes are counts, not
probabilities (Steegen, Tuerlinckx, Gelman and Vanpaemel 2016).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from judgebench.counts import count
from judgebench.coverage import Coverage
from judgebench.errors import StatisticsError
from judgebench.leaderboard.build import common_baseline, estimate
from judgebench.leaderboard.methods import METHODS
from judgebench.stats.method import Choices
from judgebench.stats.verdict_table import Floats, VerdictTable, compared_outputs

_POINTS = 2  # intervals are not looked at


@dataclass(frozen=True, slots=True)
class Universe:
    choices: Mapping[str, str]  # e.g. {"ties": "davidson", "control": "length"}
    estimates: Sequence[float]  # one a model, larger is better; NaN where the analysis gives none


@dataclass(frozen=True, slots=True, eq=False)
class Multiverse:
    """Over all universes in which both, or the one, model has an estimate."""

    models: tuple[str, ...]
    above: Floats  # (k, k) share of universes in which the row's model is above the column's; NaN where never compared
    best_rank: NDArray[np.int64]  # (k,) 0 without any estimate
    worst_rank: NDArray[np.int64]  # (k,)
    leads: Floats  # (k,) share of universes in which the model is first, shared firsts included
    influence: Mapping[str, float]  # by choice: share of pairs that it alone turns round, on average, in [0, 1]
    universes: int

    def rows(self) -> list[dict[str, Any]]:
        """One row a model, the best ranks first, with the models it is above in every universe."""
        order = sorted(range(len(self.models)), key=lambda i: (self.best_rank[i], self.worst_rank[i], self.models[i]))
        return [
            {
                "model": self.models[i],
                "best_rank": int(self.best_rank[i]),
                "worst_rank": int(self.worst_rank[i]),
                "leads": float(self.leads[i]),
                "above_in_all": [self.models[j] for j in order if self.above[i, j] == 1.0],
            }
            for i in order
        ]


def multiverse(models: Sequence[str], universes: Sequence[Universe]) -> Multiverse:
    """Raises StatisticsError for no universes, estimates that are not one a model, or repeated choices."""
    if not universes:
        raise StatisticsError("a multiverse needs at least one universe")
    if any(len(universe.estimates) != len(models) for universe in universes):
        raise StatisticsError(f"every universe must hold one estimate for each of the {count(len(models), 'model')}")
    keys = [tuple(sorted(universe.choices.items())) for universe in universes]
    if len(set(keys)) < len(keys):
        raise StatisticsError("two universes make the same choices")
    values = np.array([universe.estimates for universe in universes], dtype=np.float64)
    gaps = values[:, :, None] - values[:, None, :]
    compared = np.isfinite(gaps).sum(axis=0)
    with np.errstate(invalid="ignore"):
        above = (gaps > 0).sum(axis=0) / np.where(compared > 0, compared, np.nan)
    ranks = 1 + (gaps < 0).sum(axis=2)
    known = np.isfinite(values)
    some = known.any(axis=0)
    return Multiverse(
        models=tuple(models),
        above=above,
        best_rank=np.where(some, np.where(known, ranks, len(models) + 1).min(axis=0), 0),
        worst_rank=np.where(some, np.where(known, ranks, 0).max(axis=0), 0),
        leads=(known & (ranks == 1)).mean(axis=0),
        influence=_influence(universes, np.sign(gaps)),
        universes=len(universes),
    )


def _influence(universes: Sequence[Universe], signs: Floats) -> dict[str, float]:
    """For each choice: over pairs of universes that differ in it alone, the mean share of pairs of models that flip."""
    flips: dict[str, list[float]] = {}
    upper = np.triu_indices(signs.shape[1], 1)
    for one in range(len(universes)):
        for other in range(one):
            names = set(universes[one].choices) | set(universes[other].choices)
            differing = [n for n in names if universes[one].choices.get(n) != universes[other].choices.get(n)]
            if len(differing) == 1:
                product = (signs[one] * signs[other])[upper]
                both = product[np.isfinite(product)]
                flips.setdefault(differing[0], []).append(float((both < 0).mean()) if len(both) else 0.0)
    return {name: float(np.mean(shares)) for name, shares in sorted(flips.items())}


@dataclass(frozen=True, slots=True, eq=False)
class ManyRankings:
    """What the universes say together, and each of them."""

    together: Multiverse
    universes: tuple[Universe, ...]
    impossible: int  # combinations of choices that give no ranking of these verdicts
    coverage: Coverage | None = None  # what of a benchmark it counts; None: it is of a table that nobody chose


def many_rankings(table: VerdictTable, *, seed: int = 0) -> ManyRankings:
    """Over the models that took part. Raises StatisticsError when there are no verdicts of two models."""
    present = np.unique(np.concatenate([table.model_a, table.model_b]))
    if len(present) < 2:
        raise StatisticsError("there are no verdicts on two models: run a judge first, or choose another judge")
    universes, impossible = [], 0
    baseline = common_baseline(table)
    methods = [name for name, method in METHODS.items() if method.multiverse]
    for judges, counted, method in product(_judges(table), _COUNTED, methods):
        rows = _COUNTED[counted](table.select(_judges(table)[judges]))
        try:
            with threadpool_limits(1, "blas"):  # as in build
                estimates = estimate(rows, Choices(method, resamples=_POINTS, seed=seed), baseline=baseline)
        except StatisticsError:  # too few models, or verdicts, for this method: no ranking, so nothing to compare
            impossible += 1
            continue
        choices = {"judges": judges, "verdicts": counted, "method": method}
        universes.append(Universe(choices, [float(value) for value in estimates.value[present]]))
    models = [table.models[code] for code in present]
    distinct = tuple(_distinct(universes))
    return ManyRankings(multiverse(models, distinct), distinct, impossible)


def _judges(table: VerdictTable) -> dict[str, np.ndarray]:
    everyone = {"all": np.ones(len(table), dtype=bool)}
    judges = np.unique(table.judge)
    alone = {f"{table.judges[code]} alone": table.judge == code for code in judges} if len(judges) > 1 else {}
    return everyone | alone


def _as_said(table: VerdictTable) -> VerdictTable:
    return table


def _only_sides(table: VerdictTable) -> VerdictTable:
    """Soft preferences as wins, losses and ties."""
    return replace(table, preference=(1.0 + np.sign(table.preference - 0.5)) / 2)


def _only_consistent(table: VerdictTable) -> VerdictTable:
    """Without battles in which one verdict prefers the one output and another the other."""
    battle = np.unique(compared_outputs(table), return_inverse=True)[1]
    toward_low = np.where(table.model_a < table.model_b, table.preference, 1.0 - table.preference)
    for_low, for_high = (np.bincount(battle, weights=side) > 0 for side in (toward_low > 0.5, toward_low < 0.5))
    return table.select(~(for_low & for_high)[battle])


_COUNTED = {"as said": _as_said, "sides only": _only_sides, "consistent battles only": _only_consistent}


def _distinct(universes: list[Universe]) -> Iterator[Universe]:
    """Without those that differ from an earlier one in nothing but a choice without effect, e.g. of hard verdicts.

    Sides only, or consistent battles only, may be what was said anyway; counting it twice would give it double weight.
    """
    seen: set[tuple[str, str, tuple[float, ...]]] = set()
    for universe in universes:
        key = (universe.choices["judges"], universe.choices["method"], tuple(universe.estimates))
        if key not in seen:
            seen.add(key)
            yield universe
