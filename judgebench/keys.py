"""Content keys, and the cleaned and normalised text and JSON that they are made of."""

import hashlib
import json
import re
import unicodedata
from typing import Any

_KEY_BYTES = 16


_SURROGATE = re.compile("[\ud800-\udfff]")
_CANONICAL = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), sort_keys=True)


def content_key(*parts: Any) -> str:
    """128 bits of SHA-256 over the canonical JSON of ``parts``, as 32 hexadecimal digits."""
    return hashlib.sha256(_CANONICAL.encode(parts).encode()).hexdigest()[: 2 * _KEY_BYTES]


def clean_text(text: str) -> str:
    """Replace what no store can hold, NUL and lone surrogates, by U+FFFD; everything else stays as it is."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def normalise_text(text: str) -> str:
    """The form under which instructions are matched: NFC, runs of white space as one space, ends stripped."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def one_json(text: str) -> str:
    """The JSON value in ``text`` in the one way in which equal values are written, numbers with the digits that they
    have; or else ``text``."""
    written = written_json(text)
    return text if written is None else written


def written_json(text: str) -> str | None:
    """As ``one_json``, and None where the text is no JSON."""
    try:
        value = json.loads(
            text, parse_float=_Digits, parse_int=_Digits, parse_constant=_not_json, object_pairs_hook=_unique
        )
        return _SURROGATE.sub(lambda lone: f"\\u{ord(lone[0]):04x}", _with_digits(value))
    except (ValueError, RecursionError):
        return None


class _Digits(str):
    """A number as it is written."""


def _with_digits(value: Any) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{_with_digits(key)}: {_with_digits(value[key])}" for key in sorted(value)) + "}"
        case list():
            return "[" + ", ".join(map(_with_digits, value)) + "]"
        case _Digits():
            return str(value)
    return json.dumps(value, ensure_ascii=False)


def _not_json(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a key occurs twice")
    return values
