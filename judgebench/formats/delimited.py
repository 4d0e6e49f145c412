"""Files with a header line and cells between commas, semicolons or tabs, with quotes as in RFC 4180."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from typing import TextIO

from judgebench.formats.bounds import delimited_cells
from judgebench.formats.reading import CHUNK_CHARS, Filename, FileRow, Place, ReadLimits, check_header, open_text
from judgebench.formats.writing import KEY_COLUMN, restored_cell

_MARKS = (",", ";", "\t")


def comma_rows(filename: Filename, limits: ReadLimits) -> Iterator[FileRow]:
    """The rows of a file whose header line has commas outside quotes, or else semicolons, or else tabs, between cells.

    A row's number is the line it starts on; empty lines are skipped.
    """
    return _rows(filename, limits, None)


def tab_rows(filename: Filename, limits: ReadLimits) -> Iterator[FileRow]:
    """As ``comma_rows``, with tabs between cells."""
    return _rows(filename, limits, "\t")


def _rows(filename: Filename, limits: ReadLimits, mark: str | None) -> Iterator[FileRow]:
    # The csv module knows only one limit for the whole process, and its default is 128 KiB.
    csv.field_size_limit(max(csv.field_size_limit(), limits.row_chars))
    with open_text(filename, limits, newline="") as stream:
        header: list[str] | None = None
        for place, cells in _records(_RecordLines(stream, limits, mark), str(filename)):
            if header is None:
                header = cells
                check_header(header, str(place))
            elif len(cells) != len(header):
                raise place.error(
                    f"expected {len(header)} cells as in the header, found {len(cells)}; is a quote missing?"
                )
            else:
                values = map(restored_cell, cells) if header[0] == KEY_COLUMN else cells
                yield FileRow(place, dict(zip(header, values, strict=True)), texts_only=True)


def _records(lines: "_RecordLines", name: str) -> Iterator[tuple[Place, list[str]]]:
    reader = csv.reader(lines, strict=True, delimiter=lines.mark)
    while True:
        place = lines.begin(Place(name, "line", reader.line_num + 1))
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise place.error(f"not valid CSV: {error}") from error
        if cells is None:
            return
        if cells:
            yield place, cells


class _RecordLines:
    """The lines of a file, of which one record takes as many as the limits let it."""

    def __init__(self, stream: TextIO, limits: ReadLimits, mark: str | None) -> None:
        """``mark``: what stands between cells; None: what the first line has."""
        self._stream, self._limits = stream, limits
        self._first = self._line()
        self.mark = mark or next((sign for sign in _MARKS if delimited_cells(self._first, 1, sign)), _MARKS[0])

    def begin(self, place: Place) -> Place:
        self._place, self._chars, self._cells, self._lines, self._quoted = place, 0, 1, 0, False
        return place

    def _line(self) -> str:
        return self._stream.readline(self._limits.row_chars + 1)

    def __iter__(self) -> Iterator[str]:
        line, self._first = self._first, ""
        while line:
            self._chars += len(line)
            self._lines += 1
            if self._lines > self._limits.row_values:
                raise self._place.error(f"goes over more than {self._limits.row_values:,} lines; is a quote missing?")
            if self._chars > self._limits.row_chars:
                raise self._place.error(f"longer than {self._limits.row_chars:,} characters")
            if self.mark in line and len(line) > CHUNK_CHARS:
                self._cells += delimited_cells(line, self._limits.row_values, self.mark, quoted=self._quoted)
            if self._cells > self._limits.row_values:
                raise self._place.error(f"holds more than {self._limits.row_values:,} cells")
            self._quoted ^= line.count('"') % 2 == 1
            yield line
            line = self._line()


def restored_cells(row: FileRow) -> FileRow:
    """Of a row that we may have written, whatever its first column: what was written as its cells."""
    if not row.texts_only:
        return row
    cells = row.values.items()
    return replace(row, values={name: restored_cell(cell) if isinstance(cell, str) else cell for name, cell in cells})
