"""What every model did on every category, as cells: a number, its colour, and its interval in words."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from judgebench.show.colours import ground
from judgebench.show.numbers import estimate
from judgebench.show.profiles import unit_of
from judgebench.show.text import count, one_line

if TYPE_CHECKING:
    from judgebench.services.part_rates import CategoryRates, PartRate

FEWEST = 5  # instructions of a cell that is coloured: of fewer the interval says nothing
TOO_FEW = "few"


@dataclass(frozen=True, slots=True)
class HeatCell:
    category: str
    text: str  # the number, or that there are too few
    words: str  # who, where, how much and how surely
    colours: tuple[str, str] | None  # of the cell and its text; None: it is not coloured


@dataclass(frozen=True, slots=True)
class HeatRow:
    model: str
    cells: tuple[HeatCell, ...]  # by the columns


@dataclass(frozen=True, slots=True)
class HeatMap:
    columns: tuple[str, ...]  # names of categories as they are shown
    rows: tuple[HeatRow, ...]  # in the order of the leaderboard
    notes: tuple[str, ...]  # how to read it


def heat_map(rates: "CategoryRates") -> HeatMap:
    """Rates are coloured from 0 to 100 percent, mean scores from the lowest to the highest of them."""
    unit = unit_of(rates.board)
    values = [part.estimate.value for parts in rates.rates.values() for part in parts]
    known = [value for value in values if value is not None]
    low, high = (0.0, 1.0) if unit == "rate" else (min(known, default=0.0), max(known, default=1.0))
    rows = []
    for model, parts in rates.rates.items():
        by_name = {part.name: part for part in parts}
        cells = tuple(_cell(model, name, by_name.get(name), unit, low, high) for name in rates.categories)
        rows.append(HeatRow(model, cells))
    return HeatMap(tuple(name or "no category" for name in rates.categories), tuple(rows), tuple(_notes(rates)))


def _cell(model: str, category: str, part: "PartRate | None", unit: str, low: float, high: float) -> HeatCell:
    where = f"{one_line(model, 100)}, {one_line(category or 'no category', 60)}"
    if part is None or part.estimate.value is None:
        return HeatCell(category, "", f"{where}: no verdict", None)
    of = count(part.instructions, "instruction")
    words = f"{where}: {estimate(part.estimate, 'rate' if unit == 'rate' else 'score')}, {of}"
    if part.instructions < FEWEST or part.estimate.lower is None:
        return HeatCell(category, TOO_FEW, f"{words}: too few to tell", None)
    value = part.estimate.value
    share = min(max((value - low) / (high - low), 0.0), 1.0) if high > low else 0.5
    text = f"{100 * value:.0f}" if unit == "rate" else f"{value:.2f}"
    return HeatCell(category, text, words, ground(share))


def _notes(rates: "CategoryRates") -> list[str]:
    board = rates.board
    what = "Mean scores" if board.scale == "score" else "Win rates in percent"
    against = "" if board.scale == "score" else f" against {one_line(board.baseline or 'whomever a model met')}"
    itself = ""
    if board.baseline is not None and board.scale != "score":
        itself = f" Of {one_line(board.baseline)} itself: against all others."
    few = any(cell.instructions < FEWEST for parts in rates.rates.values() for cell in parts)
    return [
        f"{what}{against}, by category; each cell has its {board.level:.0%} interval in its words.{itself}",
        *([f'"{TOO_FEW}": fewer than {FEWEST} instructions were judged, too few to tell.'] if few else []),
    ]
