"""Position bias as a curve over the quality gap: where outputs are close a place can decide, else it cannot.

The gap of a pair of models is their win probability over all battles shown in both orders, in which places cancel,
folded to [1/2, 1]. Battles of one pair share a gap: it is the models' gap, not that of the two texts.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from judgebench.bias.figure import Figure, bounded_difference, bounded_mean
from judgebench.bias.position import match_orders
from judgebench.stats.table import VerdictTable

_EDGES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@dataclass(frozen=True, slots=True)
class GapBin:
    """Battles between models of about the same gap in quality."""

    gap_from: float  # win probability of the better model, in [1/2, 1]
    gap_to: float
    battles: int
    consistency: Figure
    points: Figure  # what the first place adds to a win rate here, in [-1/2, 1/2]


def position_curve(table: VerdictTable, *, level: float = 0.95) -> tuple[GapBin, ...]:
    """Bins with a battle in both orders, the closest models first; empty where no battle was shown in both."""
    pairs = match_orders(table)
    if not len(pairs):
        return ()
    gap = _gaps(pairs.pair, (pairs.first_ab + 1 - pairs.first_ba) / 2)
    bin_of = np.clip(np.searchsorted(_EDGES, gap, side="right") - 1, 0, len(_EDGES) - 2)
    return tuple(
        GapBin(
            _EDGES[number],
            _EDGES[number + 1],
            int(inside.sum()),
            bounded_mean((pairs.leaning[inside] == 0) * 1.0, pairs.instruction[inside], level=level),
            _half(
                bounded_difference(
                    (pairs.first_ab + pairs.first_ba - 1)[inside], pairs.instruction[inside], level=level
                )
            ),
        )
        for number, inside in ((number, bin_of == number) for number in np.unique(bin_of).tolist())
    )


def _gaps(pair: NDArray[np.int64], toward_a: NDArray[np.float64]) -> NDArray[np.float64]:
    """(m,) of each battle's pair of models."""
    _, code = np.unique(pair, return_inverse=True)
    mean = np.bincount(code, weights=toward_a) / np.bincount(code)
    return np.asarray(np.maximum(mean, 1 - mean)[code])


def _half(figure: Figure) -> Figure:
    return figure.mapped(lambda value: value / 2)
