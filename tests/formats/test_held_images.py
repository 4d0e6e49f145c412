"""Images in rows: bytes and base64 are held, an address is only kept."""

import base64
from pathlib import Path
from typing import Any

import pytest

from judgebench.errors import InputError
from judgebench.formats.held_images import image_part
from judgebench.formats.outputs import read_outputs
from judgebench.formats.reading import FileRow, Place
from tests.formats.writing import write_rows
from tests.pictures import encoded, noise, png

RAW = png()
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


@pytest.mark.parametrize("kind", ["jpeg", "gif", "webp"])
def test_kinds_are_told_by_the_first_bytes(kind: str) -> None:
    part, _ = image_part(ROW, "image", base64.b64encode(encoded(noise((20, 20)), kind.upper())).decode())
    assert part["image_url"]["url"].startswith(f"data:image/{kind};base64,")


@pytest.mark.parametrize("as_text", [True, False])
def test_bytes_that_are_no_image_are_refused_and_not_taken_for_an_address(as_text: bool) -> None:
    data = b'<svg xmlns="http://www.w3.org/2000/svg">' + b" " * 40
    with pytest.raises(InputError, match=r"row 1, field 'image': holds an SVG drawing"):
        image_part(ROW, "image", base64.b64encode(data).decode() if as_text else data)


FORMS: list[dict[str, Any]] = [
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,"}},
    {"type": "image_url", "image_url": {"url": "data:,"}},
    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": ""}},
]


@pytest.mark.parametrize("part", FORMS, ids=[str(number) for number in range(len(FORMS))])
def test_an_image_without_a_byte_is_refused_by_name_in_every_form(tmp_path: Path, part: dict[str, Any]) -> None:
    content = [{"type": "text", "text": "What is it?"}, part]
    row = {"messages": [{"role": "user", "content": content}, {"role": "assistant", "content": "Red."}]}
    with pytest.raises(InputError, match=r"line 1, field 'messages': holds an image without a byte"):
        read_outputs(write_rows(tmp_path / "o.jsonl", [row]))
