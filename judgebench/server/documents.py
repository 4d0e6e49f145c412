"""JSON that a request carries."""

import json
import math
from collections import Counter
from typing import Any

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from judgebench.errors import InputError
from judgebench.web.bodies import LAST

_MOST = 100  # names in a list, as in an address
_MOST_PAIRS = _MOST * (_MOST - 1) // 2  # that so many names make
_DEPTH = 20
_NAME = 80  # characters of a field's name in a message
_HIGHEST = 2**63 - 1  # integer that a database holds


async def read(request: Request) -> dict[str, Any]:
    """An object, in which no field is given twice, every number is one, and no list is longer than those of addresses.
    Raises HTTPException and InputError."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "send a JSON document, with Content-Type: application/json", LAST)
    try:
        body = await request.body()
    except ClientDisconnect:
        raise HTTPException(400, "the body ended before its end", LAST) from None
    try:
        document = json.loads(body, object_pairs_hook=_once, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise InputError("the body is nested too deeply to be read") from None
    except ValueError as error:
        raise InputError(f"the body is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise InputError(f"the body must be a JSON object, not {type(document).__name__}")
    _check_sizes(document, ())
    return document


def _check_sizes(value: object, place: tuple[str | int, ...]) -> None:
    """Raises InputError, naming the field, before anything is made of what is longer, deeper or higher than needed.
    ``place``: the names of fields, and the numbers in lists, under which the value stands."""
    if len(place) >= _DEPTH:
        raise InputError("the body is nested too deeply to be read")
    if isinstance(value, int) and abs(value) > _HIGHEST:
        raise InputError(f"{_told(place)}: is too high a number")
    if isinstance(value, dict):
        for name, inner in value.items():
            _check_sizes(inner, (*place, name))
    if isinstance(value, list):
        most = _MOST_PAIRS if place == ("pairs",) else _MOST
        if len(value) > most:
            raise InputError(f"{_told(place)}: at most {most:,} of them are taken at once")
        for number, inner in enumerate(value, start=1):
            _check_sizes(inner, (*place, number))


def _told(place: tuple[str | int, ...]) -> str:
    """As messages hold it, made for the one that needs it: names are as long and strange as their sender likes."""
    return ": ".join(("the body", *(_quoted(part) if isinstance(part, str) else str(part) for part in place)))


def _quoted(name: str) -> str:
    return repr(name[:_NAME])


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise ValueError(f"{_quoted(twice)} is given twice")
    return fields


def _finite(text: str) -> float:
    """``1e999`` is written as JSON writes numbers, and would be a limit without an end."""
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")
