"""Uploaded files: kept under a name of ours in a temporary folder, read within narrow limits, forgotten at the end."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePath

from judgebench.services.pages import (
    USUAL_NAMES,
    InputError,
    OutputsFile,
    ReadLimits,
    clean_text,
    read_outputs,
    read_rows,
)
from judgebench.show.text import one_line

FORMS = ("json", "jsonl", "ndjson", "csv", "parquet", "gz")
LIMITS = ReadLimits(file_bytes=512 << 20, row_chars=16 << 20, rows=200_000)
MAX_BYTES = 64 << 20  # as it is sent; Streamlit holds to the same
_PREVIEW_ROWS = 5
_PREVIEW_CHARS = 300


@dataclass(frozen=True, slots=True)
class Preview:
    """The first rows of a file, shortened."""

    columns: tuple[str, ...]  # of these rows, in the order in which they come
    rows: tuple[Mapping[str, str], ...]


@contextmanager
def kept(filename: str, content: bytes) -> Iterator[Path]:
    """The upload as a file. Of its own name only the endings that say its form are kept.

    Raises InputError for one that is too large.
    """
    if len(content) > MAX_BYTES:
        raise InputError(f"your file has {len(content):,} bytes; at most {MAX_BYTES:,} are taken here")
    with tempfile.TemporaryDirectory(prefix="judgebench-") as folder:
        path = Path(folder) / f"upload{_ending(filename)}"
        path.write_bytes(content)
        yield path


def preview(path: Path) -> Preview:
    """Raises InputError where not even the first rows can be read."""
    with _in_users_words(path):
        rows = [row.values for row in islice(read_rows(path, limits=LIMITS), _PREVIEW_ROWS)]
    columns = tuple(dict.fromkeys(column for row in rows for column in row))
    return Preview(columns, tuple({column: _cell(row.get(column)) for column in columns} for row in rows))


def self_evident(columns: Iterable[str]) -> bool:
    """Whether instruction and output will be found by their usual names."""
    names = {column.strip().lower() for column in columns}
    return all(names.intersection(USUAL_NAMES[field]) for field in ("instruction", "output"))


def read(path: Path, columns: Mapping[str, str]) -> OutputsFile:
    """Raises InputError, see ``read_outputs``."""
    with _in_users_words(path):
        return read_outputs(path, columns=columns, limits=LIMITS)


def _cell(value: object) -> str:
    return "" if value is None else one_line(clean_text(str(value)), _PREVIEW_CHARS)


def _ending(filename: str) -> str:
    """The last one or two endings, as far as they are known forms; the reader refuses what has none."""
    endings = [ending for ending in PurePath(filename.lower()).suffixes[-2:] if ending.removeprefix(".") in FORMS]
    return "".join(endings)


@contextmanager
def _in_users_words(path: Path) -> Iterator[None]:
    """Say "your file" where a message would name a path on the server."""
    try:
        yield
    except InputError as error:
        raise InputError(str(error).replace(str(path), "your file")) from error
