"""Images in the rows of data sets, as parts of messages: by their bytes, in base64, or by an address that is kept only.

Nothing is fetched: an image of which a file has the address alone is known by it, and counted.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from judgebench import images
from judgebench.formats.reading import FileRow

ADDRESSES = "images of which the file holds only the address"
_BASE64 = re.compile(r"[A-Za-z0-9+/]{64,}={0,2}")  # and no path or address


def image_part(row: FileRow, column: str, value: Any) -> tuple[dict[str, Any], bool]:
    """The part of a message that is the image, and whether its bytes are held. Raises InputError for what is none."""
    if isinstance(value, Mapping):
        held = value.get("bytes")
        value = held if held is not None else value.get("path") or value.get("url")
    if isinstance(value, bytes):
        return _held(row, column, value)
    if not isinstance(value, str) or not value.strip():
        raise row.error(column, "expected an image: its bytes, base64, or its address")
    text = value.strip()
    if not text.startswith(("http://", "https://", "data:")) and (data := _decoded(text)) is not None:
        return _held(row, column, data)
    return _part(text), text.startswith("data:")


def _held(row: FileRow, column: str, data: bytes) -> tuple[dict[str, Any], bool]:
    try:
        media_type = images.measured(data).media_type
    except images.UnusableImage as error:
        raise row.error(column, f"holds {error}") from error
    return _part(f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"), True


def _part(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def _decoded(text: str) -> bytes | None:
    """What a text holds in base64; None where it holds none, or may as well be a path."""
    bare = "".join(text.split())
    if not _BASE64.fullmatch(bare):
        return None
    try:
        return base64.b64decode(bare, validate=True)
    except (binascii.Error, ValueError):
        return None
