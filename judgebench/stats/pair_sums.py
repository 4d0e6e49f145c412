"""Verdicts summed by instruction and pair of models: all that ratings, win rates and their errors by instruction need.

Rows are added some hundred thousand at a time, and sums are read an instruction after the other, so that beside the
table itself, and two numbers a cell, there is little to hold, however many verdicts there are.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from judgebench.stats.verdict_table import Floats, PairCounts, VerdictTable

__all__ = ["Cells", "PairSums"]
_CELLS = 1 << 18  # read at a time
_ROOM = 1_000_000  # cells for which there is always room


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """c cells with a verdict, ordered by instruction, then by pair; of an instruction all are here, or none is."""

    instruction: NDArray[np.int64]  # (c,)
    pair: NDArray[np.int64]  # (c,) into the sums' ``first`` and ``second``
    won: Floats  # (c,) summed preference for the pair's first model
    met: NDArray[np.int32]  # (c,) number of verdicts, at least 1


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
        sums = _dense(table, pair_of, size) if size <= 4 * len(table) + _ROOM else _sparse(table, pair_of, len(first))
        squares = np.zeros(len(first))
        for part in table.parts():
            pair, toward_first = _of_rows(part, pair_of)
            squares += np.bincount(pair, weights=toward_first**2, minlength=len(first))
        return cls(table.models, len(table.instructions), first, second, squares, *sums)

    def cells(self) -> Iterator[Cells]:
        """All cells with a verdict, some instructions at a time."""
        pairs = len(self.first)
        step = max(_CELLS // max(pairs, 1), 1) * pairs if self.number is None else len(self.met)
        for start in range(0, len(self.met), max(step, 1)):
            there = np.flatnonzero(self.met[start : start + step]) + start
            if len(there):
                number = there if self.number is None else self.number[there]
                instruction, pair = np.divmod(number, pairs)
                yield Cells(instruction, pair, self.won[there], self.met[there])

    def counts(self) -> PairCounts:
        """Over all instructions."""
        k, pairs = len(self.models), len(self.first)
        won, met = np.zeros((2, pairs))
        for cells in self.cells():
            won += np.bincount(cells.pair, weights=cells.won, minlength=pairs)
            met += np.bincount(cells.pair, weights=cells.met, minlength=pairs)
        wins, squares, verdicts = np.zeros((3, k, k))
        both = (self.first, self.second), (self.second, self.first)
        wins[both[0]], wins[both[1]] = won, met - won
        squares[both[0]], squares[both[1]] = self.squares, met - 2 * won + self.squares
        verdicts[both[0]] = verdicts[both[1]] = met
        return PairCounts(self.models, wins, squares, verdicts)

    def effective_instructions(self) -> Floats:
        """(k,) instructions that would tell as much if each held as many of a model's verdicts: Kish's number."""
        k = len(self.models)
        total, squares = np.zeros((2, k))
        for cells in self.cells():
            row, rows = _own_rows(cells.instruction)
            met = sum(
                np.bincount(row * k + side[cells.pair], weights=cells.met, minlength=rows * k)
                for side in (self.first, self.second)
            )
            by_model = np.reshape(met, (rows, k))
            total += by_model.sum(axis=0)
            squares += (by_model**2).sum(axis=0)
        effective: Floats = total**2 / np.maximum(squares, 1.0)
        return effective


def _own_rows(instruction: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """(c,) instructions, which are in order, as 0, 1, ...; and how many they are."""
    row = np.cumsum(np.diff(instruction, prepend=instruction[:1]) > 0, dtype=np.int64)
    return row, int(row[-1]) + 1


def _pairs_met(table: VerdictTable) -> NDArray[np.int64]:
    """(k, k) the number of each pair that met, the same on both sides; -1 where there is none."""
    k = len(table.models)
    met = np.zeros((k, k), dtype=np.bool_)
    for part in table.parts():
        met[part.model_a, part.model_b] = True
    first, second = np.nonzero(np.triu(met | met.T, 1))
    pair_of = np.full((k, k), -1)
    pair_of[first, second] = pair_of[second, first] = np.arange(len(first))
    return pair_of


def _of_rows(part: VerdictTable, pair_of: NDArray[np.int64]) -> tuple[NDArray[np.int64], Floats]:
    """(n,) the pair of each row, and its preference for the pair's first model."""
    toward_first = np.where(part.model_a < part.model_b, part.preference, 1.0 - part.preference)
    return pair_of[part.model_a, part.model_b], toward_first


def _dense(table: VerdictTable, pair_of: NDArray[np.int64], size: int) -> tuple[None, Floats, NDArray[np.int32]]:
    """``number``, ``won`` and ``met`` where every cell is held."""
    won, met, pairs = np.zeros(size), np.zeros(size, dtype=np.int32), int(pair_of.max(initial=-1)) + 1
    for part in table.parts():
        pair, toward_first = _of_rows(part, pair_of)
        cell = part.instruction * np.int64(pairs) + pair
        np.add.at(won, cell, toward_first)
        np.add.at(met, cell, np.int32(1))
    return None, won, met


def _sparse(
    table: VerdictTable, pair_of: NDArray[np.int64], pairs: int
) -> tuple[NDArray[np.int64], Floats, NDArray[np.int32]]:
    """The same where only cells with a verdict are held."""
    pair, toward_first = _of_rows(table, pair_of)
    rows: NDArray[np.int64] = table.instruction * np.int64(pairs) + pair
    number, cell = np.unique(rows, return_inverse=True)
    met = np.bincount(cell, minlength=len(number)).astype(np.int32)
    won = np.bincount(cell, weights=toward_first, minlength=len(number)).astype(np.float64)
    return number, won, met
