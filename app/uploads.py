"""Uploaded files: kept under a name of ours in a temporary folder, read within narrow limits, forgotten at the end."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath

from judgebench import services
from judgebench.services.pages import InputError, NamedPath, OutputsFile, ReadLimits, clean_text, read_outputs
from judgebench.show.text import one_line

FORMS = ("json", "jsonl", "ndjson", "csv", "parquet", "eval", "gz")
LIMITS = ReadLimits(file_bytes=512 << 20, row_chars=16 << 20, rows=200_000)
MAX_BYTES = 64 << 20  # as it is sent; Streamlit holds to the same
_PREVIEW_CHARS = 300


@dataclass(frozen=True, slots=True)
class Preview:
    """The first rows of a file, shortened."""

    columns: tuple[str, ...]  # of these rows, in the order in which they come
    rows: tuple[Mapping[str, str], ...]
    self_evident: bool  # whether these are outputs under usual names
    otherwise: str  # what else the file may be, in words; empty where it is nothing else that is known


@contextmanager
def kept(filename: str, content: bytes) -> Iterator[NamedPath]:
    """The upload as a file. Of its own name only the endings that say its form are kept.

    Raises InputError for one that is too large.
    """
    if len(content) > MAX_BYTES:
        raise InputError(f"your file has {len(content):,} bytes; at most {MAX_BYTES:,} are taken here")
    with tempfile.TemporaryDirectory(prefix="judgebench-") as folder:
        path = Path(folder) / f"upload{_ending(filename)}"
        path.write_bytes(content)
        yield NamedPath(path, "your file")


def preview(path: NamedPath) -> Preview:
    """Raises InputError where not even the first rows can be read."""
    sample, formats = services.imports.preview(path, limits=LIMITS)
    rows = tuple({column: _cell(row.get(column)) for column in sample.columns} for row in sample.rows)
    outputs = [form.holds for form in formats] == ["outputs"]
    otherwise = "" if outputs else ", ".join(f"{form.holds} ({form.name})" for form in formats if form.read)
    return Preview(sample.columns, rows, outputs, otherwise)


def read(path: NamedPath, columns: Mapping[str, str]) -> OutputsFile:
    """Raises InputError, see ``read_outputs``."""
    return read_outputs(path, columns=columns, limits=LIMITS)


def _cell(value: object) -> str:
    return "" if value is None else one_line(clean_text(str(value)), _PREVIEW_CHARS)


def _ending(filename: str) -> str:
    """The last one or two endings, as far as they are known forms; the reader refuses what has none."""
    endings = [ending for ending in PurePath(filename.lower()).suffixes[-2:] if ending.removeprefix(".") in FORMS]
    return "".join(endings)
