"""Images in the rows of data sets, as parts of messages: by their bytes, in base64, or by an address that is kept only.

Nothing is fetched: an image of which a file has the address alone is known by it, and counted.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from judgebench.formats.reading import FileRow

ADDRESSES = "images of which the file holds only the address"
_TYPES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif", b"BM": "image/bmp"}
_MOST_START = 16  # bytes by which the kind is told


def image_part(row: FileRow, column: str, value: Any) -> tuple[dict[str, Any], bool]:
    """The part of a message that is the image, and whether its bytes are held. Raises InputError for what is none."""
    if isinstance(value, Mapping):
        held = value.get("bytes")
        value = held if held is not None else value.get("path") or value.get("url")
    if isinstance(value, bytes):
        value = base64.b64encode(value).decode("ascii")
    if not isinstance(value, str) or not value.strip():
        raise row.error(column, "expected an image: its bytes, base64, or its address")
    text = value.strip()
    media_type = None if text.startswith(("http://", "https://", "data:")) else _media_type(text)
    url = text if media_type is None else f"data:{media_type};base64,{text}"
    return {"type": "image_url", "image_url": {"url": url}}, url.startswith("data:")


def _media_type(text: str) -> str | None:
    """The kind of the image that a text holds in base64; None where it holds none."""
    try:
        start = base64.b64decode(text[: _MOST_START * 4], validate=True)
    except (binascii.Error, ValueError):
        return None
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _TYPES.items() if start.startswith(magic)), None)
