"""What people said, beside what judges said: verdicts and human labels joined by battle.

An item is a battle: one instruction and one pair of models. Several verdicts of a judge on it, in both orders or
repeated, become their mean; so orders that contradict each other become a tie. Nothing is estimated here.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from judgebench.stats.intervals import Clusters
from judgebench.stats.verdict_table import Codes, Floats, LabelTable, VerdictTable


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """m battles; A is the model with the smaller code. Preferences for A in [0, 1], NaN where nobody said anything."""

    models: tuple[str, ...]
    annotator_names: tuple[str, ...]
    judge_names: tuple[str, ...]
    instruction: Clusters  # (m,)
    model_a: Codes  # (m,)
    model_b: Codes  # (m,)
    people: Floats  # (m, annotators)
    judges: Floats  # (m, judges)

    def __len__(self) -> int:
        return len(self.instruction)

    @property
    def consensus(self) -> Floats:
        """(m,) mean over people."""
        return mean_of_known(self.people)

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """(m,) whether anybody labelled it."""
        return np.asarray(np.isfinite(self.people).any(axis=1))


def join(table: VerdictTable, labels: LabelTable) -> Items:
    """Every battle that a judge or a person said something about; only names with a verdict or label are kept.

    ``labels`` must be coded as ``table`` is.
    """
    battle_of_verdict = _battle(table, table.instruction, table.model_a, table.model_b)
    battle_of_label = _battle(table, labels.instruction, labels.model_a, labels.model_b)
    battles = np.unique(np.concatenate([battle_of_verdict, battle_of_label]))
    k = max(len(table.models), 1)
    said, who = np.unique(labels.annotator, return_inverse=True)
    judged, judge = np.unique(table.judge, return_inverse=True)
    a_is_low = table.model_a < table.model_b
    toward_a = np.where(a_is_low, table.preference, 1 - table.preference)
    shape = len(battles)
    return Items(
        models=table.models,
        annotator_names=tuple(labels.annotators[code] for code in said),
        judge_names=tuple(table.judges[code] for code in judged),
        instruction=(battles // (k * k)).astype(np.int32),
        model_a=(battles // k % k).astype(np.int32),
        model_b=(battles % k).astype(np.int32),
        people=_means(np.searchsorted(battles, battle_of_label), who, labels.preference, (shape, len(said))),
        judges=_means(np.searchsorted(battles, battle_of_verdict), judge, toward_a, (shape, len(judged))),
    )


def people_preference(table: VerdictTable, labels: LabelTable) -> Floats:
    """(n,) people's mean preference for A of each verdict, NaN where nobody labelled its battle."""
    battles, place = np.unique(
        _battle(table, labels.instruction, labels.model_a, labels.model_b), return_inverse=True
    )  # fmt: skip
    if not len(battles):
        return np.full(len(table), np.nan)
    mean = np.bincount(place, weights=labels.preference) / np.bincount(place)
    wanted = _battle(table, table.instruction, table.model_a, table.model_b)
    at = np.minimum(np.searchsorted(battles, wanted), len(battles) - 1)
    toward_low = np.where(battles[at] == wanted, mean[at], np.nan)
    found: Floats = np.where(table.model_a < table.model_b, toward_low, 1 - toward_low)
    return found


def mean_of_known(values: Floats) -> Floats:
    """(m,) mean of each row's finite values, NaN where there is none."""
    known = np.isfinite(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    mean: Floats = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return mean


def _battle(table: VerdictTable, instruction: Codes, one: Codes, other: Codes) -> NDArray[np.int64]:
    """(n,) one number a battle, whichever model is called A."""
    k = max(len(table.models), 1)
    low, high = np.minimum(one, other).astype(np.int64), np.maximum(one, other)
    found: NDArray[np.int64] = (instruction.astype(np.int64) * k + low) * k + high
    return found


def _means(row: NDArray[np.intp], column: NDArray[np.intp], values: Floats, shape: tuple[int, int]) -> Floats:
    """Mean of the values in each cell of a matrix, NaN in empty cells."""
    cell, size = row * shape[1] + column, shape[0] * shape[1]
    count = np.bincount(cell, minlength=size)
    total = np.bincount(cell, weights=values, minlength=size)
    mean: Floats = np.where(count > 0, total / np.maximum(count, 1), np.nan).reshape(shape)
    return mean
