"""How what audits say is written where a leaderboard is shown: in its notes, and in the flags of its rows.

A judge without a passing null-model audit on the benchmark may rank nothing: the leaderboard says so, with the command
that would settle it. A model with a severe finding is marked in its row.
"""

from collections.abc import Sequence
from dataclasses import replace

from judgebench.leaderboard.board import Gate, JudgeGate, Leaderboard, ModelGate

_WORDS = {
    "failed": "lets a null model win, so the ranks say little",
    "stale": "was audited before instructions were added",
    "missing": "has no null-model audit, so nobody knows what outputs that ignore the instruction would win",
}


def of_board(board: Leaderboard, judges: Sequence[JudgeGate], models: Sequence[ModelGate]) -> Gate:
    """What of ``judges`` and ``models`` concerns ``board``."""
    shown = {row.model for row in board.rows}
    concerned = tuple(each for each in models if each.model in shown)
    return Gate(all(each.state == "passed" for each in judges) and not concerned, tuple(judges), concerned)


def marked(board: Leaderboard, found: Gate) -> Leaderboard:
    """``board`` with the findings in its rows' flags, and the gate in its notes."""
    marks = {each.model: _mark(each) for each in found.models}
    flags = [", ".join(part for part in (row.flag, marks.get(row.model, "")) if part) for row in board.rows]
    rows = tuple(replace(row, flag=flag) for row, flag in zip(board.rows, flags, strict=True))
    notes = [
        f"judge {each.judge} {_WORDS[each.state]}; settle it: {each.command}"
        for each in found.judges
        if each.state != "passed"
    ]
    notes += [f"{each.model}: {_mark(each)}; see {each.command}" for each in found.models]
    return replace(board, rows=rows, notes=(*board.notes, *notes), gate=found)


def _mark(each: ModelGate) -> str:
    return f"audit: {', '.join(each.rules)}" + (" (before outputs were added)" if each.stale else "")
