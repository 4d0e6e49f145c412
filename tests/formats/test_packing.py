"""Packed files are told by their first bytes, unpacked within bounds, and refused where they are cut short."""

import gzip
import os
import sys
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from judgebench.errors import InputError, MissingExtra
from judgebench.formats.packing import first_bytes, open_bytes, unpacked, unpacked_name
from tests.formats.writing import write_file

TEXT = bytes(range(256)) * 40


def read(path: Path, most: int = 1 << 20) -> bytes:
    with unpacked(path, most) as stream:
        return stream.read()


@settings(max_examples=40, deadline=None)
@given(frames=st.lists(st.binary(max_size=3000), min_size=1, max_size=4))
def test_property_zstandard_is_unpacked_frame_after_frame(
    tmp_path_factory: pytest.TempPathFactory, frames: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("zst") / "a.jsonl"
    path.write_bytes(b"".join(zstandard.ZstdCompressor().compress(frame) for frame in frames))
    assert read(path) == b"".join(frames)


def test_large_contents_are_unpacked_whole(tmp_path: Path) -> None:
    for name in ("a.gz", "a.zst", "a"):
        assert read(write_file(tmp_path / name, TEXT * 50)) == TEXT * 50


@pytest.mark.parametrize("keep", [5, 60, -1])
def test_what_is_cut_short_or_damaged_is_refused(tmp_path: Path, keep: int) -> None:
    for name in ("a.gz", "a.zst"):
        path = write_file(tmp_path / name, TEXT)
        whole = path.read_bytes()
        path.write_bytes(whole[:keep])
        with pytest.raises(InputError, match=r"damaged or cut short"):
            read(path)
    path.write_bytes(whole + b"more")
    with pytest.raises(InputError, match=r"damaged or cut short"):
        read(path)


def test_more_than_the_limit_is_refused(tmp_path: Path) -> None:
    for name in ("a.gz", "a.zst", "a"):
        with pytest.raises(InputError, match=r"more than 1,000 bytes unpacked"):
            read(write_file(tmp_path / name, TEXT), most=1000)


def test_without_the_library_its_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_file(tmp_path / "a.zst", TEXT)
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(MissingExtra, match=r"judgebench\[zstd\]"):
        read(path)


def test_first_bytes_and_names() -> None:
    assert first_bytes(gzip.compress(TEXT))[1] == ".gz"
    assert first_bytes(zstandard.ZstdCompressor().compress(TEXT)) == (TEXT[:1024], ".zst")
    assert first_bytes(b"plain") == (b"plain", "")
    assert [unpacked_name(name) for name in ("A.CSV.ZST", "a.json.gz", "a.gz.csv")] == ["a.csv", "a.json", "a.gz.csv"]


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    pipe = tmp_path / "a.jsonl"
    os.mkfifo(pipe)
    with pytest.raises(InputError, match=r"a\.jsonl: is no file, .*judgebench import -"):
        open_bytes(pipe)
