"""Estimates with their intervals, and the variance of what is clustered.

Intervals follow from a standard error, from bounded values, or from a bootstrap over clusters; the standard error is
not chosen here: whoever computes an estimate says where its uncertainty comes from.

Verdicts on one instruction share what is odd about it, verdicts by one judge share its taste. A sandwich covariance
sums scores inside each cluster before squaring (Liang and Zeger 1986), with the factor G / (G - 1) for G clusters;
two-way clustering adds both one-way middles and subtracts the middle of their intersection (Cameron, Gelbach and
Miller 2011, equation 2.11), projected to the nearest positive semi-definite matrix.

The bootstrap over instructions gives each an independent exponential weight (the Bayesian bootstrap, Rubin 1981): all
verdicts of an instruction stay together, no instruction ever vanishes, so no resample is disconnected or separated that
the data are not. It does not resample judges, and it is no remedy for a handful of instructions.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import hypot, inf, isfinite, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import expit, ndtri, stdtrit

from judgebench.errors import StatisticsError
from judgebench.estimate import Estimate, unidentified
from judgebench.stats.method import Cluster
from judgebench.stats.pair_sums import PairSums, dense
from judgebench.stats.sign_flips import chance_of_difference
from judgebench.stats.verdict_table import Codes, Floats, VerdictTable, distinct

Clusters = NDArray[np.integer]
_FEW = "fewer than two instructions"
_ALIKE = "it never varied, so nothing tells how much it would"
_JACKKNIFE = "jackknife over instructions with t and imagined items"
_STRATIFIED = "stratified Agresti-Coull with t, clustered by instruction"
_NOUGHT = 1e-12  # what rounding leaves of no spread
_BLOCK = 50  # resamples weighted at once
FEWEST_RESAMPLED = 100  # instructions: of fewer, a sample misses rare outcomes too often for any bootstrap to know them


def critical_value(level: float, degrees: float = inf) -> float:
    """Two-sided quantile of the normal, or with finite ``degrees`` of Student's t, distribution.

    Raises StatisticsError when the level is not strictly between 0 and 1.
    """
    if not 0.0 < level < 1.0:
        raise StatisticsError(f"the level of an interval must lie strictly between 0 and 1, not {level!r}")
    upper_tail = 0.5 + level / 2
    return float(stdtrit(degrees, upper_tail) if isfinite(degrees) else ndtri(upper_tail))


def critical_values(degrees: Floats, level: float) -> Floats:
    """Two-sided quantiles of Student's t, NaN where there is no degree of freedom, at least one where there is some.

    Raises StatisticsError as ``critical_value`` does.
    """
    critical_value(level)
    quantiles: Floats = np.where(degrees > 0, stdtrit(np.maximum(degrees, 1.0), 0.5 + level / 2), np.nan)
    return quantiles


def normal_estimate(
    value: float,
    se: float,
    *,
    level: float = 0.95,
    n: int = 0,
    degrees: float = inf,
    bounds: tuple[float, float] = (-inf, inf),
    method: str = "",
) -> Estimate:
    """``value`` plus and minus the critical value times ``se``, clipped.

    No interval where ``se`` is not finite, nor where it is nought: what never varied does not tell how it would.

    Finite ``degrees`` (clusters minus one) widen it by Student's t; worth it below about 40 clusters.
    """
    half = critical_value(level, degrees) * se
    if not isfinite(se) or se <= _NOUGHT * max(1.0, abs(value)):
        return Estimate(value, None, None, level, "none", n, _ALIKE if isfinite(se) else _FEW)
    lower, upper = (min(max(end, bounds[0]), bounds[1]) for end in (value - half, value + half))
    shape = "normal" if degrees == inf else f"t({degrees:.0f})" if degrees >= 100 else f"t({degrees:.3g})"
    return Estimate(value, lower, upper, level, method or f"{shape}, clustered by instruction", n)


@dataclass(frozen=True, slots=True, eq=False)
class ClusterSums:
    """What intervals of means of bounded rows need to know of their clusters; (...,) each, of as many means at once."""

    clusters: Floats  # that have a row
    rows: Floats  # summed over clusters, as all that follow
    total: Floats  # of the rows' values
    squares: Floats  # of the clusters' totals
    crossed: Floats  # products of a cluster's total and its rows
    rows_squared: Floats
    values_squared: Floats  # of the rows, not of clusters

    @classmethod
    def of(cls, total: Floats, rows: Floats, values_squared: Floats | None = None) -> "ClusterSums":
        """From each cluster's total and number of rows, (g, ...) both.

        ``values_squared`` (...,): of all rows; None where each is 0 or 1.
        """
        products = (rows > 0, rows, total, total**2, total * rows, rows**2)
        sums = [product.sum(axis=0, dtype=np.float64) for product in products]
        return cls(*[*sums, sums[2] if values_squared is None else values_squared])

    @property
    def degrees(self) -> Floats:
        """Of freedom: clusters minus one, fewer where they differ in size (Kish); 0 below two clusters."""
        return np.where(self.clusters > 1, self.rows**2 / np.maximum(self.rows_squared, 1e-300) - 1, 0.0)

    def spread_about(self, centre: Floats) -> Floats:
        """Sum of squares of what the clusters' totals are beside ``centre`` a row."""
        spread = self.squares - 2 * centre * self.crossed + centre**2 * self.rows_squared
        return np.maximum(spread, 0.0)

    def rows_of_one(self) -> Floats:
        """How many rows one imagined observation weighs: those that tell as much as one independent observation.

        From 1 where the rows of a cluster tell as much as if they were independent, to the cluster that a row has on
        average where they repeat each other: so many make up Kish's number of clusters. The clusters' own ratio of
        variances says where between, and says little where rows vary little, so that few clusters can differ: one
        cluster of rows that are 0 or 1 each would count for half.
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            mean, average = self.total / self.rows, self.rows_squared / self.rows
            variance = np.maximum(self.values_squared / self.rows - mean**2, 0.0)
            told = self.rows / average * variance
            shared = (self.spread_about(mean) / (variance * self.rows_squared)) ** (told / (told + 1))
            part = np.where(variance > _NOUGHT, np.clip(shared, 1 / average, 1.0), 1.0)
        return np.where(self.rows > 0, average * part, 1.0)


def bounded_ends(
    sums: ClusterSums, *, level: float = 0.95, low: float = 0.0, high: float = 1.0
) -> tuple[Floats, Floats]:
    """Both ends of the intervals of means of values in [low, high]; NaN below two clusters.

    Agresti and Coull's (1998) with Student's t: t^2 / 2 imagined observations at either bound, and t times the error of
    the mean with them. It never shrinks to a point. Raises StatisticsError for a level outside (0, 1).
    """
    quantile = critical_values(sums.degrees, level)
    return _with_imagined(sums, quantile, quantile**2 / 2, np.zeros_like(quantile), (low, high))


def _with_imagined(
    sums: ClusterSums, quantile: Floats, either_end: Floats, middle: Floats, bounds: tuple[float, float]
) -> tuple[Floats, Floats]:
    """Ends of intervals after adding so many imagined observations at either bound, and midway between them."""
    return _clipped(sums, *_centre_and_half(sums, quantile, either_end, middle, bounds), bounds)


def _centre_and_half(
    sums: ClusterSums, quantile: Floats, either_end: Floats, middle: Floats, bounds: tuple[float, float]
) -> tuple[Floats, Floats]:
    """Of these intervals, before they are cut at the bounds."""
    (low, high), half_way = bounds, sum(bounds) / 2
    one = sums.rows_of_one()
    size = sums.rows + one * (2 * either_end + middle)
    centre = (sums.total + one * half_way * (2 * either_end + middle)) / size
    apart = either_end * ((low - centre) ** 2 + (high - centre) ** 2) + middle * (half_way - centre) ** 2
    return centre, quantile * np.sqrt(sums.spread_about(centre) + one**2 * apart) / size


def _clipped(sums: ClusterSums, centre: Floats, half: Floats, bounds: tuple[float, float]) -> tuple[Floats, Floats]:
    """Both ends, cut at the bounds; they hold the mean that is shown."""
    low, high = bounds
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = sums.total / sums.rows
    return np.minimum(np.maximum(centre - half, low), mean), np.maximum(np.minimum(centre + half, high), mean)


def bounded_mean(
    values: Floats, clusters: Clusters, *, level: float = 0.95, bounds: tuple[float, float] = (0.0, 1.0)
) -> Estimate:
    """Mean of ``values`` (n,) within ``bounds``, where rows of one cluster (n,) depend on each other: ``bounded_ends``.

    Raises StatisticsError for a level outside (0, 1).
    """
    sums = _sums_of(values, clusters)
    ends = bounded_ends(sums, level=level, low=bounds[0], high=bounds[1])
    return _estimate(sums, ends, len(values), level, "Agresti-Coull with t, clustered by instruction")


def stratified_mean(
    values: Floats, clusters: Clusters, strata: Clusters, weights: Floats, *, level: float = 0.95
) -> Estimate:
    """Weighted mean over strata of the means of ``values`` (n,) in [0, 1].

    ``strata`` (n,): codes from 0, each with a row; ``weights`` (strata,): they sum to 1. As ``bounded_mean``, but that
    only what varies within strata counts: Agresti and Coull's (1998) with as many observations as the weighted
    clusters are worth (Kish 1965, section 11.7), and Student's t with Satterthwaite's (1946) degrees of freedom. A
    cluster in several strata counts once. Raises StatisticsError for a level outside (0, 1).
    """
    code = np.unique(clusters, return_inverse=True)[1]
    shape = int(code.max(initial=-1)) + 1, len(weights)
    total, rows = (
        np.bincount(code * shape[1] + strata, weights=column, minlength=shape[0] * shape[1])
        .reshape(shape)
        .astype(float)
        for column in (values, np.ones(len(values)))
    )
    sums, share = ClusterSums.of(total, rows), weights / rows.sum(axis=0)
    value = float(share @ sums.total)
    if sums.degrees.max(initial=0.0) <= 0:
        return Estimate(value, None, None, level, "none", len(values), _FEW)
    several = np.maximum(sums.clusters, 2.0)
    apart = (total - rows * sums.total / sums.rows) * np.sqrt(several / (several - 1)) @ share
    worth = 1 / float(((rows @ share) ** 2).sum())
    alone = float((share**2 * sums.rows_squared)[sums.clusters < 2].sum())
    evenly = share**2 * sums.rows_squared
    quantile = critical_value(level, float(evenly.sum() ** 2 / (evenly**2 / np.maximum(sums.degrees, 1.0)).sum()))
    imagined = quantile**2
    centre = (worth * value + imagined / 2) / (worth + imagined)
    variance = float(apart @ apart) + alone * centre * (1 - centre)
    spread = worth**2 * variance + worth * (value - centre) ** 2 + imagined / 2 * (centre**2 + (1 - centre) ** 2)
    half = quantile * sqrt(spread) / (worth + imagined)
    lower, upper = min(max(centre - half, 0.0), value), max(min(centre + half, 1.0), value)
    return Estimate(value, lower, upper, level, _STRATIFIED, len(values))


def bounded_difference(values: Floats, clusters: Clusters, *, level: float = 0.95) -> Estimate:
    """Mean of ``values`` (n,) in [-1, 1], differences of two shares of the same rows, with Student's t.

    Half an imagined cluster at either bound and one at 0 (Agresti and Min 2005, Statistics in Medicine 24, 729-740).
    It lies beside 0 only where equal shares would seldom differ as much (``chance_of_difference``); else it is as wide
    as that chance says. Raises StatisticsError for a level outside (0, 1).
    """
    sums, bounds = _sums_of(values, clusters), (-1.0, 1.0)
    quantile = critical_values(sums.degrees, level)
    centre, half = _centre_and_half(sums, quantile, np.array(0.5), np.array(1.0), bounds)
    if abs(centre) > half and (chance := chance_of_difference(_cluster_sums(values, clusters))) > 1 - level:
        half = abs(centre) * quantile / critical_values(sums.degrees, max(1 - chance, _NOUGHT))
    ends = _clipped(sums, centre, half, bounds)
    return _estimate(sums, ends, len(values), level, "Agresti-Min with t and sign flips, clustered by instruction")


def _estimate(sums: ClusterSums, ends: tuple[Floats, Floats], n: int, level: float, method: str) -> Estimate:
    if not n:
        return unidentified("there is no observation", level=level)
    value = float(sums.total / sums.rows)
    if sums.clusters < 2:
        return Estimate(value, None, None, level, "none", n, _FEW)
    return Estimate(value, float(ends[0]), float(ends[1]), level, method, n)


def _sums_of(values: Floats, clusters: Clusters) -> ClusterSums:
    total, rows = _cluster_sums(values, clusters), _cluster_sums(np.ones(len(values)), clusters)
    return ClusterSums.of(total, rows, np.asarray(values @ values, dtype=np.float64))


def _cluster_sums(values: Floats, clusters: Clusters) -> Floats:
    """(g,) sums of ``values`` over the clusters that occur, in the order of their codes."""
    present, code = distinct(clusters)
    return np.bincount(code, weights=values, minlength=len(present)).astype(np.float64)


def cluster_error(influence: Floats, clusters: Clusters) -> float:
    """Standard error of an estimate from its rows' influence (n,), summed by cluster; NaN below two clusters.

    With the factor G / (G - 1) for G clusters (Liang and Zeger 1986).
    """
    sums = _cluster_sums(influence, clusters)
    g = len(sums)
    return float(np.sqrt((sums**2).sum() * g / (g - 1))) if g > 1 else float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class OfKinds:
    """A statistic of rows that takes as long as there are kinds of them, since rows of one kind are alike."""

    statistic: Callable[[NDArray[np.intp]], float]  # of (kinds,) how often there is each
    kinds: NDArray[np.intp]  # (rows,) codes from 0

    def __call__(self, rows: NDArray[np.intp]) -> float:
        return self.statistic(self._times(rows))

    def _times(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        return np.bincount(self.kinds[rows], minlength=int(self.kinds.max()) + 1)

    def without_each(self, part: NDArray[np.intp]) -> Iterator[float]:
        """Of all rows but those of each part, by its code (rows,) from 0."""
        every, order = self._times(np.arange(len(part))), np.argsort(part, kind="stable")
        for left_out in np.split(order, np.cumsum(np.bincount(part))[:-1]):
            yield self.statistic(every - self._times(left_out))


def jackknife_estimate(
    statistic: Callable[[NDArray[np.intp]], float],
    clusters: Clusters,
    imagined: Clusters,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    most: int = 400,
    bounds: tuple[float, float] = (-inf, inf),
) -> Estimate:
    """``statistic`` of row numbers, with an interval by leaving out one cluster (n,) at a time, by Student's t.

    Rows from n on are ``imagined`` (m,), the codes of their clusters: they count in the interval alone, so that what
    never varied is not certain. Of more than ``most`` clusters, so many random groups are left out one by one.
    A statistic that is not defined on the data is NaN, and reported as not identified. Raises StatisticsError for fewer
    than two groups or a level outside (0, 1).
    """
    if most < 2:
        raise StatisticsError(f"an interval needs at least two resamples, not {most}")
    n = len(clusters)
    value = statistic(np.arange(n)) if n else float("nan")
    if not isfinite(value):
        return unidentified("it is not defined on these data", level=level, n=n)
    code, sizes = np.unique(clusters, return_inverse=True, return_counts=True)[1:]
    if len(sizes) < 2:
        return Estimate(value, None, None, level, "none", n, _FEW)
    groups = rng.permutation(len(sizes)) % most if len(sizes) > most else np.arange(len(sizes))
    part = np.concatenate([groups[code], groups.max() + 1 + np.unique(imagined, return_inverse=True)[1]])
    centre = statistic(np.arange(len(part)))
    if isinstance(statistic, OfKinds):
        around = np.array(list(statistic.without_each(part)))
    else:
        around = np.array([statistic(np.flatnonzero(part != group)) for group in range(int(part.max()) + 1)])
    if not isfinite(centre) or not np.isfinite(around).all():
        return Estimate(value, None, None, level, "none", n, "too few data for an interval")
    degrees = min(sizes.sum() ** 2 / (sizes**2).sum(), groups.max() + 1) - 1
    half = critical_value(level, max(degrees, 1.0)) * sqrt((1 - 1 / len(around)) * len(around) * around.var())
    lower, upper = (min(max(end, bounds[0]), bounds[1]) for end in (centre - half, centre + half))
    return Estimate(value, min(lower, value), max(upper, value), level, _JACKKNIFE, n)


def influence_estimate(
    value: float,
    influence: Floats,
    clusters: Clusters,
    *,
    extra: float = 0.0,
    level: float = 0.95,
    bounds: tuple[float, float] = (-inf, inf),
) -> Estimate:
    """``value`` with the interval that its rows' influence (n,) gives by Student's t, clustered (n,).

    ``extra``: variance besides, such as imagined rows add. Raises StatisticsError for a level outside (0, 1).
    """
    degrees = float(_sums_of(influence, clusters).degrees)
    se = sqrt(cluster_error(influence, clusters) ** 2 + extra)
    return normal_estimate(value, se, level=level, n=len(influence), degrees=max(degrees, 1.0), bounds=bounds)


def difference_estimate(one: Estimate, other: Estimate) -> Estimate:
    """``one`` less ``other``, which are independent, from their own intervals.

    MOVER (Zou and Donner 2008; of shares, Newcombe 1998, Statistics in Medicine 17, 873-890, method 10).
    """
    n = one.n + other.n
    if one.value is None or other.value is None:
        return unidentified(one.reason or other.reason, level=one.level, n=n)
    value = one.value - other.value
    if not all(map(isfinite, (*one.ends, *other.ends))):
        return Estimate(value, None, None, one.level, "none", n, one.reason or other.reason or _FEW)
    down = hypot(one.value - one.ends[0], other.ends[1] - other.value)
    up = hypot(one.ends[1] - one.value, other.value - other.ends[0])
    return Estimate(value, value - down, value + up, one.level, f"MOVER of {one.method}", n)


def bootstrap_estimate(
    statistic: Callable[[NDArray[np.intp]], float],
    clusters: Clusters,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    resamples: int = 400,
) -> Estimate:
    """``statistic`` with the percentile interval over clusters (n,) drawn with replacement.

    It is a function of how often each cluster counts (g,), in the order of their codes: once each in the estimate.
    A statistic that is not defined on the data is NaN, and reported as not identified; where more than one resample in
    twenty is, there is no interval. Raises StatisticsError for fewer than two resamples or a level outside (0, 1).
    """
    critical_value(level)
    if resamples < 2:
        raise StatisticsError(f"a bootstrap needs at least two resamples, not {resamples}")
    n, g = len(clusters), len(distinct(clusters)[0])
    value = statistic(np.ones(g, dtype=np.intp)) if n else float("nan")
    if not isfinite(value):
        return unidentified("it is not defined on these data", level=level, n=n)
    if g < 2:
        return Estimate(value, None, None, level, "none", n, _FEW)
    drawn = (rng.integers(g, size=g) for _ in range(resamples))
    draws = np.array([statistic(np.bincount(chosen, minlength=g)) for chosen in drawn])
    if np.isnan(draws).mean() > 0.05:
        return Estimate(value, None, None, level, "none", n, "too few data for a bootstrap")
    lower, upper = np.nanquantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(value, float(lower), float(upper), level, "percentile bootstrap over instructions", n)


def meat_of_rows(
    table: VerdictTable, residual: Floats, part: Codes, cluster: Cluster, *, extra: Floats | None = None
) -> Floats:
    """(p, p) sum over clusters of the outer products of their scores; p = k, or k + e with ``extra`` scores (n, e).

    A row's score is ``residual`` * (e_a - e_b), followed by its ``extra``. ``part`` (k,) labels models that are fitted
    together; the factor counts the clusters of each part by itself, and all clusters for the extra scores.
    Raises StatisticsError for an unknown ``cluster``.
    """
    more = np.zeros((len(table), 0)) if extra is None else extra
    rows = _Rows(len(table.models), table.model_a, table.model_b, residual, more, part)
    if cluster == "both":
        pairs = table.instruction.astype(np.int64) * max(len(table.judges), 1) + table.judge
        codes = [table.instruction, table.judge, np.unique(pairs, return_inverse=True)[1]]
        one, other, shared = (rows.meat(code) for code in codes)
        return _positive_part(one + other - shared)
    if cluster == "instruction":
        return rows.meat(table.instruction)
    if cluster == "judge":
        return rows.meat(table.judge)
    if cluster == "verdict":
        return rows.meat(np.arange(len(table)))
    raise StatisticsError(f"cluster must be 'instruction', 'judge', 'both' or 'verdict', not {cluster!r}")


def meat_of_sums(sums: PairSums, theta: Floats, part: Codes) -> Floats:
    """(k, k) what ``meat_of_rows`` is by instruction, for the residuals of ratings ``theta`` (k,) in natural log-odds,
    of battles inside parts alone."""
    k, parts = len(sums.models), int(part.max(initial=-1)) + 1
    odds = expit(theta[sums.first] - theta[sums.second])
    inside = part[sums.first] == part[sums.second]
    group = np.where(inside, part[sums.first] % (parts + 1), -1)  # the last of models that are in no part
    meat, clusters = np.zeros((k, k)), np.zeros(parts + 1)
    for cells in sums.cells():
        residual = np.where(cells.spread(inside), cells.won - cells.met * cells.spread(odds), 0.0)
        scores = cells.by_model(0, residual) - cells.by_model(1, residual)
        meat += dense(scores.T @ scores)
        clusters += cells.instructions(group, parts + 1)
    return _scaled(meat, clusters[part])


def _scaled(meat: Floats, clusters: Floats) -> Floats:
    """``clusters`` (p,): how many count; their factor is NaN where it is 1, and 1 where there is none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.sqrt(np.where(clusters > 1, clusters / (clusters - 1), np.where(clusters == 1, np.nan, 1.0)))
    return meat * factor[:, None] * factor[None, :]


def _positive_part(matrix: Floats) -> Floats:
    """The nearest positive semi-definite matrix, negative eigenvalues set to 0; NaN rows are left alone."""
    defined = np.isfinite(np.diag(matrix))
    values, vectors = np.linalg.eigh(matrix[np.ix_(defined, defined)])
    projected = matrix.copy()
    projected[np.ix_(defined, defined)] = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return projected


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    models: int
    model_a: NDArray[np.integer]  # (n,)
    model_b: NDArray[np.integer]  # (n,)
    residual: Floats  # (n,)
    extra: Floats  # (n, e)
    part: Codes  # (k,)

    def meat(self, code: NDArray[np.integer]) -> Floats:
        """Of clusters ``code`` (n,)."""
        sums, seen = self.score_sums(code), self.seen(code)
        meat = sums.T @ sums
        everywhere = np.full(self.extra.shape[1], seen.any(axis=0).sum())
        clusters = np.concatenate([seen.sum(axis=1)[self.part], everywhere]).astype(np.float64)
        return _scaled(meat.toarray() if isinstance(meat, csr_array) else meat, clusters)

    def score_sums(self, code: NDArray[np.integer]) -> Floats | csr_array:
        """(clusters, k + e), dense where most of it is filled."""
        k, e, clusters = self.models, self.extra.shape[1], int(code.max(initial=-1)) + 1
        a, b, residual = self.model_a, self.model_b, self.residual
        if clusters * (k + e) <= 4 * len(residual) + 1_000_000:
            base, size = code.astype(np.int64) * k, clusters * k
            plus = np.bincount(base + a, weights=residual, minlength=size)
            scores = (plus - np.bincount(base + b, weights=residual, minlength=size)).reshape(clusters, k)
            more = [np.bincount(code, weights=column, minlength=clusters) for column in self.extra.T]
            return np.column_stack([scores, *more]) if more else scores
        extras = [np.full(len(code), k + j) for j in range(e)]
        rows, columns = np.tile(code, 2 + e), np.concatenate([a, b, *extras])
        values = np.concatenate([residual, -residual, *self.extra.T])
        return csr_array((values, (rows, columns)), shape=(clusters, k + e))

    def seen(self, code: NDArray[np.integer]) -> NDArray[np.bool_]:
        """(parts + 1, clusters) whether a cluster has a row of the part."""
        seen = np.zeros((int(self.part.max(initial=-1)) + 2, int(code.max(initial=-1)) + 1), dtype=np.bool_)
        seen[self.part[self.model_a], code] = True
        return seen


@dataclass(frozen=True, slots=True, eq=False)
class Bootstrap:
    """Draws of k estimates, and their percentile intervals; NaN for a model without an estimate."""

    models: tuple[str, ...]
    draws: Floats  # (resamples, k)
    lower: Floats  # (k,)
    upper: Floats  # (k,)
    level: float
    method: str

    def where(self, enough: NDArray[np.bool_], lower: Floats, upper: Floats) -> tuple[Floats, Floats]:
        """(k,) ends where there is ``enough`` to draw from and the draws differ, elsewhere ``lower`` and ``upper``."""
        told = enough & (self.upper > self.lower)
        return np.where(told, self.lower, lower), np.where(told, self.upper, upper)

    @property
    def standard_error(self) -> Floats:
        """(k,) Standard deviation of the draws."""
        spread: Floats = self.draws.std(axis=0, ddof=1)
        return spread


def instruction_weights(instructions: int, resamples: int, rng: np.random.Generator) -> Iterator[Floats]:
    """Blocks (b, instructions) of exponential weights, ``resamples`` rows in all; each row has mean 1.

    Raises StatisticsError for fewer than two resamples.
    """
    if resamples < 2:
        raise StatisticsError(f"a bootstrap needs at least two resamples, not {resamples}")
    for start in range(0, resamples, _BLOCK):
        weights = rng.standard_exponential((min(_BLOCK, resamples - start), instructions))
        yield weights / weights.mean(axis=1, keepdims=True)


def summarise(models: tuple[str, ...], draws: Floats, level: float) -> Bootstrap:
    """Percentile intervals of (resamples, k) draws.

    Raises StatisticsError for a level outside (0, 1).
    """
    critical_value(level)
    tail = (1 - level) / 2
    lower, upper = np.quantile(draws, [tail, 1 - tail], axis=0)
    return Bootstrap(models, draws, lower, upper, level, "percentile bootstrap over instructions")
