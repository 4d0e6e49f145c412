"""Tables of texts: what stands between cells is told by the header, and quotes hide it."""

from pathlib import Path

import pytest

from judgebench.errors import InputError
from judgebench.formats.delimited import comma_rows, tab_rows
from judgebench.formats.reading import ReadLimits
from tests.formats.writing import write_file


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("a,b\n1,2;3\n", {"a": "1", "b": "2;3"}),
        ("a;b\n1;2,3\n", {"a": "1", "b": "2,3"}),
        ("a\tb\n1\t2,3;4\n", {"a": "1", "b": "2,3;4"}),
        ('"a;x",b\n1,2;3\n', {"a;x": "1", "b": "2;3"}),
        ('"a,x";b\n1;"2;3"\n', {"a,x": "1", "b": "2;3"}),
        ('"a;x"\n1\n', {"a;x": "1"}),
        ("a;b,c\n1;2,3\n", {"a;b": "1;2", "c": "3"}),
        ('a;b\r\n"x\r\ny";2\r\n', {"a": "x\r\ny", "b": "2"}),
        ("a\n1;2\n", {"a": "1;2"}),
    ],
)
def test_what_stands_between_cells(tmp_path: Path, text: str, row: dict[str, str]) -> None:
    [read] = comma_rows(write_file(tmp_path / "a.csv", text), ReadLimits())
    assert read.values == row
    assert read.texts_only


def test_tabs_alone_divide_the_cells_of_a_file_of_tabs(tmp_path: Path) -> None:
    [row] = tab_rows(write_file(tmp_path / "a.tsv", 'a,b;c\td\n1,2\t"3\t4"\n'), ReadLimits())
    assert row.values == {"a,b;c": "1,2", "d": "3\t4"}


def test_limits_count_the_cells_of_every_mark(tmp_path: Path) -> None:
    path = write_file(tmp_path / "a.csv", "a;b\n" + ";" * 300_000 + "\n")
    with pytest.raises(InputError, match=r"line 2: holds more than 1,000 cells"):
        list(comma_rows(path, ReadLimits(row_values=1000)))
