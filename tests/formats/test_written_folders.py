"""Folders: whole or not at all, and names of files from any name."""

from pathlib import Path

import pytest

from judgebench.errors import InputError
from judgebench.formats.written_folders import file_name, written_folder

NAMES = ["a", "A b", "a/b", "a%2Fb", "../x", "..", ".", "", "x" * 200, "x" * 201, "é" * 200, "\ud800", "con\0"]


def test_every_name_has_a_file_of_its_own_in_the_folder(tmp_path: Path) -> None:
    names = [file_name(name) for name in NAMES]
    assert len(set(names)) == len(NAMES)
    for name in names:
        path = tmp_path / f"{name}.jsonl"
        path.write_text("x")
        assert path.resolve().parent == tmp_path
    assert file_name("gpt-4.1") == "gpt-4.1"


def test_a_folder_is_there_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with pytest.raises(UnicodeEncodeError), written_folder(path) as folder:
        (folder / "a").write_text("\ud800", encoding="utf-8")
    assert list(tmp_path.iterdir()) == []
    path.mkdir()
    with written_folder(path) as folder:
        (folder / "a").write_text("x")
    assert [each.name for each in path.iterdir()] == ["a"]


def test_what_is_there_already_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("x")
    (tmp_path / "file").write_text("x")
    for name in ("out", "file", "none/out"):
        match = "cannot be written" if "none" in name else "already"
        with pytest.raises(InputError, match=match), written_folder(tmp_path / name):
            pass
    assert (tmp_path / "out" / "mine").read_text() == "x"
