"""One JSON object as rows: in a list of objects, or as pandas writes a frame; and what is refused."""

import io
import json
import tempfile
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgebench.errors import InputError
from judgebench.formats.documents import file_rows, holds_document
from judgebench.formats.json_files import json_lines, json_list, shape_of
from judgebench.formats.reading import CHUNK_CHARS, ReadLimits
from tests.formats.writing import write_file

ROWS = [{"instruction": "q", "n": 1}, {"instruction": "r", "n": None}]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


def rows(path: Path, text: str) -> list[dict[str, Any]]:
    return [row.values for row in file_rows(write_file(path / "a.json", text))]


@pytest.mark.parametrize("name", ["data", "rows", "instances", "examples", "anything"])
def test_an_object_with_one_list_of_objects_holds_its_rows(tmp_path: Path, name: str) -> None:
    text = json.dumps({"version": 1.5, "about": {"x": [1]}, "tags": ["a"], name: ROWS, "model": "m"})
    assert rows(tmp_path, text) == [{"model": "m", **row} for row in ROWS]
    assert holds_document(tmp_path / "a.json")


def test_a_model_beside_the_rows_is_that_of_rows_that_name_none(tmp_path: Path) -> None:
    text = json.dumps({"model": "m", "prompt": "not theirs", "data": [{"a": 1}, {"a": 2, "model": "n"}]})
    assert rows(tmp_path, text) == [{"model": "m", "a": 1}, {"model": "n", "a": 2}]


@settings(max_examples=60, deadline=None)
@given(before=st.dictionaries(st.text(max_size=3), VALUES, max_size=4), count=st.integers(1, 4))
def test_property_what_stands_before_the_rows_makes_no_difference(before: dict[str, Any], count: int) -> None:
    before = {f"_{name}": value if not isinstance(value, list) else [] for name, value in before.items()}
    with tempfile.TemporaryDirectory() as folder:
        path = write_file(Path(folder) / "a.json", json.dumps({**before, "data": [{"i": n} for n in range(count)]}))
        shape = shape_of(path, ReadLimits())
        assert shape is not None
        assert shape.rows == ("data",)
        assert [row.values for row in file_rows(path)] == [{"i": n} for n in range(count)]


@pytest.mark.parametrize("orient", ["columns", "index", "split", "records", "table"])
def test_every_orientation_that_pandas_names_its_columns_in(
    tmp_path: Path, orient: Literal["columns", "index", "split", "records", "table"]
) -> None:
    frame = pd.DataFrame([{"instruction": "q", "output": "a"}, {"instruction": "r", "output": ["b", {"c": 1}]}])
    text = frame.to_json(orient=orient)
    assert isinstance(text, str)
    expected = frame.to_dict("records")
    assert [{name: row[name] for name in expected[0]} for row in rows(tmp_path, text)] == expected
    assert pd.read_json(io.StringIO(text), orient=orient).shape == (2, 2)


def test_lists_by_column(tmp_path: Path) -> None:
    assert rows(tmp_path, '{"instruction": ["q", "r"], "n": [1, null]}') == ROWS
    assert rows(tmp_path, '{"a": ["q", "r"], "b": [{"c": 1}, {}]}') == [{"a": "q", "b": {"c": 1}}, {"a": "r", "b": {}}]
    assert rows(tmp_path, '{"tags": ["q"], "data": [{"c": 1}, {}]}') == [{"c": 1}, {}]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"data": [{}], "rows": [{}]}', r"holds 2 lists of objects \(data, rows\)"),
        ('{"a": [1, 2], "b": [1]}', "not of one length: a 2, b 1"),
        ('{"columns": ["a"], "data": [[1, 2]]}', "row 1: holds 2 values, and there are 1 columns"),
        ('{"columns": ["a", "a"], "data": [[1, 2]]}', "each once"),
        ('{"0": {"1": "q"}}', "numbers for names"),
        ('{"a": {"0": 1}, "b": {"1": 1}}', "column 'b' has other rows"),
        ('{"data": [{"a": 1}, 2]}', "row 2.*expected an object"),
        ('{"data": [{"a": 1}', "row 2.*cut short"),
        ('{"data": [{"a": 1}]', "cut short"),
        ('{"data": [{"a": 1}], "data": []}', "'data' occurs twice"),
        ('{"a": 1 "b": 2}', "expected ','"),
        ('{"a" 1}', "expected ':'"),
        ('{"a": nul}', "not valid JSON"),
        ('{"a": 1e999}', "not valid JSON|expected a JSON list"),
        ('{"choices": "x"}', "neither rows nor a known document"),
        ('{"input": [{"role": "user", "content": "q"}]}', "one conversation|neither rows"),
        ("{}", "neither rows"),
    ],
)
def test_objects_that_hold_no_rows_are_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=rf"a\.json.*({words})"):
        rows(tmp_path, text)


def test_one_object_a_line_is_read_whatever_the_name(tmp_path: Path) -> None:
    assert rows(tmp_path, '{"a": 1}\n{"a": 12}\n') == [{"a": 1}, {"a": 12}]
    assert not holds_document(tmp_path / "a.json")
    assert [row.values for row in json_lines(tmp_path / "a.json", ReadLimits())] == [{"a": 1}, {"a": 12}]


@pytest.mark.parametrize("value", ["12345678901234567890", "-1.25e-3", "true", "null", '"x"'])
def test_values_at_the_edge_of_what_was_fetched(tmp_path: Path, value: str) -> None:
    for shift in range(-len(value) - 2, 3):
        text = " " * (CHUNK_CHARS + shift - len('{"a":')) + f'{{"a":{value},"data":[{{"b":{value}}}]}}'
        assert rows(tmp_path, text) == [{"b": json.loads(value)}]


def test_a_list_of_rows_is_streamed(tmp_path: Path) -> None:
    path = write_file(tmp_path / "a.json", "[{}, {}, broken")
    read = json_list(path, ReadLimits())
    assert [next(read).values, next(read).values] == [{}, {}]


def test_a_row_of_an_envelope_may_be_no_longer_than_any(tmp_path: Path) -> None:
    path = write_file(tmp_path / "a.json", json.dumps({"data": [{"a": "x" * 600_000}]}))
    with pytest.raises(InputError, match=r"row 1: longer than 1,000 characters"):
        list(file_rows(path, limits=ReadLimits(row_chars=1000)))
