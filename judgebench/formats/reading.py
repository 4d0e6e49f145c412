"""Open files that others made, and point at what is wrong in them.

A file may be plain or packed and is read as a stream: never more than a stated number of unpacked bytes, and never more
than one row of text at a time, so that a small file that unpacks to a huge one ends in a message and not in a lack of
memory. ``documents`` cuts files into rows; what the rows mean is not known here.
"""

import codecs
import io
import json
import math
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from judgebench.errors import InputError
from judgebench.formats.bounds import json_beyond
from judgebench.formats.packing import ZIP, first_bytes, unpacked, unpacked_name
from judgebench.formats.packing import Filename as Filename
from judgebench.keys import clean_text

if TYPE_CHECKING:
    import pandas as pd

_FINITE = (-1e300, 1e300)
CHUNK_CHARS = 1 << 18
_CHAR_BYTES = 2  # of memory that a character of a long row may take; where one of them is an emoji, each takes 4
SPACE = " \t\n\r"
_MAGIC = {b"PAR1": ".parquet", b"ARROW1": ".arrow", b"FEA1": ".feather", b"\xff\xff\xff\xff": ".arrow"}
_WORKBOOK = re.compile(rb"\[Content_Types\]|_rels/|docProps/|xl/")  # how names in a workbook begin
_ZIP_NAME = 30  # where the first name stands in an archive
_NUMBER = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*", re.ASCII)
_MOST_DIGITS = 400  # of a number that is written as text
FRAME_NAME = "the data frame"  # in messages, where a file would be named


@dataclass(frozen=True, slots=True)
class NamedPath(PathLike[str]):
    """A file that messages call by another name than its path, or of which one sheet is meant."""

    path: Path
    name: str
    sheet: str | None = None  # of a workbook

    def __fspath__(self) -> str:
        return str(self.path)

    def __str__(self) -> str:
        return self.name


def of_sheet(filename: Filename, sheet: str | None) -> Filename:
    """The file, of which that sheet is meant."""
    return filename if sheet is None else NamedPath(Path(filename), str(filename), sheet)


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What a file may ask of the machine."""

    file_bytes: int = 2 << 30  # after unpacking
    row_chars: int = 64 << 20  # one row as it is written in the file
    row_values: int = 1_000_000  # texts, numbers, lists and objects in one row
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
    texts_only: bool = False  # its kind of file holds nothing but texts: numbers and lists are written as such

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
        """A number within bounds; None where the column is absent, null or NaN, or blank in a file of texts."""
        value = self.values.get(column)
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return None
        if self.texts_only and isinstance(value, str):
            if not value.strip() or value.strip().lower() == "nan":
                return None
            value = float(value) if len(value) <= _MOST_DIGITS and _NUMBER.fullmatch(value) else value
        return self.as_number(column, value, within)

    def held(self, column: str) -> Any:
        """What a column holds that may be a list or an object, which files of texts write as JSON; else None.

        Raises InputError for a text there that starts like one of them and is none.
        """
        value = self.values.get(column)
        if not self.texts_only or not isinstance(value, str):
            return value
        if not value.strip():
            return None
        if value.lstrip()[:1] not in ("[", "{"):
            return value
        try:
            return DECODER.decode(value)
        except RecursionError as error:
            raise self.error(column, "nested too deeply") from error
        except ValueError as error:
            raise self.error(column, f"expected JSON in this text: {error}") from error

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
    with (
        unpacked(filename, limits.file_bytes) as stream,
        io.TextIOWrapper(stream, encoding="utf-8-sig", newline=newline) as text,
    ):
        yield text


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise ValueError(f"the key {twice!r} occurs twice")
    return values


DECODER = json.JSONDecoder(object_pairs_hook=_unique)


def check_row(text: str, limits: ReadLimits, place: Place) -> None:
    """Raises InputError where a row as JSON would take more memory than one may."""
    if len(text) > limits.row_chars:
        raise place.error(f"longer than {limits.row_chars:,} characters")
    check_long(text, 0, limits, place)


def check_long(text: str, start: int, limits: ReadLimits, place: Place) -> None:
    """Of a row as JSON at ``start``, which may be a long one, what it would take when it is decoded."""
    if len(text) - start <= CHUNK_CHARS:
        return
    if sys.getsizeof(text) > _CHAR_BYTES * max(limits.row_chars, CHUNK_CHARS):
        raise place.error(f"takes more than {_CHAR_BYTES * limits.row_chars:,} bytes of memory")
    if json_beyond(text, start, limits.row_values):
        raise place.error(f"holds more than {limits.row_values:,} values")


def read_document(filename: Filename, limits: ReadLimits) -> dict[str, Any]:
    """The JSON object that a file is, which is read as one row. Raises InputError for anything else."""
    place = Place(str(filename), "row", 1)
    try:
        with open_text(filename, limits, newline="\n") as stream:
            text = stream.read(limits.row_chars + 1)
    except UnicodeDecodeError as error:
        raise InputError(f"{filename}: not UTF-8 text ({error.reason}); save it as UTF-8") from error
    return json_object(text, place, limits)


def json_object(line: str | bytes, place: Place, limits: ReadLimits | None = None) -> dict[str, Any]:
    """The object in a JSON text. Raises InputError for anything else, and for one beyond the limits of a row."""
    try:
        text = line if isinstance(line, str) else line.decode("utf-8-sig")
        if limits is not None:
            check_row(text, limits, place)
        value = DECODER.decode(text)
    except RecursionError as error:
        raise place.error("nested too deeply") from error
    except ValueError as error:
        raise place.error(f"not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise place.error(f"expected an object with named fields, found {kind(value)}")
    return value


def check_header(names: Sequence[str], where: str) -> None:
    """Raises InputError where two columns have one name."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise InputError(f"{where}: the column {twice[0]!r} occurs twice; rename one")


def ending(filename: Filename) -> str:
    """Of the file's name, in lower case and without the one that says how it is packed."""
    return Path(unpacked_name(Path(filename).name)).suffix


def guessed_ending(start: bytes) -> str:
    """The ending that a file's name should have, by its first bytes.

    Raises InputError where they are damaged, MissingExtra where what unpacks them is not installed.
    """
    for magic, name in _MAGIC.items():
        if start.startswith(magic):
            return name
    if start.startswith(ZIP):
        return ".xlsx" if _WORKBOOK.match(start, _ZIP_NAME) else ".eval"
    text, packed = first_bytes(start)
    first = text.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
    return {b"[": ".json", b"{": ".jsonl"}.get(first, ".csv") + packed


def read_frame(frame: "pd.DataFrame") -> Iterator[FileRow]:
    """The frame's rows, counted from 1, without its index; missing values of every kind (NaN, NaT, NA) are null.

    Raises InputError where it has no rows or a column twice.
    """
    names = [str(name) for name in frame.columns]
    check_header(names, FRAME_NAME)
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
