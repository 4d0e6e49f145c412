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
    """Write ``data``, packed if the name ends in .gz or .zst."""
    raw = data if isinstance(data, bytes) else data.encode()
    if path.suffix == ".zst":
        import zstandard

        path.write_bytes(zstandard.ZstdCompressor().compress(raw))
    else:
        path.write_bytes(gzip.compress(raw, mtime=0) if path.suffix == ".gz" else raw)
    return path


def write_rows(path: Path, rows: Rows) -> Path:
    """Write ``rows`` in the form that the name of ``path`` says."""
    suffix = Path(path.name.removesuffix(".gz").removesuffix(".zst")).suffix
    if suffix in (".parquet", ".arrow", ".feather"):
        return _write_arrow(path, rows)
    text = {".json": _json, ".jsonl": _jsonl, ".csv": _csv, ".tsv": _tsv, ".tab": _tsv}[suffix](rows)
    return write_file(path, text)


def _json(rows: Rows) -> str:
    return json.dumps(list(rows), indent=1)


def _jsonl(rows: Rows) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def _csv(rows: Rows, mark: str = ",") -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), delimiter=mark)
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def _tsv(rows: Rows) -> str:
    return _csv(rows, "\t")


def _write_arrow(path: Path, rows: Rows) -> Path:
    import pyarrow
    import pyarrow.feather
    import pyarrow.parquet

    table = pyarrow.Table.from_pylist([dict(row) for row in rows])
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(table, path)
    elif path.suffix == ".feather":
        pyarrow.feather.write_feather(table, path)
    else:
        with pyarrow.ipc.new_stream(path, table.schema) as stream:
            stream.write_table(table)
    return path
