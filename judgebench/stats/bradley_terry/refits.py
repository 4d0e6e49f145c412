"""Bradley-Terry ratings of the same battles under many weights at once.

All resamples share the information matrix of the point fit (chord Newton): one factorisation serves every step of
every resample. What has not settled after a few steps, and every graph with models to be placed, is refitted in full.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csr_array
from scipy.special import expit

from judgebench.stats.bradley_terry import fit_within_parts, refit
from judgebench.stats.bradley_terry.separation import Connectivity, Layer, connectivity, plan
from judgebench.stats.verdict_table import Floats, PairCounts, VerdictTable

_STEPS = 25


_SETTLED = 1e-7  # natural log-odds; 2e-5 of an Elo point


@dataclass(frozen=True, eq=False)
class Refits:
    """The point fit, and its pairs of models in the order in which resamples give their sums."""

    models: tuple[str, ...]
    graph: Connectivity
    layers: tuple[Layer, ...]
    theta: Floats  # (k,) of the point fit; 0 for a model without a battle
    factor: tuple[Floats, bool]  # of its information
    first: NDArray[np.intp]  # (pairs,) smaller code
    second: NDArray[np.intp]  # (pairs,)

    @classmethod
    def of(cls, counts: PairCounts, table: VerdictTable | None = None) -> "Refits":
        graph = connectivity(counts.wins, counts.verdicts)
        point = fit_within_parts(counts, graph)
        first, second = np.nonzero(np.triu(counts.verdicts, 1))
        factor = cho_factor(point.likelihood.derivatives(point.theta)[1], lower=True)
        return cls(counts.models, graph, plan(counts.verdicts > 0, graph, table), point.theta, factor, first, second)

    def pair_of(self, first: NDArray[np.integer], second: NDArray[np.integer]) -> NDArray[np.intp]:
        """The column of each pair of codes, the smaller one first."""
        k = len(self.models)
        return np.searchsorted(self.first * k + self.second, first.astype(np.int64) * k + second)

    def ratings(self, won: Floats, met: Floats) -> Floats:
        """(b, k) ratings from (b, pairs) summed preferences for each pair's first model, and weights of verdicts."""
        if self.layers:
            return np.array([self._in_full(w, n) for w, n in zip(won, met, strict=True)])
        pairs = np.arange(len(self.first))
        ends = np.concatenate([self.first, self.second])
        signs = np.concatenate([np.ones(len(pairs)), -np.ones(len(pairs))])
        incidence = csr_array((signs, (np.concatenate([pairs, pairs]), ends)), shape=(len(pairs), len(self.models)))
        theta = np.tile(self.theta, (len(won), 1))
        moving = np.arange(len(won))
        for _ in range(_STEPS):
            gaps = theta[moving][:, self.first] - theta[moving][:, self.second]
            gradient = (won[moving] - met[moving] * expit(gaps)) @ incidence
            step = cho_solve(self.factor, gradient.T).T
            theta[moving] += step
            moving = moving[np.abs(step).max(axis=1) > _SETTLED]
            if not len(moving):
                break
        for row in moving:
            theta[row] = self._in_full(won[row], met[row])
        theta[:, self.graph.part < 0] = np.nan
        return theta

    def _in_full(self, won: Floats, met: Floats) -> Floats:
        wins, verdicts = np.zeros((2, len(self.models), len(self.models)))
        wins[self.first, self.second], wins[self.second, self.first] = won, met - won
        verdicts[self.first, self.second] = verdicts[self.second, self.first] = met
        counts = PairCounts(self.models, wins, np.zeros_like(wins), verdicts)
        return refit(counts, self.graph, self.theta, self.layers)
