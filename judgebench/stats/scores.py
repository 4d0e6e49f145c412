"""Pointwise scores: mean score a model, and the pairwise preferences that scores amount to.

Means are over instructions, each instruction's mean over judges and repeats first, with standard errors clustered by
instruction, as ``win_rate`` has them; intervals and ranks rest on ``MeanScores.compared``. Scores of different scales
have no common mean: whoever builds a table sees to it. Preferences compare what one judge gave two outputs to one
instruction (MT-Bench's conversion of single ratings to pairs, Zheng et al. 2023, 4.2, there with a margin of 0.1).
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from itertools import combinations
from math import inf, nan

import numpy as np
from numpy.typing import NDArray

from judgebench.errors import StatisticsError
from judgebench.stats.intervals import critical_values
from judgebench.stats.method import Choices, Compared, Estimates
from judgebench.stats.verdict_table import Codes, Floats, VerdictTable

__all__ = ["MeanScores", "ScoreTable", "mean_scores", "score_preferences"]
_ALIKE = 1e-12  # of a score: what rounding leaves between equal ones


@dataclass(frozen=True, slots=True, eq=False)
class ScoreTable:
    """n pointwise verdicts in columns. Codes index the name tuples, which are sorted and may hold unused names."""

    models: tuple[str, ...]
    instructions: tuple[str, ...]  # instruction keys
    judges: tuple[str, ...]
    model: Codes  # (n,)
    instruction: Codes  # (n,) the resampling unit
    judge: Codes  # (n,)
    score: Floats  # (n,) larger is better
    length: Codes  # (n,) characters of the output
    sample: Codes | None = None  # (n,) which of a model's outputs to the instruction; None: there is one each

    def __len__(self) -> int:
        return len(self.score)

    def select(self, rows: NDArray[np.bool_]) -> "ScoreTable":
        """The table of these rows, under the same names and codes."""
        columns = {name: getattr(self, name)[rows] for name in ("model", "instruction", "judge", "score", "length")}
        return replace(self, **columns, sample=None if self.sample is None else self.sample[rows])

    def among(self, models: Collection[str]) -> "ScoreTable":
        """The rows about these models."""
        return self.select(np.array([name in models for name in self.models], dtype=bool)[self.model])


@dataclass(frozen=True, slots=True, eq=False)
class MeanScores:
    """Aligned to ``models``; a model without a score has mean NaN and count 0."""

    models: tuple[str, ...]
    mean: Floats  # (k,)
    covariance: Floats  # (k, k) clustered by instruction; NaN where a model has fewer than two instructions
    outputs: NDArray[np.int64]  # (k,) scored
    scores: Floats  # (instructions, k) that the means are of, NaN where there is none

    @property
    def standard_error(self) -> Floats:
        """(k,)"""
        return np.sqrt(np.diag(self.covariance))

    def compared(self) -> Compared:
        """The means as they are told apart, with Student's t: nobody's scores are taken to be all alike.

        With two imagined instructions, independently a model, one scored as low and one as high as any was. Scores
        have a long tail: without a rare low one among a few, their own spread says too little.
        """
        n = self.outputs.astype(np.float64)
        low, high = float(np.nanmin(self.scores, initial=inf)), float(np.nanmax(self.scores, initial=-inf))
        if not high - low > _ALIKE * max(abs(low), abs(high)):
            low = high = nan  # nothing tells how much they would vary
        sums = np.nansum(self.scores, axis=0)
        value = np.where(n > 1, (sums + low + high) / (n + 2), np.nan)
        about = np.where(np.isfinite(self.scores), self.scores - value, 0.0)
        imagined = np.diag((low - value) ** 2 + (high - value) ** 2)
        return Compared(value, (about.T @ about + imagined) / np.outer(n + 2, n + 2), n - 1)


def mean_scores(table: ScoreTable) -> MeanScores:
    """Mean score of each model over the instructions on which it has one."""
    scores = _by_instruction(table)
    there = np.isfinite(scores)
    outputs = there.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(there, scores, 0.0).sum(axis=0) / outputs
        influence = np.where(there, scores - mean, 0.0)
        influence *= np.sqrt(np.where(outputs > 1, outputs / (outputs - 1.0), np.nan)) / outputs
    return MeanScores(table.models, mean, influence.T @ influence, outputs, scores)


def estimates(table: ScoreTable, choices: Choices, baseline: str | None, rng: np.random.Generator) -> Estimates:
    """The leaderboard's method "score"."""
    means = mean_scores(table)
    compared = means.compared()
    error = np.sqrt(np.diag(compared.covariance))
    half = critical_values(compared.degrees, choices.level) * error
    return Estimates(
        value=means.mean,
        lower=np.minimum(compared.value - half, means.mean),
        upper=np.maximum(compared.value + half, means.mean),
        covariance=means.covariance,
        flags=[""] * len(table.models),
        method="t with two imagined instructions, clustered by instruction",
        scale="score",
        compared=compared,
    )


def scored_cells(table: ScoreTable) -> NDArray[np.bool_]:
    """(instructions, k) whether a model has a score on an instruction."""
    cells = np.zeros((len(table.instructions), len(table.models)), dtype=bool)
    cells[table.instruction, table.model] = True
    return cells


def scored_outputs(table: ScoreTable) -> NDArray[np.int64]:
    """(k,) of how many of a model's outputs there is a score, each sample one."""
    if table.sample is None:
        return np.asarray(scored_cells(table).sum(axis=0))
    outputs = np.unique(np.stack([table.model, table.instruction, table.sample]), axis=1)
    return np.bincount(outputs[0], minlength=len(table.models))


def score_preferences(table: ScoreTable, *, margin: float = 0.0) -> VerdictTable:
    """One row for each judge, instruction and pair of models scored there; a tie where scores differ by ``margin`` or
    less. Repeats and samples are averaged first. No output was shown before another, so the order is not known.

    Raises StatisticsError when the margin is negative or not finite.
    """
    if not 0.0 <= margin < np.inf:
        raise StatisticsError(f"the margin of ties is {margin}: it must be a number from 0")
    groups, score, length = _by_judge(table)
    pairs = [_pair(score, length, pair, margin) for pair in combinations(range(len(table.models)), 2)]
    empty = np.zeros(0)
    row, a, b, preference, length_a, length_b = (np.concatenate([empty, *part]) for part in zip(*pairs, strict=True)) \
        if pairs else (empty,) * 6  # fmt: skip
    group = groups[row.astype(np.int64)]
    judges = max(len(table.judges), 1)
    return VerdictTable(
        models=table.models,
        instructions=table.instructions,
        judges=table.judges,
        model_a=a.astype(np.int32),
        model_b=b.astype(np.int32),
        instruction=(group // judges).astype(np.int32),
        judge=(group % judges).astype(np.int32),
        order=np.full(len(row), -1, dtype=np.int8),
        preference=preference,
        length_a=length_a.astype(np.int32),
        length_b=length_b.astype(np.int32),
    )


def _by_instruction(table: ScoreTable) -> Floats:
    """(instructions, k) mean score, judges, repeats and samples alike; NaN where there is none."""
    return _cell_means(table, table.instruction.astype(np.int64), len(table.instructions), table.score)


def _by_judge(table: ScoreTable) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Groups of one instruction and judge (instruction * judges + judge), and (groups, k) mean scores and lengths."""
    code = table.instruction.astype(np.int64) * max(len(table.judges), 1) + table.judge
    groups, row = np.unique(code, return_inverse=True)
    score = _cell_means(table, row, len(groups), table.score)
    return groups, score, _cell_means(table, row, len(groups), table.length.astype(np.float64))


def _cell_means(table: ScoreTable, row: NDArray[np.int64], rows: int, values: Floats) -> Floats:
    k = len(table.models)
    cell = row * k + table.model
    count = np.bincount(cell, minlength=rows * k)
    with np.errstate(invalid="ignore"):
        means: Floats = np.bincount(cell, weights=values, minlength=rows * k) / count
    return means.reshape(rows, k)


def _pair(score: Floats, length: Floats, pair: tuple[int, int], margin: float) -> tuple[Floats, ...]:
    """Rows of groups in which both models have a score: group's row, both codes, preference, both lengths."""
    a, b = pair
    difference = score[:, a] - score[:, b]
    rows = np.flatnonzero(np.isfinite(difference))
    clear = np.abs(difference[rows]) > margin
    preference = np.where(clear, difference[rows] > 0, 0.5).astype(np.float64)
    codes = np.full(len(rows), float(a)), np.full(len(rows), float(b))
    return rows.astype(np.float64), *codes, preference, length[rows, a], length[rows, b]
