"""Verdicts summed by instruction and pair of models: all that ratings, win rates and their errors by instruction need.

Rows are added some hundred thousand at a time, and sums are read an instruction after the other, so that beside the
table itself, and two numbers a cell, there is little to hold, however many verdicts there are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from judgebench.stats.verdict_table import Codes, Floats, PairCounts, VerdictTable

__all__ = ["Cells", "Grid", "PairSums"]
Counts = NDArray[np.int64]
_CELLS = 1 << 18  # read at a time
_ROOM = 1_000_000  # cells for which there is always room
_FILLED = 1_000_000  # likewise sums by instruction and model


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """c cells with a verdict, ordered by instruction, then by pair, of all instructions. Values are (c,) one a cell."""

    rows: slice  # the instructions
    won: Floats  # (c,) summed preference for the pair's first model
    met: NDArray[np.int32]  # (c,) number of verdicts, at least 1
    row: NDArray[np.int64]  # (c,) the instruction's place among ``rows``
    pair: NDArray[np.int64]  # (c,) into the sums' ``first`` and ``second``
    sides: tuple[NDArray[np.int64], NDArray[np.int64]]  # (p,) each pair's first model, and its second
    models: int

    def spread(self, of_pair: NDArray[Any]) -> NDArray[Any]:
        """Of p values each cell's."""
        return of_pair[self.pair]

    def by_model(self, side: int, values: NDArray[Any]) -> Floats | csr_array:
        """(rows, k) summed values of the cells in which a model is the first (side 0), or the second (1); dense
        where most of it is filled."""
        rows, model = self.rows.stop - self.rows.start, self.sides[side][self.pair]
        if rows * self.models > 4 * len(values) + _FILLED:
            return csr_array((values.astype(np.float64), (self.row, model)), shape=(rows, self.models))
        cell = self.row * self.models + model
        sums: Floats = np.bincount(cell, values, rows * self.models).astype(np.float64, copy=False)
        return sums.reshape(rows, self.models)

    def by_pair(self, values: NDArray[Any]) -> Floats:
        """(p,) summed values."""
        sums: Floats = np.bincount(self.pair, values, len(self.sides[0])).astype(np.float64, copy=False)
        return sums

    def instructions(self, group: Codes, groups: int) -> Counts:
        """(groups,) of how many instructions there is a verdict on a pair of the group; ``group`` (p,), -1: of none."""
        seen = np.zeros((groups + 1, self.rows.stop - self.rows.start), dtype=np.bool_)
        seen[group[self.pair], self.row] = True
        return np.asarray(seen[:-1].sum(axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """All cells of r instructions that follow each other, pair by pair. Values are (p, r), 0 where is no verdict."""

    rows: slice  # the instructions
    won: Floats  # (p, r) summed preference for the pair's first model
    met: NDArray[np.int32]  # (p, r) number of verdicts
    incidence: tuple[csr_array, csr_array]  # (k, p) 1 where a model is a pair's first, and its second

    def spread(self, of_pair: NDArray[Any]) -> NDArray[Any]:
        """Of p values each cell's."""
        return of_pair[:, None]

    def by_model(self, side: int, values: NDArray[Any]) -> Floats:
        """(r, k) summed values of the cells in which a model is the first (side 0), or the second (1)."""
        return np.ascontiguousarray((self.incidence[side] @ values).T)

    def by_pair(self, values: NDArray[Any]) -> Floats:
        """(p,) summed values."""
        return np.asarray(values.sum(axis=1))

    def instructions(self, group: Codes, groups: int) -> Counts:
        """(groups,) of how many instructions there is a verdict on a pair of the group; ``group`` (p,), -1: of none."""
        met = (self.met if (group == number).all() else self.met[group == number] for number in range(groups))
        return np.array([of_group.any(axis=0).sum() for of_group in met], dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class PairSums:
    """Of p pairs of models that met, the first the one with the smaller code; pairs are ordered by both codes."""

    models: tuple[str, ...]
    instructions: int
    first: NDArray[np.int64]  # (p,)
    second: NDArray[np.int64]  # (p,)
    squares: Floats  # (p,) summed squares of the preference for the first
    number: NDArray[np.int64] | None  # (c,) instruction * p + pair of the cells held, in order; None: all there may be
    won: Floats  # (c,) as of ``Cells``
    met: NDArray[np.int32]  # (c,) 0 where there is no verdict

    @classmethod
    def of(cls, table: VerdictTable) -> "PairSums":
        pair_of = _pairs_met(table)
        first, second = np.nonzero(np.triu(pair_of >= 0, 1))
        size = len(table.instructions) * len(first)
        number = None if size <= 4 * len(table) + _ROOM else np.unique(_cell_of_rows(table, pair_of))
        won, squares = np.zeros(size if number is None else len(number)), np.zeros(len(first))
        met = np.zeros(len(won), dtype=np.int32)
        for part in table.parts():
            pair = _pair_of_rows(part, pair_of)
            toward_first = np.where(part.model_a < part.model_b, part.preference, 1.0 - part.preference)
            squares += np.bincount(pair, toward_first**2, len(first))
            cell = part.instruction * np.int64(len(first)) + pair
            cell = cell if number is None else np.searchsorted(number, cell)
            np.add.at(won, cell, toward_first)
            np.add.at(met, cell, np.int32(1))
        return cls(table.models, len(table.instructions), first, second, squares, number, won, met)

    def cells(self) -> Iterator[Cells | Grid]:
        """All cells with a verdict, some instructions at a time."""
        pairs = len(self.first)
        if pairs and self.number is not None:
            row, pair = np.divmod(self.number, pairs)
            sides = self.first, self.second
            yield Cells(slice(0, self.instructions), self.won, self.met, row, pair, sides, len(self.models))
        elif pairs:
            incidence = _incidence(self.first, len(self.models)), _incidence(self.second, len(self.models))
            won, met = self.won.reshape(-1, pairs), self.met.reshape(-1, pairs)
            step = max(_CELLS // pairs, 1)
            for start in range(0, self.instructions, step):
                rows = slice(start, min(start + step, self.instructions))
                yield Grid(rows, won[rows].T.copy(), met[rows].T.copy(), incidence)

    def counts(self) -> PairCounts:
        """Over all instructions."""
        k, pairs = len(self.models), len(self.first)
        if self.number is None:
            won, met = (sums.reshape(self.instructions, pairs).sum(axis=0) for sums in (self.won, self.met))
        else:
            won, met = (np.bincount(self.number % pairs, sums, pairs) for sums in (self.won, self.met))
        wins, squares, verdicts = np.zeros((3, k, k))
        both = (self.first, self.second), (self.second, self.first)
        wins[both[0]], wins[both[1]] = won, met - won
        squares[both[0]], squares[both[1]] = self.squares, met - 2 * won + self.squares
        verdicts[both[0]] = verdicts[both[1]] = met
        return PairCounts(self.models, wins, squares, verdicts)

    def effective_instructions(self) -> Floats:
        """(k,) instructions that would tell as much if each held as many of a model's verdicts: Kish's number."""
        total, squares = np.zeros((2, len(self.models)))
        for cells in self.cells():
            met = cells.by_model(0, cells.met) + cells.by_model(1, cells.met)
            total += met.sum(axis=0)
            squares += (met * met).sum(axis=0)
        effective: Floats = total**2 / np.maximum(squares, 1.0)
        return effective


def dense(values: Floats | csr_array) -> Floats:
    return values.toarray() if isinstance(values, csr_array) else values


def _incidence(side: NDArray[np.int64], models: int) -> csr_array:
    """(k, p) 1 where a model is on this side of a pair."""
    ends = np.cumsum(np.bincount(side, minlength=models))
    order = np.argsort(side, kind="stable")
    return csr_array((np.ones(len(side)), order, np.append(0, ends)), shape=(models, len(side)))


def _pairs_met(table: VerdictTable) -> NDArray[np.int64]:
    """(k, k) the number of each pair that met, the same on both sides; -1 where there is none."""
    k = len(table.models)
    met = np.zeros((k, k), dtype=np.bool_)
    for part in table.parts():
        met.ravel()[part.model_a * np.int64(k) + part.model_b] = True
    first, second = np.nonzero(np.triu(met | met.T, 1))
    pair_of = np.full((k, k), -1)
    pair_of[first, second] = pair_of[second, first] = np.arange(len(first))
    return pair_of


def _pair_of_rows(part: VerdictTable, pair_of: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,)"""
    pair: NDArray[np.int64] = pair_of.ravel()[part.model_a * np.int64(len(pair_of)) + part.model_b]
    return pair


def _cell_of_rows(part: VerdictTable, pair_of: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) instruction * p + pair of each row."""
    cell: NDArray[np.int64] = part.instruction * (pair_of.max(initial=-1) + 1) + _pair_of_rows(part, pair_of)
    return cell
