"""Charts as Altair specifications over rows of plain values. Every chart's rows are on its page as a table too.

Colours are Okabe and Ito's, which colour-blind readers can tell apart, in shades that show on light and dark ground.
"""

from collections.abc import Sequence
from dataclasses import asdict

import altair as alt
from altair.typing import ChartType

from app.movement import Move
from app.pairs import Cell
from app.text import name
from judgebench.leaderboard import Leaderboard

BLUE, ORANGE, GREY, PALE = "#3d8fc9", "#e69f00", "#8a8f98", "#f4f4f2"
CHOSEN = "chosen"  # the selection in a matrix
_ROW_PX = 24
_MATRIX_PX = 200  # at least, without its axes
_AXIS_PX, _LEGEND_PX, _NAMES_PX = 70, 40, 130  # Streamlit counts them into a chart's height


def shown(value: float | None, scale: str) -> float | None:
    """A rating as it is printed: rates in percent, the others as they are."""
    return None if value is None else 100 * value if scale == "rate" else value


def unit(board: Leaderboard) -> str:
    if board.method == "length-controlled":
        return "Win rate at equal length, %"
    units = {"rate": "Win rate, %", "elo": "Rating, Elo scale", "logit": "Rating, log-odds", "score": "Mean score"}
    return units[board.scale]


def intervals(board: Leaderboard) -> ChartType:
    """Each model's rating as a point with its interval as whiskers, the best on top."""
    rows = [
        {
            "model": name(row.model, 200),
            "place": place,
            "rating": shown(row.rating, board.scale),
            "lower": shown(row.lower, board.scale),
            "upper": shown(row.upper, board.scale),
            "ranks": ranks(row.rank_lower, row.rank_upper),
            "battles": row.battles,
            "role": "baseline" if row.model == board.baseline else "model",
        }
        for place, row in enumerate(board.rows)
    ]
    digits = {"rate": ".1f", "elo": ".0f"}.get(board.scale, ".3f")
    tooltip = [
        alt.Tooltip("model:N", title="Model"),
        alt.Tooltip("rating:Q", title=unit(board), format=digits),
        alt.Tooltip("lower:Q", title=f"{board.interval.level:.0%} lower", format=digits),
        alt.Tooltip("upper:Q", title=f"{board.interval.level:.0%} upper", format=digits),
        alt.Tooltip("ranks:N", title="Ranks left open"),
        alt.Tooltip("battles:Q", title="Battles"),
    ]
    y = alt.Y(
        "model:N", sort=alt.EncodingSortField("place"), title=None, axis=alt.Axis(labelLimit=260, labelFontSize=12)
    )
    legend = None if board.baseline is None else alt.Legend(title=None, orient="top")
    roles = ["model", "baseline"]
    colour = alt.Color("role:N", scale=alt.Scale(domain=roles, range=[BLUE, ORANGE]), legend=legend)
    shape = alt.Shape("role:N", scale=alt.Scale(domain=roles, range=["circle", "diamond"]), legend=legend)
    x_axis, x_scale = alt.Axis(tickCount=10, title=unit(board)), alt.Scale(zero=False)
    base = alt.Chart(alt.InlineData(values=rows)).encode(y=y, color=colour, tooltip=tooltip)
    whiskers = base.mark_errorbar(ticks=alt.MarkConfig(size=9), thickness=2)
    spans = whiskers.encode(x=alt.X("lower:Q", axis=x_axis, scale=x_scale), x2="upper:Q")
    points = base.mark_point(filled=True, size=80, opacity=1).encode(
        x=alt.X("rating:Q", axis=x_axis, scale=x_scale), shape=shape
    )
    return alt.layer(spans, points).properties(height=len(rows) * _ROW_PX + _AXIS_PX + (_LEGEND_PX if legend else 0))


def matrix(cells: Sequence[Cell], models: Sequence[str]) -> ChartType:
    """How often the row's model was preferred to the column's, in the order of ``models``; a click chooses a cell."""
    names = [name(model, 200) for model in models]
    rows = [{**asdict(cell), "model": names[cell.row], "against": names[cell.column]} for cell in cells]
    tooltip = [
        alt.Tooltip("model:N", title="Model"),
        alt.Tooltip("against:N", title="Against"),
        alt.Tooltip("percent:Q", title="Win rate, %", format=".1f"),
        alt.Tooltip("lower:Q", title="Interval from", format=".1f"),
        alt.Tooltip("upper:Q", title="to", format=".1f"),
        alt.Tooltip("battles:Q", title="Battles"),
    ]
    axis = alt.Axis(labelLimit=200, labelFontSize=12, labelOverlap=False)
    scale = alt.Scale(domain=[0, 50, 100], range=[ORANGE, PALE, BLUE], interpolate="rgb")
    legend = alt.Legend(orient="top", gradientLength=200)
    chart: ChartType = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_rect(stroke=GREY, strokeWidth=0.5)
        .encode(
            x=alt.X("against:N", sort=names, title="Against", axis=axis),
            y=alt.Y("model:N", sort=names, title=None, axis=axis),
            color=alt.Color("percent:Q", scale=scale, title="Win rate, %", legend=legend),
            tooltip=tooltip,
        )
        .add_params(alt.selection_point(name=CHOSEN, fields=["row", "column"]))
        .properties(height=max(len(names) * _ROW_PX, _MATRIX_PX) + _AXIS_PX + _LEGEND_PX + _NAMES_PX)
    )
    return chart


def moves(rows: Sequence[Move]) -> ChartType:
    """An arrow a model from its win rate as judged to the one without the effects, which has whiskers."""
    values = [
        {
            "model": name(row.model, 200),
            "place": place,
            "before": row.before,
            "after": row.after,
            "lower": row.lower,
            "upper": row.upper,
            "ranks": f"{row.rank_before} to {row.rank_after}",
            "way": 90 if row.after >= row.before else -90,
        }
        for place, row in enumerate(rows)
    ]
    tooltip = [
        alt.Tooltip("model:N", title="Model"),
        alt.Tooltip("before:Q", title="As judged, %", format=".1f"),
        alt.Tooltip("after:Q", title="Held equal, %", format=".1f"),
        alt.Tooltip("lower:Q", title="95% lower", format=".1f"),
        alt.Tooltip("upper:Q", title="95% upper", format=".1f"),
        alt.Tooltip("ranks:N", title="Place"),
    ]
    y = alt.Y(
        "model:N", sort=alt.EncodingSortField("place"), title=None, axis=alt.Axis(labelLimit=260, labelFontSize=12)
    )
    axis, scale = alt.Axis(tickCount=10, title="Win rate, %: circle as judged, arrow held equal"), alt.Scale(zero=False)
    base = alt.Chart(alt.InlineData(values=values)).encode(y=y, tooltip=tooltip)
    spans = base.mark_errorbar(ticks=alt.MarkConfig(size=9), thickness=1, color=BLUE).encode(
        x=alt.X("lower:Q", axis=axis, scale=scale), x2="upper:Q"
    )
    paths = base.mark_rule(strokeWidth=2, color=ORANGE).encode(
        x=alt.X("before:Q", axis=axis, scale=scale), x2="after:Q"
    )
    begins = base.mark_point(size=50, strokeWidth=2, color=ORANGE, opacity=1).encode(x="before:Q")
    ends = base.mark_point(shape="triangle", filled=True, size=110, color=BLUE, opacity=1).encode(
        x="after:Q", angle=alt.Angle("way:Q", scale=None)
    )
    return alt.layer(spans, paths, begins, ends).properties(height=len(values) * _ROW_PX + _AXIS_PX)


def probabilities(top: Sequence[tuple[str, float]]) -> ChartType:
    """The probabilities that a judge gave to its next token, as bars; the most probable on top."""
    rows = [{"token": name(repr(token), 60), "place": i, "percent": 100 * p} for i, (token, p) in enumerate(top)]
    chart: ChartType = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_bar(color=BLUE)
        .encode(
            y=alt.Y("token:N", sort=alt.EncodingSortField("place"), title=None, axis=alt.Axis(labelLimit=160)),
            x=alt.X("percent:Q", title="Probability, %", scale=alt.Scale(domain=[0, 100])),
            tooltip=[alt.Tooltip("token:N", title="Token"), alt.Tooltip("percent:Q", title="%", format=".2f")],
        )
        .properties(height=len(rows) * _ROW_PX + _AXIS_PX)
    )
    return chart


def ranks(lower: int, upper: int) -> str:
    """The ranks that the data leave open, as ``3`` or ``2-5``."""
    return str(lower) if lower == upper else f"{lower}-{upper}"
