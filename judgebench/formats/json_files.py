"""JSON files as rows: one object a line, one list of objects, or one object that holds the rows.

JSON is read more strictly than ``json`` does: a key that occurs twice in one object is an error, because which of the
two counts would be luck. One object holds rows in a list of objects (``{"data": [...]}``), or as pandas writes a frame.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TextIO

from judgebench.errors import InputError
from judgebench.formats.fields import USUAL_NAMES
from judgebench.formats.reading import (
    CHUNK_CHARS,
    DECODER,
    SPACE,
    Filename,
    FileRow,
    Place,
    ReadLimits,
    check_long,
    check_row,
    json_object,
    kind,
    open_text,
    read_document,
)

_SPACES = re.compile(f"[{SPACE}]*")
_ENDS = re.compile(f"[,\\]}}{SPACE}]")  # what follows a number, true, false or null
_MOST_NAMES = 10  # in a message
_SPOKEN = ("role", "from", "parts")  # what messages have: a list of them is a conversation, and no rows
_ABOUT_ALL = frozenset(USUAL_NAMES["generator"])  # what stands beside rows and is about each of them
_STATES, _ADAPTER = "request_states", "adapter_spec"  # of a scenario state of HELM: its rows, and whom it asked
_MOST_NAME_CHARS = 1000


def json_lines(filename: Filename, limits: ReadLimits) -> Iterator[FileRow]:
    """One object a line; empty lines are skipped but counted."""
    with open_text(filename, limits, newline="\n") as stream:
        lines = iter(lambda: stream.readline(limits.row_chars + 1), "")
        empty = 0
        for number, line in enumerate(lines, start=1):
            place = Place(str(filename), "line", number)
            check_row(line, limits, place)
            if line.strip(SPACE):
                yield FileRow(place, json_object(line, place))
                continue
            empty += 1
            if empty > limits.row_values:
                raise place.error(f"only {limits.row_values:,} empty lines are read")


def json_list(filename: Filename, limits: ReadLimits) -> Iterator[FileRow]:
    """The objects of one JSON list. Memory is that of the largest row, not of the list."""
    with open_text(filename, limits, newline="\n") as stream:
        window = _Window(stream, limits)
        if window.peek() != "[":
            raise InputError(f"{filename}: expected a JSON list, [{{...}}, ...], or one object a line")
        yield from _items(window, str(filename))
        if window.peek():
            raise InputError(f"{filename}: text follows the end of its list")


def _items(window: "_Window", file: str) -> Iterator[FileRow]:
    """The objects of the list that starts here."""
    window.peek()
    window.skip()
    number = 0
    while number == 0 or window.peek() != "]":
        number += 1
        place = Place(file, "row", number)
        if number > 1:
            _expect(window, ",", place)
            window.skip()
        elif window.peek() == "]":
            break
        _expect(window, "{", place)
        yield FileRow(place, window.value(place))
    window.skip()


def _expect(window: "_Window", mark: str, place: Place) -> None:
    char = window.peek()
    if not char:
        raise place.error("the file ends inside its list; it may be cut short")
    if char != mark:
        expected = "an object with named fields" if mark == "{" else "',' or ']' before this row"
        raise place.error(f"not valid JSON rows: expected {expected}, found {char!r}")


@dataclass(frozen=True, slots=True)
class Shape:
    """What the first object of a file holds, by key, in its order."""

    kinds: Mapping[str, str]  # as ``kind`` says it; "rows": a list of objects that are no messages
    counts: Mapping[str, int]  # of items, in those that are lists
    about: Mapping[str, str]  # texts that are about every row
    followed: bool  # another object follows: the file is one object a line

    @property
    def rows(self) -> tuple[str, ...]:
        """The keys that hold rows; beside HELM's request states other lists are about the run."""
        held = tuple(name for name, kind in self.kinds.items() if kind == "rows")
        return (_STATES,) if _STATES in held else held

    @property
    def is_lists(self) -> bool:
        """Whether it holds a list a column, in one of which there may be objects."""
        is_even = self.counts.keys() == self.kinds.keys() and len(set(self.counts.values())) == 1
        return is_even and len(self.rows) < len(self.kinds)


def shape_of(filename: Filename, limits: ReadLimits) -> Shape | None:
    """The shape of a file that starts with an object, of which no more than a row is in memory; None for another file.

    Raises InputError where the object is broken.
    """
    with open_text(filename, limits, newline="\n") as stream:
        window = _Window(stream, limits)
        if window.peek() != "{":
            return None
        about: dict[str, str] = {}
        kinds: dict[str, str] = {}
        counts: dict[str, int] = {}
        for name in _members(window, str(filename)):
            kinds[name], value, count = _surveyed(window, str(filename))
            if count is not None:
                counts[name] = count
            if name in _ABOUT_ALL and isinstance(value, str) and len(value) <= _MOST_NAME_CHARS:
                about[name] = value
            if name == _ADAPTER and isinstance(value, dict) and isinstance(value.get("model"), str):
                about["model"] = value["model"]
        return Shape(kinds, counts, about, window.peek() == "{")


def _members(window: "_Window", file: str) -> Iterator[str]:
    """The keys of the object that starts here; whoever asks for the next has read the value."""
    place = Place(file, "row", 1)
    names: set[str] = set()
    window.skip()
    while window.peek() != "}" or names:
        if names:
            if window.peek() == "}":
                break
            _expect_mark(window, ",", place)
        if window.peek() != '"':
            raise place.error("not valid JSON: expected a key in quotes; the file may be cut short")
        name = window.value(place)
        if name in names:
            raise place.error(f"not valid JSON: the key {name!r} occurs twice")
        names.add(name)
        _expect_mark(window, ":", place)
        if len(names) > window.limits.row_values:
            raise place.error(f"holds more than {window.limits.row_values:,} values")
        yield name
    window.skip()


def _expect_mark(window: "_Window", mark: str, place: Place) -> None:
    if window.peek() != mark:
        raise place.error(f"not valid JSON: expected {mark!r} in its object; the file may be cut short")
    window.skip()


def _surveyed(window: "_Window", file: str) -> tuple[str, Any, int | None]:
    """The kind of the value that starts here, the value where it is no list of objects, and a list's length."""
    if window.peek() != "[" or window.peek_second() != "{":
        value = window.value(Place(file, "row", 1))
        return kind(value), value, len(value) if isinstance(value, list) else None
    messages, count = False, 0
    for row in _items(window, file):
        messages = messages or (not count and any(name in row.values for name in _SPOKEN))
        count += 1
    return "a list" if messages else "rows", None, count


def envelope_rows(filename: Filename, limits: ReadLimits, shape: Shape) -> Iterator[FileRow]:
    """The objects in the one list of an object, each with what is said beside it about all."""
    (holder,) = shape.rows
    with open_text(filename, limits, newline="\n") as stream:
        window = _Window(stream, limits)
        window.peek()
        for name in _members(window, str(filename)):
            if name == holder:
                for row in _items(window, str(filename)):
                    yield FileRow(row.place, {**shape.about, **row.values} if shape.about else row.values)
                return
            _surveyed(window, str(filename))


def frame_rows(filename: Filename, limits: ReadLimits) -> Iterator[FileRow] | None:
    """The rows of a frame as pandas writes it in one object: split, or by columns or rows; None where it is none.

    Raises InputError where columns are not of one length, and where numbers may name rows or columns.
    """
    document = read_document(filename, limits)
    read = next((read for is_one, read in _ORIENTATIONS if is_one(document)), None)
    if read is None:
        return None
    rows = enumerate(read(document, filename), 1)
    return (FileRow(Place(str(filename), "row", number), values) for number, values in rows)


def _is_split(document: Mapping[str, Any]) -> bool:
    names, data = document.get("columns"), document.get("data")
    return isinstance(names, list) and isinstance(data, list) and all(isinstance(cells, list) for cells in data)


def _split(document: Mapping[str, Any], filename: Filename) -> Iterator[dict[str, Any]]:
    names = document["columns"]
    if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise InputError(f"{filename}: 'columns' must hold the names of the columns, each once")
    for number, cells in enumerate(document["data"], 1):
        if len(cells) != len(names):
            raise InputError(f"{filename}, row {number}: holds {len(cells)} values, and there are {len(names)} columns")
        yield dict(zip(names, cells, strict=True))


def _is_lists(document: Mapping[str, Any]) -> bool:
    return bool(document) and all(isinstance(cells, list) for cells in document.values()) and not _is_talk(document)


def _is_talk(document: Mapping[str, Any]) -> bool:
    return any(
        isinstance(item, dict) and any(name in item for name in _SPOKEN)
        for cells in document.values()
        for item in cells[:1]
    )


def _lists(document: Mapping[str, Any], filename: Filename) -> Iterator[dict[str, Any]]:
    counts = {name: len(cells) for name, cells in document.items()}
    if len(set(counts.values())) > 1:
        several = ", ".join(f"{name} {count}" for name, count in list(counts.items())[:_MOST_NAMES])
        raise InputError(f"{filename}: holds a list a column, and these are not of one length: {several}")
    for cells in zip(*document.values(), strict=True):
        yield dict(zip(document, cells, strict=True))


def _is_keyed(document: Mapping[str, Any]) -> bool:
    """Whether it holds rows by their ids, which each says itself, as BiGGen Bench's tool writes them."""
    return bool(document) and all(isinstance(row, dict) and row.get("id") == id for id, row in document.items())


def _keyed(document: Mapping[str, Any], _: Filename) -> Iterator[dict[str, Any]]:
    yield from document.values()


def _is_nested(document: Mapping[str, Any]) -> bool:
    return (
        bool(document)
        and all(isinstance(cells, dict) and cells for cells in document.values())
        and (_numbered(document) or all(_numbered(cells) for cells in document.values()))
    )


def _numbered(names: Mapping[str, Any]) -> bool:
    return all(name.isascii() and name.isdigit() for name in names)


def _nested(document: Mapping[str, Any], filename: Filename) -> Iterator[dict[str, Any]]:
    inner = next(iter(document.values()))
    if _numbered(document) and _numbered(inner):
        raise InputError(f"{filename}: its columns have numbers for names, and so have its rows: write a list of rows")
    if _numbered(document):
        yield from document.values()
        return
    for name, cells in document.items():
        if cells.keys() != inner.keys():
            raise InputError(f"{filename}: column {name!r} has other rows than column {next(iter(document))!r}")
    for row in inner:
        yield {name: cells[row] for name, cells in document.items()}


_ORIENTATIONS: tuple[
    tuple[Callable[[Mapping[str, Any]], bool], Callable[[Mapping[str, Any], Filename], Iterator[dict[str, Any]]]], ...
] = ((_is_split, _split), (_is_lists, _lists), (_is_keyed, _keyed), (_is_nested, _nested))


class _Window:
    """The part of a JSON text between what was read and what was fetched, at most one row and a chunk long."""

    def __init__(self, stream: TextIO, limits: ReadLimits) -> None:
        self._stream, self.limits = stream, limits
        self._text, self._at = "", 0

    def peek(self) -> str:
        """The next character that is no white space; empty at the end of the file."""
        while self._at == len(self._text) or self._text[self._at] in SPACE:
            self._at = _SPACES.match(self._text, self._at).end()  # type: ignore[union-attr]  # it matches nothing, too
            if self._at == len(self._text) and not self._fetch():
                return ""
        return self._text[self._at]

    def peek_second(self) -> str:
        """The character that follows the next one, and white space; empty where none does, or not near."""
        self.peek()
        while True:
            after = _SPACES.match(self._text, self._at + 1).end()  # type: ignore[union-attr]  # it matches nothing, too
            if after < len(self._text):
                return self._text[after]
            if len(self._text) - self._at > CHUNK_CHARS or not self._fetch():
                return ""

    def skip(self) -> None:
        self._at += 1

    def value(self, place: Place) -> Any:
        """The value that starts here; fetches until all of it is there."""
        self.peek()
        while True:
            check_long(self._text, self._at, self.limits, place)
            try:
                value, end = DECODER.raw_decode(self._text, self._at)
            except RecursionError as error:
                raise place.error("nested too deeply") from error
            except ValueError as error:
                at = getattr(error, "pos", None)
                if at is None:
                    raise place.error(f"not valid JSON: {error}") from error
                self._fetch_more(place, error, at - self._at)
                continue
            length = end - self._at
            if isinstance(value, str | list | dict) or _ENDS.match(self._text, end) or not self._fetch():
                self._at += length
                return value

    def _fetch_more(self, place: Place, error: ValueError, at: int) -> None:
        """Of a value that could not be decoded. Raises InputError where there is no more, or it would be too long."""
        reason = getattr(error, "msg", str(error))
        if len(self._text) - self._at > self.limits.row_chars:
            long = f"longer than {self.limits.row_chars:,} characters, or not valid JSON"
            raise place.error(f"{long} ({reason}, {at:,} characters into the row)") from error
        if not self._fetch():
            raise place.error(f"not valid JSON: {reason}, {at:,} characters into the row") from error

    def _fetch(self) -> bool:
        """Fetch as much again as is left, so that the work for a long row stays in proportion to its length."""
        rest = self._text[self._at :]
        more = self._stream.read(max(CHUNK_CHARS, len(rest)))
        self._text, self._at = rest + more, 0
        return bool(more)
