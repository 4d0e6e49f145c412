"""A leaderboard in words: what may be said from it, what it rests on, and what is not in it."""

from collections.abc import Mapping, Sequence

from app.text import name
from judgebench.leaderboard import Leaderboard, Method, Row

_SHOWN_TIERS = 3
_SHOWN_NAMES = 4
_WHAT: Mapping[Method, str] = {
    "win-rate": "Win rates",
    "length-controlled": "Win rates at equal length",
    "bradley-terry": "Bradley-Terry ratings; win rates",
    "davidson": "Bradley-Terry ratings, ties modelled by Davidson; win rates",
    "rao-kupper": "Bradley-Terry ratings, ties modelled by Rao and Kupper; win rates",
    "judge-aware": "Bradley-Terry ratings with judges weighed by what they tell; win rates",
    "elo": "Online Elo ratings; win rates",
    "score": "Mean scores",
}


def sentence(board: Leaderboard) -> str:
    """Which models can be told apart, from the best tiers down: only what the rank ranges prove.

    A model's ``rank_lower`` is one more than the number of models proved better, all of which stand above it.
    """
    tiers = _tiers(board.rows)
    said = [_tier(tiers[0])]
    for place, tier in enumerate(tiers[1:_SHOWN_TIERS], start=1):
        above = [row for earlier in tiers[:place] for row in earlier]
        below = _below(tier[0], above, leader=tiers[place - 1][0])
        said.append(f"{name(tier[0].model)} is below {below}{_company(tier)}")
    rest = sum(len(tier) for tier in tiers[_SHOWN_TIERS:])
    if rest:
        further = len(tiers) - _SHOWN_TIERS
        said.append(f"{count(rest, 'model')} further down in {count(further, 'more tier')}")
    return "; ".join(said) + "."


def basis(board: Leaderboard) -> list[str]:
    """How the numbers came about, what was left out, and what a reader must know; always shown."""
    against = "the field" if board.baseline is None else name(board.baseline)
    what = _WHAT[board.method]
    judges = ", ".join(name(judge) for judge in board.judges)
    return [
        f"{what}{'' if board.scale == 'score' else f' against {against}'}, judged by {judges}.",
        f"{board.level:.0%} intervals: {board.interval_method}. Rank ranges hold for all models at once.",
        left_out(board),
        *(f"Note: {name(note, 400)}." for note in board.notes),
    ]


def left_out(board: Leaderboard) -> str:
    counts = [f"{count} {status}" for status, count in sorted(board.left_out.items()) if count]
    if not counts:
        return "Left out: nothing."
    return f"Left out: {', '.join(counts)} (no preference, so neither win, loss nor tie)."


def listing(names: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``; long lists are cut and counted."""
    shown = [name(each) for each in names[:_SHOWN_NAMES]]
    if len(names) > _SHOWN_NAMES:
        shown = [*shown[:-1], f"{len(names) - _SHOWN_NAMES + 1} more"]
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _tiers(rows: Sequence[Row]) -> list[list[Row]]:
    tiers: dict[int, list[Row]] = {}
    for row in rows:
        tiers.setdefault(row.tier, []).append(row)
    return [tiers[tier] for tier in sorted(tiers)]


def _tier(tier: Sequence[Row]) -> str:
    first, *others = (row.model for row in tier)
    if not others:
        return f"{name(first)} leads"
    if len(others) == 1:
        return f"{listing([first, *others])} cannot be told apart"
    return f"{listing(others)} cannot be told apart from {name(first)}"


def _below(row: Row, above: Sequence[Row], *, leader: Row) -> str:
    if row.rank_lower <= len(above):
        return name(leader.model)
    return {1: name(leader.model), 2: "both"}.get(len(above), f"all {len(above)} above it")


def _company(tier: Sequence[Row]) -> str:
    others = [row.model for row in tier[1:]]
    return f" and cannot be told apart from {listing(others)}" if others else ""


def count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
