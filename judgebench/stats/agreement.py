"""Agreement between raters beyond chance, each statistic by its name: there is no single "agreement".

Cohen 1960 and 1968 (two raters), Fleiss 1971 and Gwet 2008 (counts by category), Krippendorff 2011 (any number of
raters, missing values), Shrout and Fleiss 1979 (scores). No intervals here: resample items and call again.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from judgebench.errors import StatisticsError
from judgebench.stats.table import Floats

Weights = Literal["none", "linear", "quadratic"]
Metric = Literal["nominal", "ordinal", "interval"]


def cohen_kappa(one: NDArray[np.integer], other: NDArray[np.integer], *, weights: Weights = "none") -> float:
    """Kappa of two raters' category codes (n,), 0 and up, in order for the weighted kinds; NaN without variety.

    Raises StatisticsError for no items or different lengths.
    """
    if len(one) != len(other) or not len(one):
        raise StatisticsError("kappa needs two raters' codes on the same items")
    size = int(max(one.max(), other.max())) + 1
    observed = np.bincount(one.astype(np.int64) * size + other, minlength=size * size).reshape(size, size) / len(one)
    expected = observed.sum(axis=1)[:, None] * observed.sum(axis=0)[None, :]
    apart = np.abs(np.subtract.outer(np.arange(size), np.arange(size))).astype(np.float64)
    cost = {"none": (apart > 0).astype(np.float64), "linear": apart, "quadratic": apart**2}[weights]
    chance = float((cost * expected).sum())
    return 1 - float((cost * observed).sum()) / chance if chance > 0 else float("nan")


def fleiss_kappa(counts: NDArray[np.integer]) -> float:
    """Kappa of (items, categories) numbers of raters, the same for every item; NaN without variety.

    Raises StatisticsError when items have different numbers of raters, or fewer than two.
    """
    table, raters = _rated(counts)
    observed = float(((table * (table - 1)).sum(axis=1) / (raters * (raters - 1))).mean())
    shares = table.sum(axis=0) / table.sum()
    chance = float((shares**2).sum())
    return (observed - chance) / (1 - chance) if chance < 1 else float("nan")


def gwet_ac1(counts: NDArray[np.integer]) -> float:
    """AC1 of (items, categories) numbers of raters; steadier than kappa when one category dominates.

    Raises StatisticsError when items have different numbers of raters, or fewer than two.
    """
    table, raters = _rated(counts)
    observed = float(((table * (table - 1)).sum(axis=1) / (raters * (raters - 1))).mean())
    shares = (table / raters).mean(axis=0)
    chance = float((shares * (1 - shares)).sum() / max(table.shape[1] - 1, 1))
    return (observed - chance) / (1 - chance)


def krippendorff_alpha(ratings: Floats, *, metric: Metric = "nominal") -> float:
    """Alpha of (raters, items) values, NaN where a rater did not rate; NaN where there is no variety.

    Raises StatisticsError when no item has two ratings.
    """
    columns = [column[np.isfinite(column)] for column in np.asarray(ratings, dtype=np.float64).T]
    units = [column for column in columns if len(column) > 1]
    if not units:
        raise StatisticsError("alpha needs at least one item with two ratings")
    values = np.unique(np.concatenate(units))
    coincidence = np.zeros((len(values), len(values)))
    for unit in units:
        tally = np.bincount(np.searchsorted(values, unit), minlength=len(values)).astype(np.float64)
        coincidence += (np.outer(tally, tally) - np.diag(tally)) / (len(unit) - 1)
    share = coincidence.sum(axis=1)
    cost = _distance(values, share, metric)
    total = share.sum()
    expected = float((cost * (np.outer(share, share) - np.diag(share))).sum()) / (total - 1)
    return 1 - float((cost * coincidence).sum()) / expected if expected > 0 else float("nan")


@dataclass(frozen=True, slots=True)
class Icc:
    """Intraclass correlations of Shrout and Fleiss, two-way models."""

    agreement_single: float  # ICC(2,1): raters are a sample, absolute agreement
    agreement_mean: float  # ICC(2,k)
    consistency_single: float  # ICC(3,1): these raters only, consistency
    consistency_mean: float  # ICC(3,k)


def intraclass_correlation(scores: Floats) -> Icc:
    """Of (items, raters) scores without gaps.

    Raises StatisticsError for fewer than two items or raters, or values not finite.
    """
    x = np.asarray(scores, dtype=np.float64)
    if x.ndim != 2 or min(x.shape) < 2 or not np.isfinite(x).all():
        raise StatisticsError("intraclass correlation needs two or more items and raters, and no gaps")
    n, k = x.shape
    grand = x.mean()
    rows = k * ((x.mean(axis=1) - grand) ** 2).sum() / (n - 1)
    columns = n * ((x.mean(axis=0) - grand) ** 2).sum() / (k - 1)
    rest = ((x - x.mean(axis=1, keepdims=True) - x.mean(axis=0) + grand) ** 2).sum() / ((n - 1) * (k - 1))
    return Icc(
        agreement_single=float((rows - rest) / (rows + (k - 1) * rest + k * (columns - rest) / n)),
        agreement_mean=float((rows - rest) / (rows + (columns - rest) / n)),
        consistency_single=float((rows - rest) / (rows + (k - 1) * rest)),
        consistency_mean=float((rows - rest) / rows),
    )


def _rated(counts: NDArray[np.integer]) -> tuple[Floats, float]:
    table = np.asarray(counts, dtype=np.float64)
    raters = table.sum(axis=1) if table.ndim == 2 else np.zeros(0)
    if not len(raters) or raters[0] < 2 or (raters != raters[0]).any():
        raise StatisticsError("every item needs the same number of raters, at least two")
    return table, float(raters[0])


def _distance(values: Floats, share: Floats, metric: Metric) -> Floats:
    if metric == "ordinal":
        values = np.cumsum(share) - share / 2
    apart: Floats = (values[:, None] - values[None, :]) ** 2
    return (apart > 0).astype(np.float64) if metric == "nominal" else apart
