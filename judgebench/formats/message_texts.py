"""Messages that stand in a cell as JSON, as tables hold them that have nothing but texts."""

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from judgebench.formats.fields import USUAL_NAMES
from judgebench.formats.reading import FileRow
from judgebench.formats.writing import KEY_COLUMN

SPEAKERS = ("role", "from", "type", "parts")  # what messages have, and texts have not
_WORDS = ("content", "value", "parts")  # one of these holds what a message says
_HOLDERS = {*USUAL_NAMES["instruction"], "items"}  # columns that may hold messages
_REPLIES = {*USUAL_NAMES["output"]}
_MODELS = ("assistant", "tool")
_SIDES = ("_a", "_b", "_1", "_2", " 1", " 2")


def with_messages(row: FileRow, chosen: Collection[str] = ()) -> FileRow:
    """The row with lists of messages where cells hold them as JSON texts: in columns whose name is that of messages,
    in those that a user has ``chosen``, and, where there are such, in those of replies. Files of ours have their own.
    """
    if KEY_COLUMN in row.values:
        return row
    messages = _listed(row.values, {*_HOLDERS, *chosen})
    if not messages:
        return row
    replies = _listed(row.values, _REPLIES)
    spoken = {name: items for name, items in replies.items() if all(item.get("role") in _MODELS for item in items)}
    return replace(row, values=row.values | spoken | messages)


def _listed(values: Mapping[str, Any], names: set[str]) -> dict[str, list[Any]]:
    listed = (name for name, value in values.items() if isinstance(value, str) and value[:64].lstrip().startswith("["))
    held = {name: _messages_in(values[name]) for name in listed if _holder(name) in names or name in names}
    return {name: items for name, items in held.items() if items is not None}


def _holder(column: str) -> str:
    name = column.strip().lower()
    return name[:-2] if name.endswith(_SIDES) else name


def is_message_column(column: str) -> bool:
    """Whether a column's name says that it holds messages, and never a text."""
    return column.strip().lower() == "messages"


def _messages_in(text: str) -> list[Any] | None:
    """The messages that a text holds as a JSON list; None for every other text, also for a list of other things."""
    try:
        items = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return items if isinstance(items, list) and _are_messages(items) else None


def _are_messages(items: list[Any]) -> bool:
    spoken = [isinstance(item, Mapping) and any(name in item for name in SPEAKERS) for item in items]
    written = (item for item in items if isinstance(item, Mapping) and any(name in item for name in _WORDS))
    return all(spoken) and any(any(name in item for name in ("role", "from", "parts")) for item in written)
