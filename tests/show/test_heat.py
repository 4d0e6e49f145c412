"""Cells of a heat map: the service's numbers, too few said rather than coloured, and text that can be read."""

import pytest

from judgebench.services.part_rates import CategoryRates, PartRate
from judgebench.show.heat import FEWEST, heat_map
from tests.show.factories import board, known


def rates(*parts: PartRate, **changes: object) -> CategoryRates:
    names = tuple(sorted({part.name for part in parts}))
    return CategoryRates(board([0.9, 0.1], 0.01, **changes), names, {"A": parts, "B": ()})


def test_a_cell_has_its_number_and_its_interval_in_words() -> None:
    shown = heat_map(rates(PartRate("code", known(0.62), 12, 7, 1, 12), PartRate("", known(0.5), 2, 1, 0, 2)))
    assert shown.columns == ("no category", "code")
    few, code = shown.rows[0].cells
    assert (code.text, code.words) == ("62", "A, code: 62.0% [52.0%, 72.0%], 12 instructions")
    assert (few.text, few.colours) == ("few", None)
    assert "50.0% [40.0%, 60.0%], 2 instructions: too few to tell" in few.words
    assert [cell.text for cell in shown.rows[1].cells] == ["", ""]
    assert any(f"fewer than {FEWEST} instructions" in note for note in shown.notes)


@pytest.mark.parametrize("value", [1.0, 5.5, 10.0])
def test_scores_are_coloured_from_the_lowest_to_the_highest(value: float) -> None:
    parts = [PartRate(name, known(score), 9, 0, 0, 9) for name, score in (("a", 1.0), ("b", value), ("c", 10.0))]
    cells = heat_map(rates(*parts, scale="score", method="score")).rows[0].cells
    assert cells[1].text == f"{value:.2f}"
    assert (cells[1].colours == cells[0].colours) == (value == 1.0)
