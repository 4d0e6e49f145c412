"""What quality takes: each model's rating beside the length of its outputs, or beside what judging it costs."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from judgebench.leaderboard import Leaderboard, Row
from judgebench.show.board import Tone, axis_title, tone_of
from judgebench.show.numbers import estimate, plotted
from judgebench.show.text import count, listing, one_line

if TYPE_CHECKING:
    from judgebench.services.leaderboards import Beside

Measure = Literal["length", "cost"]
TITLES: dict[Measure, str] = {"length": "Mean length, characters", "cost": "Cost of its verdicts, USD"}


@dataclass(frozen=True, slots=True)
class Point:
    """One model. Ratings as they are written: rates in percent."""

    model: str
    x: float  # characters, or US dollars
    y: float
    lower: float | None  # None: it has no interval
    upper: float | None
    tone: Tone
    frontier: bool  # it has a rank, and no other that has one is rated at least as high for no more
    named: bool  # whether there is room for its name
    words: str  # all that in words


@dataclass(frozen=True, slots=True)
class Tradeoff:
    """Ratings beside what a model takes."""

    points: tuple[Point, ...]  # in the order of the leaderboard
    x_title: str
    y_title: str
    notes: tuple[str, ...]  # who is on the frontier, what has no interval and why, who is left out

    @property
    def title(self) -> str:
        """Of the chart."""
        return f"{self.y_title.split(',')[0]} and {self.x_title.split(',')[0].lower()}"


def tradeoff(board: Leaderboard, beside: "Beside", measure: Measure, chosen: Collection[str] = ()) -> Tradeoff:
    """Without points where nothing is known, or judging cost nothing.

    ``chosen``: models to be named besides those flagged, the baseline and those on the frontier.
    """
    tallies = beside.tallies.items() if measure == "length" or beside.has_costs else ()
    measured = {model: tally.length if measure == "length" else tally.cost_usd for model, tally in tallies}
    known = [(row, measured.get(row.model), plotted(row.rating, board.scale)) for row in board.rows]
    placed = [(row, (x, y)) for row, x, y in known if x is not None and y is not None]
    ranked = [place for row, place in placed if not row.apart]
    points = []
    for row, place in placed:
        frontier = not row.apart and not _passed(place, ranked)
        tone = tone_of(board, row)
        points.append(
            Point(
                model=row.model,
                x=place[0],
                y=place[1],
                lower=plotted(row.lower, board.scale),
                upper=plotted(row.upper, board.scale),
                tone=tone,
                frontier=frontier,
                named=frontier or tone in ("flagged", "baseline") or row.model in chosen,
                words=_words(board, row, place[0], measure),
            )
        )
    return Tradeoff(tuple(points), TITLES[measure], axis_title(board), tuple(_notes(board, measure, points)))


_ROW, _LETTER = 0.045, 0.0085  # of the plot: the height of a name's line, and the width of a letter
_RIGHT = 0.7  # names of dots further right stand to their left
_TRIES = (0.0, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0)  # lines up or down


def name_places(dots: Sequence[tuple[float, float, int]]) -> list[tuple[bool, float]]:
    """Where each dot's name stands so that names do not cover each other, as far as there is room.

    ``dots``: places from 0 to 1, and how many letters the name has. Returns whether the name stands to the left of
    its dot, and how much higher, from 0 to 1.
    """
    taken: list[tuple[float, float, float]] = []  # where names begin and end, and how high they stand
    places = []
    for x, y, letters in dots:
        leftward, wide = x > _RIGHT, letters * _LETTER
        start = x - wide if leftward else x
        free = (
            step * _ROW
            for step in _TRIES
            if not any(
                start < end and begin < start + wide and abs(y + step * _ROW - high) < _ROW
                for begin, end, high in taken
            )
        )
        higher = next(free, 0.0)
        taken.append((start, start + wide, y + higher))
        places.append((leftward, higher))
    return places


def _passed(place: tuple[float, float], others: Sequence[tuple[float, float]]) -> bool:
    """Whether another one is rated at least as high for no more, and is not the same."""
    x, y = place
    return any((u, v) != place and u <= x and v >= y for u, v in others)


def _words(board: Leaderboard, row: Row, x: float, measure: Measure) -> str:
    amount_of = count(round(x), "character") if measure == "length" else f"{x:,.2f} USD"
    return f"{one_line(row.model, 200)}: {estimate(row.estimate, board.scale)}, {amount_of}"


def _notes(board: Leaderboard, measure: Measure, points: Sequence[Point]) -> list[str]:
    best = [point.model for point in points if point.frontier]
    notes = []
    if best:
        less = "as short" if measure == "length" else "as cheap to judge"
        why = f"no other is rated as high and {less}, by the estimates alone, whose intervals may overlap"
        notes.append(f"On the frontier, as {why}: {listing(best)}.")
    apart = [row.model for row in board.rows if row.apart]
    if apart:
        notes.append(f"Flagged, so red, without a rank and never on the frontier: {listing(apart)}.")
    notes.append(f"Bars are {board.level:.0%} intervals of the rating; {measure}s are counted, so have none.")
    if measure == "cost":
        notes.append("Costs are of the judge's replies about a model's outputs, not of the model's own answers.")
    placed = {point.model for point in points}
    absent = [row.model for row in board.rows if row.model not in placed]
    if absent:
        names = f"{count(len(absent), 'model')}, {listing(absent)}"
        notes.append(f"Not shown, as their {measure} or rating is not known: {names}.")
    return notes
