"""Flagged models apart from all others: shown with what they win of those that are not flagged, and nobody's opponent.

A flagged model's numbers are those of a leaderboard of it and all that are not flagged; ratings, which are relative,
are moved to where the others' mean is what it is without it. So nothing of another row depends on it.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

import numpy as np

from judgebench.errors import StatisticsError
from judgebench.estimate import Estimate
from judgebench.leaderboard.board import Leaderboard, Row

Build = Callable[[Collection[str], str | None], Leaderboard]  # of battles between these models; the baseline, if known
_RELATIVE = ("elo", "logit")  # scales on which only differences mean something


def build_apart(build: Build, counting: Collection[str], flagged: Collection[str]) -> Leaderboard:
    """The leaderboard of the models ``counting``, with a row without a rank for each one flagged that met one of them.

    Raises what ``build`` raises for ``counting``.
    """
    board = build(counting, None)
    rows = sorted(_rows_apart(board, build, counting, flagged), key=lambda row: (-(row.rating or 0.0), row.model))
    return replace(board, rows=(*board.rows, *rows))


def _rows_apart(board: Leaderboard, build: Build, counting: Collection[str], flagged: Collection[str]) -> Iterator[Row]:
    for model in flagged:
        try:
            beside = build({*counting, model}, board.baseline)
        except StatisticsError:  # of its battles alone the method may make nothing: then there is no row to show
            continue
        yield from (_apart(row, _offset(board, beside)) for row in beside.rows if row.model == model)


def _offset(board: Leaderboard, beside: Leaderboard) -> float:
    """What to add to a rating of ``beside`` so that it stands where ``board`` would have it."""
    if board.scale not in _RELATIVE:
        return 0.0
    ratings = {row.model: row.rating for row in beside.rows}
    pairs = [(row.rating, ratings.get(row.model)) for row in board.rows]
    gaps = [alone - there for alone, there in pairs if alone is not None and there is not None]
    return float(np.mean(gaps)) if gaps else 0.0


def _apart(row: Row, offset: float) -> Row:
    known = row.estimate
    value, lower, upper = (None if end is None else end + offset for end in (known.value, known.lower, known.upper))
    moved = Estimate(value, lower, upper, known.level, known.method, known.n, known.reason)
    return replace(row, estimate=moved, rank=None, rank_lower=None, rank_upper=None, tier=None, p_best=None)
