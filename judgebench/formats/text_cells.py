"""Lists that stand in the texts of cells as JSON, as tables hold them that have nothing but texts.

A cell with an instruction that is a JSON list of texts holds its turns, and then the cells of its outputs hold lists,
too. Every other text that begins with a bracket is one: a model may be asked for a list.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from judgebench.formats.reading import FileRow

_PRINTED = re.compile(r"\s*\[\s*(?:\{\s*)?(?:'|\"|array\()")  # how lists begin as Python prints them
_MESSAGE = re.compile(r"\s*\[\s*\{\s*['\"](?:role|content|from|value)['\"]")


def with_lists(row: FileRow, instruction: str | None, outputs: Sequence[str], lists: Sequence[str]) -> FileRow:
    """The row with lists where JSON stands in its columns of the instruction, its outputs, and what is always a list.

    Raises InputError where an instruction is a list and an output to it is none, or one of another length, and for
    lists as Python prints them.
    """
    held = {name: texts for name in lists if row.texts_only and (texts := _texts(row.values[name])) is not None}
    turns = None if instruction is None else _texts(row.values[instruction])
    if turns and instruction is not None:
        replies = {name: _texts(row.values[name]) for name in outputs if row.values[name] not in (None, "")}
        even = {name: texts for name, texts in replies.items() if texts is not None and len(texts) == len(turns)}
        if len(even) == len(replies) and (row.texts_only or even):
            held |= {instruction: turns, **even}
        elif row.texts_only and len(turns) > 1:
            wrong = next(name for name in replies if name not in even)
            raise row.error(
                wrong,
                f"expected a JSON list of {len(turns)} texts, one a turn, as {instruction!r} holds one; where they "
                "are no turns, write the rows as JSON or JSONL, in which a text is a text",
            )
    if row.texts_only:
        patterns = {**dict.fromkeys(outputs, _MESSAGE), **({} if instruction is None else {instruction: _PRINTED})}
        _refuse_printed(row, {name: pattern for name, pattern in patterns.items() if name not in held})
    return replace(row, values=row.values | held) if held else row


def _texts(value: Any) -> list[str] | None:
    """The texts that a text is a JSON list of; None where it is none."""
    if not isinstance(value, str) or value[:64].lstrip()[:1] != "[":
        return None
    try:
        items = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return items if isinstance(items, list) and items and all(isinstance(item, str) for item in items) else None


def _refuse_printed(row: FileRow, patterns: Mapping[str, re.Pattern[str]]) -> None:
    """An output may be a list that a model printed; an instruction, or messages, are none."""
    for column, pattern in patterns.items():
        value = row.values[column]
        if not isinstance(value, str) or value[-64:].rstrip()[-1:] != "]":
            continue
        if pattern.match(value) and not _is_json(value):
            raise row.error(column, "holds a list as Python prints it, not as JSON: write the cell by json.dumps")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
