"""Content keys, and the cleaned and normalised text that they are made of."""

import hashlib
import json
import re
import unicodedata
from typing import Any

_KEY_BYTES = 16


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
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip()
