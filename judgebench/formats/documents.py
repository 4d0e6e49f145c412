"""Files of rows, whichever way they hold them: as lists, lines, tables, or inside one document.

This is the door for every format: what a file is packed with and how it holds its rows makes no difference to them.
A log of Inspect and the results of promptfoo are documents: their samples and results are the rows. Of another object
the rows are those of its one list of objects, or of the frame that it is.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from judgebench.errors import InputError
from judgebench.formats import Sample
from judgebench.formats.arrow_file import arrow_rows
from judgebench.formats.delimited import comma_rows, tab_rows
from judgebench.formats.excel import excel_rows
from judgebench.formats.forms import registry as forms
from judgebench.formats.json_files import Shape, envelope_rows, frame_rows, json_lines, json_list, shape_of
from judgebench.formats.local_images import with_local_images
from judgebench.formats.message_texts import with_messages
from judgebench.formats.packing import PACKED_ENDINGS
from judgebench.formats.reading import Filename, FileRow, Place, ReadLimits, ending, read_document

ARCHIVE = ".eval"  # how the name of a log ends that Inspect wrote as an archive
_SAMPLE_ROWS = 5
_ABOUT = (
    "category",
    "reference",
    "checklist",
    "declared_goals",
    "ids",
    "model",
    "sample",
    "asked",
)  # that may stand in a row's metadata
_MOST_NAMES = 10  # in a message
_Reader = Callable[[Filename, ReadLimits], Iterator[FileRow]]


def file_rows(filename: Filename, *, limits: ReadLimits | None = None) -> Iterator[FileRow]:
    """The rows of a file, one at a time, by the ending of its name.

    Raises InputError, before or between rows, that names the file and, where there is one, the row or line.
    """
    reader = _READERS.get(ending(filename))
    if reader is None:
        packed = " or ".join(PACKED_ENDINGS)
        raise InputError(f"{filename}: its name must end in one of {', '.join(_READERS)}; {packed} may follow")
    if getattr(filename, "sheet", None) is not None and reader is not excel_rows:
        raise InputError(f"{filename}: is no Excel workbook and has no sheets: leave --sheet, in Python sheet")
    after, bounds, folder = "", limits or ReadLimits(), Path(filename).parent
    try:
        for count, row in enumerate(reader(filename, bounds)):
            if count == bounds.rows:
                raise row.place.error(f"only {bounds.rows:,} rows are read; split the file")
            yield with_local_images(row, folder)
            after = f", after {row.place.unit} {row.place.number}"
    except UnicodeDecodeError as error:
        raise InputError(f"{filename}{after}: not UTF-8 text ({error.reason}); save it as UTF-8") from error
    if not after:
        raise InputError(f"{filename}: holds no rows")


def read_sample(filename: Filename, *, limits: ReadLimits | None = None) -> Sample:
    """The file's first rows. Raises InputError as ``file_rows`` does."""
    rows = [with_messages(row).values for row in islice(file_rows(filename, limits=limits), _SAMPLE_ROWS)]
    return Sample(ending(filename), tuple(rows), tuple(dict.fromkeys(column for row in rows for column in row)))


def holds_document(filename: Filename, *, limits: ReadLimits | None = None) -> bool:
    """Whether a text that starts with an object holds rows in it, and not one object a line."""
    bounds = limits or ReadLimits()
    try:
        shape = shape_of(filename, bounds)
        if shape is None or shape.followed:
            return False
        return bool(shape.rows) or _is_document(shape) or frame_rows(filename, bounds) is not None
    except (InputError, UnicodeDecodeError):  # the reader of lines says what is wrong
        return False


def _is_document(shape: Shape) -> bool:
    return "eval" in shape.kinds or shape.kinds.get("results") in ("an object", "rows")


def _json_rows(filename: Filename, limits: ReadLimits) -> Iterator[FileRow]:
    """The rows of a list, of lines, or inside one object."""
    shape = shape_of(filename, limits)
    if shape is None:
        return json_list(filename, limits)
    if shape.followed:
        return json_lines(filename, limits)
    if _is_document(shape):
        return map(with_metadata, _document_rows(filename, limits))
    if len(shape.rows) == 1 and not shape.is_lists:
        return envelope_rows(filename, limits, shape)
    frame = None if len(shape.rows) > 1 and not shape.is_lists else frame_rows(filename, limits)
    if frame is None:
        raise InputError(f"{filename}: {_no_rows(filename, limits, shape)}")
    return frame


def _no_rows(filename: Filename, limits: ReadLimits, shape: Shape) -> str:
    """Why an object holds no rows, and what to do."""
    if len(shape.rows) > 1:
        names = ", ".join(shape.rows[:_MOST_NAMES])
        return f"holds {len(shape.rows)} lists of objects ({names}): write the one with the rows into a file of its own"
    is_talk = forms.recognise(read_document(filename, limits)) is not None
    return (
        f"holds {'one conversation' if is_talk else 'neither rows nor a known document'}: expected a JSON list, "
        '[{...}, ...], an object with one such list, {"data": [{...}, ...]}, a frame as pandas writes it, a log of '
        "Inspect or results of promptfoo; put one row into a list, or name a file with one object a line .jsonl"
    )


def _archive_rows(filename: Filename, limits: ReadLimits) -> Iterator[FileRow]:
    from judgebench.formats.forms.inspect_logs import read_log

    return map(with_metadata, read_log(filename, limits))


def _document_rows(filename: Filename, limits: ReadLimits) -> Iterator[FileRow]:
    from judgebench.formats.forms import promptfoo
    from judgebench.formats.forms.inspect_logs import log_rows

    document = read_document(filename, limits)
    if "eval" in document:
        yield from log_rows(filename, document)
        return
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


_READERS: dict[str, _Reader] = {
    ".json": _json_rows,
    **dict.fromkeys((".jsonl", ".ndjson"), json_lines),
    ".csv": comma_rows,
    **dict.fromkeys((".tsv", ".tab"), tab_rows),
    **dict.fromkeys((".parquet", ".arrow", ".feather"), arrow_rows),
    **dict.fromkeys((".xlsx", ".xlsm"), excel_rows),
    ARCHIVE: _archive_rows,
}
ENDINGS = tuple(_READERS)  # of names of files that hold rows
