"""A leaderboard's lines say what its rows say, on one axis, with their marks in few words."""

from dataclasses import replace

import pytest

from judgebench.errors import UnknownName
from judgebench.estimate import Estimate, unidentified
from judgebench.leaderboard.board import BoardGate, Leaderboard, ModelGate
from judgebench.services.leaderboards import Beside, Tally
from judgebench.show.board import COLUMNS, board_lines, ordered, with_name
from tests.show.factories import board

EVERY = tuple(column.name for column in COLUMNS)


def beside(of: Leaderboard, **changes: object) -> Beside:
    tallies = {row.model: Tally(failures=2, cost_usd=0.5, length=1234.4) for row in of.rows}
    return replace(Beside(tallies), **changes)


def test_a_line_says_what_its_row_says() -> None:
    ranked = board([0.9, 0.6, 0.3], 0.01)
    shown = board_lines(ranked, beside(ranked), EVERY)
    for row, line in zip(ranked.rows, shown.lines, strict=True):
        assert (line.model, line.tone) == (row.model, "model")
        assert row.rating is not None
        assert line.rating == f"{100 * row.rating:.1f}"
        assert line.dot == pytest.approx(100 * row.rating)
        assert line.lower is not None
        assert line.upper is not None
        assert line.lower < line.dot < line.upper
        cells = dict(zip((column.name for column in shown.columns), line.cells, strict=True))
        assert (cells["length"], cells["no verdict"], cells["cost"]) == ("1,234", "2", "0.50")
    assert shown.half == 50.0
    assert shown.level == "95%"


def test_columns_that_have_nothing_to_say_are_left_out() -> None:
    ranked = board([0.9, 0.6], 0.01)
    names = [column.name for column in board_lines(ranked, beside(ranked), EVERY).columns]
    assert "win rate" not in names  # the rating is one
    assert "length-controlled" not in names
    rates = {"A": Estimate(0.42, 0.35, 0.5, 0.95, "refits", 9), "B": unidentified("too few")}
    controlled = board_lines(ranked, beside(ranked, controlled=rates), ("length-controlled",))
    assert [line.cells for line in controlled.lines] == [("42.0 [35.0, 50.0]",), ("-",)]
    based = replace(ranked, baseline="A")
    assert board_lines(based, beside(based, controlled=rates), ("length-controlled",)).lines[0].cells == ("42.0",)
    awaited = board_lines(ranked, beside(ranked, awaited=True), ("length-controlled",))
    assert {len(line.cells[0]) for line in awaited.lines} == {len(controlled.lines[0].cells[0])}
    assert ordered(awaited, "length-controlled", descending=True).lines == awaited.lines
    free = beside(ranked, tallies={row.model: Tally(0, None, 10.0) for row in ranked.rows})
    assert "cost" not in [column.name for column in board_lines(ranked, free, EVERY).columns]


def test_lines_are_put_in_order_by_any_column_and_what_has_no_number_comes_last() -> None:
    ranked = board([0.9, 0.6, 0.3], 0.01)
    names = [row.model for row in ranked.rows]
    lengths = dict(zip(names, (900.0, None, 12000.0), strict=True))
    counted = beside(ranked, tallies={name: Tally(0, 0.5, length) for name, length in lengths.items()})
    lines = board_lines(ranked, counted, ("length",))

    def put(by: str, *, descending: bool = False) -> list[str]:
        return [line.model for line in ordered(lines, by, descending=descending).lines]

    first, second, third = names
    assert put("rank") == put("rating", descending=True) == put("cost") == names  # by what is not shown nothing moves
    assert put("rank", descending=True) == put("rating") == put("model", descending=True) == names[::-1]
    assert put("length") == [first, third, second]
    assert put("length", descending=True) == [third, first, second]
    costs = dict(zip(names, (0.5, 0.0, None), strict=True))
    counted = beside(ranked, tallies={name: Tally(0, cost, 900.0) for name, cost in costs.items()})
    lines = board_lines(ranked, counted, ("cost",))
    assert [line.cells for line in lines.lines] == [("0.50",), ("free",), ("not known",)]
    assert put("cost") == [second, first, third]
    assert put("cost", descending=True) == [first, second, third]


@pytest.mark.parametrize("scale", ["elo", "logit", "score"])
def test_an_axis_without_bounds_holds_every_interval(scale: str) -> None:
    ranked = replace(board([3.0, 1.0, -2.5], 0.5), scale=scale)
    shown = board_lines(ranked, beside(ranked), EVERY)
    assert shown.half is None
    ends = [end for line in shown.lines for end in (line.lower, line.dot, line.upper) if end is not None]
    assert len(ends) == 9
    assert all(0 <= end <= 100 for end in ends)


def test_marks_of_audits_are_chips_and_colours() -> None:
    ranked = board([0.9, 0.6, 0.3], 0.01)
    gates = (ModelGate("A", ("hidden-unicode",), False, "", "flagged"), ModelGate("B", (), False, "", "unaudited"))
    marked = ranked.marked((), gates)
    lines = board_lines(marked, beside(ranked)).lines
    assert [line.tone for line in lines] == ["flagged", "unaudited", "model"]
    assert [[chip.text for chip in line.chips] for line in lines] == [["hidden unicode"], ["not audited"], []]
    assert isinstance(marked.gate, BoardGate)


def test_other_words_of_a_row_are_a_chip_too() -> None:
    ranked = board([0.9, 0.6], 0.01)
    odd = replace(ranked, rows=(replace(ranked.rows[0], flag="won every battle"), ranked.rows[1]), baseline="B")
    first, second = board_lines(odd, beside(ranked)).lines
    assert [chip.text for chip in first.chips] == ["won every battle"]
    assert [chip.text for chip in second.chips] == ["baseline"]


def test_a_search_keeps_the_columns_and_names_the_nearest_where_nobody_fits() -> None:
    ranked = board([0.9, 0.6, 0.3], 0.01)
    lines = board_lines(replace(ranked, baseline="A"), beside(ranked))
    kept = with_name(lines, "b")
    assert [line.model for line in kept.lines] == ["B"]
    assert not kept.lines[0].chips
    assert (kept.marked, kept.columns) == (True, lines.columns)
    with pytest.raises(UnknownName, match="unknown model 'bb': did you mean 'b'"):
        with_name(replace(lines, lines=(replace(lines.lines[1], model="b"),)), "bb")
