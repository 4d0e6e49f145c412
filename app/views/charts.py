"""What stands below a leaderboard, one chart or table at a time, as it is chosen; and the downloads of every chart."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import streamlit as st

from app import cached, filters
from app.views import elements, heat, histograms, scatter
from app.views.elements import line, table
from judgebench.services.leaderboards import Beside
from judgebench.services.pages import Choices, Leaderboard
from judgebench.services.scope import Scope
from judgebench.show import charts, drawing, lines, pictures, spread
from judgebench.show.drawing import Picture
from judgebench.show.heat import heat_map
from judgebench.show.spread import Histograms
from judgebench.show.tradeoff import Measure, tradeoff

Part = Literal["length", "cost", "intervals", "categories", "distributions", "history", "numbers"]
_LABELS: dict[Part, str] = {
    "length": "Rating and length",
    "cost": "Rating and cost",
    "intervals": "Intervals",
    "categories": "Categories",
    "distributions": "Distributions",
    "history": "Over time",
    "numbers": "All numbers",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A leaderboard that a page shows, and what it was made of."""

    source: cached.Source
    benchmark: str
    scope: Scope
    choices: Choices
    board: Leaderboard
    beside: Beside


def below(shown: Shown, numbers: Callable[[], None]) -> None:
    """The part that is chosen, the first one where none is; no other is made. ``numbers``: the table of all."""
    labels = {name: label for name, label in _LABELS.items() if name != "cost" or shown.beside.has_costs}
    chosen = filters.either("Show", labels, key="chart")
    filters.say_unknown()
    if chosen in ("length", "cost"):
        _tradeoff(shown, chosen)
    elif chosen == "intervals":
        _intervals(shown)
    elif chosen == "categories":
        _categories(shown)
    elif chosen == "distributions":
        _distributions(shown)
    elif chosen == "history":
        _history(shown)
    else:
        numbers()


def _tradeoff(shown: Shown, measure: Measure) -> None:
    of = tradeoff(shown.board, shown.beside, measure)
    elements.lines(of.notes)
    if not of.points:
        return
    table(scatter.scatter(of, lambda model: filters.link("model", model=model)))
    downloads(measure, lambda: pictures.tradeoff(of, caption(shown, of.title, *of.notes)))


def _intervals(shown: Shown) -> None:
    """At most so many models as can be read; the picture that is downloaded holds all."""
    board = shown.board
    part = filters.places(len(board.rows))
    st.vega_lite_chart(
        charts.intervals(board, part), alt="Ratings with their intervals; the table above holds the same numbers"
    )
    filters.say_part(part, len(board.rows))
    downloads("intervals", lambda: pictures.intervals(board, caption(shown, "Leaderboard")))


def _categories(shown: Shown) -> None:
    rates = cached.categories(shown.source, shown.benchmark, shown.scope, choices=shown.choices)
    if not rates.categories:
        line("No instruction of this benchmark has a category.")
        return
    of = heat_map(rates)
    elements.lines(of.notes)
    table(heat.heat_map(of, lambda model, name: filters.link("model", **_where(model, name))))
    downloads("categories", lambda: pictures.heat_map(of, caption(shown, "Models by category", *of.notes)))


def _distributions(shown: Shown) -> None:
    counted = cached.distributions(shown.source, shown.benchmark, shown.scope, choices=shown.choices)
    spread_of(shown, spread.histograms(counted))


def spread_of(shown: Shown, of: Histograms) -> None:
    elements.lines(of.notes)
    table(histograms.histograms(of, lambda model: filters.link("model", model=model)))
    what = "Scores" if shown.board.scale == "score" else "Preferences"
    downloads("distributions", lambda: pictures.histograms(of, caption(shown, what, *of.notes)))


def _history(shown: Shown) -> None:
    names = [row.model for row in shown.board.rows]
    chosen = filters.some("Models", names, key="lines", none=f"The first {lines.MOST}", most=lines.MOST)
    past_of(shown, chosen or tuple(names))


def past_of(shown: Shown, models: Sequence[str]) -> None:
    """Ratings of these models, at most ``lines.MOST``, as verdicts came in."""
    of = lines.past(cached.history(shown.source, shown.benchmark, shown.scope, choices=shown.choices), models)
    elements.lines(of.notes)
    if not of.points:
        return
    st.vega_lite_chart(lines.history(of), alt="Ratings as verdicts came in; 'judgebench history' prints the numbers")
    downloads("history", lambda: pictures.history(of, caption(shown, "Ratings as verdicts came in", *of.notes)))


def radar_of(shown: Shown, models: Sequence[str]) -> None:
    """What these models, at most ``lines.MOST``, did by category, drawn round where there is enough to draw."""
    rates = cached.categories(shown.source, shown.benchmark, shown.scope, choices=shown.choices, models=tuple(models))
    if not rates.categories:
        return
    of = lines.radar(rates, models)
    elements.lines(of.notes)
    if of.spokes:
        st.vega_lite_chart(lines.round_chart(of), width="content", alt="Win rates by category")
        downloads("radar", lambda: pictures.radar(of, caption(shown, "Win rates by category", *of.notes)))


def _where(model: str, category: str) -> dict[str, str]:
    return {"model": model, "category": category} if category else {"model": model}


def caption(shown: Shown, title: str, *notes: str) -> pictures.Caption:
    return pictures.caption(title, shown.benchmark, shown.board, date=f"{datetime.now(UTC):%Y-%m-%d}", notes=notes)


def downloads(name: str, drawn: Callable[[], Picture]) -> None:
    """A chart as SVG and PNG, drawn when it is asked for: with its title, of what it is, and what to beware of."""
    with st.container(horizontal=True):
        for label, content, mime in (
            ("SVG", lambda: drawing.svg(drawn()).encode(), "image/svg+xml"),
            ("PNG", lambda: drawing.png(drawn()), "image/png"),
        ):
            st.download_button(
                *(label, content, f"{name}.{label.lower()}", mime),
                key=f"{name}_{label}",
                icon=":material/download:",
                on_click="ignore",
            )
