"""Charts as pictures: each with its title, of which benchmark and judge it is, when it was made, and what to beware of.

The same for every chart: ``drawing`` writes what is drawn here as SVG or PNG.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap

from judgebench.leaderboard import Leaderboard
from judgebench.show.board import Tone, axis_title, tone_of
from judgebench.show.colours import BLUE, GREY, MODELS, ORANGE, RED
from judgebench.show.coverage import sentences
from judgebench.show.drawing import FAINT, Box, Dot, Line, Mark, Picture, Ticks, Words, path, ticks
from judgebench.show.heat import HeatMap
from judgebench.show.lines import Past, Radar, rings
from judgebench.show.numbers import plotted, ranks
from judgebench.show.spread import Histograms
from judgebench.show.text import listing, one_line
from judgebench.show.tradeoff import Tradeoff, name_places

TONES: dict[Tone, str] = {"model": BLUE, "baseline": ORANGE, "flagged": RED, "unaudited": GREY}
_WIDTH, _LEFT, _RIGHT, _ROW, _GAP = 1000, 270, 70, 26, 18  # pixels
_LINE, _LINE_CHARS, _NAME_CHARS = 18, 130, 36
_PLOT_PX, _AXIS_PX = 420, 56
_CELL_PX, _HEADS_PX, _HEAD_CHARS = 58, 120, 16
_ROUND_PX, _BARS_PX = 260, 44  # half of a radar; a row of bars


@dataclass(frozen=True, slots=True)
class Caption:
    """What stands above and below a picture."""

    title: str
    about: str  # of which benchmark and judge, and when it was made
    warnings: tuple[str, ...]  # what is counted, left out, flagged and not audited


def caption(title: str, benchmark: str, board: Leaderboard, *, date: str, notes: Sequence[str] = ()) -> Caption:
    """``date``: of making the picture. ``notes``: what a reader must know of this chart."""
    by = "people's votes" if not board.judges else f"judge {listing(board.judges)}"
    about = f"Benchmark {one_line(benchmark, 80)}; {by}; {axis_title(board)}; made on {date}"
    gates = () if board.gate is None else board.gate.judges
    unsettled = [f"Beware: {about.note}." for gate in gates for about in gate.open]
    return Caption(title, about, (*notes, *sentences(board.coverage), *unsettled))


def intervals(board: Leaderboard, about: Caption) -> Picture:
    """The rating of each model with its interval as whiskers, the best on top."""
    known = [plotted(end, board.scale) for row in board.rows for end in (row.rating, row.lower, row.upper)]
    axis = ticks([end for end in known if end is not None])
    return _page(about, len(board.rows) * _ROW + _AXIS_PX, lambda top: _whiskers(board, axis, top))


def _whiskers(board: Leaderboard, axis: Ticks, top: float) -> Iterator[Mark]:
    bottom, wide = top + len(board.rows) * _ROW, _WIDTH - _LEFT - _RIGHT
    for value in axis.values:
        x = _LEFT + axis.share(value) * wide
        yield Line(x, top, x, bottom, FAINT, 1.0)
        yield Words(x, bottom + 14, f"{value:.10g}", "middle")
    yield Words(_LEFT + wide / 2, bottom + 38, axis_title(board), "middle")
    for place, row in enumerate(board.rows):
        y, colour = top + (place + 0.5) * _ROW, TONES[tone_of(board, row)]
        yield Words(_LEFT - 12, y, one_line(row.model, _NAME_CHARS), "end")
        yield Words(_WIDTH - _RIGHT + 12, y, ranks(row.rank_lower, row.rank_upper))
        ends = [plotted(end, board.scale) for end in (row.lower, row.upper)]
        if ends[0] is not None and ends[1] is not None:
            yield Line(_LEFT + axis.share(ends[0]) * wide, y, _LEFT + axis.share(ends[1]) * wide, y, colour)
        rating = plotted(row.rating, board.scale)
        if rating is not None:
            yield Dot(_LEFT + axis.share(rating) * wide, y, colour)


def tradeoff(of: Tradeoff, about: Caption) -> Picture:
    """Ratings upwards, length or cost to the right."""
    return _page(about, _PLOT_PX + _AXIS_PX, lambda top: _points(of, top))


def _points(of: Tradeoff, top: float) -> Iterator[Mark]:
    ends = [end for point in of.points for end in (point.y, point.lower, point.upper) if end is not None]
    plane = Plane(ticks([point.x for point in of.points]), ticks(ends), 80, top, _WIDTH - 60, top + _PLOT_PX)
    yield from plane.grid(of.x_title, of.y_title)
    for point in of.points:
        colour = TONES[point.tone]
        if point.lower is not None and point.upper is not None:
            x = plane.across(point.x)
            yield Line(x, plane.up(point.lower), x, plane.up(point.upper), colour)
        yield Dot(plane.across(point.x), plane.up(point.y), colour, one_line(point.words, 300))
    named = [(point, one_line(point.model, _NAME_CHARS)) for point in of.points if point.named]
    places = name_places([(plane.x.share(point.x), plane.y.share(point.y), len(name)) for point, name in named])
    for (point, name), (leftward, higher) in zip(named, places, strict=True):
        y = plane.up(point.y) - higher * _PLOT_PX
        yield Words(plane.across(point.x) + (-9 if leftward else 9), y, name, "end" if leftward else "start")


@dataclass(frozen=True, slots=True)
class Plane:
    """Two axes; edges in pixels."""

    x: Ticks
    y: Ticks
    left: float
    top: float
    right: float
    bottom: float

    def across(self, value: float) -> float:
        return self.left + self.x.share(value) * (self.right - self.left)

    def up(self, value: float) -> float:
        return self.bottom - self.y.share(value) * (self.bottom - self.top)

    def grid(self, x_title: str, y_title: str) -> Iterator[Mark]:
        """Lines at the ticks, what they stand for, and what the axes are."""
        for value in self.x.values:
            yield Line(self.across(value), self.top, self.across(value), self.bottom, FAINT, 1.0)
            yield Words(self.across(value), self.bottom + 14, f"{value:,.10g}", "middle")
        for value in self.y.values:
            yield Line(self.left, self.up(value), self.right, self.up(value), FAINT, 1.0)
            yield Words(self.left - 8, self.up(value), f"{value:,.10g}", "end")
        yield Words((self.left + self.right) / 2, self.bottom + 38, x_title, "middle")
        yield Words(24, (self.top + self.bottom) / 2, y_title, "middle", upright=True)


def heat_map(of: HeatMap, about: Caption) -> Picture:
    """A cell for every model and category, with its number."""
    width = max(_WIDTH, _LEFT + _CELL_PX * len(of.columns) + _GAP)
    return _page(about, _HEADS_PX + len(of.rows) * _ROW + _GAP, lambda top: _cells(of, top), width)


def _cells(of: HeatMap, top: float) -> Iterator[Mark]:
    for column, name in enumerate(of.columns):
        x = _LEFT + (column + 0.5) * _CELL_PX
        yield Words(x, top + _HEADS_PX - 8, one_line(name, _HEAD_CHARS), upright=True)
    for at, row in enumerate(of.rows):
        y = top + _HEADS_PX + at * _ROW
        yield Words(_LEFT - 12, y + _ROW / 2, one_line(row.model, _NAME_CHARS), "end")
        for column, cell in enumerate(row.cells):
            x = _LEFT + column * _CELL_PX
            if cell.colours is not None:
                yield Box(x, y, _CELL_PX - 1, _ROW - 1, cell.colours[0], cell.words)
                yield Words(x + _CELL_PX / 2, y + _ROW / 2, cell.text, "middle", cell.colours[1])
            else:
                yield Words(x + _CELL_PX / 2, y + _ROW / 2, cell.text, "middle")


def history(of: Past, about: Caption) -> Picture:
    """Ratings upwards, verdicts that had come in to the right."""
    return _page(about, _PLOT_PX + _AXIS_PX + len(of.models) * _LINE, lambda top: _past(of, top))


def _past(of: Past, top: float) -> Iterator[Mark]:
    ends = [end for point in of.points for end in (point.rating, point.lower, point.upper) if end is not None]
    start = top + len(of.models) * _LINE
    across = ticks([0.0, *(float(point.verdicts) for point in of.points)])
    plane = Plane(across, ticks(ends), 80, start, _WIDTH - 60, start + _PLOT_PX)
    yield from plane.grid("Verdicts that had come in", of.y_title)
    yield from _key(of.models, top)
    for model, colour in zip(of.models, MODELS, strict=False):
        mine = [point for point in of.points if point.model == model]
        yield from path([(plane.across(point.verdicts), plane.up(point.rating)) for point in mine], colour)
        for point in mine:
            x = plane.across(point.verdicts)
            if point.lower is not None and point.upper is not None:
                yield Line(x, plane.up(point.lower), x, plane.up(point.upper), colour, 1.0)
            yield Dot(x, plane.up(point.rating), colour, f"{one_line(model, 100)}, {point.time}")


def radar(of: Radar, about: Caption) -> Picture:
    """A closed line a model, on rings."""
    return _page(about, 2 * _ROUND_PX + len(of.models) * _LINE, lambda top: _round(of, top))


def _round(of: Radar, top: float) -> Iterator[Mark]:
    middle, centre = _WIDTH / 2, top + len(of.models) * _LINE + _ROUND_PX
    scale = 0.75 * _ROUND_PX / 100

    def at(x: float, y: float) -> tuple[float, float]:
        return middle + scale * x, centre - scale * y

    yield from _key(of.models, top)
    for ring in rings(len(of.categories)):
        yield from path([at(*place) for place in ring], FAINT, 1.0)
    for name, x, y in of.categories:
        yield Words(*at(x, y), name, "middle")
    for model, colour in zip(of.models, MODELS, strict=False):
        spokes = [spoke for spoke in of.spokes if spoke.model == model]
        yield from path([at(spoke.x, spoke.y) for spoke in (*spokes, *spokes[:1])], colour)
        yield from (Dot(*at(spoke.x, spoke.y), colour, spoke.words, 4.0) for spoke in spokes)


def _key(models: Sequence[str], top: float) -> Iterator[Mark]:
    """Which colour is which model's."""
    for at, (model, colour) in enumerate(zip(models, MODELS, strict=False)):
        yield Box(80, top + at * _LINE, 12, 12, colour)
        yield Words(100, top + at * _LINE + 6, one_line(model, 80))


def histograms(of: Histograms, about: Caption) -> Picture:
    """A row of bars for every model, all on one scale."""
    return _page(about, len(of.rows) * _BARS_PX + _AXIS_PX, lambda top: _bars(of, top))


def _bars(of: Histograms, top: float) -> Iterator[Mark]:
    wide = (_WIDTH - _LEFT - _RIGHT) / max(len(of.labels), 1)
    for place, row in enumerate(of.rows):
        bottom = top + (place + 1) * _BARS_PX
        yield Words(_LEFT - 12, bottom - _BARS_PX / 2, one_line(row.model, _NAME_CHARS), "end")
        yield Line(_LEFT, bottom, _WIDTH - _RIGHT, bottom, FAINT, 1.0)
        yield Words(_WIDTH - _RIGHT + 8, bottom - _BARS_PX / 2, f"{row.number:,}")
        for at, bar in enumerate(row.bars):
            high = (_BARS_PX - 6) * bar.share / (of.highest or 1.0)
            yield Box(_LEFT + at * wide + 1, bottom - high, wide - 2, high, BLUE, bar.words)
    for at, label in enumerate(of.labels):
        yield Words(_LEFT + (at + 0.5) * wide, top + len(of.rows) * _BARS_PX + 14, label, "middle")


def _page(about: Caption, height: float, body: Callable[[float], Iterable[Mark]], width: float = _WIDTH) -> Picture:
    """``body``: what is drawn below the place where it begins; so many pixels high."""
    heads = wrap(about.about, _LINE_CHARS)
    top = 36 + len(heads) * _LINE + _GAP
    foot = [line for warning in about.warnings for line in wrap(one_line(warning, 1000), _LINE_CHARS)]
    below = top + height + _GAP
    marks: list[Mark] = [Words(_GAP, 20, one_line(about.title, 120))]
    marks += [Words(_GAP, 42 + at * _LINE, line) for at, line in enumerate(heads)]
    marks += body(top)
    marks += [Words(_GAP, below + at * _LINE, line) for at, line in enumerate(foot)]
    return Picture(about.title, width, below + len(foot) * _LINE + _GAP, tuple(marks))
