"""Rows from JSON: a list of objects, read one object at a time, or one object a line (JSONL).

Stricter than ``json``: a key that occurs twice in one object is an error, because which of the two counts would be
luck.
"""

import csv
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from judgebench.errors import InputError, MissingExtra
from judgebench.formats.reading import Filename, Limits, Place, Row, kind, open_text

_CHUNK_CHARS = 1 << 18


_SPACE = " \t\n\r"


_SPACES = re.compile(f"[{_SPACE}]*")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(n for n in names if names.count(n) > 1)!r} occurs twice")
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_unique)


def read_lines(filename: Filename, limits: Limits) -> Iterator[Row]:
    """One object a line; empty lines are skipped but counted."""
    with open_text(filename, limits, newline="\n") as stream:
        lines = iter(lambda: stream.readline(limits.row_chars + 1), "")
        for number, line in enumerate(lines, start=1):
            place = Place(str(filename), "line", number)
            if len(line) > limits.row_chars:
                raise place.error(f"longer than {limits.row_chars:,} characters")
            if line.strip(_SPACE):
                yield Row(place, _object(line, place))


def _object(line: str, place: Place) -> dict[str, Any]:
    try:
        value = _DECODER.decode(line)
    except RecursionError as error:
        raise place.error("nested too deeply") from error
    except ValueError as error:
        raise place.error(f"not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise place.error(f"expected an object with named fields, found {kind(value)}")
    return value


def read_list(filename: Filename, limits: Limits) -> Iterator[Row]:
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
            yield Row(place, window.object(place))
        window.skip()
        if window.peek():
            raise InputError(f"{filename}: text follows the end of its list")


def _expect(window: "_Window", mark: str, place: Place) -> None:
    found = window.peek()
    if not found:
        raise place.error("the file ends inside its list; it may be cut short")
    if found != mark:
        wanted = "an object with named fields" if mark == "{" else "',' or ']' before this row"
        raise place.error(f"not valid JSON rows: expected {wanted}, found {found!r}")


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


_BATCH_ROWS = 64


def read_csv(filename: Filename, limits: Limits) -> Iterator[Row]:
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
                yield Row(place, dict(zip(header, cells, strict=True)))


def _records(stream: TextIO, name: str, limits: Limits) -> Iterator[tuple[Place, list[str]]]:
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


def read_parquet(filename: Filename, limits: Limits) -> Iterator[Row]:
    """The rows of a parquet file.

    Raises MissingExtra without pyarrow.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtra(f"{filename}: parquet files need pyarrow: pip install 'judgebench[parquet]'") from error
    try:
        with pyarrow.parquet.ParquetFile(str(filename)) as file:
            parts = (file.metadata.row_group(i) for i in range(file.metadata.num_row_groups))
            if sum(part.total_byte_size for part in parts) > limits.file_bytes:
                raise InputError(f"{filename}: holds more than {limits.file_bytes:,} bytes unpacked; split it")
            _check_header(file.schema_arrow.names, str(filename))
            number = 0
            for batch in file.iter_batches(batch_size=_BATCH_ROWS):
                for values in batch.to_pylist():
                    number += 1
                    yield Row(Place(str(filename), "row", number), values)
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"{filename}: cannot be read as parquet: {error}") from error


_READERS: dict[str, Callable[[Filename, Limits], Iterator[Row]]] = {
    ".json": read_list,
    ".jsonl": read_lines,
    ".ndjson": read_lines,
    ".csv": read_csv,
    ".parquet": read_parquet,
}


def read_rows(filename: Filename, *, limits: Limits | None = None) -> Iterator[Row]:
    """The rows of a .json, .jsonl, .ndjson, .csv (each also packed with gzip) or .parquet file, one at a time.

    Raises InputError, before or between rows, that names the file and, where there is one, the row or line.
    """
    name = Path(filename).name.lower()
    reader = _READERS.get(Path(name.removesuffix(".gz")).suffix)
    if reader is None:
        raise InputError(f"{filename}: its name must end in one of {', '.join(_READERS)}, with or without .gz")
    after, bounds = "", limits or Limits()
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
