"""Verdicts averaged into battles: one number for two models on one instruction.

Orders, judges and repeats of one battle are no independent evidence about the models; averaging them first makes every
statistic built on battles indifferent to how often a battle was judged. It does not weigh judges.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from judgebench.stats.table import Codes, Floats, VerdictTable


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
