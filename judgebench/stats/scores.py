"""Pointwise scores: mean score a model, and the pairwise preferences that scores amount to.

Means are over instructions, each instruction's mean over judges and repeats first, with standard errors clustered by
instruction, as ``win_rate`` has them. Scores of different scales have no common mean: whoever builds a table sees to
it. Preferences compare what one judge gave two outputs to one instruction (MT-Bench's conversion of single ratings to
pairs, Zheng et al. 2023, 4.2, there with a margin of 0.1).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from judgebench.errors import InputError, StatisticsError
from judgebench.stats.verdict_table import Codes, Floats, VerdictTable


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

    def __len__(self) -> int:
        return len(self.score)


@dataclass(frozen=True, slots=True, eq=False)
class MeanScores:
    """Aligned to ``models``; a model without a score has mean NaN and count 0."""

    models: tuple[str, ...]
    mean: Floats  # (k,)
    covariance: Floats  # (k, k) clustered by instruction; NaN where a model has fewer than two instructions
    outputs: NDArray[np.int64]  # (k,) scored

    @property
    def standard_error(self) -> Floats:
        """(k,)"""
        return np.sqrt(np.diag(self.covariance))


def mean_scores(table: ScoreTable) -> MeanScores:
    """Mean score of each model over the instructions on which it has one."""
    scores = _by_instruction(table)
    there = np.isfinite(scores)
    outputs = there.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(there, scores, 0.0).sum(axis=0) / outputs
        influence = np.where(there, scores - mean, 0.0)
        influence *= np.sqrt(np.where(outputs > 1, outputs / (outputs - 1.0), np.nan)) / outputs
    return MeanScores(table.models, mean, influence.T @ influence, outputs)


def score_preferences(table: ScoreTable, *, margin: float = 0.0) -> VerdictTable:
    """One row for each judge, instruction and pair of models scored there; a tie where scores differ by ``margin`` or
    less. Repeats are averaged first. No output was shown before another, so the order is not known.

    Raises StatisticsError when the margin is negative or not finite.
    """
    if not 0.0 <= margin < np.inf:
        raise StatisticsError(f"the margin of ties is {margin}: it must be a number from 0")
    groups, score, length = _by_judge(table)
    found = [_pair(score, length, pair, margin) for pair in combinations(range(len(table.models)), 2)]
    empty = np.zeros(0)
    row, a, b, preference, length_a, length_b = (np.concatenate([empty, *part]) for part in zip(*found, strict=True)) \
        if found else (empty,) * 6  # fmt: skip
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
    """(instructions, k) mean score, judges and repeats alike; NaN where there is none."""
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


REWARD = {"win_much": 1.0, "win": 0.5, "tie": 0.0, "lose": -0.5, "lose_much": -1.0}


TASK_WEIGHTS = {  # WildBench's macro weights; divided by their sum
    "Creative Tasks": 0.5,
    "Planning & Reasoning": 1.25,
    "Math & Data Analysis": 1.0,
    "Information/Advice seeking": 0.75,
    "Coding & Debugging": 1.25,
}


ARENA_HARD_VALUES = {
    "A>>B": (1.0, 1.0, 1.0),
    "A>B": (1.0,),
    "A=B": (0.5,),
    "A<B": (0.0,),
    "A<<B": (0.0, 0.0, 0.0),
}


_MIRRORED = {"B>>A": "A<<B", "B>A": "A<B", "B=A": "A=B", "B<A": "A>B", "B<<A": "A>>B"}


def wb_reward(counts: Mapping[str, int], *, total: int | None = None) -> float:
    """WB-Reward in [-100, 100] from counts of win_much, win, tie, lose, lose_much; a missing name counts 0.

    ``total`` is the number of items where it exceeds the sum of counts, as in WildBench's own tables.
    Raises InputError for an unknown name, a negative count or no items.
    """
    unknown = set(counts) - set(REWARD)
    if unknown or any(count < 0 for count in counts.values()):
        raise InputError(f"WB-Reward counts {', '.join(REWARD)}, none negative; not {dict(counts)!r}")
    items = sum(counts.values()) if total is None else total
    if items <= 0:
        raise InputError("WB-Reward is not defined without items")
    return 100 * sum(REWARD[name] * count for name, count in counts.items()) / items


def mixed_reward(rewards: Sequence[float]) -> float:
    """The mean over references, WildBench's "mix".

    Raises InputError without any.
    """
    if not rewards:
        raise InputError("a mixed WB-Reward needs at least one reference")
    return sum(rewards) / len(rewards)


def with_length_margin(outcome: str, length: int, reference_length: int, margin: int) -> str:
    """A slight win or loss of the longer output becomes a tie when it is more than ``margin`` characters longer.

    A negative margin changes nothing. Lengths are of the model's output and the reference's.
    Raises InputError for an unknown outcome.
    """
    if outcome not in REWARD:
        raise InputError(f"unknown outcome {outcome!r}; known are {', '.join(REWARD)}")
    excess = {"win": length - reference_length, "lose": reference_length - length}.get(outcome, 0)
    return "tie" if 0 <= margin < excess else outcome


def wb_score(ratings: Iterable[float]) -> float:
    """WB-Score in [-80, 100] from ratings between 1 and 10: twenty times their mean above 5.

    Raises InputError for a rating out of range, or none.
    """
    values = list(ratings)
    if not values:
        raise InputError("WB-Score is not defined without ratings")
    if not all(1 <= value <= 10 for value in values):
        raise InputError("WildBench ratings lie between 1 and 10")
    return 20 * (sum(values) / len(values) - 5)


def wb_task_score(scores: Mapping[str, float]) -> float:
    """The macro score over WildBench's five task groups.

    Raises InputError when a group is missing or unknown.
    """
    if set(scores) != set(TASK_WEIGHTS):
        raise InputError(f"the groups must be exactly {', '.join(TASK_WEIGHTS)}; these are {', '.join(scores)}")
    return sum(TASK_WEIGHTS[group] * score for group, score in scores.items()) / sum(TASK_WEIGHTS.values())


def arena_hard_values(first: str, second: str) -> list[float]:
    """One item's values for the model: game 2 (model shown as A), then game 1 reversed (baseline as A).

    Labels are read by value, mirrored spellings included ("B>A" is "A<B").
    Raises InputError for any other label.
    """
    return [*_spread(second), *(1 - value for value in _spread(first))]


def arena_hard_score(games: Iterable[tuple[str, str]]) -> float:
    """Arena-Hard v2's score in [0, 100] from each item's two labels; items lacking one are to be left out, counted.

    Raises InputError for an unknown label, or no items.
    """
    values = [value for first, second in games for value in arena_hard_values(first, second)]
    if not values:
        raise InputError("Arena-Hard's score is not defined without games")
    return 100 * sum(values) / len(values)


def _spread(label: str) -> tuple[float, ...]:
    known = _MIRRORED.get(label, label)
    if known not in ARENA_HARD_VALUES:
        spellings = ", ".join([*ARENA_HARD_VALUES, *_MIRRORED])
        raise InputError(f"unknown Arena-Hard label {label!r}; known are {spellings}")
    return ARENA_HARD_VALUES[known]
