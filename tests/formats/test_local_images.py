"""Images beside a file of rows are read; nothing elsewhere is, and what is no image is refused by name."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import judgebench
from judgebench.errors import InputError
from judgebench.formats.documents import file_rows
from judgebench.formats.mj_bench import read_mj_bench
from judgebench.formats.outputs import read_outputs
from judgebench.services.imports import import_file
from judgebench.store.database import Database
from tests.formats.writing import write_rows
from tests.pictures import bomb, data_url, encoded, noise, png

JPEG = encoded(noise(), "JPEG")
BAD = {
    "bomb.png": (bomb(10_000, 10_000), "an image of 10,000 x 10,000 pixels"),
    "drawing.svg": (b"<svg/>", "an SVG drawing"),
    "empty.png": (b"", "an image without a byte"),
    "half.jpg": (JPEG[: len(JPEG) // 2], "a truncated JPEG image"),
}


def asked(url: Any) -> dict[str, Any]:
    part = {"type": "image_url", "image_url": {"url": url}}
    content = [{"type": "text", "text": "What is it?"}, part]
    return {"messages": [{"role": "user", "content": content}, {"role": "assistant", "content": "Red."}]}


@pytest.mark.parametrize("path", ["a.png", "./pictures/../a.png", "file://a.png"])
def test_an_image_beside_its_file_is_held(tmp_path: Path, path: str) -> None:
    (tmp_path / "a.png").write_bytes(png())
    (tmp_path / "pictures").mkdir()
    file = read_outputs(write_rows(tmp_path / "o.jsonl", [asked(path)]))
    assert [blob.data for blob in file.blobs.values()] == [png()]
    by_url = read_outputs(write_rows(tmp_path / "u.jsonl", [asked(data_url(png()))]))
    assert by_url.outputs[0].instruction.key == file.outputs[0].instruction.key


def test_parts_of_other_shapes_and_columns_are_read(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(png((name == "a.png" and "red") or "blue"))
    rows = [asked("x")]
    rows[0]["messages"][0]["content"][1] = {"type": "image", "image": "a.png"}
    assert len(read_outputs(write_rows(tmp_path / "o.jsonl", rows)).blobs) == 1
    pairs = [{"caption": "A cube.", "label": 0, "image0": "a.png", "image1": "b.png"}]
    file = read_mj_bench(write_rows(tmp_path / "pairs.jsonl", pairs))
    assert (len(file.blobs), file.unkept) == (2, {})


def test_nothing_outside_the_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(png())
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "link.png").symlink_to(tmp_path / "secret.png")
    for url in ("../secret.png", str(tmp_path / "secret.png"), "link.png", "https://example.org/a.png", "gone.png"):
        [row] = file_rows(write_rows(inner / "o.jsonl", [asked(url)]))
        assert json.dumps(row.values) == json.dumps(asked(url))


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_is_no_image_is_refused_by_file_row_and_field(tmp_path: Path, name: str) -> None:
    data, why = BAD[name]
    (tmp_path / name).write_bytes(data)
    database = Database(str(tmp_path / "a.db"), create=True)
    for url in (name, data_url(data, "image/png"), data_url(data, "")):
        path = write_rows(tmp_path / "o.jsonl", [asked(data_url(png())), asked(url)])
        with pytest.raises(InputError, match=rf"o\.jsonl, line 2, field 'messages': holds .*{why}"):
            import_file(database, path, benchmark="b")


@pytest.mark.parametrize("name", BAD)
def test_frames_hold_images_as_bytes_and_refuse_the_same(tmp_path: Path, name: str) -> None:
    database = Database(str(tmp_path / "a.db"), create=True)
    good = pd.DataFrame([asked(png())])
    judgebench.submit(database, good, benchmark="b", model="m", new_benchmark=True, audit=False)
    data, why = BAD[name]
    with pytest.raises(InputError, match=f"row 1, field 'messages': holds {why}"):
        judgebench.submit(database, pd.DataFrame([asked(data)]), benchmark="b", model="n")


def test_a_short_row_cannot_name_images_without_end(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png() + bytes(19 << 20))
    row = asked("a.png")
    row["messages"][0]["content"] *= 3
    with pytest.raises(InputError, match=r"'messages': holds 'a.png', one image too many"):
        read_outputs(write_rows(tmp_path / "o.jsonl", [row]))
