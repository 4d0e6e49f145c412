"""Every coefficient of agreement of the same raters on the same items, each with its interval.

The formulas are ``agreement``'s; which to read is the reader's choice. Preferences become three outcomes: A, tie, B.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np

from judgebench.bias import agreement
from judgebench.bias.agreement import outcomes
from judgebench.bias.figure import Clusters, Figure, bounded_mean, unidentified
from judgebench.stats.table import Floats


@dataclass(frozen=True, slots=True)
class Coefficients:
    """Agreement of raters on the same items: of two, or of all that rated."""

    raw: Figure  # share of items with the same outcome of three
    decided: Figure  # the same among items on which both name a winner
    cohen: Figure  # of two raters only
    weighted: Figure  # Cohen's, a tie half as far as the opposite winner (linear)
    fleiss: Figure  # needs as many ratings on each item
    ac1: Figure
    krippendorff: Figure
    icc: Figure  # of the preferences as numbers, absolute agreement of one rater, ICC(2,1)


@dataclass(frozen=True, slots=True)
class Resampling:
    """Of the intervals that no formula gives."""

    level: float = 0.95
    resamples: int = 400
    seed: int = 0

    def figure(self, statistic: "partial[float]", ratings: Floats, clusters: Clusters) -> Figure:
        rng = np.random.default_rng(self.seed)
        return agreement.agreement(statistic, ratings, clusters, rng=rng, level=self.level, resamples=self.resamples)


def coefficients(preference: Floats, clusters: Clusters, how: Resampling) -> Coefficients:
    """Of preferences (m, raters) for A in [0, 1], NaN where a rater was silent."""
    said = outcomes(preference)
    two = said.shape[1] == 2
    decided = np.where(said == 1, np.nan, said)
    not_two = unidentified("it is for two raters", level=how.level)
    only = partial(how.figure, ratings=said, clusters=clusters)
    return Coefficients(
        raw=_share_alike(said, clusters, how.level),
        decided=_share_alike(decided, clusters, how.level),
        cohen=only(partial(agreement.cohen_kappa)) if two else not_two,
        weighted=only(partial(agreement.cohen_kappa, weights="linear")) if two else not_two,
        fleiss=only(partial(agreement.fleiss_kappa)),
        ac1=only(partial(agreement.gwet_ac1, categories=len(np.unique(said[np.isfinite(said)])))),
        krippendorff=only(partial(agreement.krippendorff_alpha)),
        icc=how.figure(partial(agreement.icc), preference, clusters),
    )


def _share_alike(said: Floats, clusters: Clusters, level: float) -> Figure:
    """Mean over items of the share of pairs of raters that agree, as ``agreement.raw_agreement``."""
    counts = np.column_stack([(said == outcome).sum(axis=1) for outcome in (0, 1, 2)])
    raters = counts.sum(axis=1)
    known = raters > 1
    if not known.any():
        return unidentified("no battle has an outcome by two raters", level=level)
    alike = (counts * (counts - 1)).sum(axis=1)[known] / (raters * (raters - 1))[known]
    return bounded_mean(alike, clusters[known], level=level)


def no_coefficients(reason: str, level: float) -> Coefficients:
    """None of them identified, for one reason."""
    return Coefficients(*(unidentified(reason, level=level),) * 8)
