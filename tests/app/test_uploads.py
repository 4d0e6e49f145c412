"""Uploads: what asks for too much of the machine ends in a message."""

import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from app import uploads
from judgebench.errors import InputError
from judgebench.formats.known import NOTHING


def test_too_many_bytes_as_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MAX_BYTES", 10)
    with pytest.raises(InputError, match="at most 10"), uploads.kept("a.csv", b"x" * 11):
        pass


def test_too_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "LIMITS", replace(uploads.LIMITS, rows=3))
    rows = "instruction,output\n" + "".join(f"i{n},o\n" for n in range(4))
    with (
        uploads.kept("a.csv", rows.encode()) as path,
        pytest.raises(InputError, match="your file, line 5: only 3 rows"),
    ):
        uploads.read(path, {}, NOTHING)
    with uploads.kept("a.csv", rows.rsplit("\n", 2)[0].encode()) as path:
        assert len(uploads.read(path, {}, NOTHING).outputs) == 3


@pytest.mark.slow
def test_a_small_file_that_unpacks_to_a_huge_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "LIMITS", replace(uploads.LIMITS, file_bytes=1 << 20))
    bomb = gzip.compress(b"instruction,output\n" + b"i,o\n" * (1 << 20))
    with uploads.kept("a.csv.gz", bomb) as path, pytest.raises(InputError, match="your file"):
        uploads.read(path, {}, NOTHING)


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a/b.csv", "x.csv\0.json", "con.jsonl", ".json", "a.tar.gz", "é.CSV"]
)
def test_of_a_files_name_only_its_form_is_kept(name: str) -> None:
    with uploads.kept(name, b"x") as path:
        assert Path(path).name.removeprefix("upload") in {"", ".csv", ".json", ".jsonl", ".gz", ".csv.json"}
        assert Path(path).parent.name.startswith("judgebench-")
    assert not Path(path).exists()


@pytest.mark.parametrize(
    ("rows", "outputs", "others"),
    [
        ("instruction,output\nq,a\n", True, {}),
        ("frage,antwort\nq,a\n", False, {}),
        ("instruction,output_a,output_b,winner\nq,x,y,A\n", False, {"labels": "labels"}),
    ],
)
def test_a_preview_says_what_the_file_is(rows: str, outputs: bool, others: dict[str, str]) -> None:
    with uploads.kept("a.csv", rows.encode()) as path:
        preview = uploads.preview(path)
    assert (preview.columns, len(preview.rows)) == (tuple(rows.splitlines()[0].split(",")), 1)
    assert (preview.self_evident, preview.others) == (outputs, others)


def test_a_template_is_read_as_outputs() -> None:
    for name, text in (("t.csv", uploads.template_csv()), ("t.jsonl", uploads.template_jsonl())):
        with uploads.kept(name, text.encode()) as path:
            assert uploads.preview(path).self_evident
            assert len(uploads.read(path, {}, NOTHING).outputs) == len(uploads.TEMPLATE)


@pytest.mark.parametrize(
    ("filename", "model"),
    [
        ("gpt-4.1.jsonl", "gpt-4.1"),
        ("qwen-2.5.json.gz", "qwen-2.5"),
        ("C:\\x\\mine.CSV", "mine"),
        ("../a.json", "a"),
        ("no ending", "no ending"),
    ],
)
def test_a_model_is_called_as_its_file(filename: str, model: str) -> None:
    assert uploads.model_of(filename) == model
