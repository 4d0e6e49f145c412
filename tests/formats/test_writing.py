"""Files appear whole or not at all, equal rows are equal bytes, and spreadsheets run nothing that is in them."""

import csv
import gzip
import io
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgebench.errors import InputError, MissingExtra
from judgebench.formats import ColumnType
from judgebench.formats.documents import file_rows
from judgebench.formats.writing import KEY_COLUMN, restored_cell, write_csv, write_rows
from judgebench.keys import clean_text

cells = st.none() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)


def written(*rows: dict[str, object]) -> list[list[str]]:
    stream = io.StringIO(newline="")
    write_csv(rows, list(rows[0]), stream)
    stream.getvalue().encode()
    return list(csv.reader(io.StringIO(stream.getvalue(), newline=""), strict=True))


@given(st.lists(st.fixed_dictionaries({"a": cells, "b": cells}), min_size=1, max_size=5))
def test_property_cells_come_back_but_for_the_apostrophe(rows: list[dict[str, object]]) -> None:
    for row, line in zip(rows, written(*rows)[1:], strict=True):
        for value, cell in zip((row[column] for column in rows[0]), line, strict=True):
            if isinstance(value, str):
                assert restored_cell(cell) == clean_text(value)
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


COLUMNS: dict[str, ColumnType] = {
    **{KEY_COLUMN: "text", "text": "text", "turns": "replies", "list": "texts"},
    **{"number": "number", "count": "integer", "flag": "flag"},
}
NAMES = ["a.jsonl", "a.json", "a.csv", "a.jsonl.gz", "a.csv.gz", "a.parquet"]
storable = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=20)
brackets = st.text("[]\",'= x", max_size=12)
files = st.lists(
    st.fixed_dictionaries(
        {
            **{KEY_COLUMN: st.just("0" * 32), "text": storable | brackets, "turns": st.lists(storable, min_size=1)},
            **{
                "list": st.lists(storable | brackets, max_size=3),
                "number": st.floats(0, 1),
                "count": st.integers(0, 9),
            },
            **{"flag": st.booleans()},
        }
    ),
    min_size=1,
    max_size=4,
)


def in_csv(row: dict[str, Any]) -> dict[str, Any]:
    """What a CSV file gives back: numbers as text, and a text that could be a list as a list of one."""
    numbers = {"number": repr(row["number"]), "count": str(row["count"]), "flag": str(row["flag"]).lower()}
    return row | numbers


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40, deadline=None)
@given(rows=files)
def test_property_rows_come_back(name: str, rows: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        assert write_rows(path, COLUMNS, iter(rows), several_turns=True) == len(rows)
        again = [row.values for row in file_rows(path)]
    for row, read in zip(rows, again, strict=True):
        expected = in_csv(row) if ".csv" in name else row
        assert {column: value for column, value in read.items() if column != "text"} == {
            column: value for column, value in expected.items() if column != "text"
        }
        assert read["text"] in (row["text"], [row["text"]])


@pytest.mark.parametrize("name", NAMES)
def test_equal_rows_are_equal_bytes(tmp_path: Path, name: str) -> None:
    row = {KEY_COLUMN: "k", "text": "=1", "turns": "t", "list": [], "number": None, "count": 1, "flag": None}
    paths = [tmp_path / folder / name for folder in ("one", "two")]
    for path in paths:
        path.parent.mkdir()
        write_rows(path, COLUMNS, [row])
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize("name", ["a.json", "a.json.gz"])
def test_a_list_without_rows_is_json(tmp_path: Path, name: str) -> None:
    assert write_rows(tmp_path / name, COLUMNS, []) == 0
    data = (tmp_path / name).read_bytes()
    assert (gzip.decompress(data) if name.endswith(".gz") else data) == b"[]\n"


@pytest.mark.parametrize("name", NAMES)
def test_what_fails_leaves_the_file_that_was_there(tmp_path: Path, name: str) -> None:
    def rows() -> Iterator[dict[str, Any]]:
        yield {KEY_COLUMN: "k", "text": "", "turns": "t", "list": [], "number": None, "count": 1, "flag": None}
        raise InputError("half way")

    path = tmp_path / name
    path.write_bytes(b"before")
    with pytest.raises(InputError, match="half way"):
        write_rows(path, COLUMNS, rows())
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["a", "a.txt", "a.parquet.gz", "a.gz", "nul\0.csv", "/dev/null", "no/folder/a.csv"])
def test_places_that_cannot_be_written_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"must end in one of|cannot be written"):
        write_rows(tmp_path / name, COLUMNS, [])


def test_parquet_without_pyarrow_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"pip install 'judgebench\[parquet\]'"):
        write_rows(tmp_path / "a.parquet", COLUMNS, [])
    assert list(tmp_path.iterdir()) == []
