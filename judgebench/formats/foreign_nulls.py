"""Nulls that a columnar file adds to the objects of calls and tools.

Every object of such a column gets the keys of all others, as null where it had none: a call with ``{"a": 1}`` comes
back as ``{"a": 1, "b": null}``, which is another call. A key that was null before cannot be told from these.
"""

import re
from collections.abc import Mapping
from typing import Any

_NAMES = ("name", "function")  # one of them is a text in whatever has arguments
_OBJECTS = frozenset(("arguments", "args", "input", "response", "parameters", "parametersJsonSchema", "input_schema"))
_OBJECT_KEY = re.compile(b'"(?:%s)":' % "|".join(sorted(_OBJECTS)).encode())


def may_have_nulls(line: bytes) -> bool:
    """Whether a row as JSON may hold such an object. Most do not, and to look for its key is far less work than to look
    at each value."""
    return _OBJECT_KEY.search(line) is not None


def without_nulls(values: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    """A row without such nulls, and how many there were."""
    counted = [0]
    return {column: _called(value, counted) for column, value in values.items()}, counted[0]


def _called(value: Any, counted: list[int]) -> Any:
    """The value, in which the objects of calls and tools are without nulls."""
    if isinstance(value, list):
        return [_called(item, counted) if isinstance(item, list | dict) else item for item in value]
    if not isinstance(value, dict):
        return value
    named = not _OBJECTS.isdisjoint(value) and any(isinstance(value.get(name), str) for name in _NAMES)
    return {
        key: item
        if not isinstance(item, list | dict)
        else (_pruned if named and key in _OBJECTS else _called)(item, counted)
        for key, item in value.items()
    }


def _pruned(value: Any, counted: list[int]) -> Any:
    if isinstance(value, list):
        return [_pruned(item, counted) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {key: _pruned(item, counted) for key, item in value.items() if item is not None}
    counted[0] += len(value) - len(kept)
    return kept
