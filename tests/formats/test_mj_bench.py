"""MJ-Bench: the images are the outputs, held where the file has their bytes."""

import base64
from pathlib import Path
from typing import Any

import pytest

from judgebench.errors import InputError
from judgebench.formats.mj_bench import read_mj_bench
from judgebench.formats.registry import recognise
from judgebench.services.imports import import_file
from judgebench.store.database import Database
from tests.formats.writing import write_rows
from tests.pictures import png

IMAGES = [png("red"), png("blue")]
ROW: dict[str, Any] = {
    **{"id": 4, "caption": "A red cube.", "label": 1, "info": "Evident"},
    **{f"image{at}": {"bytes": image, "path": None} for at, image in enumerate(IMAGES)},
}


@pytest.mark.slow
def test_the_numbered_image_is_preferred(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "safety.parquet", [ROW])
    assert recognise(path).name == "mj-bench"
    file = read_mj_bench(path)
    [label] = file.rows
    assert (label.preference, label.first.column, label.instruction.category) == (0.0, "image0", "Evident")
    assert sorted(blob.data for blob in file.blobs.values()) == sorted(IMAGES)
    assert (file.unkept, file.unread) == ({}, ())
    report = import_file(Database(str(tmp_path / "a.db"), create=True), path)
    assert (report.benchmark, report.new, report.outputs) == ("mj-bench", 1, 2)


def test_addresses_are_kept_and_counted(tmp_path: Path) -> None:
    row = {"caption": "A cube.", "label": 0, "image_0": "0.jpg", "image_1": base64.b64encode(IMAGES[0]).decode()}
    path = write_rows(tmp_path / "m.jsonl", [row])
    assert recognise(path).name == "mj-bench"
    file = read_mj_bench(path)
    assert (len(file.blobs), file.unkept) == (1, {"images of which the file holds only the address": 1})
    with pytest.raises(InputError, match="expected 0 or 1"):
        read_mj_bench(write_rows(tmp_path / "m.jsonl", [row | {"label": 2}]))
