"""Sums of scores by cluster, and the middle of a cluster-robust covariance.

Verdicts on one instruction share what is odd about it, verdicts by one judge share its taste. A sandwich covariance
sums scores inside each cluster before squaring (Liang and Zeger 1986), with the factor G / (G - 1) for G clusters;
two-way clustering adds both one-way middles and subtracts the middle of their intersection (Cameron, Gelbach and
Miller 2011, equation 2.11), projected to the nearest positive semi-definite matrix.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from judgebench.errors import StatisticsError
from judgebench.stats.method import Cluster
from judgebench.stats.verdict_table import Codes, Floats, VerdictTable


def meat_of_rows(
    table: VerdictTable, residual: Floats, part: Codes, cluster: Cluster, *, extra: Floats | None = None
) -> Floats:
    """(p, p) sum over clusters of the outer products of their scores; p = k, or k + e with ``extra`` scores (n, e).

    A row's score is ``residual`` * (e_a - e_b), followed by its ``extra``. ``part`` (k,) labels models that are fitted
    together; the factor counts the clusters of each part by itself, and all clusters for the extra scores.
    Raises StatisticsError for an unknown ``cluster``.
    """
    more = np.zeros((len(table), 0)) if extra is None else extra
    rows = _Rows(table, residual, more, part)
    if cluster == "both":
        pairs = table.instruction.astype(np.int64) * max(len(table.judges), 1) + table.judge
        codes = [table.instruction, table.judge, np.unique(pairs, return_inverse=True)[1]]
        one, other, shared = (rows.meat(code) for code in codes)
        return positive_part(one + other - shared)
    if cluster == "instruction":
        return rows.meat(table.instruction)
    if cluster == "judge":
        return rows.meat(table.judge)
    if cluster == "verdict":
        return rows.meat(np.arange(len(table)))
    raise StatisticsError(f"cluster must be 'instruction', 'judge', 'both' or 'verdict', not {cluster!r}")


def positive_part(matrix: Floats) -> Floats:
    """The nearest positive semi-definite matrix, negative eigenvalues set to 0; NaN rows are left alone."""
    defined = np.isfinite(np.diag(matrix))
    values, vectors = np.linalg.eigh(matrix[np.ix_(defined, defined)])
    projected = matrix.copy()
    projected[np.ix_(defined, defined)] = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return projected


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    table: VerdictTable
    residual: Floats  # (n,)
    extra: Floats  # (n, e)
    part: Codes  # (k,)

    def meat(self, code: NDArray[np.integer]) -> Floats:
        clusters = int(code.max(initial=-1)) + 1
        sums = self._score_sums(code, clusters)
        factor = np.sqrt(self._factors(code, clusters))
        meat = sums.T @ sums
        dense: Floats = meat.toarray() if isinstance(meat, csr_array) else meat
        return dense * factor[:, None] * factor[None, :]

    def _score_sums(self, code: NDArray[np.integer], clusters: int) -> Floats | csr_array:
        """(clusters, k + e), dense where most of it is filled."""
        k, e = len(self.table.models), self.extra.shape[1]
        a, b, residual = self.table.model_a, self.table.model_b, self.residual
        if clusters * (k + e) <= 4 * len(self.table) + 1_000_000:
            base, size = code.astype(np.int64) * k, clusters * k
            plus = np.bincount(base + a, weights=residual, minlength=size)
            scores = (plus - np.bincount(base + b, weights=residual, minlength=size)).reshape(clusters, k)
            more = [np.bincount(code, weights=column, minlength=clusters) for column in self.extra.T]
            return np.column_stack([scores, *more]) if more else scores
        each = [np.full(len(code), k + j) for j in range(e)]
        rows, columns = np.tile(code, 2 + e), np.concatenate([a, b, *each])
        values = np.concatenate([residual, -residual, *self.extra.T])
        return csr_array((values, (rows, columns)), shape=(clusters, k + e))

    def _factors(self, code: NDArray[np.integer], clusters: int) -> Floats:
        """(k + e,) G / (G - 1) for the G clusters that count; NaN where G is 1, 1 where there is none."""
        parts = int(self.part.max(initial=-1)) + 1
        seen = np.zeros((parts + 1, clusters), dtype=bool)
        seen[self.part[self.table.model_a], code] = True
        everywhere = np.full(self.extra.shape[1], seen.any(axis=0).sum())
        g = np.concatenate([seen.sum(axis=1)[self.part], everywhere]).astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(g > 1, g / (g - 1), np.where(g == 1, np.nan, 1.0))
