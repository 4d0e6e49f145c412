"""API keys: sent, never shown.

A server may echo a key in any form: as it is, in base64 or hexadecimal digits, broken over lines, or escaped for JSON,
URLs or HTML, these in each other. What can be cut out of a text is cut out; where the key appears only once a text is
decoded further, the whole text goes.
"""

import base64
import json
import re
from collections.abc import Callable, Iterator
from functools import cached_property
from html import unescape
from typing import Any
from urllib.parse import unquote

from judgebench.errors import InputError

_SHOWN = "[key]"
_BEARER = re.compile(r"(?i)\bbearer\s+[^\s\"'<>,;]+")
_SURE_LENGTH = 16  # a shorter "key", such as EMPTY, may well be an ordinary word of a reply
# One of them stands in whatever is escaped, or is in another encoding: an ASCII character by its number, say.
_ESCAPED = re.compile(rb"\\u00[0-7]|%[2-7]|&#|&[a-z]{2,6};|\x00")
_JSON_ESCAPE = re.compile(r"\\(?:u00([0-9a-fA-F]{2})|[nrt]|(.))", re.DOTALL)
_HTML_ESCAPE = re.compile("&(?:#[0-9]+|#[xX][0-9a-fA-F]+|[a-z]+);")
_DEPTH = 12  # of escapes in escapes
_GAP = re.compile(r"[\s\\]+")


class Secret:
    """A key's value. Its repr, and every text passed through ``scrub``, are free of it.

    Raises InputError when no HTTP header can hold the key.
    """

    def __init__(self, value: str) -> None:
        if not value or not all("!" <= character <= "~" for character in value):
            raise InputError("the API key is empty, or holds spaces or non-ASCII characters; check its variable")
        self._value = value
        self._bare = [_GAP.sub("", form) for form in _forms(value)]
        self._encoded = [form.encode() for form in self._bare]

    def __repr__(self) -> str:
        return f"Secret({_SHOWN})"

    def header(self) -> str:
        """The value of the Authorization header."""
        return f"Bearer {self._value}"

    def scrub(self, text: str) -> str:
        """``text`` without the key and without whatever stands behind "Bearer", for messages."""
        return _BEARER.sub(f"Bearer {_SHOWN}", self._without(text))

    def scrub_reply(self, body: bytes) -> bytes:
        """A body as it came without the key: JSON stays JSON of the same shape, its strings and names are scrubbed.

        A key too short to be a secret stays, because replies are kept as they came.
        """
        if len(self._value) < _SURE_LENGTH or not self._may_be_in(body):
            return body
        try:
            return json.dumps(_each(json.loads(body), self._without)).encode()
        except (ValueError, RecursionError):
            return self._without(body.decode("utf-8", "replace")).encode()

    def _without(self, text: str) -> str:
        text = self._pattern.sub(_SHOWN, text)
        return _SHOWN if any(self._is_in(reading) for reading in _readings(text)) else text

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        """Any form of it, over several lines too."""
        return re.compile("|".join(r"\s*".join(map(re.escape, form)) for form in _forms(self._value)))

    def _may_be_in(self, body: bytes) -> bool:
        """Whether to look closer; this is asked of every reply, so that it must cost next to nothing."""
        if _ESCAPED.search(body):
            return b"\0" in body or any(self._is_in(reading) for reading in _readings(body.decode("utf-8", "replace")))
        bare = body.replace(b"\\n", b"").replace(b"\\r", b"").replace(b"\\t", b"").translate(None, b" \t\r\n\\")
        return any(form in bare for form in self._encoded)

    def _is_in(self, text: str) -> bool:
        bare = _GAP.sub("", text)
        return any(form in bare for form in self._bare)


def _forms(value: str) -> Iterator[str]:
    """The key itself, in digits, and in both alphabets of base64, wherever it begins in what was encoded."""
    yield value
    digits = value.encode().hex()
    yield digits
    yield digits.upper()
    for before in range(3):
        code = base64.b64encode(b"\0" * before + value.encode()).decode()
        # Without the digits that hold bits of what stands before or behind.
        inner = code[(before * 8 + 5) // 6 : (before + len(value)) * 8 // 6]
        yield inner
        if inner != (other := inner.replace("+", "-").replace("/", "_")):
            yield other


def _readings(text: str) -> Iterator[str]:
    """The text, and what escapes in it stand for, and the escapes in these.

    One kind at a time, because half-read escapes of one kind look like others of another.
    """
    yield text
    for _ in range(_DEPTH):
        ways = (_JSON_ESCAPE.sub(_character, text), unquote(text), _HTML_ESCAPE.sub(_entity, text))
        decoded = next((reading for reading in ways if reading != text), None)
        if decoded is None:
            return
        text = decoded
        yield text


def _character(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16)) if escape[1] else escape[2] or "\n"


def _entity(escape: re.Match[str]) -> str:
    return unescape(escape[0])


def _each(value: Any, change: Callable[[str], str]) -> Any:
    """A JSON value with each of its texts and names changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_each(item, change) for item in value]
    if isinstance(value, dict):
        return {change(name): _each(item, change) for name, item in value.items()}
    return value
