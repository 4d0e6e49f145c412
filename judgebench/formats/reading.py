"""Open files that others made, and point at what is wrong in them.

A file may be plain or gzip (told by its first bytes, not by its name) and is read as a stream: never more than a stated
number of unpacked bytes, and never more than one row of text at a time, so that a small file that unpacks to a huge
one ends in a message and not in a lack of memory. What the rows mean is not known here.
"""

import gzip
import io
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from typing import IO, Any, BinaryIO, TextIO

from judgebench.errors import InputError
from judgebench.records import clean_text

Filename = str | PathLike[str]

_GZIP = b"\x1f\x8b"
_OTHER_PACKING = {
    b"PK\x03\x04": "a zip archive or a spreadsheet",
    b"BZh": "packed with bzip2",
    b"\xfd7zXZ": "packed with xz",
    b"\x28\xb5\x2f\xfd": "packed with zstandard",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may ask of the machine."""

    file_bytes: int = 2 << 30  # after unpacking
    row_chars: int = 64 << 20  # one row as it is written in the file
    rows: int = 100_000_000


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
class Row:
    """One row as its file holds it, with the means to say what is wrong with it."""

    place: Place
    values: dict[str, Any]

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

    def number(self, column: str) -> float | None:
        """A finite number; None where the column is absent, null or NaN."""
        value = self.values.get(column)
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return None
        return self.as_number(column, value)

    def as_number(self, column: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(column, f"expected a number, found {kind(value)}")
        if not abs(value) <= 1e300:  # also NaN; and an int this large is no float
            raise self.error(column, "expected a finite number")
        return float(value)


def kind(value: Any) -> str:
    """How a JSON value is called in a message."""
    names = {type(None): "null", bool: "true or false", int: "a number", float: "a number", str: "text"}
    return names.get(type(value), "a list" if isinstance(value, list) else "an object")


@contextmanager
def open_text(filename: Filename, limits: Limits, *, newline: str) -> Iterator[TextIO]:
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
