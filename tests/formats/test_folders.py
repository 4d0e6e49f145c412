"""Of a folder the files below it are read, in order, and what is left out is said."""

from pathlib import Path

import pytest

from judgebench.errors import InputError
from judgebench.formats.folders import expanded, files_below


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")
    return path


def test_files_below_a_folder_are_sorted_and_others_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    for name in ("b/a.json", "a.csv.gz", "c.TSV", "b/c/d.xlsx", ".hidden/a.json", ".a.json", "README.md", "z.json.zst"):
        touch(folder / name)
    outside = touch(tmp_path / "outside" / "a.json")
    (folder / "out.json").symlink_to(outside)
    (folder / "outdir").symlink_to(outside.parent)
    (folder / "inside.json").symlink_to(folder / "b" / "a.json")
    (folder / "again").symlink_to(folder / "b")
    (folder / "gone.json").symlink_to(folder / "nowhere.json")
    listed = files_below(folder)
    names = [str(path.relative_to(folder)) for path in listed.files]
    assert names == ["a.csv.gz", "b/a.json", "b/c/d.xlsx", "c.TSV", "inside.json", "z.json.zst"]
    reasons = {path.name: reason for path, reason in listed.left_out}
    assert reasons == {
        **{".hidden": "hidden", ".a.json": "hidden", "README.md": "names of other endings"},
        **dict.fromkeys(("out.json", "outdir"), "links out of the folder"),
        **{"again": "links to folders", "gone.json": "links that lead nowhere"},
    }
    assert f"left out, links out of the folder: {folder / 'out.json'}, {folder / 'outdir'}" in listed.in_words


def test_folders_stand_for_their_files_among_others(tmp_path: Path) -> None:
    first, second = touch(tmp_path / "a" / "x.json"), touch(tmp_path / "b.json")
    touch(tmp_path / "a" / "y.txt")
    files, words = expanded([second, tmp_path / "a", tmp_path / "missing.json"])
    assert files == [second, first, tmp_path / "missing.json"]
    assert words == [f"left out, names of other endings: {tmp_path / 'a' / 'y.txt'}"]


def test_many_names_are_counted_and_a_folder_of_nothing_is_refused(tmp_path: Path) -> None:
    for number in range(8):
        touch(tmp_path / "a" / f"{number}.txt")
    with pytest.raises(InputError, match=r"a: no file in it .*\.json, .*4\.txt and 3 more\)"):
        files_below(tmp_path / "a")
    with pytest.raises(InputError, match="cannot be read"):
        files_below(tmp_path / "missing")
