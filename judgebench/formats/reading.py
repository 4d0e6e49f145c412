"""Open files that others made, cut them into rows, and point at what is wrong in them.

A file may be plain or gzip (told by its first bytes, not by its name) and is read as a stream: never more than a stated
number of unpacked bytes, and never more than one row of text at a time, so that a small file that unpacks to a huge
one ends in a message and not in a lack of memory. What the rows mean is not known here.

JSON is read more strictly than ``json`` does: a key that occurs twice in one object is an error, because which of the
two counts would be luck.
"""

import codecs
import csv
import gzip
import io
import json
import math
import os
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, TextIO

from judgebench.errors import InputError, MissingExtra
from judgebench.formats.foreign_nulls import without_nulls
from judgebench.formats.writing import KEY_COLUMN, restored_cell
from judgebench.keys import clean_text

if TYPE_CHECKING:
    import pandas as pd

Filename = str | PathLike[str]
_GZIP = b"\x1f\x8b"
_OTHER_PACKING = {
    b"PK\x03\x04": "a zip archive or a spreadsheet",
    b"BZh": "packed with bzip2",
    b"\xfd7zXZ": "packed with xz",
    b"\x28\xb5\x2f\xfd": "packed with zstandard",
}
_FINITE = (-1e300, 1e300)
_CHUNK_CHARS = 1 << 18
_SPACE = " \t\n\r"
_SPACES = re.compile(f"[{_SPACE}]*")
_BATCH_ROWS = 64
FRAME_NAME = "the data frame"  # in messages, where a file would be named


@dataclass(frozen=True, slots=True)
class NamedPath(PathLike[str]):
    """A file that messages call by another name than its path."""

    path: Path
    name: str

    def __fspath__(self) -> str:
        return str(self.path)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What a file may ask of the machine."""

    file_bytes: int = 2 << 30  # after unpacking
    row_chars: int = 64 << 20  # one row as it is written in the file
    rows: int = 100_000_000
    image_bytes: int = 20 << 20  # of one that a message holds


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file something stands."""

    file: str
    unit: str  # "row" in JSON lists and parquet, "line" in JSONL and CSV, as a text editor counts them
    number: int  # from 1

    def __str__(self) -> str:
        return f"{self.file}, {self.unit} {self.number}"

    def error(self, message: str) -> InputError:
        return InputError(f"{self}: {message}")


@dataclass(frozen=True, slots=True)
class FileRow:
    """One row as its file holds it, with the means to say what is wrong with it."""

    place: Place
    values: dict[str, Any]
    nulls: int = 0  # that its kind of file had added to calls and tools; they are left out

    def error(self, column: str, message: str) -> InputError:
        return InputError(f"{self.place}, field {column!r}: {message}")

    def text(self, column: str) -> str:
        """The cleaned text of a column that must hold one; it may be empty."""
        if column not in self.values:
            raise self.error(column, "is missing")
        return self.as_text(column, self.values[column])

    def as_text(self, column: str, value: Any) -> str:
        """``value``, found somewhere inside ``column``, as cleaned text."""
        if not isinstance(value, str):
            raise self.error(column, f"expected text, found {kind(value)}")
        return clean_text(value)

    def number(self, column: str, within: tuple[float, float] = _FINITE) -> float | None:
        """A number within bounds; None where the column is absent, null or NaN."""
        value = self.values.get(column)
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return None
        return self.as_number(column, value, within)

    def as_number(self, column: str, value: Any, within: tuple[float, float] = _FINITE) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(column, f"expected a number, found {kind(value)}")
        if not within[0] <= value <= within[1]:  # also NaN; and an int beyond them may be no float
            what = "finite number" if within == _FINITE else f"number from {within[0]:g} to {within[1]:g}"
            raise self.error(column, f"expected a {what}")
        return float(value)


def finite(digits: str) -> float:
    """The number that JSON writes so. Raises ValueError for NaN and infinite ones, which JSON has not."""
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"JSON has no number {digits[:40]}")
    return number


def kind(value: Any) -> str:
    """How a JSON value is called in a message."""
    names = {type(None): "null", bool: "true or false", int: "a number", float: "a number", str: "text"}
    return names.get(type(value), "a list" if isinstance(value, list) else "an object")


@contextmanager
def open_text(filename: Filename, limits: ReadLimits, *, newline: str) -> Iterator[TextIO]:
    """The file's text, unpacked, without its byte order mark. ``newline`` as in ``open``.

    Raises InputError where the file cannot be opened, is damaged or unpacks to more than ``limits.file_bytes``, the
    last two while it is read. Bytes that are not UTF-8 raise UnicodeDecodeError while they are read.
    """
    with _open(filename) as file:
        start = file.read(8)
        file.seek(0)
        for magic, packing in _OTHER_PACKING.items():
            if start.startswith(magic):
                raise InputError(f"{filename}: is {packing}; unpack it first, only gzip is unpacked here")
        raw: IO[bytes] | gzip.GzipFile = gzip.GzipFile(fileobj=file) if start.startswith(_GZIP) else file
        bounded = _Bounded(raw, str(filename), limits.file_bytes)
        with io.TextIOWrapper(io.BufferedReader(bounded), encoding="utf-8-sig", newline=newline) as text:
            yield text


def _open(filename: Filename) -> BinaryIO:
    try:
        return open(filename, "rb")
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{str(filename)!r} cannot be read: {reason}") from error


class _Bounded(io.RawIOBase):
    """Passes on at most ``limit`` bytes, and says in the user's words why a stream broke."""

    def __init__(self, source: IO[bytes] | gzip.GzipFile, name: str, limit: int) -> None:
        self._source, self._name, self._limit, self._given = source, name, limit, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._source.read(len(buffer))
        except (EOFError, zlib.error, OSError) as error:
            raise InputError(f"{self._name}: damaged or cut short ({error}); fetch it again") from error
        self._given += len(data)
        if self._given > self._limit:
            raise InputError(
                f"{self._name}: holds more than {self._limit:,} bytes unpacked; split it into smaller files"
            )
        buffer[: len(data)] = data
        return len(data)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(n for n in names if names.count(n) > 1)!r} occurs twice")
    return values


_DECODER = json.JSONDecoder(object_pairs_hook=_unique)


def _json_lines(filename: Filename, limits: ReadLimits) -> Iterator[FileRow]:
    """One object a line; empty lines are skipped but counted."""
    with open_text(filename, limits, newline="\n") as stream:
        lines = iter(lambda: stream.readline(limits.row_chars + 1), "")
        for number, line in enumerate(lines, start=1):
            place = Place(str(filename), "line", number)
            if len(line) > limits.row_chars:
                raise place.error(f"longer than {limits.row_chars:,} characters")
            if line.strip(_SPACE):
                yield FileRow(place, json_object(line, place))


def json_object(line: str | bytes, place: Place) -> dict[str, Any]:
    """The object in a JSON text. Raises InputError for anything else."""
    try:
        value = _DECODER.decode(line if isinstance(line, str) else line.decode("utf-8-sig"))
    except RecursionError as error:
        raise place.error("nested too deeply") from error
    except ValueError as error:
        raise place.error(f"not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise place.error(f"expected an object with named fields, found {kind(value)}")
    return value


def _json_list(filename: Filename, limits: ReadLimits) -> Iterator[FileRow]:
    """The objects of one JSON list. Memory is that of the largest row, not of the list."""
    with open_text(filename, limits, newline="\n") as stream:
        window = _Window(stream, limits.row_chars)
        if window.peek() != "[":
            raise InputError(
                f"{filename}: expected a JSON list, [{{...}}, ...]; if it holds one object a line, name it .jsonl"
            )
        window.skip()
        number = 0
        while number == 0 or window.peek() != "]":
            number += 1
            place = Place(str(filename), "row", number)
            if number > 1:
                _expect(window, ",", place)
                window.skip()
            elif window.peek() == "]":
                break
            _expect(window, "{", place)
            yield FileRow(place, window.object(place))
        window.skip()
        if window.peek():
            raise InputError(f"{filename}: text follows the end of its list")


def _expect(window: "_Window", mark: str, place: Place) -> None:
    char = window.peek()
    if not char:
        raise place.error("the file ends inside its list; it may be cut short")
    if char != mark:
        expected = "an object with named fields" if mark == "{" else "',' or ']' before this row"
        raise place.error(f"not valid JSON rows: expected {expected}, found {char!r}")


class _Window:
    """The part of a JSON text between what was read and what was fetched, at most one row and a chunk long."""

    def __init__(self, stream: TextIO, row_chars: int) -> None:
        self._stream, self._row_chars = stream, row_chars
        self._text, self._at = "", 0

    def peek(self) -> str:
        """The next character that is no white space; empty at the end of the file."""
        while self._at == len(self._text) or self._text[self._at] in _SPACE:
            self._at = _SPACES.match(self._text, self._at).end()  # type: ignore[union-attr]  # it matches nothing, too
            if self._at == len(self._text) and not self._fetch():
                return ""
        return self._text[self._at]

    def skip(self) -> None:
        self._at += 1

    def object(self, place: Place) -> dict[str, Any]:
        """The object that starts here; fetches until all of it is there."""
        while True:
            try:
                value, self._at = _DECODER.raw_decode(self._text, self._at)
                return value  # type: ignore[no-any-return]  # it starts with a brace
            except RecursionError as error:
                raise place.error("nested too deeply") from error
            except json.JSONDecodeError as error:
                at = error.pos - self._at
                if len(self._text) - self._at > self._row_chars:
                    reason = f"longer than {self._row_chars:,} characters, or not valid JSON"
                    raise place.error(f"{reason} ({error.msg}, {at:,} characters into the row)") from error
                if not self._fetch():
                    raise place.error(f"not valid JSON: {error.msg}, {at:,} characters into the row") from error
            except ValueError as error:
                raise place.error(f"not valid JSON: {error}") from error

    def _fetch(self) -> bool:
        """Fetch as much again as is left, so that the work for a long row stays in proportion to its length."""
        rest = self._text[self._at :]
        more = self._stream.read(max(_CHUNK_CHARS, len(rest)))
        self._text, self._at = rest + more, 0
        return bool(more)


def _csv_rows(filename: Filename, limits: ReadLimits) -> Iterator[FileRow]:
    """The rows below a header line. A row's number is the line it starts on; empty lines are skipped."""
    # The csv module knows only one limit for the whole process, and its default is 128 KiB.
    csv.field_size_limit(max(csv.field_size_limit(), limits.row_chars))
    with open_text(filename, limits, newline="") as stream:
        header: list[str] | None = None
        for place, cells in _records(stream, str(filename), limits):
            if header is None:
                header = cells
                _check_header(header, str(place))
            elif len(cells) != len(header):
                raise place.error(
                    f"expected {len(header)} cells as in the header, found {len(cells)}; is a quote missing?"
                )
            else:
                values = map(restored_cell, cells) if header[0] == KEY_COLUMN else cells
                yield FileRow(place, dict(zip(header, values, strict=True)))


def _records(stream: TextIO, name: str, limits: ReadLimits) -> Iterator[tuple[Place, list[str]]]:
    lines = iter(lambda: stream.readline(limits.row_chars + 1), "")
    reader = csv.reader(lines, strict=True)
    while True:
        place = Place(name, "line", reader.line_num + 1)
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise place.error(f"not valid CSV: {error}") from error
        if cells is None:
            return
        if cells:
            yield place, cells


def _check_header(names: Sequence[str], where: str) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise InputError(f"{where}: the column {twice[0]!r} occurs twice; rename one")


def _parquet_rows(filename: Filename, limits: ReadLimits) -> Iterator[FileRow]:
    """The rows of a parquet file.

    Raises MissingExtra without pyarrow.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtra(f"{filename}: parquet files need pyarrow: pip install 'judgebench[parquet]'") from error
    try:
        with pyarrow.parquet.ParquetFile(os.fspath(filename)) as file:
            parts = (file.metadata.row_group(i) for i in range(file.metadata.num_row_groups))
            if sum(part.total_byte_size for part in parts) > limits.file_bytes:
                raise InputError(f"{filename}: holds more than {limits.file_bytes:,} bytes unpacked; split it")
            _check_header(file.schema_arrow.names, str(filename))
            number = 0
            for batch in file.iter_batches(batch_size=_BATCH_ROWS):
                for values in batch.to_pylist():
                    number += 1
                    yield FileRow(Place(str(filename), "row", number), *without_nulls(values))
    except (pyarrow.ArrowException, OSError) as error:
        reason = str(error).replace(os.fspath(filename), str(filename))
        raise InputError(f"{filename}: cannot be read as parquet: {reason}") from error


_READERS: dict[str, Callable[[Filename, ReadLimits], Iterator[FileRow]]] = {
    ".json": _json_list,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".csv": _csv_rows,
    ".parquet": _parquet_rows,
}


def read_rows(filename: Filename, *, limits: ReadLimits | None = None) -> Iterator[FileRow]:
    """The rows of a .json, .jsonl, .ndjson, .csv (each also packed with gzip) or .parquet file, one at a time.

    Raises InputError, before or between rows, that names the file and, where there is one, the row or line.
    """
    reader = _READERS.get(ending(filename))
    if reader is None:
        raise InputError(f"{filename}: its name must end in one of {', '.join(_READERS)}, with or without .gz")
    after, bounds = "", limits or ReadLimits()
    try:
        for count, row in enumerate(reader(filename, bounds)):
            if count == bounds.rows:
                raise row.place.error(f"only {bounds.rows:,} rows are read; split the file")
            yield row
            after = f", after {row.place.unit} {row.place.number}"
    except UnicodeDecodeError as error:
        raise InputError(f"{filename}{after}: not UTF-8 text ({error.reason}); save it as UTF-8") from error
    if not after:
        raise InputError(f"{filename}: holds no rows")


def ending(filename: Filename) -> str:
    """Of the file's name, in lower case and without ".gz"."""
    return Path(Path(filename).name.lower().removesuffix(".gz")).suffix


def guessed_ending(start: bytes) -> str:
    """The ending that a file's name should have, by its first bytes. Raises InputError where they are damaged."""
    for magic, name in ((b"PAR1", ".parquet"), (b"PK", ".eval")):
        if start.startswith(magic):
            return name
    packed = start.startswith(_GZIP)
    try:
        text = zlib.decompressobj(wbits=31).decompress(start, 100) if packed else start
    except zlib.error as error:
        raise InputError(f"standard input: damaged or cut short ({error}); fetch it again") from error
    first = text.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
    return {b"[": ".json", b"{": ".jsonl"}.get(first, ".csv") + (".gz" if packed else "")


def read_frame(frame: "pd.DataFrame") -> Iterator[FileRow]:
    """The frame's rows, counted from 1, without its index; missing values of every kind (NaN, NaT, NA) are null.

    Raises InputError where it has no rows or a column twice.
    """
    names = [str(name) for name in frame.columns]
    _check_header(names, FRAME_NAME)
    if frame.empty:
        raise InputError(f"{FRAME_NAME}: holds no rows")
    for number, cells in enumerate(frame.itertuples(index=False, name=None), start=1):
        yield FileRow(Place(FRAME_NAME, "row", number), dict(zip(names, map(_plain, cells), strict=True)))


def _plain(value: Any) -> Any:
    """``value`` as JSON would hold it."""
    import pandas as pd  # whoever has a frame has loaded it

    if hasattr(value, "tolist"):  # an array, or a number, of numpy's
        value = value.tolist()
    return None if pd.api.types.is_scalar(value) and pd.isna(value) else value
