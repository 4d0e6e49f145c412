"""How much a text holds is told without decoding it."""

import csv
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.formats.bounds import FREE_BYTES, delimited_cells, json_beyond, most_unpacked

TEXTS = st.text('a"\\,[]{}\n', max_size=10)
VALUES = st.recursive(
    TEXTS | st.integers(), lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4)
)


def held(value: Any) -> int:
    """How many values stand in a list or object and in those in it, an empty one counted as one."""
    if not isinstance(value, list | dict):
        return 0
    items = list(value.values()) if isinstance(value, dict) else value
    return max(1, len(items)) + sum(held(item) for item in items)


@given(VALUES.map(lambda value: [value]))
def test_property_values_are_counted_as_json_counts_them(value: list[Any]) -> None:
    text = f"[0, {json.dumps(value)}, [[[]]]]"
    assert json_beyond(text, 4, held(value) - 1)
    assert not json_beyond(text, 4, held(value))


@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_property_cells_are_counted_as_csv_counts_them(cells: list[str]) -> None:
    line = ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)
    assert delimited_cells(line, 100, quoted=False) == len(next(csv.reader([line]))) - 1 == len(cells) - 1


def test_a_line_that_begins_inside_quotes() -> None:
    assert delimited_cells('a,b",c,"d,e"', 100, quoted=True) == 2
    assert delimited_cells(",,,,", 2, quoted=False) == 3


@pytest.mark.parametrize(
    ("packed", "most", "expected"), [(1, 10, 10), (1, 1 << 40, FREE_BYTES), (1 << 30, 1 << 40, 200 << 30)]
)
def test_small_files_may_unpack_to_something_and_others_to_a_multiple(packed: int, most: int, expected: int) -> None:
    assert most_unpacked(packed, most) == expected
