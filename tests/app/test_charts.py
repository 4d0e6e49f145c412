"""Charts are valid Vega-Lite, hold the rows that they were given and no others, and keep nothing from call to call."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from judgebench.bias.calibration import ReliabilityBin
from judgebench.bias.position import GapBin
from judgebench.estimate import Estimate, unidentified
from tests.app.test_words import board

alt = pytest.importorskip("altair", reason="the app needs the extra app")
charts = pytest.importorskip("app.charts", reason="the app needs the extra app")
figures = pytest.importorskip("app.figures")
movement = pytest.importorskip("app.movement")
pairs = pytest.importorskip("app.pairs")

FIGURE = Estimate(0.6, 0.5, 0.7, 0.95, "normal", 10)
MOVE = movement.Move("m", 50.0, 60.0, 55.0, 65.0, FIGURE, 2, 1)
MAKERS: dict[str, tuple[Callable[[Sequence[Any]], dict[str, Any]], Any]] = {
    "matrix": (lambda rows: charts.matrix(rows, ["a", "b"]), pairs.Cell(0, 1, 60.0, 50.0, 70.0, 10)),
    "moves": (charts.moves, MOVE),
    "effects": (charts.effects, figures.Shown("length", FIGURE, "points")),
    "position": (charts.position_curve, GapBin(0.5, 0.6, 10, FIGURE, FIGURE)),
    "reliability": (charts.reliability, ReliabilityBin(0.8, FIGURE)),
    "probabilities": (charts.probabilities, ("A", 0.9)),
    "nulls": (
        lambda rows: charts.null_panel(rows, 0.1),
        {"name": "n", "win_rate": 0.1, "lower": 0.0, "upper": 0.2},
    ),
}


@pytest.mark.parametrize("name", MAKERS)
def test_a_chart_is_valid_and_holds_its_rows_alone(name: str) -> None:
    make, row = MAKERS[name]
    two, one = make([row, row]), make([row])
    assert [len(spec["data"]["values"]) for spec in (two, one)] == [2, 1]
    for spec in (two, one):
        alt.Chart.from_dict(spec, validate=True)


def test_the_board_is_pictured_in_part() -> None:
    spec = charts.intervals(board([0.9, 0.6, 0.3, 0.1], 0.01), range(1, 3))
    alt.Chart.from_dict(spec, validate=True)
    assert [row["model"] for row in spec["data"]["values"]] == ["B", "C"]


def test_a_table_of_figures_leaves_out_columns_that_hold_nothing() -> None:
    known = figures.Shown("known", FIGURE)
    unknown = figures.Shown("unknown", unidentified("no trial was repeated"))
    assert set(figures.columns([known], "b")) == {"What", "Value", "Interval", "n", "Method"}
    missing = figures.columns([unknown], "b")
    assert missing["Not known because"] == ["no trial was repeated"]
    assert "--repeats" in missing["What would give it"][0]
    assert "Method" not in missing
