"""Ratings beside length or cost, as HTML of ours: every dot is a link to its model, and can be reached by Tab."""

from collections.abc import Callable, Iterator, Sequence

from judgebench.show.drawing import Ticks, ticks
from judgebench.show.text import escaped_html, one_line
from judgebench.show.tradeoff import Point, Tradeoff, name_places

Link = Callable[[str], str]  # the address of a model's page
_NAME_CHARS = 40


def scatter(of: Tradeoff, link: Link) -> str:
    """Places are percent of the axes, so that it is as wide as there is room."""
    across = ticks([point.x for point in of.points])
    ends = [end for point in of.points for end in (point.y, point.lower, point.upper) if end is not None]
    up = ticks(ends)
    grid = [
        f'<span class="gx" style="left:{100 * across.share(value):.2f}%"><span>{value:,.10g}</span></span>'
        for value in across.values
    ]
    grid += [
        f'<span class="gy" style="bottom:{100 * up.share(value):.2f}%"><span>{value:,.10g}</span></span>'
        for value in up.values
    ]
    x_title, y_title = escaped_html(of.x_title), escaped_html(of.y_title)
    marks = "".join(part for point in of.points for part in _point(point, link, across, up))
    marks += "".join(_names([point for point in of.points if point.named], across, up))
    return (
        f'<figure class="jb-plot" role="group" aria-label="{y_title} beside {x_title.lower()}"><div class="y">{y_title}'
        f'</div><div class="area">{"".join(grid)}{marks}</div><div class="x">{x_title}</div></figure>'
    )


def _point(point: Point, link: Link, across: Ticks, up: Ticks) -> Iterator[str]:
    """The interval and the dot."""
    left, bottom = 100 * across.share(point.x), 100 * up.share(point.y)
    if point.lower is not None and point.upper is not None:
        low, high = 100 * up.share(point.lower), 100 * up.share(point.upper)
        place = f"left:{left:.2f}%;bottom:{low:.2f}%;height:{high - low:.2f}%"
        yield f'<span class="whisker {point.tone}" style="{place}"></span>'
    words = escaped_html(point.words)
    place = f"left:{left:.2f}%;bottom:{bottom:.2f}%"
    yield (
        f'<a class="point {point.tone}" style="{place}" href="{escaped_html(link(point.model))}" aria-label="{words}" '
        f'title="{words}"></a>'
    )


def _names(points: Sequence[Point], across: Ticks, up: Ticks) -> Iterator[str]:
    names = [one_line(point.model, _NAME_CHARS) for point in points]
    places = [(across.share(point.x), up.share(point.y)) for point in points]
    room = name_places([(*place, len(name)) for place, name in zip(places, names, strict=True)])
    for name, (x, y), (leftward, higher) in zip(names, places, room, strict=True):
        side = "to-left" if leftward else "to-right"
        place = f"left:{100 * x:.2f}%;bottom:{100 * (y + higher):.2f}%"
        yield f'<span class="name {side}" style="{place}">{escaped_html(name)}</span>'
