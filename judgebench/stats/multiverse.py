"""One ranking under every reasonable choice of analysis, and which conclusions survive them all.

A universe is one combination of choices (parser, tie rule, control, judges, baseline ...) with the estimates it leads
to; whoever runs the analyses supplies them. Universes are not draws from anything: shares of universes are counts, not
probabilities (Steegen, Tuerlinckx, Gelman and Vanpaemel 2016).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from judgebench.errors import StatisticsError
from judgebench.stats.table import Floats


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

    def survives(self, better: str, worse: str) -> bool:
        """Whether the first is above the second in every universe that compares them."""
        return bool(self.above[self.models.index(better), self.models.index(worse)] == 1.0)


def multiverse(models: Sequence[str], universes: Sequence[Universe]) -> Multiverse:
    """Raises StatisticsError for no universes, estimates that are not one a model, or repeated choices."""
    if not universes:
        raise StatisticsError("a multiverse needs at least one universe")
    if any(len(universe.estimates) != len(models) for universe in universes):
        raise StatisticsError(f"every universe must hold one estimate for each of the {len(models)} models")
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
    return {name: float(np.mean(found)) for name, found in sorted(flips.items())}
