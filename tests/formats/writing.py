"""Write rows in each form that the package reads, for round trips."""

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Rows = Sequence[Mapping[str, Any]]


def write_file(path: Path, data: bytes | str) -> Path:
    """Write ``data``, packed if the name ends in .gz."""
    raw = data if isinstance(data, bytes) else data.encode()
    path.write_bytes(gzip.compress(raw, mtime=0) if path.suffix == ".gz" else raw)
    return path


def write_rows(path: Path, rows: Rows) -> Path:
    """Write ``rows`` in the form that the name of ``path`` says."""
    suffix = Path(path.name.removesuffix(".gz")).suffix
    if suffix == ".parquet":
        return _write_parquet(path, rows)
    text = {".json": _json, ".jsonl": _jsonl, ".csv": _csv}[suffix](rows)
    return write_file(path, text)


def _json(rows: Rows) -> str:
    return json.dumps(list(rows), indent=1)


def _jsonl(rows: Rows) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def _csv(rows: Rows) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def _write_parquet(path: Path, rows: Rows) -> Path:
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([dict(row) for row in rows]), path)
    return path
