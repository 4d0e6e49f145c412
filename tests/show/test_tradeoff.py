"""Ratings beside lengths and costs: the service's numbers, and a frontier that nobody passes."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from judgebench.services.leaderboards import Beside, Tally
from judgebench.show.tradeoff import name_places, tradeoff
from tests.show.factories import board


def beside(lengths: list[float | None], cost: float | None = None) -> Beside:
    return Beside({name: Tally(0, cost, length) for name, length in zip("ABCDEFGH", lengths, strict=False)})


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(1, 1e4)), min_size=1, max_size=8))
def test_no_model_on_the_frontier_is_passed_by_another(values: list[tuple[float, float]]) -> None:
    shown = board([rating for rating, _ in values], 0.01)
    lengths = beside([length for _, length in values])
    of = tradeoff(shown, lengths, "length")
    assert [(point.model, point.y, point.x) for point in of.points] == [
        (row.model, 100 * (row.rating or 0.0), lengths.tallies[row.model].length) for row in shown.rows
    ]
    for point in of.points:
        passed = [other for other in of.points if other.x <= point.x and other.y >= point.y]
        assert point.frontier == all((other.x, other.y) == (point.x, point.y) for other in passed)
    assert any(point.frontier for point in of.points)


def test_what_is_not_known_is_said_and_left_out() -> None:
    shown = board([0.9, 0.5, 0.1], 0.02)
    of = tradeoff(shown, beside([100.0, None, 300.0]), "length", chosen=["C"])
    assert [point.model for point in of.points if point.named] == ["A", "C"]
    assert "Not shown, as their length or rating is not known: 1 model, B." in of.notes
    assert tradeoff(shown, beside([None] * 3), "cost").points == ()
    assert tradeoff(shown, beside([1.0] * 3, cost=0.0), "cost").points == ()
    assert len(tradeoff(shown, beside([1.0] * 3, cost=0.1), "cost").points) == 3


def test_a_flagged_model_is_red_not_on_the_frontier_and_named() -> None:
    shown = board([0.9, 0.5], 0.02)
    first, second = shown.rows
    of = tradeoff(replace(shown, rows=(second, replace(first, rank=None))), beside([1.0, 2.0]), "length")
    assert [(point.model, point.tone, point.frontier) for point in of.points] == [
        ("B", "model", True),
        ("A", "flagged", False),
    ]
    assert "Flagged, so red, without a rank and never on the frontier: A." in of.notes


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.integers(1, 40)), max_size=6))
def test_few_names_do_not_cover_each_other(dots: list[tuple[float, float, int]]) -> None:
    places = name_places(dots)
    boxes = []
    for (x, y, letters), (leftward, higher) in zip(dots, places, strict=True):
        wide = letters * 0.0085
        boxes.append((x - wide if leftward else x, wide, y + higher))
    for at, (start, wide, high) in enumerate(boxes):
        for begin, width, height in boxes[:at]:
            assert start >= begin + width or begin >= start + wide or abs(high - height) >= 0.045 - 1e-9
