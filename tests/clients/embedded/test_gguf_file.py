"""The gguf package is the oracle: it writes the files and quantises; what is read must equal what it reads."""

from pathlib import Path

import numpy as np
import pytest

from judgebench.clients.embedded.weights_file import GgufFile, read
from judgebench.errors import InputError

gguf = pytest.importorskip("gguf", reason="the package gguf, the oracle of these tests, is not installed")
Kind = gguf.GGMLQuantizationType


def write(path: Path, **tensors: tuple[np.ndarray, "Kind"]) -> Path:
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_uint32("number", 7)
    writer.add_float32("fraction", 0.5)
    writer.add_bool("flag", True)
    writer.add_array("words", ["one", "zwölf", ""])
    writer.add_array("numbers", [3, -1])
    for name, (values, kind) in tensors.items():
        writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(3).normal(size=(5, 64)).astype(np.float32)


def test_metadata_of_every_kind_come_back(tmp_path: Path) -> None:
    found = read(write(tmp_path / "a.gguf")).metadata
    del found["general.architecture"]
    assert found == {"number": 7, "fraction": 0.5, "flag": True, "words": ["one", "zwölf", ""], "numbers": [3, -1]}


@pytest.mark.parametrize("name", ["F32", "Q8_0", "Q4_1"])
def test_tensors_equal_those_of_the_gguf_package(tmp_path: Path, values: np.ndarray, name: str) -> None:
    kind = Kind[name]
    found = read(write(tmp_path / "a.gguf", other=(values[:, :32], Kind.F32), it=(values, kind))).tensor("it")
    expected = gguf.quants.dequantize(gguf.quants.quantize(values, kind), kind)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)


def test_another_type_of_tensor_is_an_input_error(tmp_path: Path, values: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"a\.gguf"):
        read(write(tmp_path / "a.gguf", it=(values, Kind.Q5_1)))


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.6, 0.99])
def test_a_file_cut_short_is_an_input_error(tmp_path: Path, values: np.ndarray, share: float) -> None:
    whole = write(tmp_path / "a.gguf", it=(values, Kind.F32)).read_bytes()
    (tmp_path / "cut.gguf").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(InputError, match=r"cut\.gguf"):
        read(tmp_path / "cut.gguf")


def test_something_else_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").write_bytes(b"PK\x03\x04" * 100)
    with pytest.raises(InputError, match="starts with b'PK"):
        read(tmp_path / "a.gguf")


@pytest.mark.slow
def test_the_weights_equal_those_of_the_gguf_package(path: Path, file: GgufFile) -> None:
    tensors = gguf.GGUFReader(path).tensors
    for tensor in [*tensors[:10], tensors[-1]]:
        np.testing.assert_array_equal(file.tensor(tensor.name), gguf.quants.dequantize(tensor.data, tensor.tensor_type))
