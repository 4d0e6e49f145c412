"""Charts of few models that must be told apart: ratings as verdicts came in, and what models do by category, round.

As Vega-Lite specifications; ``pictures`` draws the same points for files.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import cos, pi, sin
from typing import TYPE_CHECKING

from judgebench.estimate import Estimate
from judgebench.show.board import axis_title
from judgebench.show.charts import Spec, filled, form, parts_of_form
from judgebench.show.colours import GREY, MODELS
from judgebench.show.heat import FEWEST
from judgebench.show.numbers import estimate, plotted
from judgebench.show.text import count, listing, one_line

if TYPE_CHECKING:
    from judgebench.services.history import History
    from judgebench.services.part_rates import CategoryRates, PartRate

MOST = len(MODELS) - 1  # models at once; the last colour is for what is beside them
_PX, _RADAR_PX = 440, 340  # a phone is 358 wide inside
_KEY_PX, _TOP_PX = 24, 54  # of a line of the key and above it: Streamlit counts them into a chart's height
_RINGS = (25, 50, 75, 100)  # percent
_OUTSIDE, _EDGE = 112, 140  # where names of categories stand, and the ends of both axes


@dataclass(frozen=True, slots=True)
class PastRating:
    """A model at one moment. Ratings as they are written: rates in percent."""

    model: str
    verdicts: int  # that had come in
    time: str
    rating: float
    lower: float | None
    upper: float | None


@dataclass(frozen=True, slots=True)
class Past:
    points: tuple[PastRating, ...]  # by model, then in time
    models: tuple[str, ...]
    y_title: str
    notes: tuple[str, ...]  # what the moments are, and what is not shown


def past(of: "History", models: Sequence[str]) -> Past:
    """Of these ``models``, at most MOST."""
    shown = tuple(models[:MOST])
    points = [
        PastRating(
            *(model, then.verdicts, then.time, rating),
            *(plotted(row.lower, of.board.scale), plotted(row.upper, of.board.scale)),
        )
        for model in shown
        for then in of.moments
        if then.board is not None
        for row in then.board.rows
        if row.model == model and (rating := plotted(row.rating, of.board.scale)) is not None
    ]
    return Past(tuple(points), shown, axis_title(of.board), tuple(_past_notes(of)))


def _past_notes(of: "History") -> list[str]:
    ranked = [then for then in of.moments if then.board is not None]
    if not ranked:
        return ["There was nothing to rank by at any moment."]
    first, last = (then.time[:19].replace("T", " ") for then in (ranked[0], ranked[-1]))
    notes = [
        f"The leaderboard by the verdicts that had come in at {count(len(ranked), 'moment')} from {first} to {last} "
        f"(UTC), with {of.board.level:.0%} intervals; judges, baseline and flags are today's."
    ]
    if len(ranked) < 2:
        notes.append("All verdicts came at once, so nothing can have changed.")
    early = [then for then in of.moments if then.board is None]
    if early:
        notes.append(f"Not ranked at {count(len(early), 'moment')}: {one_line(early[0].reason, 200)}.")
    return notes


def history(of: Past) -> Spec:
    """Lines with their intervals over how many verdicts had come in."""
    rows = [
        {
            "model": one_line(point.model, 60),
            "verdicts": point.verdicts,
            "time": point.time[:19],
            "rating": point.rating,
            "lower": point.lower,
            "upper": point.upper,
        }
        for point in of.points
    ]
    return filled(_history(of.y_title, tuple(one_line(model, 60) for model in of.models)), rows, _PX)


@lru_cache(maxsize=32)
def _history(title: str, models: tuple[str, ...]) -> Spec:
    alt, none, whisker = parts_of_form()
    colour = alt.Color(
        "model:N",
        scale=alt.Scale(domain=list(models), range=list(MODELS[: len(models)])),
        legend=alt.Legend(title=None, orient="top", columns=1, labelLimit=300),
    )
    tooltip = [
        alt.Tooltip("model:N", title="Model"),
        alt.Tooltip("time:N", title="At (UTC)"),
        alt.Tooltip("verdicts:Q", title="Verdicts", format=","),
        *(alt.Tooltip(f"{name}:Q", title=name, format=".1f") for name in ("rating", "lower", "upper")),
    ]
    x, scale = alt.X("verdicts:Q", axis=alt.Axis(title="Verdicts that had come in")), alt.Scale(zero=False)
    lower, rating = (alt.Y(f"{name}:Q", title=title, scale=scale) for name in ("lower", "rating"))
    base = alt.Chart(none).encode(x=x, color=colour, tooltip=tooltip)
    spans = base.mark_errorbar(ticks=whisker, thickness=1).encode(y=lower, y2="upper:Q")
    lines = base.mark_line(strokeWidth=2).encode(y=rating)
    points = base.mark_point(filled=True, size=50, opacity=1).encode(y=rating)
    return form(alt.layer(spans, lines, points))


@dataclass(frozen=True, slots=True)
class Spoke:
    """A model on a category. ``share``: from the middle, in percent; ``x``, ``y``: there, upwards and to the right."""

    model: str
    category: str
    share: float
    x: float
    y: float
    words: str


@dataclass(frozen=True, slots=True)
class Radar:
    spokes: tuple[Spoke, ...]  # by model, then round
    models: tuple[str, ...]
    categories: tuple[tuple[str, float, float], ...]  # as they are shown, and where their names stand
    notes: tuple[str, ...]  # how to read it, and what is left out


def radar(rates: "CategoryRates", models: Sequence[str]) -> Radar:
    """Of win rates, from 0 in the middle to 100 percent; only categories on which all ``models`` can be told.

    Beside others the baseline is left out, as what it did is not comparable with what they did against it.

    Without spokes where those are fewer than three, or where scores rank: then a note says so.
    """
    if rates.board.scale == "score":
        return Radar((), (), (), ("Scores have no common end to draw them round.",))
    fixed = rates.board.baseline if len(models) > 1 else None  # its rates are against all others, theirs against it
    parts = {model: _told(rates.rates.get(model, ())) for model in models[:MOST] if model != fixed}
    told = [name for name in rates.categories if all(name in of for of in parts.values())]
    absent = [name or "no category" for name in rates.categories if name not in told]
    against = f"{one_line(fixed or '', 100)}, the baseline, is left out: the others' win rates are against it."
    beside = [against] if fixed in models else []
    without = [f"Left out, as fewer than {FEWEST} instructions were judged: {listing(absent)}."] if absent else []
    if len(told) < 3:
        few = "Fewer than three categories can be told, too few to be drawn round: the table has them."
        return Radar((), (), (), (few, *beside, *without))
    spokes = []
    for model, of in parts.items():
        for at, name in enumerate(told):
            share, rate = of[name]
            words = f"{one_line(model, 100)}, {one_line(name or 'no category', 60)}: {estimate(rate, 'rate')}"
            spokes.append(Spoke(model, name, share, *around(at, len(told), share), words))
    names = tuple(
        (one_line(name or "no category", 24), *around(at, len(told), _OUTSIDE)) for at, name in enumerate(told)
    )
    note = "Win rates, rings at 25, 50, 75 and 100 percent; intervals are under the pointer and on each model's page."
    return Radar(tuple(spokes), tuple(parts), names, (note, *beside, *without))


def _told(parts: "Iterable[PartRate]") -> dict[str, tuple[float, Estimate]]:
    """The rates that can be told, in percent and with their intervals, by category."""
    enough = ((part, plotted(part.estimate.value, "rate")) for part in parts if part.instructions >= FEWEST)
    return {part.name: (share, part.estimate) for part, share in enough if share is not None}


def around(at: int, of: int, far: float) -> tuple[float, float]:
    """Where the spoke ``at`` of so many is, so ``far`` from the middle: the first one upwards, then clockwise."""
    angle = 2 * pi * at / of
    return far * sin(angle), far * cos(angle)


def rings(of: int) -> list[list[tuple[float, float]]]:
    """Closed lines at 25, 50, 75 and 100 percent for so many categories."""
    return [[around(at % of, of, ring) for at in range(of + 1)] for ring in _RINGS]


def round_chart(of: Radar) -> Spec:
    """A closed line a model, on rings; as high as it is wide."""
    number = len(of.categories)
    rows: list[dict[str, object]] = []
    for model in of.models:
        spokes = [spoke for spoke in of.spokes if spoke.model == model]
        rows += [
            {"model": one_line(model, 60), "order": at, "x": spoke.x, "y": spoke.y, "words": spoke.words}
            for at, spoke in enumerate([*spokes, spokes[0]])
        ]
    grid = [
        {"ring": ring, "order": at, "x": x, "y": y}
        for ring, line in enumerate(rings(number))
        for at, (x, y) in enumerate(line)
    ]
    labels = [{"name": name, "x": x, "y": y} for name, x, y in of.categories]
    spec = filled(
        _radar(tuple(one_line(model, 60) for model in of.models)), rows, _RADAR_PX + _TOP_PX + _KEY_PX * len(of.models)
    )
    circles, *others, words = spec["layer"]
    layers = [{**circles, "data": {"values": grid}}, *others, {**words, "data": {"values": labels}}]
    return {**spec, "layer": layers, "width": _RADAR_PX}


@lru_cache(maxsize=32)
def _radar(models: tuple[str, ...]) -> Spec:
    alt, none, _ = parts_of_form()
    scale = alt.Scale(domain=[-_EDGE, _EDGE])
    x, y = (alt.X("x:Q", axis=None, scale=scale), alt.Y("y:Q", axis=None, scale=scale))
    colour = alt.Color(
        "model:N",
        scale=alt.Scale(domain=list(models), range=list(MODELS[: len(models)])),
        legend=alt.Legend(title=None, orient="top", columns=1, labelLimit=300),
    )
    words = [alt.Tooltip("words:N", title="Win rate")]
    circles = (
        alt.Chart(none)
        .mark_line(color=GREY, opacity=0.5, strokeWidth=1)
        .encode(x=x, y=y, detail="ring:N", order="order:Q")
    )
    base = alt.Chart(none).encode(x=x, y=y, color=colour, tooltip=words)
    lines = base.mark_line(strokeWidth=2).encode(order="order:Q")
    points = base.mark_point(filled=True, size=60, opacity=1)
    names = alt.Chart(none).mark_text(fontSize=12, color=GREY).encode(x=x, y=y, text="name:N")
    return form(alt.layer(circles, lines, points, names))
