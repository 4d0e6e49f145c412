"""Sums of scores by cluster, and the middle of a cluster-robust covariance.

Verdicts on one instruction share what is odd about it, verdicts by one judge share its taste. A sandwich covariance
sums scores inside each cluster before squaring (Liang and Zeger 1986), with the factor G / (G - 1) for G clusters;
two-way clustering adds both one-way middles and subtracts the middle of their intersection (Cameron, Gelbach and
Miller 2011, equation 2.11), projected to the nearest positive semi-definite matrix.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from judgebench.errors import StatisticsError
from judgebench.stats.table import Codes, Floats, VerdictTable

Clustering = Literal["instruction", "judge", "both", "verdict"]


def meat_of_rows(table: VerdictTable, residual: Floats, part: Codes, cluster: Clustering) -> Floats:
    """(k, k) sum over clusters of the outer products of their scores, for scores ``residual`` * (e_a - e_b).

    ``part`` (k,) labels models that are fitted together; the factor counts the clusters of each part by itself.
    Raises StatisticsError for an unknown ``cluster``.
    """
    if cluster == "both":
        pairs = table.instruction.astype(np.int64) * max(len(table.judges), 1) + table.judge
        codes = [table.instruction, table.judge, np.unique(pairs, return_inverse=True)[1]]
        one, other, shared = (_meat(table, residual, part, code) for code in codes)
        return positive_part(one + other - shared)
    if cluster == "instruction":
        return _meat(table, residual, part, table.instruction)
    if cluster == "judge":
        return _meat(table, residual, part, table.judge)
    if cluster == "verdict":
        return _meat(table, residual, part, np.arange(len(table)))
    raise StatisticsError(f"cluster must be 'instruction', 'judge', 'both' or 'verdict', not {cluster!r}")


def positive_part(matrix: Floats) -> Floats:
    """The nearest positive semi-definite matrix, negative eigenvalues set to 0; NaN rows are left alone."""
    defined = np.isfinite(np.diag(matrix))
    values, vectors = np.linalg.eigh(matrix[np.ix_(defined, defined)])
    projected = matrix.copy()
    projected[np.ix_(defined, defined)] = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return projected


def _meat(table: VerdictTable, residual: Floats, part: Codes, code: NDArray[np.integer]) -> Floats:
    clusters, k = int(code.max(initial=-1)) + 1, len(table.models)
    sums = _score_sums(table, residual, code, clusters)
    factor = np.sqrt(_factors(part, part[table.model_a], code, clusters))
    meat = sums.T @ sums
    dense: Floats = meat.toarray() if isinstance(meat, csr_array) else meat
    return dense.reshape(k, k) * factor[:, None] * factor[None, :]


def _score_sums(table: VerdictTable, residual: Floats, code: NDArray[np.integer], clusters: int) -> Floats | csr_array:
    """(clusters, k), dense where most of it is filled."""
    k = len(table.models)
    if clusters * k <= 4 * len(table) + 1_000_000:
        base = code.astype(np.int64) * k
        size = clusters * k
        plus = np.bincount(base + table.model_a, weights=residual, minlength=size)
        return (plus - np.bincount(base + table.model_b, weights=residual, minlength=size)).reshape(clusters, k)
    rows = np.concatenate([code, code])
    columns = np.concatenate([table.model_a, table.model_b])
    return csr_array((np.concatenate([residual, -residual]), (rows, columns)), shape=(clusters, k))


def _factors(part: Codes, part_of_row: Codes, code: NDArray[np.integer], clusters: int) -> Floats:
    """(k,) G / (G - 1) for the G clusters inside each model's part; NaN where G is 1, 1 where nothing is inside."""
    parts = int(part.max(initial=-1)) + 1
    seen = np.zeros((parts + 1, clusters), dtype=bool)
    seen[part_of_row, code] = True
    g = seen.sum(axis=1)[part].astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(g > 1, g / (g - 1), np.where(g == 1, np.nan, 1.0))
