"""Which ranks the data leave open: simultaneous rank sets, the chance of being best, tiers.

A pair is separated when its difference exceeds a critical value, common to all pairs, times its standard error; the
critical value is the quantile of the largest studentised difference under Gaussian draws from the covariance (max-T).
Separated pairs leave the maximum and the rest is tested again until nothing changes (step-down: Romano and Wolf 2005;
ranks: Mogstad, Romano, Shaikh and Wilhelm 2024). All sets hold the true ranks together with the stated probability.

Of few instructions a variance is not well known: each pair's studentised difference is brought from Student's to the
normal distribution by the fewer of its two models' degrees of freedom. So a model that is new and in few battles does
not blur the others. Two models whose difference has no variance at all are not separated: nothing says how sure it is.

Nor is anybody separated where an interval beside the ranks, or the exact chance of as much between equal models, leaves
it open (``ranks_of``).

It does not ask where estimate and covariance come from: win rates, ratings and length-controlled rates all fit. But
ratings of different components have no common scale: rank each component by itself.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtr

from judgebench.errors import StatisticsError
from judgebench.stats.intervals import critical_value
from judgebench.stats.method import Compared, Estimates
from judgebench.stats.verdict_table import Floats

__all__ = ["RankSets", "rank_sets", "ranks_of"]
Ranks = NDArray[np.int64]
_CHUNK = 4_000_000  # numbers held at once
_MIRRORED = 1e-9  # what rounding leaves of a correlation of -1


@dataclass(frozen=True, slots=True, eq=False)
class RankSets:
    """Aligned to the estimates; rank 1 is the largest. A model without an estimate has 0 throughout."""

    lower: Ranks  # (k,) best rank that the data leave open
    upper: Ranks  # (k,) worst
    best_probability: Floats  # (k,) share of draws in which the model is first; equal ones share; NaN without variances
    tier: Ranks  # (k,) 1 for the leader and all that are not separated from it, then the next leader ...
    separated: NDArray[np.bool_]  # (k, k) the row's model is better than the column's
    level: float  # simultaneous
    method: str


def rank_sets(
    estimates: Floats,
    covariance: Floats,
    *,
    degrees: Floats | None = None,
    shown: Floats | None = None,
    level: float = 0.95,
    rng: np.random.Generator,
    draws: int = 4000,
) -> RankSets:
    """Rank sets of k estimates with a (k, k) covariance; NaN estimates are left out and counted nowhere.

    ``degrees`` (k,) of freedom behind each variance, many where None. ``shown`` (k,): the values that stand beside the
    ranks, where others are compared; tiers follow them, and nobody is separated against their order. An estimate
    without a variance (NaN, or no degree of freedom) is separated from nobody.
    Raises StatisticsError for a level outside (0, 1) or arrays that do not fit together.
    """
    critical_value(level)
    theta = np.asarray(estimates, dtype=np.float64)
    if covariance.shape != (len(theta), len(theta)):
        raise StatisticsError(f"{len(theta)} estimates need a square covariance, not one of shape {covariance.shape}")
    freedom = np.full(len(theta), np.inf) if degrees is None else degrees
    shown = theta if shown is None else shown
    known = np.flatnonzero(np.isfinite(shown))
    certain = known[np.isfinite(np.diag(covariance)[known]) & (freedom[known] > 0)]
    among = np.ix_(certain, certain)
    noise = _gaussian(covariance[among], draws, rng)
    better = np.zeros((len(theta), len(theta)), dtype=bool)
    better[among] = _separate(theta[certain], covariance[among], freedom[certain], noise, level)
    better &= shown[:, None] > shown[None, :]
    best = np.zeros(len(theta))
    drawn = theta[known] + noise * _stretch(freedom[known], draws, rng) if 0 < len(certain) == len(known) else None
    best[known] = np.nan if drawn is None else _best(drawn)
    return _ranks_by(better, shown, best, level)


def _ranks_by(better: NDArray[np.bool_], shown: Floats, best: Floats, level: float) -> RankSets:
    known = np.flatnonzero(np.isfinite(shown))
    lower, upper = np.zeros((2, len(shown)), dtype=np.int64)
    lower[known] = 1 + better[:, known].sum(axis=0)
    upper[known] = len(known) - better[known].sum(axis=1)
    return RankSets(lower, upper, best, _tiers(shown, better), better, level, "simultaneous max-T, step-down")


def ranks_of(estimates: Estimates, *, level: float = 0.95, rng: np.random.Generator) -> RankSets:
    """Rank sets of what a method estimates: they never say more than what stands beside them (``_open_pairs``).

    Raises StatisticsError for a level outside (0, 1).
    """
    known, shown = estimates.compared, estimates.value
    if known is None:
        return rank_sets(shown, estimates.covariance, level=level, rng=rng)
    sets = rank_sets(known.value, known.covariance, degrees=known.degrees, shown=shown, level=level, rng=rng)
    return _ranks_by(sets.separated & ~_open_pairs(estimates, known, level), shown, sets.best_probability, level)


def _open_pairs(estimates: Estimates, known: Compared, level: float) -> NDArray[np.bool_]:
    """(k, k) symmetric: pairs of which something else that is stated of ``estimates`` tells no order.

    Equal models would differ as much more often than in 1 - ``level`` of all cases; or the interval of the one says all
    there is to say of the difference, since it is from a number that is known exactly, or from the other's that mirrors
    it, and does not exclude it.
    """
    variance = np.diag(known.covariance)
    most = np.add.outer(*[np.sqrt(np.maximum(variance, 0.0))] * 2) ** 2  # where one falls as the other rises
    mirrored = variance[:, None] + variance[None, :] - 2 * known.covariance >= (1 - _MIRRORED) * most
    lower = np.where(np.isfinite(estimates.lower), estimates.lower, -np.inf)
    upper = np.where(np.isfinite(estimates.upper), estimates.upper, np.inf)
    left: NDArray[np.bool_] = mirrored & (lower[:, None] <= upper[None, :]) & (lower[None, :] <= upper[:, None])
    return left if known.chance is None else left | (known.chance > 1 - level)


def _gaussian(covariance: Floats, draws: int, rng: np.random.Generator) -> Floats:
    values, vectors = np.linalg.eigh(covariance)
    standard = rng.standard_normal((draws, len(values)))
    noise: Floats = (standard * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    return noise


def _stretch(degrees: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """(draws, k) by how much a draw's true deviations exceed those stated: chi over its root mean square, inverted.

    One draw of chi for all models, as their variances are of the same instructions; Wilson and Hilferty's (1931) cubes.
    """
    ninth = 2 / (9 * degrees)
    chi = np.maximum(1 - ninth + np.sqrt(ninth) * rng.standard_normal((draws, 1)), 0.05) ** 1.5
    return 1 / chi


def _separate(theta: Floats, covariance: Floats, degrees: Floats, noise: Floats, level: float) -> NDArray[np.bool_]:
    """(k, k) better-than, from step-down over pairs."""
    k = len(theta)
    i, j = np.triu_indices(k, 1)
    variance = np.diag(covariance)
    spread = variance[i] + variance[j] - 2 * covariance[i, j]
    gap = theta[i] - theta[j]
    told = spread > 1e-12 * (variance[i] + variance[j]) + 1e-18 * gap**2  # less is rounding
    se = np.sqrt(np.where(told, spread, 0.0))
    open_pairs = (se > 0) & (gap != 0)
    decided = np.zeros(len(i), dtype=bool)
    statistic = np.divide(np.abs(gap), se, out=np.zeros_like(gap), where=se > 0)
    statistic = _normal(statistic, np.minimum(degrees[i], degrees[j]))
    while open_pairs.any():
        critical = np.quantile(_largest(noise, i[open_pairs], j[open_pairs], se[open_pairs]), level)
        separated = open_pairs & (statistic > critical)
        if not separated.any():
            break
        decided |= separated
        open_pairs &= ~separated
    better = np.zeros((k, k), dtype=bool)
    better[i, j], better[j, i] = decided & (gap > 0), decided & (gap < 0)
    return better


def _normal(statistic: Floats, degrees: Floats) -> Floats:
    """As unlikely under the normal as ``statistic``, not negative, is under Student's distribution."""
    few = np.isfinite(degrees)
    scores = statistic.copy()
    scores[few] = -ndtri(stdtr(degrees[few], -statistic[few]))
    return np.nan_to_num(scores, nan=0.0)


def _largest(noise: Floats, i: NDArray[np.intp], j: NDArray[np.intp], se: Floats) -> Floats:
    """(draws,) the largest studentised difference of each draw over these pairs."""
    columns = np.ascontiguousarray(noise.T, dtype=np.float32)
    scale = (1 / se).astype(np.float32)[:, None]
    largest = np.zeros(len(noise), dtype=np.float32)
    block = max(_CHUNK // max(len(noise), 1), 1)
    for start in range(0, len(i), block):
        pairs = slice(start, start + block)
        gaps = columns[i[pairs]] - columns[j[pairs]]
        np.abs(gaps, out=gaps)
        gaps *= scale[pairs]
        np.maximum(largest, gaps.max(axis=0), out=largest)
    return largest.astype(np.float64)


def _best(draws: Floats) -> Floats:
    first = draws == draws.max(axis=1, keepdims=True)
    shares: Floats = (first / first.sum(axis=1, keepdims=True)).mean(axis=0)
    return shares


def _tiers(theta: Floats, better: NDArray[np.bool_]) -> Ranks:
    tier = np.zeros(len(theta), dtype=np.int64)
    leader, current = -1, 0
    for model in np.argsort(-theta, kind="stable"):
        if not np.isfinite(theta[model]):
            continue
        if leader < 0 or better[leader, model]:
            leader, current = model, current + 1
        tier[model] = current
    return tier
