"""Charts as Vega-Lite specifications over rows of plain values; ``chart`` makes one an Altair object for notebooks.

Altair builds and validates each chart's form once; showing it again only puts the rows in. Colours are Okabe and Ito's,
which colour-blind readers can tell apart, in shades that show on light and dark ground. Needs the extra ``app``.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from judgebench.errors import MissingExtra
from judgebench.estimate import Estimate
from judgebench.leaderboard import Leaderboard, Row
from judgebench.show.board import axis_title, tone_of
from judgebench.show.colours import BLUE, GREY, ORANGE, PALE, RED
from judgebench.show.numbers import Labelled, plotted, ranks
from judgebench.show.text import listing, one_line

if TYPE_CHECKING:
    from judgebench.bias.confidence import ReliabilityBin
    from judgebench.bias.position import GapBin
    from judgebench.show.tables import Move

_ROW_PX = 24
_PHONE_PX, _PHONE_LABELS_PX = 500, 120  # narrower than that, labels of rows leave room for what they are about
_LINE_CHARS = 20  # of such a label, which then takes two lines, and breaks behind what joins words
_HALF_LINE_PX = 6
_IS_PHONE = f"containerSize()[0] < {_PHONE_PX}"
_BREAK = "max({})".format(", ".join(f"lastindexof(slice(datum.label, 0, {_LINE_CHARS}), '{mark}')" for mark in " -_/."))
_IS_LONG = f"{_IS_PHONE} && length(datum.label) > {_LINE_CHARS} && {_BREAK} > 0"
_IN_TWO_LINES = f"{_IS_LONG} ? [slice(datum.label, 0, {_BREAK} + 1), slice(datum.label, {_BREAK} + 1)] : datum.label"
_MARGIN_PX = 6  # on either side: text that is drawn in another font than it was measured in is wider
_MATRIX_PX = 200  # at least, without its axes
_AXIS_PX, _LEGEND_PX, _NAMES_PX = 70, 60, 130  # Streamlit counts them into a chart's height
_FLUSH_PX = 16  # from an axis' end, within which a number stands on the axis' side alone
_ENTRANT = {"value": "win_rate", "lower": "lower", "upper": "upper"}
Spec = dict[str, Any]


def chart(spec: Spec) -> Any:
    """The Altair object of a specification, to be shown or changed in a notebook. Raises MissingExtra."""
    return _altair().Chart.from_dict(spec)


def intervals(board: Leaderboard, part: range | None = None) -> Spec:
    """The rating of each model as a point with its interval as whiskers, the best on top.

    ``part``: the places to show, from 0; None shows all.
    """
    part = range(len(board.rows)) if part is None else part
    rows = [
        {
            "model": one_line(row.model, 200),
            "place": place,
            "rating": plotted(row.rating, board.scale),
            "lower": plotted(row.lower, board.scale),
            "upper": plotted(row.upper, board.scale),
            "ranks": ranks(row.rank_lower, row.rank_upper),
            "battles": row.battles,
            "role": _role(board, row),
        }
        for place, row in enumerate(board.rows[part.start : part.stop])
    ]
    legend = any(row["role"] != "model" for row in rows)
    digits = {"rate": ".1f", "elo": ".0f"}.get(board.scale, ".3f")
    form = _intervals(axis_title(board), level=f"{board.level:.0%}", digits=digits, legend=legend)
    return filled(form, rows, len(rows) * _ROW_PX + _AXIS_PX + (_LEGEND_PX if legend else 0))


def _role(board: Leaderboard, row: Row) -> str:
    tone = tone_of(board, row)
    return tone if tone in ("flagged", "baseline") else "model"


def matrix(pairs: Iterable[Mapping[str, Any]], models: Sequence[str]) -> Spec:
    """How often the row's model was preferred to the column's, in the order of ``models``.

    ``pairs`` as ``PairRates.pairs`` gives them.
    """
    place = {model: at for at, model in enumerate(models)}
    rows = [
        {
            "model": one_line(pair["model"], 200),
            "against": one_line(pair["opponent"], 200),
            "row": place[pair["model"]],
            "column": place[pair["opponent"]],
            "percent": 100 * pair["win_rate"],
            "lower": plotted(pair["lower"], "rate"),
            "upper": plotted(pair["upper"], "rate"),
            "battles": pair["battles"],
        }
        for pair in pairs
    ]
    return filled(_matrix(), rows, max(len(models) * _ROW_PX, _MATRIX_PX) + _AXIS_PX + _LEGEND_PX + _NAMES_PX)


def moves(rows: Sequence["Move"]) -> Spec:
    """An arrow a model from its win rate as judged to the one without the effects, which has whiskers.

    ``rows``: of one level; without any, as where no effect is identified, there is none.
    """
    level = next((f"{row.without.level:.0%} " for row in rows), "")
    values = [
        {
            "model": one_line(row.model, 200),
            "place": place,
            "before": plotted(row.win_rate.value, "rate"),
            "after": plotted(row.without.value, "rate"),
            "lower": plotted(row.without.lower, "rate"),
            "upper": plotted(row.without.upper, "rate"),
            "passes": listing(row.passes) if row.passes else "nobody, as far as is shown",
            "flag": one_line(row.flag) or "nothing to mark",
            "way": -90 if row.change.value is not None and row.change.value < 0 else 90,
        }
        for place, row in enumerate(rows)
    ]
    return filled(_moves(level), values, len(values) * _ROW_PX + _AXIS_PX)


def effects(rows: Sequence[Labelled]) -> Spec:
    """Effects in points of win rate with whiskers, and a line at none."""
    lines = [_whisker(row.label, row.estimate) for row in rows if row.estimate is not None]
    return _with_whiskers(lines, "Points of win rate at equal quality", line_at=0.0)


def null_models(entrants: Sequence[Mapping[str, Any]], gate: float) -> Spec:
    """Win rates of null models, as an audit's document holds them, with their bounds, and a line at the gate."""
    lines = [
        {"what": str(entrant["name"])} | {field: entrant[key] for field, key in _ENTRANT.items()}
        for entrant in entrants
    ]
    return _with_whiskers(lines, "Win rate, %; the line is the gate", line_at=100 * gate)


def position_curve(bins: Sequence["GapBin"]) -> Spec:
    """What the first place adds, by how far apart the models are."""
    lines = [_whisker(f"{gap.gap_from:.0%} to {gap.gap_to:.0%}", gap.points) for gap in bins if gap.points.identified]
    return _with_whiskers(lines, "Points of the first place", line_at=0.0)


def reliability(curve: Sequence["ReliabilityBin"]) -> Spec:
    """Accuracy by confidence; on the line a judge is as right as it is sure."""
    values = [
        {
            "confidence": 100 * point.confidence,
            "accuracy": plotted(point.accuracy.value, "rate"),
            "lower": plotted(point.accuracy.lower, "rate"),
            "upper": plotted(point.accuracy.upper, "rate"),
            "battles": point.accuracy.n,
        }
        for point in curve
    ]
    return filled(_reliability(), values, 320)


def probabilities(top: Sequence[tuple[str, float]]) -> Spec:
    """The probabilities that a judge gave to its next token, as bars; the most probable on top."""
    rows = [{"token": one_line(repr(token), 60), "place": i, "percent": 100 * p} for i, (token, p) in enumerate(top)]
    return filled(_probabilities(), rows, len(rows) * _ROW_PX + _AXIS_PX)


def filled(form: Spec, rows: Sequence[Mapping[str, Any]], height: int) -> Spec:
    """A form with its rows."""
    return {
        **form,
        "data": {"values": list(rows)},
        "height": height,
        "padding": {"left": _MARGIN_PX, "right": _MARGIN_PX},
    }


def form(chart: Any) -> Spec:
    """Everything but the rows; data of a layer's own stay with it."""
    form: Spec = chart.to_dict()
    del form["config"]  # Altair's looks, where Streamlit has its own
    own = form.pop("datasets", {})
    for layer in form.get("layer", []):
        named = layer.pop("data", {}).get("name")
        if named in own:
            layer["data"] = {"values": own[named]}
    return form


def _whisker(what: str, known: Estimate) -> dict[str, Any]:
    return {"what": what, "value": known.value, "lower": known.lower, "upper": known.upper}


def _with_whiskers(lines: Sequence[Mapping[str, Any]], title: str, *, line_at: float) -> Spec:
    """Of fractions, which are shown in percent, from top to bottom."""
    rows = [
        {"what": one_line(line["what"], 80), "place": place}
        | {field: plotted(line[field], "rate") for field in ("value", "lower", "upper")}
        for place, line in enumerate(lines)
    ]
    return filled(_whiskers(title, line_at), rows, len(rows) * _ROW_PX + _AXIS_PX)


def _in_order(field: str, labels_px: int) -> Any:
    """Rows from top to bottom as ``place`` counts them."""
    alt = _altair()
    limit = _on_a_phone(_PHONE_LABELS_PX, labels_px)
    half = {"condition": {"test": _IS_LONG.replace("datum.label", "datum.value"), "value": -_HALF_LINE_PX}, "value": 0}
    size = _on_a_phone(10, 12)
    axis = alt.Axis(labelLimit=limit, labelFontSize=size, labelExpr=_IN_TWO_LINES, labelOffset=half, labelOverlap=False)
    return alt.Y(f"{field}:N", sort=alt.EncodingSortField("place"), title=None, axis=axis)


def _on_a_phone(there: float, elsewhere: float) -> Any:
    """One number or another by the width that the chart has."""
    return _altair().ExprRef(expr=f"{_IS_PHONE} ? {there} : {elsewhere}")


def _below(title: str | list[str]) -> Any:
    """An axis whose title ends where the axis does: beside long names it is wider than a phone's axis."""
    flush = _FLUSH_PX  # else a number at the axis' end is cut where the chart ends
    return _altair().Axis(tickCount=10, title=title, titleAnchor="end", titleAlign="right", labelFlush=flush)


@lru_cache(maxsize=32)
def _intervals(title: str, *, level: str, digits: str, legend: bool) -> Spec:
    alt, none, whisker = parts_of_form()
    tooltip = [
        alt.Tooltip("model:N", title="Model"),
        alt.Tooltip("rating:Q", title=title, format=digits),
        alt.Tooltip("lower:Q", title=f"{level} lower", format=digits),
        alt.Tooltip("upper:Q", title=f"{level} upper", format=digits),
        alt.Tooltip("ranks:N", title="Ranks left open"),
        alt.Tooltip("battles:Q", title="Battles"),
    ]
    on_top = alt.Legend(title=None, orient="top", columns=_on_a_phone(2, 0)) if legend else None
    roles = ["model", "baseline", "flagged"]
    colour = alt.Color("role:N", scale=alt.Scale(domain=roles, range=[BLUE, ORANGE, RED]), legend=on_top)
    shape = alt.Shape("role:N", scale=alt.Scale(domain=roles, range=["circle", "diamond", "cross"]), legend=on_top)
    x_axis, x_scale = _below(title), alt.Scale(zero=False)
    base = alt.Chart(none).encode(y=_in_order("model", 260), color=colour, tooltip=tooltip)
    spans = base.mark_errorbar(ticks=whisker, thickness=2).encode(
        x=alt.X("lower:Q", axis=x_axis, scale=x_scale), x2="upper:Q"
    )
    points = base.mark_point(filled=True, size=80, opacity=1).encode(
        x=alt.X("rating:Q", axis=x_axis, scale=x_scale), shape=shape
    )
    return form(alt.layer(spans, points))


@lru_cache(maxsize=1)
def _matrix() -> Spec:
    alt, none, _ = parts_of_form()
    tooltip = [
        alt.Tooltip("model:N", title="Model"),
        alt.Tooltip("against:N", title="Against"),
        alt.Tooltip("percent:Q", title="Win rate, %", format=".1f"),
        alt.Tooltip("lower:Q", title="Interval from", format=".1f"),
        alt.Tooltip("upper:Q", title="to", format=".1f"),
        alt.Tooltip("battles:Q", title="Battles"),
    ]
    axis = alt.Axis(labelLimit=200, labelFontSize=12, labelOverlap=False, labelFlush=False)
    scale = alt.Scale(domain=[0, 50, 100], range=[ORANGE, PALE, BLUE], interpolate="rgb")
    legend = alt.Legend(orient="top", gradientLength=200)
    chart = (
        alt.Chart(none)
        .mark_rect(stroke=GREY, strokeWidth=0.5)
        .encode(
            x=alt.X("against:N", sort=alt.EncodingSortField("column", op="min"), title="Against", axis=axis),
            y=alt.Y("model:N", sort=alt.EncodingSortField("row", op="min"), title=None, axis=axis),
            color=alt.Color("percent:Q", scale=scale, title="Win rate, %", legend=legend),
            tooltip=tooltip,
        )
    )
    return form(chart)


@lru_cache(maxsize=4)
def _moves(level: str) -> Spec:
    alt, none, whisker = parts_of_form()
    tooltip = [
        alt.Tooltip("model:N", title="Model"),
        alt.Tooltip("before:Q", title="As judged, %", format=".1f"),
        alt.Tooltip("after:Q", title="Held equal, %", format=".1f"),
        alt.Tooltip("lower:Q", title=f"{level}lower", format=".1f"),
        alt.Tooltip("upper:Q", title=f"{level}upper", format=".1f"),
        alt.Tooltip("passes:N", title="Would pass"),
        alt.Tooltip("flag:N", title="Audit"),
    ]
    axis, scale = (_below(["Win rate, %:", "circle as judged, arrow held equal"]), alt.Scale(zero=False))
    base = alt.Chart(none).encode(y=_in_order("model", 260), tooltip=tooltip)
    spans = base.mark_errorbar(ticks=whisker, thickness=1, color=BLUE).encode(
        x=alt.X("lower:Q", axis=axis, scale=scale), x2="upper:Q"
    )
    paths = base.mark_rule(strokeWidth=2, color=ORANGE).encode(
        x=alt.X("before:Q", axis=axis, scale=scale), x2="after:Q"
    )
    begins = base.mark_point(size=50, strokeWidth=2, color=ORANGE, opacity=1).encode(x="before:Q")
    ends = base.mark_point(shape="triangle", filled=True, size=110, color=BLUE, opacity=1).encode(
        x="after:Q", angle=alt.Angle("way:Q", scale=None)
    )
    return form(alt.layer(spans, paths, begins, ends))


@lru_cache(maxsize=1)
def _reliability() -> Spec:
    alt, none, whisker = parts_of_form()
    scale = alt.Scale(domain=[50, 100])
    words = {"confidence": "Confidence, %", "accuracy": "Right, %", "lower": "Interval from", "upper": "to"}
    tooltip = [alt.Tooltip(f"{field}:Q", title=word, format=".1f") for field, word in words.items()]
    base = alt.Chart(none).encode(x=alt.X("confidence:Q", title=words["confidence"], scale=scale))
    ideal = alt.Chart(alt.InlineData(values=[{"x": 50, "y": 50}, {"x": 100, "y": 100}])).mark_line(
        color=GREY, strokeDash=[4, 4]
    )
    spans = base.mark_errorbar(ticks=whisker, thickness=2, color=BLUE).encode(
        y=alt.Y("lower:Q", title=words["accuracy"], scale=alt.Scale(domain=[0, 100])), y2="upper:Q"
    )
    points = base.mark_point(filled=True, size=80, color=BLUE, opacity=1).encode(
        y="accuracy:Q", tooltip=[*tooltip, alt.Tooltip("battles:Q", title="Battles")]
    )
    return form(alt.layer(ideal.encode(x=alt.X("x:Q", scale=scale), y="y:Q"), spans, points))


@lru_cache(maxsize=32)
def _whiskers(title: str, line_at: float) -> Spec:
    """A point with its interval for each row, in their order, and a vertical line."""
    alt, none, whisker = parts_of_form()
    axis = _below(title)
    words = {"value": title, "lower": "Interval from", "upper": "to"}
    tooltip = [
        alt.Tooltip("what:N", title="What"),
        *(alt.Tooltip(f"{field}:Q", title=word, format=".1f") for field, word in words.items()),
    ]
    base = alt.Chart(none).encode(y=_in_order("what", 320), tooltip=tooltip)
    rule = alt.Chart(alt.InlineData(values=[{"at": line_at}])).mark_rule(color=ORANGE, strokeDash=[4, 4])
    spans = base.mark_errorbar(ticks=whisker, thickness=2, color=BLUE).encode(
        x=alt.X("lower:Q", axis=axis), x2="upper:Q"
    )
    points = base.mark_point(filled=True, size=80, color=BLUE, opacity=1).encode(x=alt.X("value:Q", axis=axis))
    return form(alt.layer(rule.encode(x=alt.X("at:Q", axis=axis)), spans, points))


@lru_cache(maxsize=1)
def _probabilities() -> Spec:
    alt, none, _ = parts_of_form()
    chart = (
        alt.Chart(none)
        .mark_bar(color=BLUE)
        .encode(
            y=_in_order("token", 160),
            x=alt.X("percent:Q", title="Probability, %", scale=alt.Scale(domain=[0, 100])),
            tooltip=[alt.Tooltip("token:N", title="Token"), alt.Tooltip("percent:Q", title="%", format=".2f")],
        )
    )
    return form(chart)


def _altair() -> Any:
    try:
        import altair  # it takes longer to load than a page to show
    except ImportError as error:
        raise MissingExtra("charts need Altair: pip install 'judgebench[app]'") from error
    return altair


def parts_of_form() -> tuple[Any, Any, Any]:
    """Altair, what stands in a form in place of the rows, and the looks of the ends of whiskers."""
    alt = _altair()
    return alt, alt.NamedData("rows"), alt.MarkConfig(size=9)
