"""CSV that spreadsheets open without running anything in it."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.formats.writing import write_csv
from judgebench.records import clean_text

cells = st.none() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)


def written(*rows: dict[str, object]) -> list[list[str]]:
    stream = io.StringIO(newline="")
    write_csv(rows, list(rows[0]), stream)
    stream.getvalue().encode()
    return list(csv.reader(io.StringIO(stream.getvalue(), newline=""), strict=True))


@given(st.lists(st.fixed_dictionaries({"a": cells, "b": cells}), min_size=1, max_size=5))
def test_property_cells_come_back_but_for_the_apostrophe(rows: list[dict[str, object]]) -> None:
    for row, found in zip(rows, written(*rows)[1:], strict=True):
        for value, cell in zip((row[column] for column in rows[0]), found, strict=True):
            if isinstance(value, str):
                assert cell.removeprefix("'") == clean_text(value).removeprefix("'")
                assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
            else:
                assert cell == ("" if value is None else repr(value))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=HYPERLINK("x")', "＝1"])
def test_texts_that_look_like_formulas_are_neutralised(text: str) -> None:
    assert written({text: text}) == [[f"'{text}"], [f"'{text}"]]


def test_numbers_stay_numbers() -> None:
    assert written({"x": -1.5, "y": -3, "z": "a=b"}) == [["x", "y", "z"], ["-1.5", "-3", "a=b"]]


def test_only_the_named_columns_are_written_and_all_must_be_there() -> None:
    stream = io.StringIO(newline="")
    write_csv([{"a": 1, "b": 2}], ["b"], stream)
    assert stream.getvalue() == "b\r\n2\r\n"
    with pytest.raises(KeyError):
        write_csv([{"a": 1}], ["b"], io.StringIO())
