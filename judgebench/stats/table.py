"""Verdicts as aligned arrays: the one bridge from records to numpy.

Only verdicts with a preference are here; what has none is counted elsewhere and never becomes a number.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int32]
Floats = NDArray[np.float64]


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

    def __len__(self) -> int:
        return len(self.preference)

    def select(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> "VerdictTable":
        """The table of these rows, under the same names and codes."""
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
        )

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


_NONE = np.zeros(0, dtype=np.int32)
NO_LABELS = LabelTable((), _NONE, _NONE, _NONE, _NONE, np.zeros(0))


def encode(values: Sequence[str]) -> tuple[tuple[str, ...], Codes]:
    """Sorted distinct names, and each value's index among them."""
    names, codes = np.unique(np.asarray(values, dtype=object), return_inverse=True)
    return tuple(str(name) for name in names), codes.astype(np.int32)
