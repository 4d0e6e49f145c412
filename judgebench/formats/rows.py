"""Rows of a file in whichever of the known forms its name says: the one entry to ``json_rows`` and ``tables``."""

from collections.abc import Callable, Iterator
from pathlib import Path

from judgebench.errors import InputError
from judgebench.formats import json_rows, tables
from judgebench.formats.reading import Filename, Limits, Row

_READERS: dict[str, Callable[[Filename, Limits], Iterator[Row]]] = {
    ".json": json_rows.read_list,
    ".jsonl": json_rows.read_lines,
    ".ndjson": json_rows.read_lines,
    ".csv": tables.read_csv,
    ".parquet": tables.read_parquet,
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
