"""How a board moves when something is held equal, as rows and words. No widgets here; estimates are the ledger's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.text import name
from judgebench.bias.counterfactual import BoardRow, Ledger
from judgebench.estimate import Estimate

_SAME = 1e-9  # rates nearer than this share a place
_SHOWN = 3  # models in the sentence
NUMBERS = ("As judged, %", "Held equal, %", "95% low", "95% high", "Change, points", "Change from", "Change to")


@dataclass(frozen=True, slots=True)
class Move:
    """A model's win rate in percent, as judged and without the effects."""

    model: str
    before: float
    after: float
    lower: float | None
    upper: float | None
    change: Estimate
    rank_before: int
    rank_after: int


def rows(found: Ledger, baseline: str | None) -> list[Move]:
    """The best without the effects first, the baseline left out: it stays at its 50 %. Empty where nothing is known."""
    if not any(entry.board for entry in found.entries):
        return []
    board = [row for row in found.together.board if row.model != baseline]
    before, after = ([float(value or 0.0) for value in column] for column in zip(*map(_rates, board), strict=True))
    return [
        Move(
            row.model,
            100 * before[at],
            100 * after[at],
            _percent(row.without.lower),
            _percent(row.without.upper),
            row.change,
            _rank(before, at),
            _rank(after, at),
        )
        for at, row in enumerate(board)
    ]


def effect_lines(found: Ledger) -> list[str]:
    """What each effect is worth, or why nobody can tell."""
    return [
        f"{entry.name}: not identified, {entry.points.reason}."
        if entry.points is None or entry.points.value is None
        else f"{entry.name}: {entry.meaning} adds {points(entry.points)} points of win rate at equal quality."
        for entry in found.entries
        if entry.points is not None
    ]


def points(figure: Estimate) -> str:
    """``+3.1 [+1.0, +5.2]``, in points of percent."""
    if figure.value is None:
        return "not identified"
    if figure.lower is None or figure.upper is None:
        return f"{100 * figure.value:+.1f} (no interval)"
    return f"{100 * figure.value:+.1f} [{100 * figure.lower:+.1f}, {100 * figure.upper:+.1f}]"


def percent(figure: Estimate) -> str:
    """``63.1% [58.0%, 67.9%]``, or why there is none."""
    if figure.value is None:
        return f"an unknown share ({figure.reason})"
    if figure.lower is None or figure.upper is None:
        return f"{figure.value:.1%} (no interval: {figure.reason})"
    return f"{figure.value:.1%} [{figure.lower:.1%}, {figure.upper:.1%}]"


def sentence(moves: Sequence[Move]) -> str:
    """Who would change place, those who move farthest first."""
    moved = sorted(
        (move for move in moves if move.rank_after != move.rank_before),
        key=lambda move: -abs(move.rank_after - move.rank_before),
    )
    if not moved:
        return "Nobody would change place."
    said = [
        f"{name(move.model)} would {'rise' if move.rank_after < move.rank_before else 'fall'} "
        f"from place {move.rank_before} to {move.rank_after}"
        for move in moved[:_SHOWN]
    ]
    more = f"; {len(moved) - _SHOWN} more would change place" if len(moved) > _SHOWN else ""
    return f"{'; '.join(said)}{more}."


def columns(moves: Sequence[Move]) -> Mapping[str, list[Any]]:
    changes = [(move.change.value, move.change.lower, move.change.upper) for move in moves]
    return {
        "Model": [name(move.model, 200) for move in moves],
        "As judged, %": [move.before for move in moves],
        "Held equal, %": [move.after for move in moves],
        "95% low": [move.lower for move in moves],
        "95% high": [move.upper for move in moves],
        "Change, points": [_percent(value) for value, _, _ in changes],
        "Change from": [_percent(lower) for _, lower, _ in changes],
        "Change to": [_percent(upper) for _, _, upper in changes],
        "Place": [f"{move.rank_before} to {move.rank_after}" for move in moves],
    }


def _rates(row: BoardRow) -> tuple[float | None, float | None]:
    return row.win_rate.value, row.without.value


def _rank(values: Sequence[float], at: int) -> int:
    return 1 + sum(value > values[at] + _SAME for value in values)


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value
