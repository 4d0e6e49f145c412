"""A leaderboard as files: CSV without formulas, JSON as the command line prints it, Markdown whose names stay names."""

import io
import json
from collections.abc import Sequence

from app.charts import ranks, shown
from app.text import name
from app.words import basis
from judgebench.formats.writing import write_csv
from judgebench.leaderboard import COLUMNS, Leaderboard, Row
from judgebench.show.tables import board_document

_MARKUP = frozenset("\\`*_{}[]<>()#+!|&$~")


def as_csv(board: Leaderboard) -> bytes:
    """One line a model, with every field of its row; numbers as they are stored, rates in [0, 1]."""
    stream = io.StringIO(newline="")
    write_csv([row.columns() for row in board.rows], COLUMNS, stream)
    return stream.getvalue().encode()


def as_json(benchmark: str, board: Leaderboard) -> bytes:
    return json.dumps(board_document(benchmark, board), ensure_ascii=False, indent=2).encode()


def as_markdown(board: Leaderboard) -> bytes:
    """A table as printed, with what it rests on below."""
    heads = ["rank", "tier", "model", board.scale, "interval", "win rate", "battles", "ties"]
    lines = [heads, ["---"] * len(heads), *(_cells(board, row) for row in board.rows)]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return (table + "\n\n" + "\n".join(f"- {_escaped(line)}" for line in basis(board)) + "\n").encode()


def _cells(board: Leaderboard, row: Row) -> Sequence[str]:
    def number(value: float | None, scale: str) -> str:
        return (
            "-" if value is None else f"{shown(value, scale):.{1 if scale == 'rate' else 0 if scale == 'elo' else 3}f}"
        )

    span = f"{number(row.lower, board.scale)} to {number(row.upper, board.scale)}"
    return [
        ranks(row.rank_lower, row.rank_upper),
        str(row.tier),
        _escaped(name(row.model, 200)),
        number(row.rating, board.scale),
        span,
        number(row.win_rate, "rate"),
        str(row.battles),
        str(row.ties),
    ]


def _escaped(text: str) -> str:
    return "".join("\\" + char if char in _MARKUP else char for char in text)
