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
        number = None if size <= 4 * len(table) + _ROOM else np.unique(_cell_of_rows(table, pair_of))
        won, squares = np.zeros(size if number is None else len(number)), np.zeros(len(first))
        met = np.zeros(len(won), dtype=np.int32)
        for part in table.parts():
            cell = _cell_of_rows(part, pair_of)
            toward_first = np.where(part.model_a < part.model_b, part.preference, 1.0 - part.preference)
            squares += np.bincount(cell % max(len(first), 1), weights=toward_first**2, minlength=len(first))
            cell = cell if number is None else np.searchsorted(number, cell)
            np.add.at(won, cell, toward_first)
            np.add.at(met, cell, np.int32(1))
        return cls(table.models, len(table.instructions), first, second, squares, number, won, met)

    def cells(self) -> Iterator[Cells]:
        """All cells with a verdict, some instructions at a time."""
        pairs = len(self.first)
        if pairs and self.number is not None:
            yield Cells(*np.divmod(self.number, pairs), self.won, self.met)
        elif pairs:
            step = max(_CELLS // pairs, 1)
            for start in range(0, self.instructions, step):
                yield from self._cells_from(start, min(start + step, self.instructions))

    def _cells_from(self, start: int, stop: int) -> Iterator[Cells]:
        """Of the instructions from ``start``, where all cells are held; nothing where none has a verdict."""
        pairs = len(self.first)
        held = slice(start * pairs, stop * pairs)
        instruction, pair = np.repeat(np.arange(start, stop), pairs), np.tile(np.arange(pairs), stop - start)
        cells, there = Cells(instruction, pair, self.won[held], self.met[held]), self.met[held] > 0
        if there.all():
            yield cells
        elif there.any():
            yield Cells(instruction[there], pair[there], cells.won[there], cells.met[there])

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


def _cell_of_rows(part: VerdictTable, pair_of: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) instruction * p + pair of each row."""
    pairs = pair_of.max(initial=-1) + 1
    cell: NDArray[np.int64] = part.instruction * pairs + pair_of[part.model_a, part.model_b]
    return cell
