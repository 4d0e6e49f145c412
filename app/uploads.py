"""Uploaded files: kept under a name of ours in a temporary folder, read within narrow limits, forgotten at the end."""

import csv
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path, PurePath

from judgebench import services
from judgebench.services.pages import InputError, Known, NamedPath, OutputsFile, clean_text, read_outputs
from judgebench.services.submissions import UPLOAD_BYTES, UPLOAD_LIMITS
from judgebench.show.text import count, one_line

FORMS = (  # as names of files end
    *("json", "jsonl", "ndjson", "csv", "tsv", "tab", "xlsx", "xlsm", "parquet", "arrow", "feather", "eval"),
    *("gz", "zst"),
)
LIMITS = UPLOAD_LIMITS
MAX_BYTES = UPLOAD_BYTES  # Streamlit holds to the same
_PREVIEW_CHARS = 300


TEMPLATE = (  # rows of a file of outputs, to be filled in
    {"instruction": "What is the capital of France?", "output": "Paris.", "category": "knowledge"},
    {"instruction": "Write a limerick about tea.", "output": "A tea lover ...", "category": "writing"},
)


@dataclass(frozen=True, slots=True)
class Preview:
    """The first rows of a file, shortened."""

    columns: tuple[str, ...]  # of these rows, in the order in which they come
    rows: tuple[Mapping[str, str], ...]
    self_evident: bool  # whether these are outputs under usual names
    others: Mapping[str, str]  # the formats, by name, of which it may be besides, and what they hold


@contextmanager
def kept(filename: str, content: bytes) -> Iterator[NamedPath]:
    """The upload as a file. Of its own name only the endings that say its form are kept.

    Raises InputError for one that is too large.
    """
    if len(content) > MAX_BYTES:
        raise InputError(f"your file has {count(len(content), 'byte')}; at most {MAX_BYTES:,} are taken here")
    with tempfile.TemporaryDirectory(prefix="judgebench-") as folder:
        path = Path(folder) / f"upload{_ending(filename)}"
        path.write_bytes(content)
        yield NamedPath(path, "your file")


def preview(path: NamedPath) -> Preview:
    """Raises InputError where not even the first rows can be read."""
    sample, formats = services.imports.preview(path, limits=LIMITS)
    rows = tuple({column: _cell(row.get(column)) for column in sample.columns} for row in sample.rows)
    outputs = [form.holds for form in formats] == ["outputs"]
    others = {} if outputs else {form.name: form.holds for form in formats if form.read and form.holds != "outputs"}
    return Preview(sample.columns, rows, outputs, others)


def read(path: NamedPath, columns: Mapping[str, str], known: Known) -> OutputsFile:
    """Raises InputError, see ``read_outputs``."""
    return read_outputs(path, columns=columns, limits=LIMITS, known=known)


def template_csv() -> str:
    text = StringIO()
    writer = csv.DictWriter(text, list(TEMPLATE[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(TEMPLATE)
    return text.getvalue()


def template_jsonl() -> str:
    return "".join(json.dumps(row) + "\n" for row in TEMPLATE)


def model_of(filename: str) -> str:
    """The name of a model after which a file is called: without folders and the endings that say its form."""
    name = PurePath(filename.replace("\\", "/")).name
    while (ending := PurePath(name).suffix) and ending.lower().removeprefix(".") in FORMS:
        name = name.removesuffix(ending)
    return one_line(name, 200)


def _cell(value: object) -> str:
    return "" if value is None else one_line(clean_text(str(value)), _PREVIEW_CHARS)


def _ending(filename: str) -> str:
    """The last one or two endings, as far as they are known forms; the reader refuses what has none."""
    endings = [ending for ending in PurePath(filename.lower()).suffixes[-2:] if ending.removeprefix(".") in FORMS]
    return "".join(endings)
