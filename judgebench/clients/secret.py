"""An API key that can be sent, and cannot be shown."""

import html
import json
import re
from urllib.parse import quote

from judgebench.errors import InputError

_SHOWN = "[key]"
_BEARER = re.compile(r"(?i)\bbearer\s+[^\s\"'<>,;]+")
_SURE_LENGTH = 16  # a shorter "key", such as EMPTY, may well be an ordinary word of a reply


class Secret:
    """A key's value. Its repr, and every text passed through ``scrub``, are free of it.

    Raises InputError when no HTTP header can hold the key.
    """

    def __init__(self, value: str) -> None:
        if not value or not all("!" <= character <= "~" for character in value):
            raise InputError("the API key is empty, or holds spaces or non-ASCII characters; check its variable")
        self._value = value
        forms = {value, quote(value, safe=""), html.escape(value), json.dumps(value)[1:-1], value.replace("/", "\\/")}
        self._forms = sorted(forms, key=len, reverse=True)

    def __repr__(self) -> str:
        return f"Secret({_SHOWN})"

    def header(self) -> str:
        """The value of the Authorization header."""
        return f"Bearer {self._value}"

    def scrub(self, text: str) -> str:
        """``text`` without the key, for messages: as it is, escaped for URLs, HTML or JSON, or behind "Bearer"."""
        for form in self._forms:
            text = text.replace(form, _SHOWN)
        return _BEARER.sub(f"Bearer {_SHOWN}", text)

    def scrub_reply(self, body: bytes) -> bytes:
        """A reply without the key. A key too short to be a secret stays, because replies are kept as they came."""
        for form in self._forms if len(self._value) >= _SURE_LENGTH else ():
            body = body.replace(form.encode(), _SHOWN.encode())
        return body
