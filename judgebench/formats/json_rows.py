"""Rows from JSON: a list of objects, read one object at a time, or one object a line (JSONL).

Stricter than ``json``: a key that occurs twice in one object is an error, because which of the two counts would be
luck.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, TextIO

from judgebench.errors import InputError
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
