"""Conversations in the columns of our own files: as JSON in a text, which holds the files of the messages, too.

A file of many rows holds each such file once, in the first of its rows that needs it.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from typing import Any, TypeVar, get_origin, get_type_hints

from judgebench.conversations import (
    Blob,
    Conversation,
    Media,
    Trajectory,
    decoded_conversation,
    decoded_trajectory,
    encoded_conversation,
    encoded_trajectory,
    held_files,
)
from judgebench.formats.forms import Blobs
from judgebench.formats.reading import FileRow, finite

_FILES = "files"  # beside the messages
_FILE_KINDS = ("image", "audio", "video", "document")
_DIGEST = re.compile("[0-9a-f]{64}")
_Held = TypeVar("_Held", Conversation, Trajectory)


def message_cell(held: Conversation | Trajectory | None, files: Mapping[str, Blob]) -> str | None:
    """The text of a cell, with those of its files that are among ``files``."""
    if held is None:
        return None
    text = encoded_conversation(held) if isinstance(held, Conversation) else encoded_trajectory(held)
    mine = {digest: _file_values(files[digest]) for digest in held_files(held.messages) if digest in files}
    return text if not mine else f'{text[:-1]},"{_FILES}":{json.dumps(mine, separators=(",", ":"))}}}'


def _file_values(file: Blob) -> dict[str, str]:
    return {"media_type": file.media_type, "data": base64.b64encode(file.data).decode()}


def read_conversation(row: FileRow, column: str, blobs: Blobs) -> Conversation | None:
    """What ``message_cell`` wrote; None where the cell is empty or missing. Its files are put into ``blobs``.

    Raises InputError for anything else.
    """
    return _read(row, column, blobs, decoded_conversation)


def read_trajectory(row: FileRow, column: str, blobs: Blobs) -> Trajectory | None:
    """As ``read_conversation``."""
    return _read(row, column, blobs, decoded_trajectory)


def _read(row: FileRow, column: str, blobs: Blobs, decode: Callable[[str], _Held]) -> _Held | None:
    text = row.values.get(column)
    if text is None or text == "":
        return None
    try:
        files = json.loads(text, parse_float=finite, parse_constant=finite).get(_FILES, {})
        held = decode(text)
        _check(held)
        for digest, file in files.items():
            blob = Blob(file["media_type"], base64.b64decode(file["data"], validate=True))
            _check(blob)
            if blob.digest != digest:
                raise ValueError(f"the file {digest[:8]} has another content")
            blobs[digest] = blob
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        reason = f"holds no messages as judgebench export writes them ({type(error).__name__}: {str(error)[:80]})"
        raise row.error(column, reason) from error
    return held


def _check(value: Any) -> None:
    """Raises TypeError where a field holds what its type does not take, or what no form reads there."""
    for name, hint in get_type_hints(type(value)).items():
        content = getattr(value, name)
        inner = content if isinstance(content, tuple) else [content] if is_dataclass(content) else ()
        taken = isinstance(content, tuple if get_origin(hint) is tuple else hint)
        if not taken or (hint is int and isinstance(content, bool)):
            raise TypeError(f"{name} cannot be {str(content)[:40]!r}")
        for item in inner:
            _check(item)
    if isinstance(value, Media):
        _check_file(value)
    if not isinstance(json.loads(getattr(value, "extra", "") or "{}"), dict):
        raise TypeError("extra must be an object")


def _check_file(file: Media) -> None:
    if file.kind not in _FILE_KINDS:
        raise TypeError(f"{file.kind[:40]!r} is no kind of file")
    if file.digest is not None and not _DIGEST.fullmatch(file.digest):
        raise TypeError(f"{file.digest[:80]!r} is no digest of a file")
