"""A leaderboard as lines: words, and places on one axis. The app's first screen and the one-file report draw them."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from judgebench.errors import UnknownName
from judgebench.estimate import Estimate
from judgebench.leaderboard import METHODS, Leaderboard, Row
from judgebench.leaderboard.board import ModelGate
from judgebench.show.numbers import FREE, MISSING, dollars, plotted, ranks, span, whole

if TYPE_CHECKING:
    from judgebench.services.leaderboards import Beside

Tone = Literal["model", "baseline", "flagged", "unaudited"]
ColumnName = Literal["win rate", "length-controlled", "length", "battles", "ties", "no verdict", "cost", "best"]
AWAITED = "00.0 [00.0, 00.0]"  # in a cell whose number is still being computed: as wide as it will be
_DIGITS: Mapping[str, str] = {"rate": "{:.1f}", "elo": "{:.0f}"}
_HALF = 50.0  # percent: neither is preferred
_MARGIN = 0.03  # of the axis, on both sides
_NUMBER = re.compile(r"-?[\d,]*\.?\d+")  # that a cell begins with


@dataclass(frozen=True, slots=True)
class Column:
    """A column of numbers beside rank, model, rating and interval."""

    name: ColumnName
    heading: str
    help: str  # one sentence, for whoever does not know the word


COLUMNS: tuple[Column, ...] = (
    Column(
        "win rate",
        "Win rate",
        "Percent of its battles that the model wins; a tie is half a win. Ranked by it, it has an interval.",
    ),
    Column(
        "length-controlled",
        "LC win rate",
        "Length-controlled: the win rate as it would be if outputs were as long as the baseline's, with its interval.",
    ),
    Column("length", "Length", "Characters of an output, the mean over the benchmark's instructions."),
    Column("battles", "Battles", "Comparisons of its outputs with others' that count here; of scores, outputs judged."),
    Column("ties", "Ties", "Battles in which neither output was preferred."),
    Column(
        "no verdict", "No verdict", "Trials that ended unparsed, refused, truncated or failed: neither win nor loss."
    ),
    Column(
        "best", "P(best)", "Chance of being the best of all, in percent, by draws from the estimates' distribution."
    ),
    Column("cost", "Cost, USD", "Of all the judge's replies about the model's outputs."),
)
USUAL: tuple[ColumnName, ...] = ("win rate", "length-controlled", "length", "battles", "cost")
HELP: Mapping[str, str] = {
    "rank": "The ranks that the data leave open, for all models at once: at 3-5 it may be third, fourth or fifth.",
    "interval": "Where the value lies at the level named, by the method that stands below the table; the dot is the "
    "estimate, the dashed line an even chance.",
}


@dataclass(frozen=True, slots=True)
class Chip:
    """A mark of a model, in few words."""

    text: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class BoardLine:
    """One model. Places are percent of the axis, from 0 to 100."""

    model: str
    ranks: str
    rating: str  # with the digits that its scale has
    interval: str  # in words
    dot: float | None  # place of the rating; None where the data cannot tell it
    lower: float | None  # places of the interval's ends; None where there is none
    upper: float | None
    cells: tuple[str, ...]  # by the columns that the board shows
    chips: tuple[Chip, ...]
    tone: Tone


@dataclass(frozen=True, slots=True)
class BoardLines:
    heading: str  # of the ratings
    help: str  # what the ratings are, in one sentence
    level: str  # of the intervals, "95%"
    columns: tuple[Column, ...]
    lines: tuple[BoardLine, ...]
    half: float | None  # place of an even chance; None where the scale has none
    marked: bool  # whether a model of the leaderboard has a mark, whichever lines are kept


def board_lines(board: Leaderboard, beside: "Beside", shown: tuple[ColumnName, ...] = USUAL) -> BoardLines:
    """``shown``: which columns, where the leaderboard has anything to say in them; their order is that of COLUMNS."""
    cells = _cells(board, beside)
    columns = tuple(column for column in COLUMNS if column.name in shown and column.name in cells)
    place = _axis(board)
    method = METHODS[board.method]
    lines = tuple(
        BoardLine(
            model=row.model,
            ranks=ranks(row.rank_lower, row.rank_upper),
            rating=_number(row.rating, board.scale),
            interval=span(row.lower, row.upper, board.scale),
            dot=place(row.rating),
            lower=place(row.lower),
            upper=place(row.upper),
            cells=tuple(cells[column.name](row) for column in columns),
            chips=_chips(board, row),
            tone=tone_of(board, row),
        )
        for row in board.rows
    )
    heading = {"rate": f"{method.label}, %", "elo": "Rating", "logit": "Log-odds", "score": "Mean score"}[board.scale]
    half = place(_HALF / 100) if board.scale == "rate" else None
    marked = any(line.chips for line in lines)
    return BoardLines(heading, method.help, f"{board.level:.0%}", columns, lines, half, marked)


def with_name(lines: BoardLines, words: str) -> BoardLines:
    """The lines of models whose names hold these words, in capitals or not. Raises UnknownName where no name does."""
    kept = holding([line.model for line in lines.lines], words)
    return replace(lines, lines=tuple(line for line in lines.lines if line.model in kept))


def holding(models: Sequence[str], words: str) -> frozenset[str]:
    """The names that hold these words, in capitals or not. Raises UnknownName where none does."""
    kept = frozenset(model for model in models if words.casefold() in model.casefold())
    if not kept:
        raise UnknownName("model", words, models)
    return kept


ORDERS: tuple[str, ...] = ("rank", "model", "rating", *(column.name for column in COLUMNS))  # by what lines are put


def ordered(lines: BoardLines, by: str, *, descending: bool) -> BoardLines:
    """The lines by one of ORDERS, as it stands in them; those without a number there come last. "rank" is the
    leaderboard's own order. By a column that is not shown nothing moves."""
    names: list[str] = [column.name for column in lines.columns]
    if by == "rank":
        return replace(lines, lines=lines.lines[::-1]) if descending else lines
    if by == "model":
        return replace(lines, lines=tuple(sorted(lines.lines, key=_name, reverse=descending)))
    if by != "rating" and by not in names:
        return lines
    numbers = [_number_in(line.rating if by == "rating" else line.cells[names.index(by)]) for line in lines.lines]
    known = [(number, place) for place, number in enumerate(numbers) if number is not None]
    places = [place for _, place in sorted(known, key=lambda pair: pair[0], reverse=descending)]
    places += [place for place, number in enumerate(numbers) if number is None]
    return replace(lines, lines=tuple(lines.lines[place] for place in places))


def _number_in(cell: str) -> float | None:
    """That it begins with; None where it begins with none."""
    if cell == FREE:
        return 0.0
    number = _NUMBER.match(cell)
    return None if number is None or cell == AWAITED else float(number[0].replace(",", ""))


def _name(line: BoardLine) -> str:
    return line.model.casefold()


def _cells(board: Leaderboard, beside: "Beside") -> Mapping[ColumnName, Callable[[Row], str]]:
    """What stands in each column that this leaderboard has."""
    cells: dict[ColumnName, Callable[[Row], str]] = {}
    if board.scale in ("elo", "logit"):
        cells["win rate"] = lambda row: _number(row.win_rate, "rate")
    if beside.awaited:
        cells["length-controlled"] = lambda row: AWAITED
    elif beside.controlled:
        cells["length-controlled"] = lambda row: _controlled(
            beside.controlled.get(row.model), row.model == board.baseline
        )
    if any(tally.length is not None for tally in beside.tallies.values()):
        cells["length"] = lambda row: _length(beside.tallies[row.model].length)
    if board.scale == "score":
        cells["battles"] = lambda row: whole(row.outputs)
    else:
        cells["battles"] = lambda row: f"{row.battles:,}"
        cells["ties"] = lambda row: f"{row.ties:,}"
    if board.coverage is None or board.coverage.people is None:
        cells["no verdict"] = lambda row: f"{beside.tallies[row.model].failures:,}"
    if any(row.p_best is not None for row in board.rows):
        cells["best"] = lambda row: MISSING if row.p_best is None else f"{row.p_best:.0%}"
    if beside.has_costs:
        cells["cost"] = lambda row: dollars(beside.tallies[row.model].cost_usd)
    return cells


def _controlled(rate: Estimate | None, is_baseline: bool) -> str:
    """With its interval; the baseline's is 50 by definition."""
    if rate is None or rate.value is None or is_baseline:
        return _number(None if rate is None else rate.value, "rate")
    return f"{_number(rate.value, 'rate')} [{_number(rate.lower, 'rate')}, {_number(rate.upper, 'rate')}]"


def axis_title(board: Leaderboard) -> str:
    """What the ratings are."""
    units = {
        "rate": f"{METHODS[board.method].label}, %",
        "elo": "Rating, Elo scale",
        "logit": "Rating, log-odds",
        "score": "Mean score",
    }
    return units[board.scale]


def _number(value: float | None, scale: str) -> str:
    number = plotted(value, "rate" if scale == "rate" else "number")
    return MISSING if number is None else _DIGITS.get(scale, "{:.2f}").format(number)


def _length(characters: float | None) -> str:
    return MISSING if characters is None else f"{characters:,.0f}"


def _axis(board: Leaderboard) -> Callable[[float | None], float | None]:
    """Where a value stands on an axis that holds every interval; an axis of rates goes from 0 to 1."""
    if board.scale == "rate":
        return lambda value: None if value is None else 100 * min(max(value, 0.0), 1.0)
    ends = [end for row in board.rows for end in (row.rating, row.lower, row.upper) if end is not None]
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    wide = max(high - low, 1e-9) * (1 + 2 * _MARGIN)
    start = low - _MARGIN * wide
    return lambda value: None if value is None else 100 * (value - start) / wide


def _gates(board: Leaderboard, model: str) -> list[ModelGate]:
    return [] if board.gate is None else [gate for gate in board.gate.models if gate.model == model]


def _chips(board: Leaderboard, row: Row) -> tuple[Chip, ...]:
    """The row's marks in words that fit into a line."""
    chips = [Chip("baseline", "baseline")] if row.model == board.baseline else []
    words = row.flag
    for gate in _gates(board, row.model):
        words = words.removesuffix(gate.mark).removesuffix(", ")
    chips += [Chip(words, "model")] if words else []
    for gate in _gates(board, row.model):
        if gate.state == "unaudited":
            chips.append(Chip("not audited", "unaudited"))
        chips += [
            Chip(rule.replace("-", " "), "flagged" if gate.state == "flagged" else "model") for rule in gate.rules
        ]
        if gate.stale and gate.rules:
            chips.append(Chip("audited before outputs were added", "unaudited"))
    return tuple(chips)


def tone_of(board: Leaderboard, row: Row) -> Tone:
    """How the row is coloured: flagged before all else."""
    states = {gate.state for gate in _gates(board, row.model)}
    if row.apart or "flagged" in states:
        return "flagged"
    if row.model == board.baseline:
        return "baseline"
    return "unaudited" if "unaudited" in states else "model"
