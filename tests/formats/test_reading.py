"""What every file goes through: opening, unpacking, decoding, cutting into rows."""

import gzip
import json
import sys
import tempfile
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgebench.errors import InputError, MissingExtra
from judgebench.formats.documents import file_rows
from judgebench.formats.reading import FileRow, ReadLimits
from tests.formats.writing import write_file, write_rows

NAMES = [
    *("rows.json", "rows.json.gz", "rows.json.zst", "rows.jsonl", "rows.jsonl.gz", "rows.jsonl.zst"),
    *("rows.csv", "rows.csv.gz", "rows.tsv", "rows.tab.zst", "rows.parquet", "rows.arrow", "rows.feather"),
]
SMALL = ReadLimits(file_bytes=5000, row_chars=1000)

# Whatever UTF-8 can hold; lone surrogates exist only as JSON escapes and have a test of their own.
storable = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)


json_values = st.recursive(
    storable | st.integers() | st.none(), lambda inner: st.lists(inner, max_size=3), max_leaves=5
)


def values(path: Path, **limits: Any) -> list[dict[str, Any]]:
    return [row.values for row in file_rows(path, **limits)]


def outcome(path: Path) -> str:
    """The message of a refusal, empty where there is none; any other exception passes."""
    try:
        values(path)
    except InputError as error:
        return str(error)
    return ""


def refusal(path: Path, **limits: Any) -> str:
    with pytest.raises(InputError) as caught:
        values(path, **limits)
    message = str(caught.value)
    assert path.name in message
    return message


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=30, deadline=None)
@given(rows=st.lists(st.fixed_dictionaries({"instruction": storable, "output": storable}), min_size=1, max_size=5))
def test_property_rows_survive_a_round_trip(name: str, rows: list[dict[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert values(write_rows(Path(folder) / name, rows)) == rows


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(st.dictionaries(storable, json_values, max_size=3), min_size=1, max_size=5),
    indent=st.sampled_from([None, 0, 3]),
)
def test_property_a_json_list_reads_as_json_does(rows: list[dict[str, Any]], indent: int | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write_file(Path(folder) / "rows.json", json.dumps(rows, indent=indent))
        assert values(path) == rows


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=60), name=st.sampled_from([n for n in NAMES if not n.endswith((".gz", ".zst"))]))
def test_property_any_bytes_give_rows_or_a_message(data: bytes, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        assert name in outcome(path) or values(path)


@settings(max_examples=200, deadline=None)
@given(text=st.text('[]{}",:1n\\u \n', max_size=30))
def test_property_a_list_is_accepted_only_if_json_accepts_it(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write_file(Path(folder) / "rows.json", text)
        try:
            found = values(path)
        except InputError:
            return
        assert found == json.loads(text)


@settings(max_examples=40, deadline=None)
@given(keep=st.floats(0, 0.999))
def test_property_a_shortened_gzip_never_passes(keep: float) -> None:
    whole = gzip.compress(json.dumps([{"a": str(i)} for i in range(50)]).encode(), mtime=0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.json.gz"
        path.write_bytes(whole[: int(keep * len(whole))])
        refusal(path)


def test_rows_are_numbered_as_an_editor_or_a_list_counts_them(tmp_path: Path) -> None:
    def places(name: str, text: str) -> list[str]:
        path = write_file(tmp_path / name, text)
        return [str(row.place).removeprefix(f"{tmp_path}/") for row in file_rows(path)]

    assert places("a.json", '[{}, {"a": 1}\n,\n{}]') == ["a.json, row 1", "a.json, row 2", "a.json, row 3"]
    assert places("a.jsonl", "{}\n\n  \n{}") == ["a.jsonl, line 1", "a.jsonl, line 4"]
    assert places("a.csv", 'a,b\n"x\ny",1\n\nz,2\n') == ["a.csv, line 2", "a.csv, line 5"]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    assert values(write_file(tmp_path / "a.csv", b"\xef\xbb\xbfa\r\n1\r\n")) == [{"a": "1"}]
    assert values(write_file(tmp_path / "a.json", b'\xef\xbb\xbf[{"a": 1}]')) == [{"a": 1}]


def test_gzip_is_told_by_its_bytes_and_not_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(gzip.compress(b'[{"a": 1}]'))
    (tmp_path / "b.json.gz").write_bytes(b'[{"a": 1}]')
    assert values(tmp_path / "a.json") == values(tmp_path / "b.json.gz") == [{"a": 1}]


def test_unicode_line_separators_do_not_cut_a_line(tmp_path: Path) -> None:
    row = {"a": "one\u2028two\u0085three\x0bfour"}
    assert values(write_file(tmp_path / "a.jsonl", json.dumps(row, ensure_ascii=False).replace("\x0b", "\\u000b"))) == [
        {"a": "one\u2028two\u0085three\x0bfour"}
    ]


def test_a_long_row_and_a_long_cell_are_read(tmp_path: Path) -> None:
    row = {"a": "x" * 1_500_000}
    for name in NAMES:
        assert values(write_rows(tmp_path / name, [row, row])) == [row, row]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.json", "", "expected a JSON list"),
        ("a.json", '{"instruction": "x"}', "expected a JSON list"),
        ("a.json", '"text"', "expected a JSON list"),
        ("a.json", "[]", "holds no rows"),
        ("a.json", "[1]", "row 1.*expected an object"),
        ("a.json", "[{}, null]", "row 2.*expected an object"),
        ("a.json", "[{},]", "row 2.*expected an object"),
        ("a.json", "[{} {}]", "row 2.*expected ',' or ']'"),
        ("a.json", "[{}", "row 2.*cut short"),
        ("a.json", '[{"a": "b', "row 1.*not valid JSON"),
        ("a.json", '[{"a": 1, "b" 2}]', "row 1.*not valid JSON"),
        ("a.json", "[{}] x", "text follows"),
        ("a.json", '[{"a": 1, "a": 2}]', "row 1.*'a' occurs twice"),
        ("a.json", '[{"a": ' + "9" * 5000 + "}]", "row 1.*not valid JSON"),
        ("a.json", '[{"a": ' + "[" * 100_000, "row 1.*nested too deeply"),
        ("a.jsonl", '{"a": ' + "[" * 100_000, "line 1.*nested too deeply"),
        ("a.jsonl", "{}\n[]", "line 2.*expected an object.*a list"),
        ("a.jsonl", "{}\n{'a'}", "line 2.*not valid JSON"),
        ("a.jsonl", '{"a": 1, "b": {"c": 1, "c": 1}}', "line 1.*'c' occurs twice"),
        ("a.jsonl", "\n", "holds no rows"),
        ("a.csv", "", "holds no rows"),
        ("a.csv", "a,b\n", "holds no rows"),
        ("a.csv", "a,a\n1,2\n", "line 1.*'a' occurs twice"),
        ("a.csv", "a,b\n1,2\n1,2,3\n", "line 3.*expected 2 cells"),
        ("a.csv", 'a,b\n1,"2\n', "line 2.*not valid CSV"),
        ("a.parquet", "no parquet", "cannot be read as parquet"),
        ("a.txt", "x", "must end in one of .json"),
    ],
)
def test_broken_files_are_refused_with_their_place(tmp_path: Path, name: str, text: str, words: str) -> None:
    message = refusal(write_file(tmp_path / name, text))
    assert pytest.raises(AssertionError, match=words).matches(AssertionError(message)), message


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.csv"])
def test_text_that_is_not_utf_8_is_refused(tmp_path: Path, name: str) -> None:
    assert "UTF-8" in refusal(write_file(tmp_path / name, '[{"a": "é"}]'.encode("latin-1")))
    assert "UTF-8" in refusal(write_file(tmp_path / name, '[{"a": "é"}]'.encode("utf-16")))


def test_files_that_cannot_be_opened_are_refused(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "missing.json")
    assert "cannot be read" in refusal(tmp_path / "missing.parquet")
    (tmp_path / "folder.json").mkdir()
    assert "cannot be read" in refusal(tmp_path / "folder.json")
    with pytest.raises(InputError, match="cannot be read"):
        values(Path("nul\0.json"))


def test_other_packing_is_named(tmp_path: Path) -> None:
    assert "zip archive or a spreadsheet" in refusal(write_file(tmp_path / "a.csv", b"PK\x03\x04rest"))


def test_damage_inside_gzip_is_refused(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(json.dumps([{"a": i} for i in range(2000)]).encode()))
    data[len(data) // 2] ^= 0xFF
    (tmp_path / "a.json.gz").write_bytes(data)
    refusal(tmp_path / "a.json.gz")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.json.gz", "a.jsonl.gz", "a.csv.gz"])
@pytest.mark.parametrize("filling", [b" ", b"\n", b"[", b'"', b"x"])
def test_a_small_file_that_unpacks_to_a_huge_one_is_refused_in_little_memory(
    tmp_path: Path, name: str, filling: bytes
) -> None:
    start = b'[{"a": "' if filling == b"x" else b""
    path = write_file(tmp_path / name, start + filling * 5_000_000)
    tracemalloc.start()
    refusal(path, limits=ReadLimits(file_bytes=1_000_000, row_chars=200_000))
    assert tracemalloc.get_traced_memory()[1] < 15_000_000
    tracemalloc.stop()


def test_limits_hold_for_rows_and_files(tmp_path: Path) -> None:
    long_row = [{"a": "x" * 2000}]
    many_rows = [{"a": str(number) * 3} for number in range(1000)]
    for name in ("a.json", "a.jsonl"):
        limits = ReadLimits(file_bytes=10**6, row_chars=1000)
        assert "longer than 1,000" in refusal(write_rows(tmp_path / name, [{"a": "x" * 10**6}]), limits=limits)
    assert "longer than" in refusal(write_rows(tmp_path / "a.jsonl", long_row), limits=SMALL)
    for name in NAMES:
        assert "more than 5,000 bytes" in refusal(write_rows(tmp_path / name, many_rows), limits=SMALL)


def test_parquet_without_pyarrow_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_rows(tmp_path / "a.parquet", [{"a": "1"}])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"pip install 'judgebench\[parquet\]'"):
        values(path)


def test_reading_stops_where_the_reader_does(tmp_path: Path) -> None:
    path = write_file(tmp_path / "a.jsonl", '{"a": 1}\n' * 3 + "broken")
    rows = file_rows(path)
    assert isinstance(next(rows), FileRow)
    rows.close()
