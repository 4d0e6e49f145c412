"""One set of verdicts ranked in every reasonable way, for ``stats.multiverse`` to say which conclusions survive.

The choices: the method, the judges (all, or one alone), what counts as a verdict (as said, only its side, only battles
whose verdicts agree), and the baseline where none is given by the design. No choice here is a straw man: each is how
some published leaderboard is made. Universes without an estimate for any model are left out, and counted.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from threadpoolctl import threadpool_limits

from judgebench.errors import StatisticsError
from judgebench.leaderboard.board import Choices, Method
from judgebench.leaderboard.build import common_baseline
from judgebench.leaderboard.estimates import estimate
from judgebench.stats.multiverse import Multiverse, Universe, multiverse
from judgebench.stats.table import VerdictTable

_METHODS: tuple[Method, ...] = ("win-rate", "length-controlled", "bradley-terry", "davidson")
_POINTS = 2  # intervals are not looked at


@dataclass(frozen=True, slots=True, eq=False)
class ManyRankings:
    """What the universes say together, and each of them."""

    found: Multiverse
    universes: tuple[Universe, ...]
    impossible: int  # combinations of choices that give no ranking of these verdicts


def many_rankings(table: VerdictTable, *, seed: int = 0) -> ManyRankings:
    """Over the models that took part. Raises StatisticsError when there are no verdicts of two models."""
    present = np.unique(np.concatenate([table.model_a, table.model_b]))
    if len(present) < 2:
        raise StatisticsError("there are no verdicts on two models: run a judge first, or choose another judge")
    universes, impossible = [], 0
    baseline = common_baseline(table)
    for judges, counted, method in product(_judges(table), _COUNTED, _METHODS):
        rows = _COUNTED[counted](table.select(_judges(table)[judges]))
        try:
            with threadpool_limits(1, "blas"):  # as in build
                found = estimate(
                    rows, Choices(method, resamples=_POINTS), baseline=baseline, rng=np.random.default_rng(seed)
                )
        except StatisticsError:  # too few models, or verdicts, for this method: no ranking, so nothing to compare
            impossible += 1
            continue
        choices = {"judges": judges, "verdicts": counted, "method": method}
        universes.append(Universe(choices, [float(value) for value in found.value[present]]))
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
    k = np.int64(len(table.models))
    low, high = np.minimum(table.model_a, table.model_b), np.maximum(table.model_a, table.model_b)
    battle = np.unique((table.instruction * k + low) * k + high, return_inverse=True)[1]
    toward_low = np.where(table.model_a == low, table.preference, 1.0 - table.preference)
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
