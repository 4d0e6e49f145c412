"""The rows of a parquet or Arrow file, decoded by another process (``arrow_child``) whose memory is bounded."""

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from importlib.util import find_spec
from typing import Any

from judgebench.errors import InputError, MissingExtra
from judgebench.formats.arrow_child import BYTES, cpu_seconds
from judgebench.formats.bounds import most_unpacked
from judgebench.formats.foreign_nulls import may_have_nulls, without_nulls
from judgebench.formats.packing import Filename, open_bytes
from judgebench.formats.reading import FileRow, Place, ReadLimits, check_header

_BYTES = json.dumps(BYTES).encode()
_COMMAND = ("-m", "judgebench.formats.arrow_child")
_ENVIRONMENT = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "1"}  # what is freed is given back
_DECODER_BYTES = 192 << 20  # of memory that decoding may take, beside three rows of text


def arrow_rows(filename: Filename, limits: ReadLimits) -> Iterator[FileRow]:
    """The rows of a parquet file, or of one that Arrow or feather wrote. Raises as ``arrow_lines`` does."""
    with open_bytes(filename) as file:
        most = most_unpacked(os.fstat(file.fileno()).st_size, limits.file_bytes)
    memory = _DECODER_BYTES + 3 * limits.row_chars
    lines = arrow_lines(filename, asdict(limits) | {"file_bytes": most, "memory": memory})
    check_header(line_value(next(lines)), str(filename))
    for number, line in enumerate(lines, start=1):
        values = line_value(line)
        read = without_nulls(values) if may_have_nulls(line) else (values, 0)
        yield FileRow(Place(str(filename), "row", number), *read)


def arrow_lines(filename: Filename, limits: dict[str, int]) -> Iterator[bytes]:
    """The list of the columns, then the values of each row: lines that ``line_value`` reads.

    ``limits`` are rows, file_bytes (all rows unpacked), row_chars and row_values (of one row) and memory (bytes, to
    decode). Raises MissingExtra without pyarrow, and InputError naming the file and, where there is one, the row and
    the column.
    """
    if find_spec("pyarrow") is None:
        raise MissingExtra(f"{filename}: parquet and Arrow files need pyarrow: pip install 'judgebench[parquet]'")
    process = subprocess.Popen(  # noqa: S603  # our own program
        [sys.executable, "-P", *_COMMAND, os.path.abspath(filename), json.dumps(limits)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **_ENVIRONMENT},
    )
    assert process.stdout is not None  # noqa: S101  # it is a pipe
    number = -1
    try:
        for line in process.stdout:
            if line.startswith(b"[["):
                [last] = line_value(line)
                if last:
                    raise _refusal(filename, *last)
                return
            number += 1
            yield line
    finally:
        process.kill()
        process.stdout.close()
        process.wait()
    where = f", row {number + 1}" if number >= 0 else ""
    if process.returncode == -getattr(signal, "SIGXCPU", 0):
        raise InputError(f"{filename}{where}: takes more than {cpu_seconds(limits):,} seconds to decode; split it")
    raise InputError(f"{filename}{where}: its decoder crashed on this file; it may be damaged or forged")


def line_value(line: bytes) -> Any:
    """A list of columns, or an object of a row's values."""
    hook = _restored if _BYTES in line else None  # a call for each object takes long
    return json.loads(line.decode("utf-8", "surrogatepass"), object_hook=hook)


def _restored(value: dict[str, Any]) -> Any:
    return base64.b64decode(value[BYTES]) if value.keys() == {BYTES} else value


def _refusal(filename: Filename, row: int | None, column: str | None, reason: str) -> InputError:
    place = f"{filename}" if row is None else f"{filename}, row {row}"
    reason = reason.replace(os.path.abspath(filename), str(filename))
    return InputError(f"{place}: {reason}" if column is None else f"{place}, field {column!r}: {reason}")
