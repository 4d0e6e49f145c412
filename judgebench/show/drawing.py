"""Pictures as marks on a plane, written as SVG or PNG: no JavaScript, no link, and nothing to be loaded.

Text is escaped in SVG; in PNG, characters that the built-in font does not have are shown as boxes. PNG needs the extra
``app``.
"""

import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from judgebench.errors import MissingExtra
from judgebench.show.text import escaped_html

INK, FAINT, SIZE = "#222222", "#dddddd", 13  # of text and of grids; pixels of letters
_SCALE = 2  # of a PNG
_INLINE = {INK: "currentColor", FAINT: "#88888855"}  # on a page of any ground


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
    title: str = ""  # shown under the pointer in SVG
    radius: float = 5.0


@dataclass(frozen=True, slots=True)
class Box:
    x: float  # of its left upper corner
    y: float
    width: float
    height: float
    colour: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    x: float
    y: float  # of its middle
    text: str
    anchor: str = "start"  # or "middle" or "end"
    colour: str = INK
    upright: bool = False  # read from the bottom to the top


Mark = Line | Dot | Box | Words


@dataclass(frozen=True, slots=True)
class Picture:
    """Marks from the back to the front; lengths in pixels."""

    title: str
    width: float
    height: float
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Ticks:
    """Round numbers on an axis, which hold all values."""

    low: float
    step: float
    count: int  # of steps, at least 1

    @property
    def values(self) -> tuple[float, ...]:
        return tuple(self.low + at * self.step for at in range(self.count + 1))

    def share(self, value: float) -> float:
        """Where a value stands, from 0 at the first tick to 1 at the last."""
        return (value - self.low) / (self.step * self.count)


def ticks(values: Sequence[float], most: int = 6) -> Ticks:
    """About ``most`` steps that hold the values; from 0 to 1 where there are none."""
    lowest, highest = min(values, default=0.0), max(values, default=1.0)
    raw = max(highest - lowest, 1e-9, abs(highest) * 1e-9) / most
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= raw)
    low = math.floor(lowest / step) * step
    return Ticks(low, step, max(math.ceil((highest - low) / step - 1e-9), 1))


def svg(picture: Picture, *, inline: bool = False) -> str:
    """``inline``: as a part of a page, as wide as there is room, in its ink and on its ground."""
    size = "" if inline else f' width="{picture.width:g}" height="{picture.height:g}"'
    ground = "" if inline else '<rect width="100%" height="100%" fill="white"/>\n'
    colours = _INLINE if inline else {}
    body = "\n".join(_element(mark, colours) for mark in picture.marks)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg"{size} viewBox="0 0 {picture.width:g} {picture.height:g}" role="img"'
        f' aria-label="{escaped_html(picture.title)}" font-family="sans-serif" font-size="{SIZE}">\n'
        f"{ground}{body}\n</svg>\n"
    )


def png(picture: Picture) -> bytes:
    """At twice the size of the SVG. Raises MissingExtra."""
    try:
        from PIL import Image, ImageDraw, ImageFont  # of the extra, and it takes long to load
    except ImportError as error:
        raise MissingExtra("PNG needs Pillow: pip install 'judgebench[app]'") from error
    image = Image.new("RGB", (round(picture.width) * _SCALE, round(picture.height) * _SCALE), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(SIZE * _SCALE)
    for mark in picture.marks:
        x, y = (_SCALE * value for value in ((mark.x1, mark.y1) if isinstance(mark, Line) else (mark.x, mark.y)))
        if isinstance(mark, Line):
            ends = [x, y, _SCALE * mark.x2, _SCALE * mark.y2]
            draw.line(ends, fill=mark.colour, width=max(round(mark.width * _SCALE), 1))
        elif isinstance(mark, Dot):
            r = mark.radius * _SCALE
            draw.ellipse([x - r, y - r, x + r, y + r], fill=mark.colour)
        elif isinstance(mark, Box):
            draw.rectangle([x, y, x + _SCALE * mark.width - 1, y + _SCALE * mark.height - 1], fill=mark.colour)
        elif mark.upright:
            letters = Image.new("L", (round(font.getlength(mark.text)) + 4, 2 * SIZE * _SCALE))
            ImageDraw.Draw(letters).text((2, SIZE * _SCALE), mark.text, fill=255, font=font, anchor="lm")
            turned = letters.rotate(90, expand=True)
            start = {"start": turned.height, "middle": turned.height / 2, "end": 0}[mark.anchor]
            image.paste(mark.colour, (round(x - turned.width / 2), round(y - start)), turned)
        else:
            anchor = {"start": "lm", "middle": "mm", "end": "rm"}[mark.anchor]
            draw.text((x, y), mark.text, fill=mark.colour, font=font, anchor=anchor)
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def path(points: Sequence[tuple[float, float]], colour: str, width: float = 2.0) -> Iterator[Line]:
    """Lines from each point to the next."""
    for (x1, y1), (x2, y2) in pairwise(points):
        yield Line(x1, y1, x2, y2, colour, width)


def _element(mark: Mark, colours: dict[str, str]) -> str:
    colour = colours.get(mark.colour, mark.colour)
    if isinstance(mark, Line):
        return (
            f'<line x1="{mark.x1:.1f}" y1="{mark.y1:.1f}" x2="{mark.x2:.1f}" y2="{mark.y2:.1f}" '
            f'stroke="{colour}" stroke-width="{mark.width:g}"/>'
        )
    if isinstance(mark, Words):
        turned = f' transform="rotate(-90 {mark.x:.1f} {mark.y:.1f})"' if mark.upright else ""
        return (
            f'<text x="{mark.x:.1f}" y="{mark.y:.1f}" text-anchor="{mark.anchor}" dominant-baseline="central" '
            f'fill="{colour}"{turned}>{escaped_html(mark.text)}</text>'
        )
    title = f"<title>{escaped_html(mark.title)}</title>" if mark.title else ""
    if isinstance(mark, Dot):
        return f'<circle cx="{mark.x:.1f}" cy="{mark.y:.1f}" r="{mark.radius:g}" fill="{colour}">{title}</circle>'
    return (
        f'<rect x="{mark.x:.1f}" y="{mark.y:.1f}" width="{mark.width:.1f}" height="{mark.height:.1f}" '
        f'fill="{colour}">{title}</rect>'
    )
