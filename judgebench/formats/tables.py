"""Rows from tables: CSV as RFC 4180 describes it, and parquet where pyarrow is installed.

Every cell of a CSV file is text; an empty one is an empty text, not an absent one.
"""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TextIO

from judgebench.errors import InputError, MissingExtra
from judgebench.formats.reading import Filename, Limits, Place, Row, open_text

_BATCH_ROWS = 64


def read_csv(filename: Filename, limits: Limits) -> Iterator[Row]:
    """The rows below a header line. A row's number is the line it starts on; empty lines are skipped."""
    # The csv module knows only one limit for the whole process, and its default is 128 KiB.
    csv.field_size_limit(max(csv.field_size_limit(), limits.row_chars))
    with open_text(filename, limits, newline="") as stream:
        header: list[str] | None = None
        for place, cells in _records(stream, str(filename), limits):
            if header is None:
                header = cells
                _check_header(header, str(place))
            elif len(cells) != len(header):
                raise place.error(
                    f"expected {len(header)} cells as in the header, found {len(cells)}; is a quote missing?"
                )
            else:
                yield Row(place, dict(zip(header, cells, strict=True)))


def _records(stream: TextIO, name: str, limits: Limits) -> Iterator[tuple[Place, list[str]]]:
    lines = iter(lambda: stream.readline(limits.row_chars + 1), "")
    reader = csv.reader(lines, strict=True)
    while True:
        place = Place(name, "line", reader.line_num + 1)
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise place.error(f"not valid CSV: {error}") from error
        if cells is None:
            return
        if cells:
            yield place, cells


def _check_header(names: Sequence[str], where: str) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise InputError(f"{where}: the column {twice[0]!r} occurs twice; rename one")


def read_parquet(filename: Filename, limits: Limits) -> Iterator[Row]:
    """The rows of a parquet file.

    Raises MissingExtra without pyarrow.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtra(f"{filename}: parquet files need pyarrow: pip install 'judgebench[parquet]'") from error
    try:
        with pyarrow.parquet.ParquetFile(str(filename)) as file:
            parts = (file.metadata.row_group(i) for i in range(file.metadata.num_row_groups))
            if sum(part.total_byte_size for part in parts) > limits.file_bytes:
                raise InputError(f"{filename}: holds more than {limits.file_bytes:,} bytes unpacked; split it")
            _check_header(file.schema_arrow.names, str(filename))
            number = 0
            for batch in file.iter_batches(batch_size=_BATCH_ROWS):
                for values in batch.to_pylist():
                    number += 1
                    yield Row(Place(str(filename), "row", number), values)
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"{filename}: cannot be read as parquet: {error}") from error
