"""Charts are valid Vega-Lite, hold the rows that they were given and no others, and keep nothing from call to call."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from judgebench.bias.confidence import ReliabilityBin
from judgebench.bias.position import GapBin
from judgebench.errors import MissingExtra
from judgebench.show import charts
from judgebench.show.colours import RED
from judgebench.show.numbers import Labelled
from judgebench.show.tables import Move
from judgebench.stats.win_rate import PairRates
from tests.show.factories import board, known

alt = pytest.importorskip("altair", reason="the app needs the extra app")

FIGURE = known(0.6)
MOVE = Move("m", FIGURE, FIGURE, FIGURE, ("n",), "")
MAKERS: dict[str, tuple[Callable[[Sequence[Any]], dict[str, Any]], Any]] = {
    "moves": (charts.moves, MOVE),
    "effects": (charts.effects, Labelled("length", FIGURE, "points")),
    "position": (charts.position_curve, GapBin(0.5, 0.6, 10, FIGURE, FIGURE)),
    "reliability": (charts.reliability, ReliabilityBin(0.8, FIGURE)),
    "probabilities": (charts.probabilities, ("A", 0.9)),
    "nulls": (lambda rows: charts.null_models(rows, 0.1), {"name": "n", "win_rate": 0.1, "lower": 0.0, "upper": 0.2}),
}


@pytest.mark.parametrize("name", MAKERS)
def test_a_chart_is_valid_and_holds_its_rows_alone(name: str) -> None:
    make, row = MAKERS[name]
    two, one = make([row, row]), make([row])
    assert [len(spec["data"]["values"]) for spec in (two, one)] == [2, 1]
    for spec in (two, one):
        alt.Chart.from_dict(spec, validate=True)


def test_a_matrix_holds_the_pairs_that_met_in_the_order_asked_for() -> None:
    rate = np.array([[np.nan, 0.75, np.nan], [0.25, np.nan, np.nan], [np.nan] * 3])
    rates = PairRates(("a", "b", "c"), rate, rate, rate, np.array([[0, 4, 0], [4, 0, 0], [0, 0, 0]]), 0.95, "Wilson")
    spec = charts.matrix(rates.pairs(["b", "c", "a"]), ["b", "c", "a"])
    alt.Chart.from_dict(spec, validate=True)
    cells = [(row["row"], row["column"], row["percent"], row["battles"]) for row in spec["data"]["values"]]
    assert cells == [(0, 2, 25.0, 4), (2, 0, 75.0, 4)]


def test_the_board_is_pictured_in_part() -> None:
    spec = charts.intervals(board([0.9, 0.6, 0.3, 0.1], 0.01), range(1, 3))
    alt.Chart.from_dict(spec, validate=True)
    assert [row["model"] for row in spec["data"]["values"]] == ["B", "C"]


def test_a_chart_is_an_altair_object_in_a_notebook() -> None:
    drawn = charts.chart(charts.intervals(board([0.9, 0.6], 0.01)))
    assert isinstance(drawn, alt.LayerChart)


def test_without_altair_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "altair", None)
    with pytest.raises(MissingExtra, match=r"judgebench\[app\]"):
        charts.chart({})


def test_a_flagged_models_interval_is_red() -> None:
    shown = board([0.9, 0.5], 0.01)
    flagged = replace(shown, rows=(shown.rows[0], replace(shown.rows[1], rank=None)))
    spec = charts.intervals(flagged)
    assert [row["role"] for row in spec["data"]["values"]] == ["model", "flagged"]
    scale = spec["layer"][0]["encoding"]["color"]["scale"]
    assert dict(zip(scale["domain"], scale["range"], strict=True))["flagged"] == RED
