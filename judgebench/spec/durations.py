"""Lengths of time as people write them."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from judgebench.errors import InputError

_WRITTEN = re.compile(r"\s*(?:([0-9.]+)h)?\s*(?:([0-9.]+)m)?\s*(?:([0-9.]+)s)?\s*")
_PLAIN = re.compile(r"\s*[0-9.]+\s*")  # seconds
_UNITS_S = (3600.0, 60.0, 1.0)


def _seconds(given: Any) -> Any:
    """
    >>> [_seconds(text) for text in ("90", "90s", "55m", "1h30m", "0.5h")]
    [90.0, 90.0, 3300.0, 5400.0, 1800.0]
    """
    if isinstance(given, bool):
        raise ValueError("is no length of time: write 90s, 55m or 1h30m")
    if not isinstance(given, str):
        return given
    written = _WRITTEN.fullmatch(f"{given}s" if _PLAIN.fullmatch(given) else given)
    try:
        parts = [] if written is None else [float(part or 0) for part in written.groups()]
    except ValueError:  # two points
        parts = []
    if not parts or not any(parts):
        raise ValueError(f"{given[:40]!r} is no length of time above 0: write 90s, 55m or 1h30m")
    return sum(part * unit_s for part, unit_s in zip(parts, _UNITS_S, strict=True))


Seconds = Annotated[float, BeforeValidator(_seconds), Field(gt=0, le=1e8, allow_inf_nan=False)]


def length(text: str) -> float:
    """Seconds. Raises InputError."""
    try:
        return TypeAdapter(Seconds).validate_python(text)
    except ValidationError as error:
        raise InputError(f"{text[:40]!r} is no length of time above 0: write 90s, 55m or 1h30m") from error
