"""Files as bytes, unpacked as they are read: plain, or packed with gzip or Zstandard, which their first bytes tell."""

import gzip
import io
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from typing import IO, Any, BinaryIO, Protocol

from judgebench.errors import InputError, MissingExtra
from judgebench.formats.bounds import PACKED_TIMES, most_unpacked

Filename = str | PathLike[str]
PACKED_ENDINGS = (".gz", ".zst")
ZIP = b"PK\x03\x04"
_GZIP, _ZSTANDARD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_OTHER_PACKING = {
    ZIP: "a zip archive or a spreadsheet",
    b"BZh": "packed with bzip2",
    b"\xfd7zXZ": "packed with xz",
    b"\xd0\xcf\x11\xe0": "a spreadsheet of before 2007, or a locked one",
}
MOST_WINDOW = 128 << 20  # bytes that Zstandard may look back
_PIECE = 1 << 10  # packed bytes that Zstandard is given at a time: three may become 128 KiB
_MOST_UNPACKED = f"and at most {PACKED_TIMES} times its size is read"
_EXTRA = "packed with Zstandard: unpack it first, or pip install 'judgebench[zstd]'"


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def open_bytes(filename: Filename) -> BinaryIO:
    """Raises InputError where the file cannot be opened, or is a pipe or device, which is not there a second time."""
    try:
        if not stat.S_ISREG(mode := os.stat(filename).st_mode) and not stat.S_ISDIR(mode):
            raise InputError(f"{filename}: is no file, and files are read twice: pipe it into 'judgebench import -'")
        return open(filename, "rb")
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{str(filename)!r} cannot be read: {reason}") from error


def unpacked_name(name: str) -> str:
    """A file's name without the ending that says how it is packed, in lower case."""
    name = name.lower()
    return next((name.removesuffix(ending) for ending in PACKED_ENDINGS if name.endswith(ending)), name)


@contextmanager
def unpacked(filename: Filename, most: int) -> Iterator["io.BufferedReader[_Bounded]"]:
    """The file's bytes, unpacked.

    Raises InputError where the file cannot be opened or is packed in another way, and, while it is read, where it is
    damaged or unpacks to more than ``most`` bytes; MissingExtra without zstandard.
    """
    with open_bytes(filename) as file:
        start = file.read(8)
        file.seek(0)
        for magic, packing in _OTHER_PACKING.items():
            if start.startswith(magic):
                raise InputError(f"{filename}: is {packing}; unpack it first, only gzip and zstd are unpacked here")
        raw = _unpacker(file, start, str(filename))
        size = os.fstat(file.fileno()).st_size
        bounded = _Bounded(raw, str(filename), most if raw is file else most_unpacked(size, most))
        with io.BufferedReader(bounded) as stream:
            yield stream


def _unpacker(file: BinaryIO, start: bytes, name: str) -> "_Readable":
    if start.startswith(_GZIP):
        return gzip.GzipFile(fileobj=file)
    return _Zstandard(file, name) if start.startswith(_ZSTANDARD) else file


class _Zstandard:
    """Reads a stream packed with Zstandard. The library's own reader takes one that is cut short for a whole one."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        """Raises MissingExtra."""
        try:
            import zstandard
        except ImportError as error:
            raise MissingExtra(f"{name}: {_EXTRA}") from error
        self._file, self._ready, self._at = file, b"", 0
        self._frame = zstandard.ZstdDecompressor(max_window_size=MOST_WINDOW).decompressobj
        self._open: Any = None  # the frame that is being read

    def read(self, size: int) -> bytes:
        """Raises EOFError where the stream ends within a frame, and zstandard's error where it is damaged."""
        while self._at == len(self._ready):
            packed = self._file.read(_PIECE)
            if not packed:
                if self._open is not None:
                    raise EOFError("it ends before its end-of-frame mark")
                break
            self._ready, self._at = b"".join(self._decoded(packed)), 0
        piece = self._ready[self._at : self._at + size]
        self._at += len(piece)
        return piece

    def _decoded(self, packed: bytes) -> Iterator[bytes]:
        while packed:
            frame = self._open or self._frame()
            yield frame.decompress(packed)
            packed = frame.unused_data
            self._open = None if frame.eof else frame


def first_bytes(start: bytes) -> tuple[bytes, str]:
    """What the beginning of a file unpacks to, as far as it goes, and the ending that says how it is packed.

    Raises InputError where it is damaged, MissingExtra without zstandard.
    """
    try:
        if start.startswith(_GZIP):
            return zlib.decompressobj(wbits=31).decompress(start, 1 << 16), ".gz"
        if start.startswith(_ZSTANDARD):
            return _Zstandard(io.BytesIO(start), "standard input").read(1 << 10), ".zst"
    except Exception as error:  # zstandard's own has no name where it is not installed; all others go on
        if not is_damage(error):
            raise
        raise InputError(f"standard input: damaged or cut short ({error}); fetch it again") from error
    return start, ""


def is_damage(error: Exception) -> bool:
    """Whether an unpacker raised it about its data."""
    of_zstandard = type(error).__module__.partition(".")[0] == "zstandard"  # its class is named only where it is there
    return of_zstandard or isinstance(error, EOFError | zlib.error | OSError)


class _Bounded(io.RawIOBase):
    """Passes on at most ``limit`` bytes, and says in the user's words why a stream broke."""

    def __init__(self, source: "_Readable", name: str, limit: int) -> None:
        self._source, self._name, self._limit, self._given = source, name, limit, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._source.read(len(buffer))
        except Exception as error:  # as above: what is no damage goes on
            if not is_damage(error):
                raise
            raise InputError(f"{self._name}: damaged or cut short ({error}); fetch it again") from error
        self._given += len(data)
        if self._given > self._limit:
            raise InputError(
                f"{self._name}: holds more than {self._limit:,} bytes unpacked, {_MOST_UNPACKED}; split it"
            )
        buffer[: len(data)] = data
        return len(data)
