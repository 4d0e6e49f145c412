"""Files of rows, whichever way they hold them: as lists, lines, tables, or inside one document.

A log of Inspect and the results of promptfoo are documents: their samples and results are the rows.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from judgebench.errors import InputError
from judgebench.formats import Sample
from judgebench.formats.forms import registry as forms
from judgebench.formats.message_texts import with_messages
from judgebench.formats.reading import Filename, FileRow, Place, ReadLimits, ending, json_object, open_text, read_rows

ARCHIVE = ".eval"  # how the name of a log ends that Inspect wrote as an archive
_SAMPLE_ROWS = 5
_IN_DOCUMENTS = ("eval", "results")  # a key of each document
_ABOUT = ("category", "reference", "checklist", "model", "sample", "asked")  # that may stand in a row's metadata


def file_rows(filename: Filename, *, limits: ReadLimits | None = None) -> Iterator[FileRow]:
    """The rows of a file. Raises InputError as ``read_rows`` does, also for a document that is none of these."""
    bounds = limits or ReadLimits()
    kind = ending(filename)
    if kind != ARCHIVE and not (kind == ".json" and _is_object(filename, bounds)):
        yield from read_rows(filename, limits=limits)
        return
    empty = True
    for count, row in enumerate(_document_rows(filename, bounds, is_archive=kind == ARCHIVE)):
        if count == bounds.rows:
            raise row.place.error(f"only {bounds.rows:,} rows are read; split the file")
        empty = False
        yield with_metadata(row)
    if empty:
        raise InputError(f"{filename}: holds no rows")


def read_sample(filename: Filename, *, limits: ReadLimits | None = None) -> Sample:
    """The file's first rows. Raises InputError as ``file_rows`` does."""
    rows = [with_messages(row).values for row in islice(file_rows(filename, limits=limits), _SAMPLE_ROWS)]
    return Sample(ending(filename), tuple(rows), tuple(dict.fromkeys(column for row in rows for column in row)))


def holds_document(filename: Filename, *, limits: ReadLimits | None = None) -> bool:
    """Whether a text that starts with an object is one of the documents, and not one object a line."""
    bounds = limits or ReadLimits()
    try:
        with open_text(filename, bounds, newline="\n") as stream:
            line = stream.readline(bounds.row_chars)
            first = _object(line) or _object(line + stream.read())
    except (InputError, UnicodeDecodeError):  # which its reader says with its place
        return False
    return any(name in first for name in _IN_DOCUMENTS)


def _object(text: str) -> dict[str, Any]:
    """The object in a JSON text; empty where it holds none."""
    try:
        return json_object(text, Place("", "row", 1))
    except InputError:
        return {}


def _is_object(filename: Filename, limits: ReadLimits) -> bool:
    """Whether a JSON file holds one object; a broken one is left to its reader."""
    try:
        with open_text(filename, limits, newline="\n") as stream:
            return stream.read(1 << 10).lstrip().startswith("{")
    except UnicodeDecodeError:
        return False


def _document_rows(filename: Filename, limits: ReadLimits, *, is_archive: bool) -> Iterator[FileRow]:
    from judgebench.formats.forms import promptfoo
    from judgebench.formats.forms.inspect_logs import read_log

    if is_archive:
        yield from read_log(filename, limits)
        return
    with open_text(filename, limits, newline="\n") as stream:
        document = json_object(stream.read(), Place(str(filename), "row", 1))
    if "eval" in document:
        yield from read_log(filename, limits)
        return
    if "results" not in document:
        what = "one conversation" if forms.recognise(document) is not None else "neither rows nor a known document"
        raise InputError(
            f"{filename}: holds {what}: expected a JSON list, [{{...}}, ...], a log of Inspect or results of "
            "promptfoo; put one row into a list, or name a file with one object a line .jsonl"
        )
    try:
        for number, row in enumerate(promptfoo.rows(document), 1):
            yield FileRow(Place(str(filename), "result", number), dict(row))
    except ValueError as error:
        raise InputError(f"{filename}: cannot be read as results of promptfoo: {error}") from error


def with_metadata(row: FileRow) -> FileRow:
    """The row with what its metadata say about the instruction or the output."""
    metadata: Any = row.values.get("metadata")
    about = {name: metadata[name] for name in _ABOUT if name in metadata} if isinstance(metadata, dict) else {}
    return FileRow(row.place, about | row.values)
