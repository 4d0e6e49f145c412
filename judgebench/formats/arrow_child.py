"""Decode a parquet or Arrow file in a process of its own, whose memory the system bounds: a line of JSON a row.

A cell may be written once and counted a thousand times, a list may repeat it, a page says little of what it unfolds to,
and a decoder may crash on what was forged: whatever a file does, it does to this process. ``arrow_file`` starts it as
``python -m judgebench.formats.arrow_child PATH LIMITS``, LIMITS being a JSON object.

The first line lists the columns, each row is an object, and the last line is a list with a list in it: empty at the end
of the file, or the number of the row that is refused (null: the file), its column (null: unknown), and why.
Bytes are ``{BYTES: base64}``; of dates and others that JSON does not have only the type counts.
"""

import base64
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from judgebench.formats.bounds import PACKED_TIMES

BYTES = "\0bytes"  # the only key of an object that stands for bytes
_BATCHES = (64, 1)  # rows decoded at a time; the second where the first take too much memory
_BUFFER = 1 << 20  # bytes of a column that are fetched at a time
_TOO_MUCH = f"holds more than {{:,}} bytes unpacked, and at most {PACKED_TIMES} times its size is read; split it"
_ROW_BYTES = 256  # that a row counts beside its values: what reading it takes
_VALUE_BYTES = 48  # that a value counts beside its text, as it takes
_Rows = Iterator[dict[str, Any]]
_Opened = tuple[list[str], int, Iterator[Callable[[int], _Rows]]]  # columns, rows (0: not said), groups of rows


class _Refused(Exception):
    """Raised with the number of a row, its column and what is wrong; the first two may be None."""


def main() -> None:
    import pyarrow

    path, limits = sys.argv[1], json.loads(sys.argv[2])
    pyarrow.set_cpu_count(1)
    pyarrow.set_io_thread_count(1)
    kind = _kind(path)
    mapped = 0 if kind == "parquet" else os.path.getsize(path)  # pages of the file itself, which need not stay
    _bound_memory(limits["memory"] + mapped)
    _bound_time(cpu_seconds(limits))
    lines, number = _lines(path, kind, limits), -1
    last: tuple[Any, ...] = ()
    try:
        for line in lines:
            sys.stdout.buffer.write(line)
            number += 1
    except _Refused as refused:
        last = refused.args
    except MemoryError:
        last = (number + 1 or None, None, f"takes more than {limits['memory']:,} bytes of memory to unfold")
    except RecursionError:
        last = (number + 1 or None, None, "nested too deeply")
    except (pyarrow.ArrowException, OSError, ValueError, TypeError) as error:
        last = (None, None, f"cannot be read as {kind}: {' '.join(str(error).split())[:500]}")
    sys.stdout.buffer.write(_line([last]))
    sys.stdout.buffer.flush()


def _bound_memory(more: int) -> None:
    """Let this process take so many bytes more than it has. Only Linux says what it has; elsewhere nothing is done."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (ImportError, OSError):
        return
    most = pages * resource.getpagesize() + more
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def cpu_seconds(limits: Mapping[str, int]) -> int:
    """The processor's time that decoding may take: a second for each MiB that the file may unpack to, and a minute."""
    return 60 + (limits["file_bytes"] >> 20)


def _bound_time(seconds: int) -> None:
    """The system ends this process when it has worked for so long; elsewhere than on Unix nothing is done."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))


def _kind(path: str) -> str:
    """By its first bytes; what has none of these is left to the reader of parquet, which says so."""
    with open(path, "rb") as file:
        start = file.read(6)
    return next((kind for magic, kind in _KINDS.items() if start.startswith(magic)), "parquet")


def _lines(path: str, kind: str, limits: Mapping[str, int]) -> Iterator[bytes]:
    number, left = 0, limits["file_bytes"]
    with _OPEN[kind](path) as (names, count, groups):
        if count > limits["rows"]:
            raise _Refused(None, None, f"holds {count:,} rows, and only {limits['rows']:,} are read; split the file")
        if count * (_ROW_BYTES + len(names) * _VALUE_BYTES) > left:  # before any is decoded
            raise _Refused(None, None, _TOO_MUCH.format(left))
        yield _line(names)
        for rows in groups:
            for values in _decoded(rows):
                number += 1
                left -= _ROW_BYTES + _checked(values, number, limits)
                if left < 0:
                    raise _Refused(None, None, _TOO_MUCH.format(limits["file_bytes"]))
                yield _line(values)


@contextmanager
def _parquet(path: str) -> Iterator[_Opened]:
    import pyarrow.parquet

    def rows(group: int, size: int) -> _Rows:
        for batch in file.iter_batches(batch_size=size, row_groups=[group], use_threads=False):
            yield from batch.to_pylist()

    with pyarrow.parquet.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False) as file:
        groups = (partial(rows, group) for group in range(file.num_row_groups))
        yield file.schema_arrow.names, file.metadata.num_rows, groups


@contextmanager
def _arrow(path: str) -> Iterator[_Opened]:
    """A file of Arrow, and what feather writes today."""
    import pyarrow

    options = pyarrow.ipc.IpcReadOptions(use_threads=False)
    with pyarrow.memory_map(path) as source, pyarrow.ipc.open_file(source, options=options) as file:
        batches = (file.get_batch(number) for number in range(file.num_record_batches))
        yield file.schema.names, 0, (partial(_slices, batch) for batch in batches)


@contextmanager
def _stream(path: str) -> Iterator[_Opened]:
    import pyarrow

    options = pyarrow.ipc.IpcReadOptions(use_threads=False)
    with pyarrow.memory_map(path) as source, pyarrow.ipc.open_stream(source, options=options) as stream:
        yield stream.schema.names, 0, (partial(_slices, batch) for batch in stream)


@contextmanager
def _feather(path: str) -> Iterator[_Opened]:
    """The first version of feather, which is one table."""
    import pyarrow.feather

    table = pyarrow.feather.read_table(path, use_threads=False, memory_map=True)
    yield table.column_names, table.num_rows, (partial(_slices, batch) for batch in table.to_batches())


def _slices(batch: Any, size: int) -> _Rows:
    for start in range(0, batch.num_rows, size):
        yield from batch.slice(start, size).to_pylist()


def _decoded(rows: Callable[[int], _Rows]) -> _Rows:
    """A group's rows, many at a time until they take too much memory, then one by one."""
    given = 0
    for size in _BATCHES:
        try:
            for values in islice(rows(size), given, None):
                given += 1
                yield values
        except MemoryError:
            if size == _BATCHES[-1]:
                raise
        else:
            return


_KINDS = {b"ARROW1": "arrow", b"FEA1": "feather", b"\xff\xff\xff\xff": "arrow stream"}
_OPEN = {"parquet": _parquet, "arrow": _arrow, "arrow stream": _stream, "feather": _feather}


def _checked(values: Mapping[str, Any], number: int, limits: Mapping[str, int]) -> int:
    """The bytes that a row counts. Raises _Refused for one beyond the limits."""
    total = items = 0
    for column, value in values.items():
        size, count = _size(value)
        total, items = total + size, items + count
        if total > limits["row_chars"]:
            raise _Refused(number, column, f"longer than {limits['row_chars']:,} characters")
        if items > limits["row_values"]:
            raise _Refused(number, column, f"holds more than {limits['row_values']:,} values")
    return total


def _size(value: Any) -> tuple[int, int]:
    """The bytes that a value counts, and how many values it is."""
    size = count = 0
    level = [value]
    while level:
        count += len(level)
        below: list[Any] = []
        for item in level:
            kind = type(item)  # whatever Arrow makes is of these very types
            if kind is str or kind is bytes:
                size += len(item)
            elif kind is dict:
                below += item.values()
            elif kind is list:
                below += item
        level = below
    return size + count * _VALUE_BYTES, count


def _line(value: Any) -> bytes:
    return _ENCODER.encode(value).encode("utf-8", "surrogatepass") + b"\n"


def _other(value: Any) -> dict[str, str]:
    """What JSON does not have."""
    if isinstance(value, bytes):
        return {BYTES: base64.b64encode(value).decode("ascii")}
    return {type(value).__name__: str(value)}


_ENCODER = json.JSONEncoder(ensure_ascii=False, default=_other)


if __name__ == "__main__":
    main()
