"""Paths to values inside a row, such as ``choices.0.turns``, ``messages[-1].content`` or ``metadata["gold answer"]``.

A part between dots is a key, or in a list a place from 0, or from the end where it is negative; brackets hold a place
or a key in quotes, as JSON writes it or between single ones.
"""

import json
import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from judgebench.errors import InputError
from judgebench.formats.reading import FileRow, kind

_PART = re.compile(
    r"""\[\s*(?:(?P<place>-?\d{1,9})|(?P<json>"(?:[^"\\]|\\.)*")|'(?P<single>[^']*)')\s*\]|(?P<dot>\.?)(?P<name>[^.\[\]]+)"""
)
_PLACE = re.compile(r"-?\d{1,9}", re.ASCII)
_SHOWN_KEYS, _SHOWN_CHARS = 10, 40  # in a message
Part = str | int  # an int is a place, a text a key, or a place where it is a number and stands before a list


@cache
def parts(path: str) -> tuple[Part, ...]:
    """Raises InputError for a text that is no path."""
    steps: list[Part] = []
    at = 0
    while at < len(path):
        match = _PART.match(path, at)
        if match is None or (match["name"] is not None and bool(match["dot"]) == (at == 0)):
            wrong = f"{path!r} is no path: {path[at:][:_SHOWN_CHARS]!r} is no part of one"
            raise InputError(f'{wrong}; write it like choices.0.turns, messages[-1].content or metadata["gold answer"]')
        steps.append(_part(match))
        at = match.end()
    return tuple(steps)


def _part(match: re.Match[str]) -> Part:
    if match["place"] is not None:
        return int(match["place"])
    if match["json"] is not None:
        try:
            return str(json.loads(match["json"]))
        except ValueError as error:
            raise InputError(f"{match['json']} is no key in quotes: {error}") from error
    return match["single"] if match["single"] is not None else match["name"]


def is_path(column: str) -> bool:
    """Whether a column's name may be a path that leads into one."""
    return "." in column or "[" in column


def reached(row: FileRow, path: str) -> Any:
    """The value that a path leads to in a row. Raises InputError naming file, row and how far it led."""
    steps = parts(path)
    value: Any = row.values
    for number, part in enumerate(steps):
        if number == 1:  # files of texts hold lists and objects as JSON
            value = row.held(str(steps[0]))
        try:
            value = _inside(value, part)
        except (KeyError, IndexError, TypeError) as error:
            raise row.error(path, f"{_led(steps[:number])}, and {_lacks(value, part)}") from error
    return value


def _inside(value: Any, part: Part) -> Any:
    """Raises KeyError, IndexError or TypeError where there is no such part."""
    if isinstance(value, dict):
        return value[part if isinstance(part, str) else str(part)]
    if not isinstance(value, list) or (isinstance(part, str) and not _PLACE.fullmatch(part)):
        raise TypeError
    return value[int(part)]


def _led(steps: Sequence[Part]) -> str:
    if not steps:
        return "the path leads nowhere"
    so_far = "".join(f"[{part}]" if isinstance(part, int) else f"[{json.dumps(part)}]" for part in steps[1:])
    return f"the path leads to {steps[0]}{so_far}"[: 4 * _SHOWN_CHARS]


def _lacks(value: Any, part: Part) -> str:
    if isinstance(value, dict):
        keys = ", ".join(key[:_SHOWN_CHARS] for key in list(value)[:_SHOWN_KEYS]) or "none"
        return f"there is no {part!r} there (keys: {keys})"
    if isinstance(value, list):
        return f"the list there has {len(value)} items and no {part!r}"
    return f"there is {kind(value)} there, which has no {part!r}"
