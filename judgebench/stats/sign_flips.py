"""How often equal models would differ as much: the exact test by exchanging them, instruction by instruction.

Which of two equal models has which output is a coin, so each instruction's difference might as well have had the other
sign (Fisher 1935, The Design of Experiments, section 21; where differences are all as large it is the sign test, and of
pairs of hard verdicts McNemar's exact one). Student's t knows nothing of how coarse few verdicts are: 5 of 5 happens
once in 32, and it calls that less than once in 40. Whatever says which of two is better asks here, too.
"""

from math import exp, gcd

import numpy as np
from scipy.special import bdtr, ndtr

from judgebench.stats.verdict_table import Floats

__all__ = ["chance_of_difference"]
_STEPS = 120  # of the largest difference: halves, thirds, quarters, fifths and sixths are told exactly
_MOST = 10_000  # steps of all differences; of more, sums are as good as normal (0.03 points off at most)
_CLEAR = 5.0  # errors from 0: no sum of flipped signs is so far as often as once in 100,000


def chance_of_difference(differences: Floats) -> float:
    """Two-sided: that signs (g,) drawn anew make a sum at least as far from 0 as that of ``differences``, in [0, 1].

    One independent difference each, in any unit; none at all, or all of them 0, give 1.
    """
    sizes = np.abs(differences)
    largest = float(sizes.max(initial=0.0))
    if not largest:
        return 1.0
    away = abs(float(differences.sum())) / float(np.sqrt((sizes**2).sum()))
    if away > _CLEAR:  # Hoeffding's bound
        return 2 * exp(-(away**2) / 2)
    signed = np.rint(differences / largest * _STEPS).astype(np.int64)
    signed = signed[signed != 0]
    signed //= gcd(*signed.tolist())
    steps = int(np.abs(signed).sum())
    if steps > _MOST:
        return float(2 * ndtr(-away))
    # Of all steps the fewer lie on one side; a sum is as far from 0 where at most so many do.
    fewer = (steps - abs(int(signed.sum()))) // 2
    return min(2 * _at_most(fewer, np.abs(signed)), 1.0)


def _at_most(fewer: int, sizes: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> float:
    """Chance that those of ``sizes`` (g,), whole numbers, that a fair coin chooses sum to at most ``fewer``."""
    if sizes.max() == 1:
        return float(bdtr(fewer, len(sizes), 0.5))
    chance = np.zeros(fewer + 1)
    chance[0] = 1.0
    for size in sizes.tolist():
        chosen = chance / 2
        chance = chosen.copy()
        chance[size:] += chosen[: max(len(chosen) - size, 0)]
    return float(chance.sum())
