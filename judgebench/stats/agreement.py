"""Agreement of raters, people or judges, on the same items: raw and chance-corrected, with intervals by instruction.

Ratings are a matrix (items, raters) with NaN where a rater was silent. Pairwise verdicts are categories (``outcomes``);
scores are numbers. Formulas: Cohen (1960, 1968), Fleiss (1971), Gwet (2008), Krippendorff (2011, Computing
Krippendorff's Alpha-Reliability), Shrout and Fleiss (1979). Which coefficient to read is the reader's choice: kappas
fall where one category is rare, AC1 does not; ICC needs every rater on every item. See ``bias.confidence`` for soft
verdicts and ``bias.human_agreement`` for whether a judge may replace people.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from judgebench.errors import InputError
from judgebench.estimate import Estimate, unidentified
from judgebench.stats.intervals import Clusters, OfKinds, bounded_mean, critical_value, jackknife_estimate
from judgebench.stats.verdict_table import Floats

__all__ = [
    "Coefficients", "Resampling", "accuracy", "agreement", "coefficients", "cohen_kappa", "fleiss_kappa", "gwet_ac1",
    "icc", "krippendorff_alpha", "no_coefficients", "outcomes", "rank_correlation", "raw_agreement", "share_alike",
]  # fmt: skip
Weights = Literal["nominal", "linear", "quadratic"]
Metric = Literal["nominal", "ordinal", "interval"]
Form = Literal["2,1", "2,k", "3,1", "3,k"]
_A_DEVIATION, _NEIGHBOURS = (0.16, 0.84), (0.4, 0.6)  # how far imagined raters are apart: quantiles of their ratings


def outcomes(preference: Floats) -> Floats:
    """Preferences for A in [0, 1] as categories 0 (B), 1 (tie), 2 (A); NaN stays NaN."""
    return np.sign(preference - 0.5) + 1


def accuracy(
    preference: Floats, truth: Floats, clusters: Clusters, *, tie_credit: float = 0.5, level: float = 0.95
) -> Estimate:
    """Share of items (n,) on which the preferred side is the true one (1: A, 0: B); a preference of 1/2 earns credit.

    Items without a verdict (NaN) are right about nothing and stay in the count, as items with a true tie do not.
    The ScalerLab JudgeBench gives ties no credit, and takes the mean of both orders for the preference.
    """
    decided = (truth == 0) | (truth == 1)
    named = np.sign(preference - 0.5)
    right = np.where(named == 0, tie_credit, (named == np.sign(truth - 0.5)) * 1.0)
    return bounded_mean(right[decided], clusters[decided], level=level)


def raw_agreement(ratings: Floats, *, times: Floats | None = None) -> float:
    """Mean over items of the share of pairs of raters that agree; items with one rating say nothing.

    ``times`` (items,), here and below: how often there is each item, above 0; None: once.
    """
    counts, times = _counts(ratings), _times(ratings, times)
    raters = counts.sum(axis=1)
    several = raters > 1
    if not several.any():
        return float("nan")
    pairs = (counts * (counts - 1)).sum(axis=1)[several]
    alike = pairs / (raters * (raters - 1))[several]
    return float((alike * times[several]).sum() / times[several].sum())


def cohen_kappa(ratings: Floats, weights: Weights = "nominal", *, times: Floats | None = None) -> float:
    """Of two raters on the items that both rated; disagreement counts by the distance of categories when weighted.

    Raises InputError for another number of raters.
    """
    if ratings.shape[1] != 2:
        raise InputError(f"Cohen's kappa is for two raters, not {ratings.shape[1]}")
    known = np.isfinite(ratings).all(axis=1)
    both, times = ratings[known], _times(ratings, times)[known]
    values, codes = np.unique(both, return_inverse=True)
    codes = codes.reshape(both.shape)
    table = np.zeros((len(values), len(values)))
    np.add.at(table, (codes[:, 0], codes[:, 1]), times)
    gap = np.abs(values[:, None] - values[None, :])
    cost = {"nominal": (gap > 0) * 1.0, "linear": gap, "quadratic": gap**2}[weights]
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / max(times.sum(), 1)
    return _beyond_chance((cost * table).sum(), (cost * expected).sum())


def fleiss_kappa(ratings: Floats, *, times: Floats | None = None) -> float:
    """Of interchangeable raters, as many on each item; NaN where items differ in their number of ratings."""
    counts = _counts(ratings)
    if not len(counts) or len(set(counts.sum(axis=1))) > 1 or counts[0].sum() < 2:
        return float("nan")
    given = (counts * _times(ratings, times)[:, None]).sum(axis=0)
    share = given / given.sum()
    return _beyond_chance(1 - raw_agreement(ratings, times=times), 1 - (share**2).sum())


def gwet_ac1(ratings: Floats, *, categories: int = 0, times: Floats | None = None) -> float:
    """Agreement beyond a chance that stays low where one category prevails; items may lack ratings (Gwet 2008).

    Chance depends on the number of ``categories``: those that occur, or more where the caller knows of more.
    """
    counts = _counts(ratings)
    known = counts.sum(axis=1) > 0
    rated, often = counts[known], _times(ratings, times)[known]
    categories = max(counts.shape[1], categories)
    if not len(rated):
        return float("nan")
    raw = raw_agreement(ratings, times=times)
    if categories < 2:
        return 1.0 if np.isfinite(raw) else float("nan")
    share = (rated / rated.sum(axis=1, keepdims=True) * often[:, None]).sum(axis=0) / often.sum()
    by_chance = (share * (1 - share)).sum() / (categories - 1)
    return _beyond_chance(1 - raw, 1 - by_chance)


def krippendorff_alpha(ratings: Floats, metric: Metric = "nominal", *, times: Floats | None = None) -> float:
    """1 - observed / expected disagreement, from coincidences within items; any number of ratings an item."""
    counts = _counts(ratings)
    raters = counts.sum(axis=1)
    several = raters > 1
    if not several.any():
        return float("nan")
    values = np.unique(ratings[np.isfinite(ratings)])
    often = (_times(ratings, times)[several] / (raters[several] - 1))[:, None]
    coincidence = (counts[several] * often).T @ counts[several]
    coincidence -= np.diag((counts[several] * often).sum(axis=0))
    margin = coincidence.sum(axis=1)
    distance = _distances(values, margin, metric)
    expected = (np.outer(margin, margin) * distance).sum() / max(margin.sum() - 1, 1)
    return _beyond_chance((coincidence * distance).sum(), expected)


def icc(ratings: Floats, form: Form = "2,1", *, times: Floats | None = None) -> float:
    """Intraclass correlation of scores: "2" absolute agreement, "3" consistency; of one rater or of the mean of all k.

    Items with a missing rating are left out.
    """
    known = np.isfinite(ratings).all(axis=1)
    full, often = ratings[known], _times(ratings, times)[known]
    n, k = float(often.sum()), full.shape[1]
    if n < 2 or k < 2:
        return float("nan")
    by_rater = (full * often[:, None]).sum(axis=0) / n
    centre = by_rater.mean()
    rows = k * ((full.mean(axis=1) - centre) ** 2 * often).sum() / (n - 1)
    columns = n * ((by_rater - centre) ** 2).sum() / (k - 1)
    rest = (((full - centre) ** 2).sum(axis=1) * often).sum() - rows * (n - 1) - columns * (k - 1)
    error = max(rest, 0.0) / ((n - 1) * (k - 1))
    raters = (columns - error) / n if form[0] == "2" else 0.0
    copies = (k - 1) * error + k * raters if form[2] == "1" else raters
    whole = rows + copies
    return float((rows - error) / whole) if whole else float("nan")


def agreement(
    statistic: Callable[[Floats], float],
    ratings: Floats,
    clusters: Clusters,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    resamples: int = 400,
    apart: tuple[float, float] = _A_DEVIATION,
) -> Estimate:
    """Any coefficient of this module with an interval over ``clusters`` (items,), e.g. instructions.

    By a jackknife with t and four imagined items, on two of which raters agree, so that full agreement on a few items
    is no certainty (``jackknife_estimate``). ``resamples``: the most that it leaves out one by one; ``apart``: between
    which quantiles of all ratings imagined raters split. Pass options by a lambda or partial.
    Raises InputError for ratings that are not aligned to their clusters.
    """
    if ratings.ndim != 2 or len(ratings) != len(clusters):
        raise InputError(f"ratings must be (items, raters) with one cluster an item, not {ratings.shape}")
    every, kinds = _with_imagined(ratings, clusters, apart)
    return jackknife_estimate(
        lambda rows: statistic(every[rows]), clusters, kinds, rng=rng, level=level, most=resamples, bounds=(-1.0, 1.0)
    )


def _with_imagined(ratings: Floats, clusters: Clusters, apart: tuple[float, float]) -> tuple[Floats, Clusters]:
    """The ratings and after them those imagined, with the clusters of these: each has as many items as others have."""
    copies = max(round(len(clusters) / max(len(np.unique(clusters)), 1)), 1)
    more = np.repeat(_imagined_items(ratings, apart), copies, axis=0)
    return np.concatenate([ratings, more]), np.repeat(np.arange(len(more) // copies), copies)


def _patterns(ratings: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """Items that differ (patterns, raters), and which of them each of ``ratings`` is (items,)."""
    kind = np.zeros(len(ratings), dtype=np.intp)
    for column in ratings.T:
        values, codes = np.unique(column, return_inverse=True)
        kind = np.unique(kind * len(values) + codes, return_inverse=True)[1]
    first = np.unique(kind, return_index=True)[1]
    return ratings[first], kind


def _imagined_items(ratings: Floats, apart: tuple[float, float]) -> Floats:
    """(4, raters) all raters low, all high, and split between the two both ways; as many of them as rate an item."""
    values, counts = np.unique(ratings[np.isfinite(ratings)], return_counts=True)
    if not len(values):
        return np.zeros((0, ratings.shape[1]))
    low, high = np.quantile(ratings[np.isfinite(ratings)], apart, method="nearest")
    if low == high:
        others = values != high
        low = values[others][counts[others].argmax()] if others.any() else high + 1
    present = np.isfinite(ratings[np.isfinite(ratings).sum(axis=1).argmax()])
    first = np.cumsum(present) % 2 == 1
    split = [np.where(first, one, other) for one, other in ((low, low), (high, high), (low, high), (high, low))]
    return np.where(present, split, np.nan)


def rank_correlation(
    one: Mapping[str, float],
    other: Mapping[str, float],
    *,
    method: Literal["spearman", "kendall"] = "spearman",
    level: float = 0.95,
) -> Estimate:
    """Of two rankings, over the models in both; Kendall's tau-b. Its n counts models.

    Models are taken as a sample, their scores as exact. The interval is on Fisher's z with the errors of Bonett and
    Wright (2000), widened by that of ``agreement``: near 1 the first is too short, and equal rankings of a few models
    are no certainty. Below six models there is none.
    """
    names = sorted(one.keys() & other.keys())
    ranks = np.array([_ranks([ranking[name] for name in names]) for ranking in (one, other)]).T
    if len(names) < 3 or (ranks.min(axis=0) == ranks.max(axis=0)).any():
        return unidentified("fewer than three models in both rankings, or all tied", level=level, n=len(names))
    statistic = _spearman if method == "spearman" else _kendall
    value, n = statistic(ranks), len(names)
    if n < 6:
        return Estimate(value, None, None, level, "none", n, reason="fewer than six models")
    known = agreement(statistic, ranks, np.arange(n), rng=np.random.default_rng(0), level=level, apart=_NEIGHBOURS)
    variance = (1 + value**2 / 2) / (n - 3) if method == "spearman" else 0.437 / (n - 4)
    half = critical_value(level) * np.sqrt(variance)
    centre = np.arctanh(np.clip(value, -1 + 1e-12, 1 - 1e-12))
    lower, upper = np.tanh([centre - half, centre + half])
    ends = min(float(lower), max(known.ends[0], -1.0)), max(float(upper), min(known.ends[1], 1.0))
    return Estimate(value, *ends, level, "Fisher's z (Bonett and Wright 2000), or jackknife with t", n)


def _ranks(scores: Sequence[float]) -> Floats:
    """Ranks from 1, equal scores share."""
    code, counts = np.unique(scores, return_inverse=True, return_counts=True)[1:]
    ranks: Floats = (np.cumsum(counts) - (counts - 1) / 2)[code]
    return ranks


def _spearman(ranks: Floats) -> float:
    """NaN where one side ranks all alike."""
    one, other = ((side - side.mean()) for side in map(_ranks, ranks.T))
    size = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / size if size else float("nan")


def _kendall(ranks: Floats) -> float:
    """tau-b; NaN where one side ranks all alike."""
    i, j = np.triu_indices(len(ranks), 1)
    one, other = np.sign(ranks[i] - ranks[j]).T
    size = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / size if size else float("nan")


def _times(ratings: Floats, times: Floats | None) -> Floats:
    return np.ones(len(ratings)) if times is None else times.astype(np.float64)


def _counts(ratings: Floats) -> NDArray[np.float64]:
    """(items, categories) how many raters gave an item each category that occurs."""
    known = np.isfinite(ratings)
    values, codes = np.unique(ratings[known], return_inverse=True)
    counts = np.zeros((len(ratings), len(values)))
    np.add.at(counts, (np.nonzero(known)[0], codes), 1.0)
    return counts


def _distances(values: Floats, margin: Floats, metric: Metric) -> Floats:
    middle = np.cumsum(margin) - margin / 2 if metric == "ordinal" else values
    gap: Floats = middle[:, None] - middle[None, :]
    return (gap != 0) * 1.0 if metric == "nominal" else gap**2


def _beyond_chance(observed: float, expected: float) -> float:
    """1 - observed / expected disagreement; NaN where chance leaves no disagreement."""
    return float(1 - observed / expected) if expected > 0 else float("nan")


@dataclass(frozen=True, slots=True)
class Coefficients:
    """Agreement of raters on the same items: of two, or of all that rated."""

    raw: Estimate  # share of items with the same outcome of three
    decided: Estimate  # the same among items on which both name a winner
    cohen: Estimate  # of two raters only
    weighted: Estimate  # Cohen's, a tie half as far as the opposite winner (linear)
    fleiss: Estimate  # needs as many ratings on each item
    ac1: Estimate
    krippendorff: Estimate
    icc: Estimate  # of the preferences as numbers, absolute agreement of one rater, ICC(2,1)


@dataclass(frozen=True, slots=True)
class Resampling:
    """Of the intervals that no formula gives."""

    level: float = 0.95
    resamples: int = 400
    seed: int = 0

    def estimate(self, statistic: "partial[float]", ratings: Floats, clusters: Clusters) -> Estimate:
        """As ``agreement``, of a statistic that takes ``times``: outcomes repeat each other, patterns are few."""
        every, imagined = _with_imagined(ratings, clusters, _A_DEVIATION)
        patterns, kinds = _patterns(every)
        return jackknife_estimate(
            OfKinds(lambda times: statistic(patterns[times > 0], times=times[times > 0]), kinds),
            clusters,
            imagined,
            rng=np.random.default_rng(self.seed),
            level=self.level,
            most=self.resamples,
            bounds=(-1.0, 1.0),
        )


def coefficients(preference: Floats, clusters: Clusters, how: Resampling) -> Coefficients:
    """Of preferences (m, raters) for A in [0, 1], NaN where a rater was silent."""
    outcome = outcomes(preference)
    two = outcome.shape[1] == 2
    decided = np.where(outcome == 1, np.nan, outcome)
    not_two = unidentified("it is for two raters", level=how.level)
    only = partial(how.estimate, ratings=outcome, clusters=clusters)
    return Coefficients(
        raw=share_alike(outcome, clusters, level=how.level),
        decided=share_alike(decided, clusters, level=how.level),
        cohen=only(partial(cohen_kappa)) if two else not_two,
        weighted=only(partial(cohen_kappa, weights="linear")) if two else not_two,
        fleiss=only(partial(fleiss_kappa)),
        ac1=only(partial(gwet_ac1, categories=len(np.unique(outcome[np.isfinite(outcome)])))),
        krippendorff=only(partial(krippendorff_alpha)),
        icc=how.estimate(partial(icc), preference, clusters),
    )


def share_alike(ratings: Floats, clusters: Clusters, *, level: float = 0.95) -> Estimate:
    """``raw_agreement`` of outcomes (m, raters) with its interval: the share of pairs of raters that agree on an item.

    This is what "agreement" means wherever a judge, a person or the same judge again is compared with another.
    """
    counts = np.column_stack([(ratings == outcome).sum(axis=1) for outcome in (0, 1, 2)])
    raters = counts.sum(axis=1)
    known = raters > 1
    if not known.any():
        return unidentified("no battle has an outcome by two raters", level=level)
    alike = (counts * (counts - 1)).sum(axis=1)[known] / (raters * (raters - 1))[known]
    return bounded_mean(alike, clusters[known], level=level)


def no_coefficients(reason: str, level: float) -> Coefficients:
    """None of them identified, for one reason."""
    return Coefficients(*(unidentified(reason, level=level),) * 8)
