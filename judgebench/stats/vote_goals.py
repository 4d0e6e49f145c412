"""How many votes of a person are worth waiting for: the next number at which an agreement is known notably better."""

import math
from dataclasses import dataclass

from judgebench.estimate import Estimate
from judgebench.stats.intervals import critical_value

__all__ = ["VoteGoal", "next_goal"]
_STEPS = (0.2, 0.15, 0.1, 0.07, 0.05, 0.03, 0.02, 0.01)  # half-widths, in points of agreement / 100
_NARROWER = 0.9  # a step that is hardly narrower than what is known is no goal


@dataclass(frozen=True, slots=True)
class VoteGoal:
    """At about ``votes`` an agreement is known to within ``half_width``."""

    votes: int
    fewest: int  # if agreement is as certain as its interval allows
    most: int  # if it is as uncertain as its interval allows
    half_width: float  # of its interval then, in shares
    is_all: bool  # it takes every pair that there is, and they do not reach further


def next_goal(share: Estimate, pairs: int) -> VoteGoal | None:
    """Of an agreement ``share`` known from its n votes, where ``pairs`` can be voted on in all, those n included.

    A share p of n votes is known to about z sqrt(p (1 - p) / n); where its interval is wider than that, because votes
    share instructions or are few, it stays wider by as much. p is taken from its estimate, and from all of its interval
    for the range; without an estimate it is 1/2. None where no pair is left, or all is known to a point.
    """
    n, z = share.n or 0, critical_value(share.level)
    now, spread, spreads = _known(share, n, z)
    step = next((step for step in _STEPS if step < _NARROWER * now), None)
    if pairs <= n or step is None:
        return None
    votes, fewest, most = (max(math.ceil((z / step) ** 2 * size), n + 1) for size in (spread, *spreads))
    if votes <= pairs:
        return VoteGoal(votes, fewest, min(most, pairs), step, is_all=False)
    return VoteGoal(pairs, pairs, pairs, z * math.sqrt(spread / pairs), is_all=True)


def _known(share: Estimate, n: int, z: float) -> tuple[float, float, tuple[float, float]]:
    """The half-width so far; the variance of one vote, as that implies; the least and the most that it may be."""
    if share.value is None or share.lower is None or share.upper is None or not n:
        return math.inf, 0.25, (0.25, 0.25)
    now = (share.upper - share.lower) / 2
    spread = n * (now / z) ** 2
    ends = [share.lower * (1 - share.lower), share.upper * (1 - share.upper)]
    widest = 0.25 if share.lower <= 0.5 <= share.upper else max(ends)
    return now, spread, (min(spread, *ends), max(spread, widest))
