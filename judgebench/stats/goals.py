"""Goals of dialogues: the share that was reached, and how alike two lists of goals are.

Goals of one dialogue depend on each other, so that a dialogue is in or out with all of its goals: the share is a ratio
of sums over dialogues, and its interval Wilson's (1927) at the number of independent goals that would vary as much
(Kish 1965, Survey Sampling, 8.2), with Student's t of the dialogues. `python -m bench.goals` measures its coverage.
Lists are aligned by the turns that goals are made of: the assignment with the largest sum of Jaccard indices (Kuhn
1955), corrected for what turns in another order would give.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, sqrt

import numpy as np
from scipy.optimize import linear_sum_assignment

from judgebench.errors import StatisticsError
from judgebench.estimate import Estimate, unidentified
from judgebench.stats.intervals import Clusters, critical_value, influence_estimate
from judgebench.stats.verdict_table import Floats

__all__ = ["Alignment", "align", "chance_alignment", "goal_difference", "goal_share", "ratio_beyond_chance"]
_METHOD = "Wilson at the effective number of goals with t, clustered by dialogue"
_PAIRED = "t with two imagined dialogues, paired by dialogue"
_TENTH = 0.1
_FEW = "one dialogue tells nothing of how others vary"
_HALF = sqrt(0.5)  # of a dialogue's size: it has half of the weight in a variance
_LEAST_DESIGN = 0.25  # of a design effect: goals are at most four times as telling as independent ones
_ALIKE = 1e-12


@dataclass(frozen=True, slots=True)
class _Sums:
    """By dialogue, of those that have a goal."""

    part: Floats  # (g,)
    whole: Floats  # (g,)

    @property
    def share(self) -> float:
        return float(self.part.sum() / self.whole.sum())

    @property
    def influence(self) -> Floats:
        """(g,) of each on the share."""
        influence: Floats = (self.part - self.share * self.whole) / self.whole.sum()
        return influence


def _sums(part: Floats, whole: Floats, clusters: Clusters) -> _Sums:
    """Raises StatisticsError for parts that are no parts of their wholes."""
    if not (np.isfinite(part).all() and np.isfinite(whole).all()):
        raise StatisticsError("numbers of goals must be finite")
    if (part < 0).any() or (part > whole + _ALIKE).any():
        raise StatisticsError("of a dialogue's goals no more can be counted than it has")
    parts, wholes = _by_dialogue(part, whole, clusters)
    return _Sums(parts[wholes > 0], wholes[wholes > 0])


def _by_dialogue(part: Floats, whole: Floats, clusters: Clusters) -> tuple[Floats, Floats]:
    code = np.unique(clusters, return_inverse=True)[1]
    parts, wholes = (np.bincount(code, weights=column).astype(np.float64) for column in (part, whole))
    return parts, wholes


def goal_share(part: Floats, whole: Floats, clusters: Clusters, *, level: float = 0.95) -> Estimate:
    """The sum of ``part`` (n,) over the sum of ``whole`` (n,), by ``clusters`` (n,), the dialogues.

    Both are numbers of goals, means where a dialogue was read several times. Dialogues without any goal of the whole
    say nothing. Raises StatisticsError for numbers that are none, or a level outside (0, 1).
    """
    sums = _sums(part, whole, clusters)
    goals, dialogues = float(sums.whole.sum()), len(sums.whole)
    if not dialogues:
        return unidentified("there is no such goal", level=level)
    share, n = sums.share, round(goals)
    if dialogues < 2:
        return Estimate(share, None, None, level, "none", n, _FEW)
    t = critical_value(level, dialogues - 1)
    effective = goals / _design_effect(sums)
    centre = (share + t**2 / (2 * effective)) / (1 + t**2 / effective)
    half = t / (1 + t**2 / effective) * sqrt(share * (1 - share) / effective + t**2 / (4 * effective**2))
    lower, upper = max(min(centre - half, share), 0.0), min(max(centre + half, share), 1.0)
    return Estimate(share, lower, upper, level, _METHOD, n)


def _design_effect(sums: _Sums) -> float:
    """How much more the share varies than one of independent goals.

    With two imagined dialogues, all of the one's goals reached and none of the other's, that count half as much as one
    of the mean size: where nearly all or no goals were reached, their own spread says too little.
    """
    size = _HALF * float(sums.whole.mean())
    sums = _Sums(np.append(sums.part, [size, 0.0]), np.append(sums.whole, [size, size]))
    g, share = len(sums.whole), sums.share
    independent = share * (1 - share) / sums.whole.sum()
    return float(max(g / (g - 1) * (sums.influence**2).sum() / independent, _LEAST_DESIGN))


def goal_difference(
    old: tuple[Floats, Floats], new: tuple[Floats, Floats], clusters: Clusters, *, level: float = 0.95
) -> Estimate:
    """The share of the second less that of the first, each given as ``goal_share`` takes it, on the same dialogues.

    By Student's t of the differences between both influences of a dialogue, with two imagined dialogues, in which one
    side alone reached its goals: versions that did the same each time are not known to do so always. Each has a tenth
    of a dialogue's weight. Raises StatisticsError as ``goal_share`` does.
    """
    sides = [_by_dialogue(*side, clusters) for side in (old, new)]
    shares = [goal_share(*side, np.arange(len(side[0])), level=level) for side in sides]
    n = sum(share.n for share in shares)
    one, other = (share.value for share in shares)
    if one is None or other is None:
        return unidentified(shares[0].reason or shares[1].reason, level=level, n=n)
    value, g = other - one, len(sides[0][0])
    if g < 2:
        return Estimate(value, None, None, level, "none", n, _FEW)
    (parts, wholes), (new_parts, new_wholes) = sides
    influence = (new_parts - other * new_wholes) / new_wholes.sum() - (parts - one * wholes) / wholes.sum()
    imagined = np.array([other + 1 - one, 1 - other + one]) / g  # of a dialogue of the mean size
    variance = g / (g - 1) * float((influence**2).sum() + _TENTH * (imagined**2).sum())
    half = critical_value(level, g - 1) * sqrt(variance)
    return Estimate(value, max(value - half, -1.0), min(value + half, 1.0), level, _PAIRED, n)


@dataclass(frozen=True, slots=True)
class Alignment:
    """Two lists of goals side by side."""

    agreement: float  # the sum of Jaccard indices over the longer list's length, in [0, 1]
    pairs: tuple[tuple[int, int, float], ...]  # places in both lists, and the Jaccard index of their turns


def align(one: Sequence[Sequence[int]], other: Sequence[Sequence[int]]) -> Alignment:
    """Goals as the turns that they are made of; neither list is empty. Raises StatisticsError for one that is."""
    if not one or not other:
        raise StatisticsError("a list without goals has none to align")
    overlap = _jaccard(one, other)
    rows, columns = linear_sum_assignment(overlap, maximize=True)
    pairs = tuple((int(i), int(j), float(overlap[i, j])) for i, j in zip(rows, columns, strict=True))
    return Alignment(sum(index for *_, index in pairs) / max(len(one), len(other)), pairs)


def _jaccard(one: Sequence[Sequence[int]], other: Sequence[Sequence[int]]) -> Floats:
    sets = [[frozenset(turns) for turns in goals] for goals in (one, other)]
    return np.array([[len(a & b) / max(len(a | b), 1) for b in sets[1]] for a in sets[0]])


def chance_alignment(
    one: Sequence[Sequence[int]], other: Sequence[Sequence[int]], turns: int, rng: np.random.Generator, draws: int = 50
) -> float:
    """The mean agreement with the second list's turns in random order; ``turns``: how many the dialogue has."""
    total = 0.0
    for _ in range(draws):
        order = rng.permutation(turns) + 1
        total += align(one, [[int(order[turn - 1]) for turn in goal] for goal in other]).agreement
    return total / draws


def ratio_beyond_chance(observed: Floats, chance: Floats, clusters: Clusters, *, level: float = 0.95) -> Estimate:
    """(A - C) / (1 - C) of the means of ``observed`` (n,) and ``chance`` (n,), by dialogue."""
    n, room = len(observed), float((1 - chance).sum())
    if room < _ALIKE:
        return unidentified("every dialogue has one turn, of which there is one way to make goals", level=level, n=n)
    value = float((observed - chance).sum() / room)
    if len(np.unique(clusters)) < 2 or not isfinite(value):
        return Estimate(value, None, None, level, "none", n, _FEW)
    influence = (observed - chance - value * (1 - chance)) / room
    if np.abs(influence).max() < _ALIKE:
        reason = "all dialogues are alike, which tells nothing of how others vary"
        return Estimate(value, None, None, level, "none", n, reason)
    return influence_estimate(value, influence, clusters, level=level, bounds=(-1.0, 1.0))
