"""Images that a file of rows names by a path, or that a frame holds as bytes: as data URLs, which every form reads.

A path is looked for beside the file of rows and below, and nowhere else, whatever links lead elsewhere. One at which
nothing lies stays the address that it is. Addresses in the network are never fetched.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from judgebench import images
from judgebench.formats.reading import FileRow

_COLUMN = re.compile(r"image_?\d*|images", re.IGNORECASE)
_PARTS = ("image", "image_url", "input_image")  # as parts of messages call their types
_SOURCES = ("image", "image_url", "path", "url")  # where such a part says where its image is
_SCHEME = re.compile(r"[A-Za-z][\w+.-]+:")
_MOST_PATH = 400  # characters
_DEPTH = 12
_MOST_CHARS = 64 << 20  # of one row's as data URLs, as a row may have that holds them itself


def with_local_images(row: FileRow, folder: Path) -> FileRow:
    """The row with the images that lie in ``folder``. Raises InputError, naming row and field, for a file there that
    is no image."""
    changed: dict[str, Any] = {}
    reader = _Reader(folder)
    for column, value in row.values.items():
        if not (isinstance(value, list | dict) or (isinstance(value, str) and _COLUMN.fullmatch(column))):
            continue
        try:
            held = reader.value(value, column, _DEPTH)
        except images.UnusableImage as error:
            raise row.error(column, f"holds {error}") from error
        if held is not value:
            changed[column] = held
    return replace(row, values=row.values | changed) if changed else row


class _Reader:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._chars = 0

    def value(self, value: Any, name: str, depth: int) -> Any:
        """The value itself where nothing in it changes. ``name``: of the field that holds it."""
        if isinstance(value, str) and _COLUMN.fullmatch(name):
            return self._local(value) or value
        if depth == 0:
            return value
        if isinstance(value, list):
            items = [self.value(item, name, depth - 1) for item in value]
            return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
        if not isinstance(value, Mapping):
            return value
        if value.get("type") in _PARTS and (url := self._url_of(value)) is not None:
            kept = {key: item for key, item in value.items() if key not in (*_SOURCES, "type")}
            detail = {"detail": value["image_url"]["detail"]} if _has_detail(value) else {}
            return kept | {"type": "image_url", "image_url": {"url": url} | detail}
        fields = {key: self.value(item, str(key), depth - 1) for key, item in value.items()}
        return fields if any(fields[key] is not value[key] for key in value) else value

    def _url_of(self, part: Mapping[str, Any]) -> str | None:
        """The image of a message's part; None where it is not here, or stands in the part as forms read it."""
        for key in _SOURCES:
            source = part.get(key)
            if isinstance(source, Mapping):
                named = (source.get(name) for name in ("bytes", "url", "path"))
                source = next((value for value in named if value or isinstance(value, bytes)), None)
            if isinstance(source, bytes | bytearray):
                return self._data_url(bytes(source), "")
            if isinstance(source, str) and (url := self._local(source)) is not None:
                return url
        return None

    def _local(self, text: str) -> str | None:
        """The image at a path; None where none lies there."""
        path = text.strip().removeprefix("file://")
        if not path or len(path) > _MOST_PATH or _SCHEME.match(path) or "\0" in path:
            return None
        try:
            folder = self._folder.resolve()
            file = (folder / path).resolve()
            if not file.is_relative_to(folder) or not file.is_file():
                return None
            if file.stat().st_size > images.MOST_BYTES:
                raise images.UnusableImage(f"{path[:80]!r}, a file of more than {images.MOST_BYTES:,} bytes")
            return self._data_url(file.read_bytes(), f"{path[:80]!r}, ")
        except (OSError, RuntimeError, ValueError) as error:
            if isinstance(error, images.UnusableImage):
                raise
            return None

    def _data_url(self, data: bytes, what: str) -> str:
        try:
            media_type = images.measured(data).media_type
        except images.UnusableImage as error:
            raise images.UnusableImage(f"{what}{error}") from error
        self._chars += 4 * len(data) // 3
        if self._chars > _MOST_CHARS:
            most = f"{_MOST_CHARS * 3 // 4:,}"
            raise images.UnusableImage(f"{what}one image too many: those of a row may take {most} bytes together")
        return f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"


def _has_detail(part: Mapping[str, Any]) -> bool:
    return isinstance(part.get("image_url"), Mapping) and "detail" in part["image_url"]
