"""Verdicts as aligned arrays: the one bridge from records to numpy.

Only verdicts with a preference are here; what has none is counted elsewhere and never becomes a number.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from judgebench.errors import StatisticsError

Codes = NDArray[np.int32]
Floats = NDArray[np.float64]
_NONE = np.zeros(0, dtype=np.int32)
_DENSE = 1 << 16  # codes for which there is always room to count each
_PART = 1 << 18  # rows worked on at a time, so that intermediate results stay small


@dataclass(frozen=True, slots=True, eq=False)
class VerdictTable:
    """n pairwise verdicts in columns. Codes index the name tuples, which are sorted and may hold unused names."""

    models: tuple[str, ...]
    instructions: tuple[str, ...]  # instruction keys
    judges: tuple[str, ...]
    model_a: Codes  # (n,)
    model_b: Codes  # (n,), never equal to model_a
    instruction: Codes  # (n,) the resampling unit
    judge: Codes  # (n,)
    order: NDArray[np.int8]  # (n,) 0: A shown first, 1: B shown first, -1: not known
    preference: Floats  # (n,) degree to which A is preferred, in [0, 1]; exactly 0.5 is a tie
    length_a: Codes  # (n,) characters
    length_b: Codes  # (n,) characters
    arrival: Codes | None = (
        None  # codes of all instructions in the order of their benchmark; None: not known, or a part
    )
    samples: Codes | None = None  # (n, 2) which of A's outputs to the instruction, and of B's; None: there is one each
    judge_models: tuple[str, ...] | None = None  # the LLM that each of ``judges`` asks; None: nobody looked

    def __len__(self) -> int:
        return len(self.preference)

    def select(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> "VerdictTable":
        """The table of these rows, under the same names and codes; of all of them, this table."""
        if rows.dtype == np.bool_ and rows.all():
            return self
        return self._rows(rows)

    def parts(self) -> Iterator["VerdictTable"]:
        """All rows, in order, some at a time and without a copy: for sums that take several numbers a row."""
        if len(self) <= _PART:
            yield self
            return
        for start in range(0, len(self), _PART):
            yield self._rows(slice(start, start + _PART))

    def _rows(self, rows: NDArray[np.bool_] | NDArray[np.intp] | slice) -> "VerdictTable":
        return replace(
            self,
            model_a=self.model_a[rows],
            model_b=self.model_b[rows],
            instruction=self.instruction[rows],
            judge=self.judge[rows],
            order=self.order[rows],
            preference=self.preference[rows],
            length_a=self.length_a[rows],
            length_b=self.length_b[rows],
            samples=None if self.samples is None else self.samples[rows],
        )

    def among(self, models: Collection[str]) -> "VerdictTable":
        """The rows of battles between these models, under the same names and codes."""
        inside = np.array([name in models for name in self.models], dtype=bool)
        return self if inside.all() else self.select(inside[self.model_a] & inside[self.model_b])

    def about(self, models: Collection[str]) -> "VerdictTable":
        """The rows of battles of any of these models, under the same names and codes."""
        one = np.array([name in models for name in self.models], dtype=bool)
        return self.select(one[self.model_a] | one[self.model_b])

    def met(self) -> "VerdictTable":
        """The same rows, of models by name only those that occur in them."""
        codes = occurring(self.model_a, self.model_b)
        place = np.zeros(len(self.models), dtype=np.int32)
        place[codes] = np.arange(len(codes))
        names = tuple(self.models[code] for code in codes)
        return replace(self, models=names, model_a=place[self.model_a], model_b=place[self.model_b])

    def against(self, baseline: str | None) -> "VerdictTable":
        """The rows of battles with ``baseline``; all where it is None. Raises ValueError for one that is no model."""
        if baseline is None:
            return self
        code = self.model_code(baseline)
        return self.select((self.model_a == code) | (self.model_b == code))

    def model_code(self, name: str) -> int:
        """Raises ValueError when the name is not in the table."""
        return self.models.index(name)


@dataclass(frozen=True, slots=True, eq=False)
class LabelTable:
    """n human labels in columns, coded as the verdict table beside them codes models and instructions."""

    annotators: tuple[str, ...]  # sorted
    annotator: Codes  # (n,) into ``annotators``
    instruction: Codes  # (n,)
    model_a: Codes  # (n,) always the smaller code
    model_b: Codes  # (n,)
    preference: Floats  # (n,) for A, in [0, 1]; 0.5 is a tie

    def __len__(self) -> int:
        return len(self.preference)


NO_LABELS = LabelTable((), _NONE, _NONE, _NONE, _NONE, np.zeros(0))


def distinct(codes: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The codes (n,) that occur, in order, and the place among them of each row's: ``np.unique`` with its inverse.

    Codes are not negative; where none is much above n, nothing is sorted.
    """
    if codes.max(initial=0) > _DENSE + 4 * len(codes):
        present, place = np.unique(codes, return_inverse=True)
        return present.astype(np.int64), place
    occurs = np.bincount(codes) > 0
    return np.flatnonzero(occurs), (np.cumsum(occurs) - 1)[codes]


def occurring(*codes: NDArray[np.integer]) -> list[int]:
    """The codes of names that occur in any of these columns (n,), in order."""
    occurs = np.zeros(1 + max(int(column.max(initial=-1)) for column in codes), dtype=np.bool_)
    for column in codes:
        for start in range(0, len(column), _PART):
            occurs[column[start : start + _PART]] = True
    numbers: list[int] = np.flatnonzero(occurs).tolist()
    return numbers


def encode(values: Sequence[str]) -> tuple[tuple[str, ...], Codes]:
    """Sorted distinct names, and each value's index among them."""
    names, codes = np.unique(np.asarray(values, dtype=object), return_inverse=True)
    return tuple(str(name) for name in names), codes.astype(np.int32)


@dataclass(frozen=True, slots=True, eq=False)
class Battles:
    """b battles, ordered by instruction, then by models."""

    models: tuple[str, ...]
    instructions: tuple[str, ...]
    instruction: Codes  # (b,)
    first: Codes  # (b,) the model with the smaller code
    second: Codes  # (b,)
    preference: Floats  # (b,) mean preference for ``first``, in [0, 1]; exactly 0.5 is a tie
    verdicts: NDArray[np.int64]  # (b,) how many were averaged, at least 1

    def __len__(self) -> int:
        return len(self.preference)

    def select(self, rows: NDArray[np.bool_]) -> "Battles":
        """These battles, under the same names and codes."""
        columns = {
            name: getattr(self, name)[rows] for name in ("instruction", "first", "second", "preference", "verdicts")
        }
        return replace(self, **columns)


def average_battles(table: VerdictTable) -> Battles:
    """The battles of ``table``; a battle without any verdict is not among them."""
    models = max(len(table.models), 1)
    swapped = table.model_a > table.model_b
    first = np.where(swapped, table.model_b, table.model_a).astype(np.int64)
    second = np.where(swapped, table.model_a, table.model_b)
    toward_first = np.where(swapped, 1.0 - table.preference, table.preference)
    keys, battle = np.unique((table.instruction * np.int64(models) + first) * models + second, return_inverse=True)
    verdicts = np.bincount(battle, minlength=len(keys))
    preference = np.bincount(battle, weights=toward_first, minlength=len(keys)) / np.maximum(verdicts, 1)
    pair = keys % models**2
    return Battles(
        models=table.models,
        instructions=table.instructions,
        instruction=(keys // models**2).astype(np.int32),
        first=(pair // models).astype(np.int32),
        second=(pair % models).astype(np.int32),
        preference=preference,
        verdicts=verdicts,
    )


def compared_outputs(table: VerdictTable) -> NDArray[np.int64]:
    """(n,) one number a pair of outputs to an instruction, whichever is called A: what a verdict repeats another on."""
    k = max(len(table.models), 1)
    low, high = np.minimum(table.model_a, table.model_b), np.maximum(table.model_a, table.model_b)
    battle = (table.instruction.astype(np.int64) * k + low) * k + high
    if table.samples is None:
        return battle
    numbers, sample = np.unique(table.samples, return_inverse=True)
    of_a, of_b = sample.reshape(-1, 2).T
    swapped = table.model_a > table.model_b
    of_low, of_high = np.where(swapped, of_b, of_a), np.where(swapped, of_a, of_b)
    met: NDArray[np.int64] = np.unique(battle, return_inverse=True)[1]
    return (met * len(numbers) + of_low) * len(numbers) + of_high


def repeat_number(group: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) how many rows of the same group come before each row."""
    rows = np.argsort(group, kind="stable")
    start = np.flatnonzero(np.diff(group[rows], prepend=-1))
    number = np.empty(len(group), dtype=np.int64)
    number[rows] = np.arange(len(group)) - np.repeat(start, np.diff(start, append=len(group)))
    return number


def judged_cells(table: VerdictTable) -> NDArray[np.bool_]:
    """(instructions, k) whether a model's output to an instruction was in a battle that has a verdict."""
    cells = np.zeros(len(table.instructions) * len(table.models), dtype=bool)
    for part in table.parts():
        first = part.instruction * np.int64(len(table.models))
        cells[first + part.model_a] = cells[first + part.model_b] = True
    return cells.reshape(len(table.instructions), len(table.models))


def judged_outputs(table: VerdictTable) -> NDArray[np.int64]:
    """(k,) how many of a model's outputs were in battles that have a verdict, each sample one."""
    if table.samples is None:
        return np.asarray(judged_cells(table).sum(axis=0))
    sides = [(table.model_a, table.samples[:, 0]), (table.model_b, table.samples[:, 1])]
    outputs = [np.stack([model, table.instruction, sample]) for model, sample in sides]
    return np.bincount(np.unique(np.concatenate(outputs, axis=1), axis=1)[0], minlength=len(table.models))


@dataclass(frozen=True, slots=True, eq=False)
class PairCounts:
    """Sums over verdicts between the row's and the column's model; diagonals are 0."""

    models: tuple[str, ...]
    wins: Floats  # (k, k) summed preference for the row's model: a win 1, a tie 1/2
    squares: Floats  # (k, k) summed squares of that preference
    verdicts: Floats  # (k, k) symmetric

    @classmethod
    def of(cls, table: VerdictTable) -> "PairCounts":
        k = len(table.models)
        cell = table.model_a.astype(np.int64) * k + table.model_b
        n, y, yy = (
            np.bincount(cell, weights=weights, minlength=k * k).reshape(k, k).astype(np.float64)
            for weights in (None, table.preference, table.preference**2)
        )
        return cls(table.models, y + (n - y).T, yy + (n - 2 * y + yy).T, n + n.T)

    @classmethod
    def of_outcomes(cls, models: tuple[str, ...], counts: NDArray[np.integer] | Floats) -> "PairCounts":
        """From (k, k, 3) numbers of verdicts that the row's model won, lost and tied against the column's.

        Each verdict stands in one cell, under whichever of its models was called A.
        Raises StatisticsError for another shape, a negative or non-finite count, or a model against itself.
        """
        k = len(models)
        cells = np.asarray(counts, dtype=np.float64)
        if cells.shape != (k, k, 3):
            raise StatisticsError(f"counts for {k} models must have shape {(k, k, 3)}, not {cells.shape}")
        if not np.isfinite(cells).all() or (cells < 0).any() or cells[np.arange(k), np.arange(k)].any():
            raise StatisticsError("counts must be finite, not negative, and 0 for a model against itself")
        won = cells[:, :, 0] + cells[:, :, 1].T
        tied = cells[:, :, 2] + cells[:, :, 2].T
        return cls(models, won + tied / 2, won + tied / 4, won + won.T + tied)
