"""Charts of few models hold the service's numbers, and say what they leave out."""

from dataclasses import replace

import pytest

from judgebench.services.history import History, Moment
from judgebench.services.leaderboards import Beside, Tally
from judgebench.services.part_rates import CategoryRates, PartRate
from judgebench.show import lines, pictures
from judgebench.show.drawing import svg
from judgebench.show.tradeoff import tradeoff
from tests.show.factories import board, known

NOTHING = pictures.Caption("", "", ())


def rates(**instructions: int) -> CategoryRates:
    parts = tuple(PartRate(name, known(0.1 * at), 9, 1, 0, n) for at, (name, n) in enumerate(instructions.items(), 1))
    return CategoryRates(board([0.9, 0.1], 0.01), tuple(instructions), {"A": parts, "B": parts})


def test_a_radar_has_every_category_that_can_be_told() -> None:
    of = lines.radar(rates(code=9, law=9, maths=9, art=2), ["B", "A"])
    assert [spoke.share for spoke in of.spokes if spoke.model == "B"] == pytest.approx([10, 20, 30])
    assert (of.models, [name for name, _, _ in of.categories]) == (("B", "A"), ["code", "law", "maths"])
    assert "Left out, as fewer than 5 instructions were judged: art." in of.notes
    first = of.spokes[0]
    assert (first.x, first.y) == pytest.approx((0.0, 10.0))
    assert "code: 10.0% [0.0%, 20.0%]" in first.words
    spec = lines.round_chart(of)
    assert spec["height"] - spec["width"] == 54 + 2 * 24  # the key
    assert len(spec["data"]["values"]) == 2 * 4
    assert svg(pictures.radar(of, NOTHING)).count("<circle") == 6


def test_beside_others_the_baseline_is_left_out_and_named() -> None:
    of = rates(code=9, law=9, maths=9)
    of = replace(of, board=replace(of.board, baseline="B"))
    assert lines.radar(of, ["B"]).models == ("B",)
    beside = lines.radar(of, ["A", "B"])
    assert beside.models == ("A",)
    assert "B, the baseline, is left out: the others' win rates are against it." in beside.notes


def test_no_radar_is_drawn_of_too_few_categories() -> None:
    of = lines.radar(rates(code=9, law=9), ["A"])
    assert of.spokes == ()
    assert "Fewer than three categories" in of.notes[0]


def test_a_rating_that_is_unknown_is_no_rating_of_nought() -> None:
    now = board([0.9, 0.4], 0.01)
    unknown = replace(now.rows[0], estimate=replace(known(0.9), value=float("nan")))
    of = History(now, (Moment("2026-01-01T00:00:00+00:00", 5, replace(now, rows=(unknown, *now.rows[1:])), ""),))
    assert [point.model for point in lines.past(of, [row.model for row in now.rows]).points] == [now.rows[1].model]
    beside = Beside({row.model: Tally(0, None, 100.0) for row in now.rows}, {})
    points = tradeoff(replace(now, rows=(unknown, *now.rows[1:])), beside, "length").points
    assert [point.model for point in points] == [now.rows[1].model]


def test_a_history_holds_the_ratings_of_each_moment() -> None:
    now = board([0.9, 0.4], 0.01)
    moments = (
        Moment("2026-01-01T00:00:00+00:00", 5, None, "nothing was judged"),
        Moment("2026-01-02T00:00:00+00:00", 10, board([0.8, 0.4], 0.05), ""),
        Moment("2026-01-03T00:00:00+00:00", 20, now, ""),
    )
    of = lines.past(History(now, moments), ["A", "none"])
    assert [(point.verdicts, point.rating) for point in of.points] == [(10, 80.0), (20, 90.0)]
    assert any("2 moments from 2026-01-02 00:00:00" in note for note in of.notes)
    assert "Not ranked at 1 moment: nothing was judged." in of.notes
    assert [row["rating"] for row in lines.history(of)["data"]["values"]] == [80.0, 90.0]
    assert svg(pictures.history(of, NOTHING)).count("<circle") == 2
