"""Ratings of the same items by many raters, each of whom rated few: what is there is held, and no matrix of the rest.

33,000 votes of 13,000 people on as many battles are 33,000 numbers here, and 3.4 GB as a matrix (items, raters).
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from judgebench.stats.verdict_table import Floats

__all__ = ["SparseRatings"]


@dataclass(frozen=True, slots=True, eq=False)
class SparseRatings:
    """r ratings of m items, by item and then by rater; a rater gives an item one at most."""

    items: int
    raters: int
    item: NDArray[np.intp]  # (r,)
    rater: NDArray[np.intp]  # (r,)
    value: Floats  # (r,)

    @classmethod
    def means(
        cls, item: NDArray[np.intp], rater: NDArray[np.intp], value: Floats, *, items: int, raters: int
    ) -> "SparseRatings":
        """Where a rater rates an item several times, the mean of that."""
        width = max(raters, 1)
        cells, place = np.unique(item.astype(np.int64) * width + rater, return_inverse=True)
        mean = np.bincount(place, weights=value, minlength=len(cells)) / np.bincount(place, minlength=len(cells))
        return cls(items, raters, (cells // width).astype(np.intp), (cells % width).astype(np.intp), mean)

    @classmethod
    def of(cls, matrix: Floats) -> "SparseRatings":
        """Of a matrix (items, raters), NaN where a rater was silent."""
        item, rater = np.nonzero(np.isfinite(matrix))
        return cls(matrix.shape[0], matrix.shape[1], item, rater, matrix[item, rater])

    def __len__(self) -> int:
        return len(self.item)

    @property
    def given(self) -> NDArray[np.intp]:
        """(m,) how many ratings each item has."""
        return np.bincount(self.item, minlength=self.items)

    @property
    def mean(self) -> Floats:
        """(m,) of each item's ratings; NaN where it has none."""
        given, total = self.given, np.bincount(self.item, weights=self.value, minlength=self.items)
        mean: Floats = np.where(given > 0, total / np.maximum(given, 1), np.nan)
        return mean

    def valued(self, value: Floats) -> "SparseRatings":
        """With other values (r,) in place of these."""
        return replace(self, value=value)

    def counts(self, categories: int) -> NDArray[np.intp]:
        """(m, categories) how many raters gave each item each category; values are codes below ``categories``."""
        cell = self.item * categories + self.value.astype(np.intp)
        return np.bincount(cell, minlength=self.items * categories).reshape(self.items, categories)

    def by_rater(self, least: int) -> list[NDArray[np.intp]]:
        """The places of the ratings of each rater with ``least`` or more, in the order of raters."""
        order = np.argsort(self.rater, kind="stable")
        ends = np.cumsum(np.bincount(self.rater, minlength=self.raters))
        return [rows for rows in np.split(order, ends[:-1]) if len(rows) >= least]

    def packed(self, rows: NDArray[np.bool_]) -> Floats:
        """The items chosen by ``rows`` (m,) as a matrix for coefficients that count ratings or need every rater.

        Each item's ratings stand at the left, in the order of raters. Where no item has a rating by every rater, the
        last column is empty, so that what needs them all is told that nothing has.
        """
        number = np.cumsum(rows) - 1
        kept = rows[self.item]
        item, value = number[self.item[kept]], self.value[kept]
        given = np.bincount(item, minlength=int(rows.sum()))
        width = int(given.max(initial=0))
        place = np.arange(len(item)) - (np.cumsum(given) - given)[item]
        matrix = np.full((len(given), width + (width < self.raters)), np.nan)
        matrix[item, place] = value
        return matrix
