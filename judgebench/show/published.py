"""Boards as benchmarks publish them, as cells, a document and sentences."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from judgebench.estimate import Estimate
from judgebench.leaderboard.profiles import PROFILES
from judgebench.leaderboard.published.board import Measure, NumberUnit, PublishedBoard, PublishedRow
from judgebench.show import coverage
from judgebench.show.numbers import MISSING, NOT_IDENTIFIED
from judgebench.show.tables import csv_text, markdown
from judgebench.show.text import escaped_markdown, one_line, visible

_BESIDE = 5  # numbers with intervals, in the width of a terminal
_FORMS: Mapping[NumberUnit, str] = {
    "percent": "{:.2f}%",
    "points": "{:.2f}",
    "score": "{:.4f}",
    "elo": "{:.1f}",
    "count": "{:.0f}",
    "characters": "{:.0f}",
}


def headings(board: PublishedBoard) -> list[str]:
    """Of the cells of each row; ``model`` is a word, all others numbers."""
    return ["model", *(column.heading for column in _main(board))]


def cells(board: PublishedBoard, row: PublishedRow) -> list[str]:
    """The model, and each main number with its interval."""
    return [visible(row.model), *(cell(row.numbers[column.name], column) for column in _main(board))]


def is_wide(board: PublishedBoard) -> bool:
    """Whether the numbers stand under each other better than beside each other."""
    return len(_main(board)) > _BESIDE


def long_cells(board: PublishedBoard) -> list[tuple[str, str, str]]:
    """The model, the number's name, and the number with its interval; a line each, and a model's name once."""
    lines = []
    for row in board.rows:
        model, *numbers = cells(board, row)
        names = headings(board)[1:]
        lines += [
            (model if not at else "", name, told) for at, (name, told) in enumerate(zip(names, numbers, strict=True))
        ]
    return lines


def _main(board: PublishedBoard) -> list[Measure]:
    return [column for column in board.columns if column.is_main]


def cell(known: Estimate, column: Measure) -> str:
    """The number with its interval, as it is published."""
    if known.value is None:
        return NOT_IDENTIFIED if known.n else MISSING
    form = _FORMS[column.unit]
    if known.lower is None or known.upper is None:
        return form.format(known.value)
    return f"{form.format(known.value)} [{form.format(known.lower)}, {form.format(known.upper)}]"


def sentences(board: PublishedBoard) -> list[str]:
    """Whose numbers these are, how their intervals were made, what has none and why, and notes."""
    how = PROFILES[board.profile]
    names = [", ".join(one_line(name) for name in of_category) for of_category in board.baselines.values()]
    against = f", against {'; '.join(dict.fromkeys(names))}" if names else ""
    judged = f", judged by {', '.join(one_line(name) for name in board.judges)}" if board.judges else ", by people"
    return [
        f"{how.label}{against}{judged}. Formulas: {how.source}.",
        *intervals(_main(board), [row.numbers for row in board.rows]),
        *(f"Note: {one_line(note, 1000)}" for note in board.notes),
    ]


def intervals(measures: Sequence[Measure], rows: Sequence[Mapping[str, Estimate]]) -> Iterator[str]:
    """The method of each measure's intervals, and why one has none; measures alike in one line. ``rows``: numbers by
    measure's name."""
    lines: dict[str, list[str]] = {}
    for measure in measures:
        for line in dict.fromkeys(_line(row[measure.name]) for row in rows):
            lines.setdefault(line, []).append(measure.heading)
    for line, headed in lines.items():
        yield f"{', '.join(headed)}: {line}"


def _line(known: Estimate) -> str:
    if known.value is None:
        return f"{known.reason}."
    if known.lower is None:
        return f"no interval, {known.reason}."
    return f"{known.level:.0%} intervals, {known.method}."


def document(benchmark: str, board: PublishedBoard) -> dict[str, Any]:
    """As ``--format json`` prints it: numbers as published, each with its interval or why there is none."""
    how = PROFILES[board.profile]
    return {
        "benchmark": benchmark,
        "profile": board.profile,
        "label": how.label,
        "source": how.source,
        "judges": list(board.judges),
        "baselines": {category or "all": list(names) for category, names in board.baselines.items()},
        "columns": [asdict(column) for column in board.columns],
        "rows": [
            {"model": row.model, "numbers": {name: asdict(known) for name, known in row.numbers.items()}}
            for row in board.rows
        ],
        "coverage": coverage.document(board.coverage),
        "notes": [*board.notes, *coverage.sentences(board.coverage)],
    }


def columns(board: PublishedBoard) -> Iterator[dict[str, Any]]:
    """The rows as files of data and frames hold them, by ``column_names``."""
    for row in board.rows:
        flat: dict[str, Any] = {"model": row.model}
        for name, known in row.numbers.items():
            flat |= {name: known.value, f"{name}_lower": known.lower, f"{name}_upper": known.upper}
        yield flat


def column_names(board: PublishedBoard) -> list[str]:
    """Of ``columns``: the model, and each number with its ends."""
    names = [[column.name, f"{column.name}_lower", f"{column.name}_upper"] for column in board.columns]
    return ["model", *(name for several in names for name in several)]


def as_csv(board: PublishedBoard) -> str:
    """One line a model."""
    return csv_text(columns(board), column_names(board))


def as_markdown(board: PublishedBoard) -> str:
    """A table with what it counts above and what it rests on below; names cannot break out of their cell."""
    table = markdown(headings(board), [cells(board, row) for row in board.rows])
    above, below = (_bullets(lines) for lines in (coverage.sentences(board.coverage), sentences(board)))
    return "\n\n".join(filter(None, (above, table, below))) + "\n"


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {escaped_markdown(line)}" for line in lines)
