"""The whisker plot of a leaderboard as a file: SVG for documents, PNG where nothing else is taken.

Drawn here and not in the browser, so that the file needs no JavaScript and holds no link. Text is escaped in SVG; in
PNG, characters that the built-in font does not have are shown as boxes.
"""

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from textwrap import wrap

from PIL import Image, ImageDraw, ImageFont

from judgebench.services.pages import Leaderboard
from judgebench.show.charts import BLUE, GREY, ORANGE, unit
from judgebench.show.coverage import sentences
from judgebench.show.numbers import plotted, ranks
from judgebench.show.text import one_line

_ROW, _TOP, _FOOT, _LEFT, _RIGHT, _WIDTH = 26, 20, 56, 270, 70, 1000  # pixels
_INK, _PALE, _SIZE, _SCALE = "#222222", "#dddddd", 13, 2
_TICKS, _LINE, _LINE_CHARS = 6, 18, 130


@dataclass(frozen=True, slots=True)
class Line:
    x1: float
    y1: float
    x2: float
    y2: float
    colour: str
    width: float = 2.0


@dataclass(frozen=True, slots=True)
class Dot:
    x: float
    y: float
    colour: str


@dataclass(frozen=True, slots=True)
class Text:
    x: float
    y: float
    text: str
    anchor: str  # "start", "middle" or "end"


Mark = Line | Dot | Text


def svg(board: Leaderboard) -> bytes:
    height = _height(board)
    body = "\n".join(_element(mark) for mark in _marks(board))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}"'
        f' role="img" aria-label="Leaderboard" font-family="sans-serif" font-size="{_SIZE}">\n'
        f'<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    ).encode()


def png(board: Leaderboard) -> bytes:
    """At twice the size of the SVG."""
    image = Image.new("RGB", (_WIDTH * _SCALE, _height(board) * _SCALE), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(_SIZE * _SCALE)
    for mark in _marks(board):
        if isinstance(mark, Line):
            ends = [_SCALE * value for value in (mark.x1, mark.y1, mark.x2, mark.y2)]
            draw.line(ends, fill=mark.colour, width=round(mark.width * _SCALE))
        elif isinstance(mark, Dot):
            x, y, r = _SCALE * mark.x, _SCALE * mark.y, 5 * _SCALE
            draw.ellipse([x - r, y - r, x + r, y + r], fill=mark.colour)
        else:
            anchor = {"start": "lm", "middle": "mm", "end": "rm"}[mark.anchor]
            draw.text((_SCALE * mark.x, _SCALE * mark.y), mark.text, fill=_INK, font=font, anchor=anchor)
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def _height(board: Leaderboard) -> int:
    return _bottom(board) + _FOOT + len(_foot(board)) * _LINE


def _bottom(board: Leaderboard) -> int:
    """Of the rows."""
    return _TOP + len(board.rows) * _ROW


def _foot(board: Leaderboard) -> list[str]:
    """What the board counts and leaves out, in lines."""
    return [line for sentence in sentences(board.coverage) for line in wrap(sentence, _LINE_CHARS)]


def _marks(board: Leaderboard) -> Iterator[Mark]:
    """From the back to the front."""
    ends = [plotted(end, board.scale) for row in board.rows for end in (row.rating, row.lower, row.upper)]
    known = [end for end in ends if end is not None]
    low, step, count = _ticks(min(known, default=0.0), max(known, default=1.0))
    bottom = _bottom(board)

    def place(value: float) -> float:
        return _LEFT + (value - low) / (step * count) * (_WIDTH - _LEFT - _RIGHT)

    for tick in range(count + 1):
        x = place(low + tick * step)
        yield Line(x, _TOP, x, bottom, _PALE, 1.0)
        yield Text(x, bottom + 14, f"{low + tick * step:.10g}", "middle")
    yield Text((_LEFT + _WIDTH - _RIGHT) / 2, bottom + 38, unit(board), "middle")
    for at, words in enumerate(_foot(board)):
        yield Text(_LINE, bottom + _FOOT + at * _LINE, words, "start")
    for at, row in enumerate(board.rows):
        y = _TOP + (at + 0.5) * _ROW
        colour = GREY if row.apart else ORANGE if row.model == board.baseline else BLUE
        yield Text(_LEFT - 12, y, one_line(row.model, 36), "end")
        yield Text(_WIDTH - _RIGHT + 12, y, ranks(row.rank_lower, row.rank_upper), "start")
        span = [plotted(end, board.scale) for end in (row.lower, row.upper)]
        if span[0] is not None and span[1] is not None:
            yield Line(place(span[0]), y, place(span[1]), y, colour)
        value = plotted(row.rating, board.scale)
        if value is not None:
            yield Dot(place(value), y, colour)


def _ticks(lowest: float, highest: float) -> tuple[float, float, int]:
    """First tick, distance and number of steps: round numbers that hold all values."""
    raw = max(highest - lowest, 1e-9) / _TICKS
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= raw)
    low = math.floor(lowest / step) * step
    return low, step, max(math.ceil((highest - low) / step - 1e-9), 1)


def _element(mark: Mark) -> str:
    if isinstance(mark, Line):
        return (
            f'<line x1="{mark.x1:.1f}" y1="{mark.y1:.1f}" x2="{mark.x2:.1f}" y2="{mark.y2:.1f}" '
            f'stroke="{mark.colour}" stroke-width="{mark.width:g}"/>'
        )
    if isinstance(mark, Dot):
        return f'<circle cx="{mark.x:.1f}" cy="{mark.y:.1f}" r="5" fill="{mark.colour}"/>'
    return (
        f'<text x="{mark.x:.1f}" y="{mark.y:.1f}" text-anchor="{mark.anchor}" dominant-baseline="central" '
        f'fill="{_INK}">{escape(mark.text)}</text>'
    )
