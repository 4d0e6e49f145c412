"""Rows of an Excel workbook (.xlsx), as texts: what a cell shows without its format, of a formula the value it had.

A workbook is an archive of XML files, which are read as streams: never more than the stated bytes of them, and one row
at a time. Texts that several cells share are kept, within a bound. A document type, which could define entities that
unfold to much, is refused. Source: ECMA-376, part 1, 18.2 to 18.8; measured against openpyxl 3.1.
"""

import math
import re
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from posixpath import join, normpath
from typing import IO, Any
from xml.parsers import expat

from judgebench.errors import InputError, UnknownName
from judgebench.formats.bounds import most_unpacked
from judgebench.formats.packing import open_bytes
from judgebench.formats.reading import Filename, FileRow, Place, ReadLimits, check_header
from judgebench.formats.writing import KEY_COLUMN, restored_cell

_MOST_SHARED = 192 << 20  # bytes of memory that texts which cells share may take
_MOST_COLUMNS, _MOST_ROWS = 16_384, 1 << 20  # that Excel has
_PIECE = 1 << 16  # bytes that are parsed at a time
_MOST_DEPTH = 64  # of elements in each other
_MOST_TEXT = 4 << 20  # characters of a cell; Excel's own have at most 32,767
_MOST_TOKEN = 1 << 20  # bytes of a part without an element, a text or an end of either
_MOST_NAMED = 100_000  # sheets, styles, formats of numbers
_VALUE_BYTES = 48  # that a cell counts beside its text
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")  # how a character stands that XML cannot hold
_REFERENCE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
_DATE_IDS = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))  # that come with Excel
_NOT_SHOWN = re.compile(r'"[^"]*"|\\.|_.|\[(?!h|m|s)[^\]]*\]', re.IGNORECASE)  # of a format: texts, colours, locales
_DATE_MARK = re.compile("[ymdhs]", re.IGNORECASE)
_MOST_FORMAT = 255  # characters of a format of numbers, as Excel has it
_MOST_DIGITS = 9  # of a number of rows, styles or texts
_NUMBER = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*", re.ASCII)
_MOST_NUMBER = 400  # characters of one
_EPOCHS = {False: datetime(1899, 12, 30), True: datetime(1904, 1, 1)}
_MOST_DAYS = 2_958_465  # the last of the year 9999
_NO_SHEET = "say which by --sheet, in Python by sheet"
_Attributes = Mapping[str, str]
_OF_PARTS = (LookupError, ValueError)  # a part that is not there, or of an encoding that no workbook has


def excel_rows(filename: Filename, limits: ReadLimits) -> Iterator[FileRow]:
    """The rows below the header of the one sheet that has rows, or of the one that ``filename`` names.

    A row's number is Excel's; rows without a text are skipped. Raises InputError naming the file, the row and the
    cell, or the sheets where several have rows; UnknownName for a sheet that is not there.
    """
    with open_bytes(filename) as file, _translated(str(filename)), zipfile.ZipFile(file) as archive:
        size = file.seek(0, 2)
        book = _Workbook(archive, str(filename), limits, most_unpacked(size, limits.file_bytes))
        yield from _below_header(book, book.sheet(getattr(filename, "sheet", None)))


@contextmanager
def _translated(name: str) -> Iterator[None]:
    try:
        yield
    except (NotImplementedError, RuntimeError) as error:  # of ``zipfile``
        raise InputError(f"{name}: the workbook is of a kind that is not known here: {error}") from error
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, struct.error, expat.ExpatError, *_OF_PARTS) as error:
        raise InputError(f"{name}: cannot be read as an Excel workbook: {str(error)[:200]}") from error


def _below_header(book: "_Workbook", sheet: "_Sheet") -> Iterator[FileRow]:
    header: list[str] | None = None
    for number, cells in book.rows(sheet):
        place = Place(book.name, "row", number)
        if header is None:
            header = _header(cells, place)
            continue
        beyond = next((column for column in cells if column >= len(header)), None)
        if beyond is not None:
            raise place.error(f"has a cell in column {_letters(beyond)}, which has no name in the header")
        values = [cells.get(column, "") for column in range(len(header))]
        restored = map(restored_cell, values) if header[0] == KEY_COLUMN else values
        yield FileRow(place, dict(zip(header, restored, strict=True)), texts_only=True)


def _header(cells: Mapping[int, str], place: Place) -> list[str]:
    names = [cells.get(column, "") for column in range(max(cells) + 1)]
    check_header(names, str(place))
    return names


def _letters(column: int) -> str:
    letters = ""
    while column >= 0:
        letters = chr(ord("A") + column % 26) + letters
        column = column // 26 - 1
    return letters


@dataclass(frozen=True, slots=True)
class _Sheet:
    name: str
    path: str  # in the archive


class _Workbook:
    """An open workbook, of which at most so many bytes are unpacked, all its parts together."""

    def __init__(self, archive: zipfile.ZipFile, name: str, limits: ReadLimits, most: int) -> None:
        self.name, self._archive, self._limits, self._most, self._left = name, archive, limits, most, most
        targets = self._targets()
        reader = _BookReader()
        self._parse("xl/workbook.xml", reader)
        self._sheets = [_Sheet(sheet, targets[key]) for sheet, key in reader.sheets if key in targets]
        self._epoch = _EPOCHS[reader.from_1904]
        styles = _StyleReader()
        if "xl/styles.xml" in archive.namelist():
            self._parse("xl/styles.xml", styles)
        self._dates = styles.dates
        self._shared = self._shared_texts(targets.get("shared"))

    def sheet(self, name: str | None) -> _Sheet:
        """The sheet of that name, or the only one with a row below its header; the first where none has any."""
        if not self._sheets:
            raise InputError(f"{self.name}: holds no sheet")
        if name is not None:
            named = next((sheet for sheet in self._sheets if sheet.name == name), None)
            if named is None:
                raise UnknownName(f"sheet of {self.name}:", name, [sheet.name for sheet in self._sheets])
            return named
        if len(self._sheets) == 1:
            return self._sheets[0]
        full = [sheet for sheet in self._sheets if self._has_rows(sheet)]
        if len(full) > 1:
            names = ", ".join(repr(sheet.name) for sheet in full)
            raise InputError(f"{self.name}: the sheets {names} have rows: {_NO_SHEET}")
        return full[0] if full else self._sheets[0]

    def _has_rows(self, sheet: _Sheet) -> bool:
        left, rows = self._left, self.rows(sheet)
        both = [next(rows, None), next(rows, None)]
        self._left = left  # it is read again
        return None not in both

    def rows(self, sheet: _Sheet) -> Iterator[tuple[int, dict[int, str]]]:
        """Excel's number of each row that says something, and its texts by column, from 0."""
        reader = _SheetReader(self)
        total = 0
        for _ in self._parsed(sheet.path, reader):
            for number, cells, size in reader.taken():
                total += size
                if total > self._most:
                    raise self._too_much()
                yield number, cells

    def _targets(self) -> dict[str, str]:
        """Paths of sheets by the keys that the workbook calls them, and of shared texts by "shared"."""
        reader = _RelationReader()
        self._parse("xl/_rels/workbook.xml.rels", reader)
        return {key: normpath(join("xl", path)).lstrip("/") for key, path in reader.targets.items()}

    def _shared_texts(self, path: str | None) -> list[str]:
        reader = _TextReader()
        if path is not None and path in self._archive.namelist():
            for _ in self._parsed(path, reader):
                if reader.size > _MOST_SHARED:
                    raise InputError(
                        f"{self.name}: its texts take more than {_MOST_SHARED:,} bytes of memory: save it as CSV"
                    )
        return reader.texts

    def _parse(self, path: str, reader: "_Reader") -> None:
        for _ in self._parsed(path, reader):
            pass

    def _parsed(self, path: str, reader: "_Reader") -> Iterator[None]:
        """Parse a part, and stop after each piece of it."""
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
        parser.CharacterDataHandler = reader.text
        try:
            with self._archive.open(path) as stream:
                yield from self._pieces(stream, parser)
        except _Refused as refused:
            raise InputError(f"{self.name}, {path}: {refused}") from refused

    def _pieces(self, stream: IO[bytes], parser: Any) -> Iterator[None]:
        read = 0
        while piece := stream.read(_PIECE):
            read += len(piece)
            self._left -= len(piece)
            if self._left < 0:
                raise self._too_much()
            parser.Parse(piece, False)
            if read - parser.CurrentByteIndex > _MOST_TOKEN:
                raise _Refused(f"holds a mark of more than {_MOST_TOKEN:,} bytes")
            yield
        parser.Parse(b"", True)
        yield

    def _too_much(self) -> InputError:
        return InputError(f"{self.name}: holds more than {self._most:,} bytes unpacked; split it")

    def place(self, number: int) -> Place:
        return Place(self.name, "row", number)

    @property
    def limits(self) -> ReadLimits:
        return self._limits

    def shown(self, kind: str, style: int, text: str, place: Place) -> str:
        """What a cell of this kind and style holds, as text."""
        if kind == "s":
            number = _counted(text)
            if number is None or number >= len(self._shared):
                raise place.error("a cell names a text that the workbook has not; it may be damaged")
            return self._shared[number]
        if kind == "b":
            return "true" if text.strip() == "1" else "false"
        if kind in ("str", "inlineStr", "e", "d"):
            return _unescaped(text)
        return self._number(text, style)

    def _number(self, text: str, style: int) -> str:
        if len(text) > _MOST_NUMBER or not _NUMBER.fullmatch(text) or not math.isfinite(number := float(text)):
            return text
        if style in self._dates and 0 <= number <= _MOST_DAYS:
            try:
                return _date(number, self._epoch)
            except OverflowError:  # counted from 1904, some lie beyond the year 9999
                return repr(number)
        return str(int(number)) if number == int(number) and abs(number) < 1e15 else repr(number)


def _counted(text: str) -> int | None:
    """The number that counts something; None where the text is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None


def _refuse_doctype(*_: Any) -> None:
    raise _Refused("has a document type, which no workbook has")


class _Refused(Exception):
    """Raised where a part is refused, with the reason."""


def _date(days: float, epoch: datetime) -> str:
    """A day, a time, or both, as ISO 8601 writes them."""
    if epoch == _EPOCHS[False] and days < 60:
        days += days >= 1  # Excel counts a 29 February 1900, as Lotus did
    moment = epoch + timedelta(seconds=round(days * 86_400))
    if days < 1:
        return moment.strftime("%H:%M:%S")
    return moment.date().isoformat() if days == int(days) else moment.isoformat(sep=" ")


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda code: chr(int(code[1], 16)), text) if "_x" in text else text


class _Reader:
    """What is done at each element of a part; names come without their namespace."""

    def __init__(self) -> None:
        self._open: list[str] = []

    def start(self, name: str, attributes: _Attributes) -> None:
        self._open.append(name.rpartition(" ")[2])
        if len(self._open) > _MOST_DEPTH:
            raise _Refused("is nested too deeply")
        self.started(self._open[-1], attributes)

    def end(self, _: str) -> None:
        self.ended(self._open.pop())

    def text(self, text: str) -> None:
        pass

    def started(self, name: str, attributes: _Attributes) -> None:
        pass

    def ended(self, name: str) -> None:
        pass


class _RelationReader(_Reader):
    def __init__(self) -> None:
        super().__init__()
        self.targets: dict[str, str] = {}

    def started(self, name: str, attributes: _Attributes) -> None:
        if name == "Relationship" and attributes.get("TargetMode") != "External":
            kind = attributes.get("Type", "").rpartition("/")[2]
            target = attributes.get("Target", "")
            if kind == "worksheet":
                self.targets[attributes.get("Id", "")] = target
            elif kind == "sharedStrings":
                self.targets["shared"] = target


class _BookReader(_Reader):
    def __init__(self) -> None:
        super().__init__()
        self.sheets: list[tuple[str, str]] = []
        self.from_1904 = False

    def started(self, name: str, attributes: _Attributes) -> None:
        if name == "workbookPr":
            self.from_1904 = attributes.get("date1904") in ("1", "true")
        if name == "sheet":
            key = next((value for key, value in attributes.items() if key.endswith(" id")), "")
            self.sheets.append((attributes.get("name", ""), key))
            if len(self.sheets) > _MOST_NAMED:
                raise _Refused("has too many sheets")


class _StyleReader(_Reader):
    """Which styles show numbers as dates or times."""

    def __init__(self) -> None:
        super().__init__()
        self.dates: set[int] = set()
        self._formats: dict[str, bool] = {}
        self._count = 0

    def started(self, name: str, attributes: _Attributes) -> None:
        number = attributes.get("numFmtId", "0")
        if name == "numFmt":
            code = _NOT_SHOWN.sub("", attributes.get("formatCode", "")[:_MOST_FORMAT].partition(";")[0])
            self._formats[number] = bool(_DATE_MARK.search(code))
        if name == "xf" and self._open[-2:-1] == ["cellXfs"]:
            if self._formats.get(number, _counted(number) in _DATE_IDS):
                self.dates.add(self._count)
            self._count += 1
        if self._count + len(self._formats) > _MOST_NAMED:
            raise _Refused("has too many styles")


class _TextReader(_Reader):
    """The texts that cells share: runs of one are put together, how they sound is left out."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.size = self._chars = 0
        self._parts: list[str] = []

    def text(self, text: str) -> None:
        if self._open[-1] == "t" and "rPh" not in self._open:
            self._chars += len(text)
            if self._chars > _MOST_TEXT:
                raise _Refused(f"a text is longer than {_MOST_TEXT:,} characters")
            self._parts.append(text)

    def ended(self, name: str) -> None:
        if name == "si":
            self.texts.append(_unescaped("".join(self._parts)))
            self.size += sys.getsizeof(self.texts[-1]) + 8
            self._parts, self._chars = [], 0


@dataclass(slots=True)
class _Cell:
    column: int
    kind: str
    style: int
    parts: list[str] = field(default_factory=list)


class _SheetReader(_Reader):
    """The rows of a sheet; those that are complete are taken after each piece."""

    def __init__(self, book: _Workbook) -> None:
        super().__init__()
        self._book = book
        self._ready: list[tuple[int, dict[int, str], int]] = []
        self._number, self._rows, self._column = 0, 0, -1
        self._cells: dict[int, str] = {}
        self._cell: _Cell | None = None
        self._size = self._chars = 0

    def taken(self) -> list[tuple[int, dict[int, str], int]]:
        ready, self._ready = self._ready, []
        return ready

    def started(self, name: str, attributes: _Attributes) -> None:
        if name == "row":
            self._number = _counted(attributes.get("r", "")) or self._number + 1
            self._column, self._cells, self._size = -1, {}, 0
            self._rows += 1
            if self._rows > _MOST_ROWS:
                raise _Refused(f"has more than {_MOST_ROWS:,} rows")
        elif name == "c":
            place = _REFERENCE.fullmatch(attributes.get("r", ""))
            self._column = _column(place[1]) if place else self._column + 1
            if self._column >= _MOST_COLUMNS:
                raise self._book.place(self._number).error(f"has more than {_MOST_COLUMNS:,} columns")
            self._chars = 0
            self._cell = _Cell(self._column, attributes.get("t", "n"), _counted(attributes.get("s", "0")) or 0)

    def text(self, text: str) -> None:
        if self._cell is None or "rPh" in self._open:
            return
        if self._open[-1] == ("t" if self._cell.kind == "inlineStr" else "v"):
            self._chars += len(text)
            if self._chars > _MOST_TEXT:
                raise self._book.place(self._number).error(f"a text is longer than {_MOST_TEXT:,} characters")
            self._cell.parts.append(text)

    def ended(self, name: str) -> None:
        if name == "c" and self._cell is not None:
            self._end_cell(self._cell)
            self._cell = None
        elif name == "row" and any(text.strip() for text in self._cells.values()):
            self._ready.append((self._number, self._cells, self._size))
            self._cells = {}

    def _end_cell(self, cell: _Cell) -> None:
        if not cell.parts:
            return
        place = self._book.place(self._number)
        text = self._book.shown(cell.kind, cell.style, "".join(cell.parts), place)
        if text and cell.column in self._cells:
            raise place.error(f"has column {_letters(cell.column)} twice; the workbook may be damaged")
        if text:
            self._cells[cell.column] = text
            self._size += len(text) + _VALUE_BYTES
            self._check(self._size)

    def _check(self, chars: int) -> None:
        if chars > self._book.limits.row_chars:
            raise self._book.place(self._number).error(f"longer than {self._book.limits.row_chars:,} characters")


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
