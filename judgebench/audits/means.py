"""Means over instructions, with their intervals: the unit of every rate that an audit states."""

import numpy as np
from numpy.typing import NDArray

from judgebench.audits.findings import LEVEL
from judgebench.stats.interval import normal_interval
from judgebench.stats.table import Floats


def mean_by_instruction(instruction: NDArray[np.int32], values: Floats) -> Floats:
    """One mean an instruction that has a value, in the order of the codes."""
    codes, rows = np.unique(instruction, return_inverse=True)
    return np.asarray(np.bincount(rows, weights=values, minlength=len(codes)) / np.bincount(rows, minlength=len(codes)))


def mean_interval(means: Floats) -> tuple[float, float, float]:
    """Mean of one value an instruction, with Student's interval."""
    value, n = float(means.mean()), len(means)
    se = float(means.std(ddof=1) / np.sqrt(n)) if n > 1 else np.inf
    interval = normal_interval(value, se, LEVEL, degrees=max(n - 1, 1))
    return value, interval.lower, interval.upper
