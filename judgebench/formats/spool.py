"""Rows that were read and wait to be stored: of a long file in a file of their own, so that memory does not grow.

A row is a tuple of texts, numbers and such tuples; what is made of one is made anew each time that it is read.
"""

import marshal
import os
from collections.abc import Callable, Iterator
from tempfile import SpooledTemporaryFile
from typing import Any, Generic, TypeVar

_Row = TypeVar("_Row")
_TOGETHER = 200  # rows that are written at a time
_IN_MEMORY = 16 << 20  # bytes


class Spool(Generic[_Row]):
    """Rows in the order in which they were added. ``make`` makes one of its tuple."""

    def __init__(self, make: Callable[..., _Row]) -> None:
        self._make = make
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - it goes when these rows do
        self._sizes: list[int] = []
        self._waiting: list[tuple[Any, ...]] = []
        self._count = 0

    def add(self, *values: Any) -> None:
        self._waiting.append(tuple(values))
        self._count += 1
        if len(self._waiting) == _TOGETHER:
            block = marshal.dumps(self._waiting)
            self._file.seek(0, os.SEEK_END)
            self._file.write(block)
            self._sizes.append(len(block))
            self._waiting = []

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[_Row]:
        start = 0
        for size in self._sizes:
            self._file.seek(start)
            yield from (self._make(*values) for values in marshal.loads(self._file.read(size)))  # noqa: S302 - ours
            start += size
        yield from (self._make(*values) for values in self._waiting)
