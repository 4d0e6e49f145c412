"""Images in rows: bytes and base64 are held, an address is only kept."""

import base64
from pathlib import Path
from typing import Any

import pytest

from judgebench.errors import InputError
from judgebench.formats.held_images import image_part
from judgebench.formats.reading import FileRow, Place

RAW = b"\x89PNG\r\n\x1a\n" + bytes(20)
PNG = base64.b64encode(RAW).decode()
ROW = FileRow(Place("a.parquet", "row", 1), {})


@pytest.mark.parametrize(
    ("value", "is_held"),
    [
        (PNG, True),
        (RAW, True),
        ({"bytes": RAW, "path": "1.png"}, True),
        (f"data:image/png;base64,{PNG}", True),
        ({"bytes": None, "path": "images/1.png"}, False),
        ("https://example.org/1.png", False),
        ("images/1.png", False),
    ],
)
def test_what_is_held_is_told(value: Any, is_held: bool) -> None:
    part, held = image_part(ROW, "image", value)
    assert (held, part["image_url"]["url"].startswith("data:image/png;base64,")) == (is_held, is_held)


@pytest.mark.parametrize("value", [None, 3, "", {"bytes": None, "path": None}])
def test_what_is_none_is_refused(value: Any) -> None:
    with pytest.raises(InputError, match="'image': expected an image"):
        image_part(ROW, "image", value)


@pytest.mark.parametrize(
    ("start", "kind"), [(b"\xff\xd8\xff\xe0", "jpeg"), (b"GIF89a", "gif"), (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "webp")]
)
def test_kinds_are_told_by_the_first_bytes(tmp_path: Path, start: bytes, kind: str) -> None:
    part, _ = image_part(ROW, "image", base64.b64encode(start + bytes(30)).decode())
    assert part["image_url"]["url"].startswith(f"data:image/{kind};base64,")
