"""Workbooks are read as the texts that they show, one sheet, within bounds."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgebench.errors import InputError, UnknownName
from judgebench.formats.excel import excel_rows
from judgebench.formats.reading import NamedPath, ReadLimits
from tests.formats import workbooks
from tests.formats.workbooks import BOTH, DATE, OWN, TIME, cell, parts, row, sheet, write_workbook

printable = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), max_size=20)


def read(path: Any, **limits: Any) -> list[dict[str, Any]]:
    return [line.values for line in excel_rows(path, ReadLimits(**limits))]


def book(path: Path, *rows: str, shared: tuple[str, ...] = (), settings: str = "") -> Path:
    return write_workbook(path / "a.xlsx", parts({"Sheet1": sheet(*rows)}, shared, book=settings))


@settings(max_examples=30, deadline=None)
@given(rows=st.lists(st.tuples(printable, printable).filter(lambda pair: any(map(str.strip, pair))), max_size=4))
def test_property_texts_come_back(rows: list[tuple[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = workbooks.write_table(Path(folder) / "a.xlsx", [("a", "b"), *rows])
        expected = [{"a": _as_read(a), "b": _as_read(b)} for a, b in rows]
        assert read(path) == expected


def _as_read(text: str) -> str:
    """XML takes the ends of lines for one kind, and codes stand for characters."""
    from judgebench.formats.excel import _unescaped

    return _unescaped(text.replace("\r\n", "\n").replace("\r", "\n"))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (cell("s", "0"), "shared"),
        (cell("s", "1"), "two runs"),
        (cell("str", "of a formula"), "of a formula"),
        ("<c><f>1+1</f><v>2</v></c>", "2"),
        (cell("n", "3"), "3"),
        (cell("n", "0.10000000000000001"), "0.1"),
        (cell("n", "1E+20"), "1e+20"),
        (cell("b", "1"), "true"),
        (cell("e", "#N/A"), "#N/A"),
        (cell("d", "2024-02-03"), "2024-02-03"),
        (cell("n", "45325", style=DATE), "2024-02-03"),
        (cell("n", "0.5", style=TIME), "12:00:00"),
        (cell("n", "45325.25", style=BOTH), "2024-02-03 06:00:00"),
        (cell("n", "45325", style=OWN), "2024-02-03"),
        (cell("n", "1.5", style=5), "1.5"),
        (cell("n", "59", style=DATE), "1900-02-28"),
        (cell("n", "1", style=DATE), "1900-01-01"),
        (cell("inlineStr", "a_x000D_\nb"), "a\r\nb"),
        (cell("n", "1e999"), "1e999"),
        (cell("n", "NaN"), "NaN"),
        (cell("n", "1_0"), "1_0"),
        (cell("n", "2958465.9999999", style=BOTH), "2958465.9999999"),
        ('<c t="n" s="²"><v>3</v></c>', "3"),
        (f'<c t="n" s="{"9" * 5000}"><v>3</v></c>', "3"),
    ],
)
def test_what_cells_show(tmp_path: Path, content: str, text: str) -> None:
    shared = ("<t>shared</t>", "<r><t>two </t></r><r><t>runs</t></r><rPh><t>sound</t></rPh>")
    assert read(book(tmp_path, workbooks.texts("a"), row(content), shared=shared)) == [{"a": text}]


def test_days_may_be_counted_from_1904(tmp_path: Path) -> None:
    path = book(
        tmp_path, workbooks.texts("a"), row(cell("n", "43863", style=DATE)), settings='<workbookPr date1904="1"/>'
    )
    assert read(path) == [{"a": "2024-02-03"}]


def test_rows_have_excels_numbers_and_cells_their_places(tmp_path: Path) -> None:
    path = book(
        tmp_path,
        row(cell("inlineStr", "a"), cell("inlineStr", "c", at="C2"), cell("inlineStr", "b", at="B2"), number=2),
        row(number=3),
        row(cell("inlineStr", "y", at="B7"), number=7),
        row(cell("inlineStr", "z")),
    )
    rows = list(excel_rows(path, ReadLimits()))
    assert [(line.place.number, line.values) for line in rows] == [
        (7, {"a": "", "b": "y", "c": ""}),
        (8, {"a": "z", "b": "", "c": ""}),
    ]
    assert all(line.texts_only for line in rows)


def test_of_several_sheets_with_rows_one_must_be_named(tmp_path: Path) -> None:
    one, header = sheet(workbooks.texts("a"), workbooks.texts("1")), sheet(workbooks.texts("a"))
    path = write_workbook(tmp_path / "a.xlsx", parts({"Empty": sheet(), "Header": header, "One": one}))
    assert read(path) == [{"a": "1"}]
    path = write_workbook(tmp_path / "b.xlsx", parts({"One": one, "Two & more": one.replace(">1<", ">2<")}))
    with pytest.raises(InputError, match=r"b\.xlsx: the sheets 'One', 'Two & more' have rows: say which by --sheet"):
        read(path)
    assert read(NamedPath(path, "b.xlsx", "Two & more")) == [{"a": "2"}]
    with pytest.raises(UnknownName, match="did you mean 'One'"):
        read(NamedPath(path, "b.xlsx", "Onee"))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([workbooks.texts("a", "a")], "row 1: the column 'a' occurs twice"),
        ([workbooks.texts("a"), workbooks.texts("1", "2")], "row 2: has a cell in column B, which has no name"),
        ([workbooks.texts("a"), row(cell("s", "5"))], "row 2: a cell names a text that the workbook has not"),
        ([row(cell("n", "1", at="ZZZ1"))], "row 1: has more than 16,384 columns"),
        ([workbooks.texts("a"), workbooks.texts("x" * 2000)], "row 2: longer than 1,000 characters"),
        (["<!-- " + "x" * (3 << 20) + " -->"], "mark of more than"),
        (["<a>" * 100 + "</a>" * 100], "nested too deeply"),
        ([workbooks.texts("a"), row(cell("s", "9" * 5000))], "row 2: a cell names a text that the workbook has not"),
        ([row(cell("n", "1", at="A1"), cell("n", "2", at="A1"))], "row 1: has column A twice"),
        (["<row>"], "cannot be read as an Excel workbook"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(tmp_path: Path, rows: list[str], words: str) -> None:
    with pytest.raises(InputError, match=rf"a\.xlsx.*{words}"):
        read(book(tmp_path, *rows), row_chars=1000)


@pytest.mark.parametrize("encoding", ["nope", "utf-7"])
def test_parts_of_other_encodings_are_refused(tmp_path: Path, encoding: str) -> None:
    parts = workbooks.parts({"S": f"<?xml version='1.0' encoding='{encoding}'?><worksheet/>"})
    with pytest.raises(InputError, match=r"a\.xlsx: cannot be read as an Excel workbook"):
        read(workbooks.write_workbook(tmp_path / "a.xlsx", parts))


def test_days_beyond_the_calendar_and_rows_of_no_number_are_read(tmp_path: Path) -> None:
    """Also a format of numbers so long that looking for its end would take hours."""
    held = f'<row r="{"9" * 5000}">{cell("n", "2958465", style=DATE)}</row>'
    path = book(tmp_path, workbooks.texts("a"), held, settings='<workbookPr date1904="1"/>')
    assert read(path) == [{"a": "2958465.0"}]
    styles = workbooks.STYLES.replace("[Red]0.00", "[" * 300_000)
    parts = workbooks.parts({"S": workbooks.sheet(workbooks.texts("a"), row(cell("n", "5")))})
    assert read(workbooks.write_workbook(path, parts | {"xl/styles.xml": styles})) == [{"a": "5"}]


def test_document_types_and_other_files_are_refused(tmp_path: Path) -> None:
    held = parts({"One": sheet(workbooks.texts("a"), workbooks.texts("1"))})
    doctype = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
    held["xl/sharedStrings.xml"] = doctype + held["xl/sharedStrings.xml"]
    with pytest.raises(InputError, match=r"a\.xlsx, xl/sharedStrings\.xml: has a document type"):
        read(write_workbook(tmp_path / "a.xlsx", held))
    (tmp_path / "b.xlsx").write_text("no archive")
    with pytest.raises(InputError, match=r"b\.xlsx: cannot be read as an Excel workbook"):
        read(tmp_path / "b.xlsx")
    write_workbook(tmp_path / "c.xlsx", {"header.json": "{}"})
    with pytest.raises(InputError, match=r"c\.xlsx: cannot be read as an Excel workbook"):
        read(tmp_path / "c.xlsx")
    with pytest.raises(InputError, match=r"a\.xlsx.*unpacked"):
        read(book(tmp_path, workbooks.texts("a"), workbooks.texts("1")), file_bytes=500)
