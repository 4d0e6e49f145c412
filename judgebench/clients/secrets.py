"""Keys, tokens, passwords: sent, never shown.

A server may echo a key in any form: as it is, backwards, full-width, in base64, base32, base85 or its characters'
numbers, whatever stands between, or escaped for JSON, URLs or HTML, these in each other. What can be cut out of a text
is cut out; where the key appears only once a text is decoded further, the whole text goes.
"""

import base64
import json
import re
from codecs import encode as rot13
from collections import deque
from collections.abc import Callable, Iterator
from functools import cached_property
from html import unescape
from typing import Any
from urllib.parse import unquote

from judgebench.errors import InputError

_SHOWN = "[key]"
_BEARER = re.compile(r"(?i)\bbearer\s+[^\s\"'<>,;]+")
_SURE_LENGTH = 16  # a shorter "key", such as EMPTY, may well be an ordinary word of a reply
_SURE_MIXED = 8  # the same, where it is of letters and digits, say
_SHORT = 4  # in base64 or digits anything else might look like it
_TOKENS = 32  # that are remembered
# One of them stands in whatever is escaped, or is in another encoding: an ASCII character by its number, say.
_ESCAPED = re.compile(
    rb"\\u00[0-7]|%[2-7]|&#|&[a-z]{2,6};|\x00|\\u[fF]{2}[1-5]|(?:\xef\xbc[\x90-\xba]|\xef\xbd[\x81-\x9a]){2}"
)
_WIDE = {code + 0xFEE0: code for code in range(0x21, 0x7F)}
_JSON_ESCAPE = re.compile(r"\\(?:u(00[0-9a-fA-F]{2}|[fF]{2}[0-5][0-9a-fA-F])|[nrt]|(.))", re.DOTALL)
_HTML_ESCAPE = re.compile("&(?:#[0-9]+|#[xX][0-9a-fA-F]+|[a-z]+);")
_DEPTH = 12  # of escapes in escapes
_OTHERS = re.compile(rb"\\u(?!00[0-7])[0-9a-fA-F]{4}")
_LOWER = bytes(range(256)).lower()
_NO_LETTERS = bytes(code for code in range(256) if not (code < 128 and chr(code).isalnum()))
_NO_WORDS = 24  # characters, from which on a key is no few words
_LOOSE = 8  # letters and digits, from which on they are no accident
_GAP = re.compile(r"[\s\\]+")


class Secret:
    """A key's value. Its repr, and every text passed through ``scrub``, are free of it.

    Raises InputError, calling it ``name``, when no HTTP header can hold the key; ``spaced``: it may hold spaces.
    """

    def __init__(self, value: str, name: str = "the API key", *, spaced: bool = False) -> None:
        least = " " if spaced else "!"
        if not value.strip() or not all(least <= character <= "~" for character in value):
            what = "or holds" if spaced else "or holds spaces or"
            raise InputError(f"{name} is empty, {what} non-ASCII characters; check its variable")
        self._value = value
        self._loose = [form for form in map(_letters, _loose_forms(value)) if len(form) >= _LOOSE]
        self._bare = [_GAP.sub("", form) for form in _forms(value)]
        self._encoded = [form.encode() for form in self._bare]

    def __repr__(self) -> str:
        return f"Secret({_SHOWN})"

    def reveal(self) -> str:
        """To be sent, and for nothing else."""
        return self._value

    def scrub(self, text: str) -> str:
        """``text`` without the key and without whatever stands behind "Bearer", for messages."""
        return _BEARER.sub(f"Bearer {_SHOWN}", self._without(text))

    def scrub_reply(self, body: bytes) -> bytes:
        """A body as it came without the key: JSON stays JSON of the same shape, its strings and names are scrubbed.

        A key too short to be a secret stays, because replies are kept as they came.
        """
        if not _is_sure(self._value) or not self._may_be_in(body):
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
        flat = body.replace(b"\\n", b"").replace(b"\\r", b"").replace(b"\\t", b"")
        bare = flat.translate(None, b" \t\r\n\\")
        return any(form in bare for form in self._encoded) or self._is_loosely_in(flat)

    def _is_in(self, text: str) -> bool:
        bare = _GAP.sub("", text)
        return any(form in bare for form in self._bare) or self._is_loosely_in(text.encode("ascii", "ignore"))

    def _is_loosely_in(self, text: bytes) -> bool:
        letters = _without_others(text).translate(_LOWER, _NO_LETTERS)
        return any(form in letters for form in self._loose)


class Secrets:
    """All that a client sends and that nobody may see. Of tokens that were renewed the newest ones are remembered."""

    def __init__(self) -> None:
        self._lasting: list[Secret] = []
        self._renewed: deque[Secret] = deque(maxlen=_TOKENS)
        self._all: tuple[Secret, ...] = ()

    def add(self, secret: Secret, *, renewed: bool = False) -> None:
        (self._renewed if renewed else self._lasting).append(secret)
        self._all = (*self._lasting, *self._renewed)

    def scrub(self, text: str) -> str:
        """As ``Secret.scrub`` does, without any of them."""
        for secret in self._all:
            text = secret.scrub(text)
        return text

    def scrub_reply(self, body: bytes) -> bytes:
        """As ``Secret.scrub_reply`` does, without any of them."""
        for secret in self._all:
            body = secret.scrub_reply(body)
        return body


def _is_sure(value: str) -> bool:
    """Whether it is no ordinary word of a reply, as EMPTY may be."""
    kinds = (str.islower, str.isupper, str.isdigit, lambda character: not character.isalnum())
    mixed = sum(any(map(kind, value)) for kind in kinds) > 1
    return len(value) >= (_SURE_MIXED if mixed else _SURE_LENGTH)


def _forms(value: str) -> Iterator[str]:
    """The key itself, backwards, turned by 13 letters, in digits, and in both alphabets of base64 and base85, wherever
    it begins in what was encoded."""
    yield value
    if len(value) < _SHORT:
        return
    if len(value) >= _SURE_LENGTH:
        yield from (value[::-1], rot13(value, "rot13"))
        yield from _in_groups(value.encode())
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


def _in_groups(data: bytes) -> Iterator[str]:
    """In both alphabets of base85, those groups of four bytes that hold nothing else."""
    for encode in (base64.b85encode, base64.a85encode):
        for first in range(4):
            whole = data[first : first + (len(data) - first) // 4 * 4]
            yield encode(whole).decode()


def _loose_forms(value: str) -> Iterator[str]:
    """Where nothing but letters and digits counts, in either case: the characters' numbers, whatever stands between
    them, and codes of codes."""
    if len(value) >= _NO_WORDS or any(map(str.isdigit, value)):  # not "my-secret-key", for "my secret key"
        yield value
    codes = value.encode()
    for number in ("{:d}", "{:03o}", "{:02x}", "x{:02x}", "0x{:02x}", "u{:04x}", "u{:x}"):
        yield "".join(number.format(code) for code in codes)
    for text in (value, codes.hex(), base64.b64encode(codes).decode()):
        yield from _coded(text.encode(), base64.b64encode, 6)
    for before in range(1, 3):
        yield from _coded(base64.b64encode(b"\0" * before + codes)[2 * before :][:-4], base64.b64encode, 6)
    yield from _coded(codes, base64.b32encode, 5)


def _coded(data: bytes, encode: Callable[[bytes], bytes], bits: int) -> Iterator[str]:
    """In a code of so many bits a digit, wherever it begins in what was encoded, without digits that hold others'."""
    for before in range(3 if bits == 6 else 5):
        code = encode(b"\0" * before + data).decode()
        yield code[-(-before * 8 // bits) : (before + len(data)) * 8 // bits]


def _letters(text: str) -> bytes:
    return text.encode("ascii", "ignore").translate(_LOWER, _NO_LETTERS)


def _without_others(body: bytes) -> bytes:
    """Without escapes of JSON for what is no ASCII."""
    return _OTHERS.sub(b"", body) if b"\\u" in body else body


def _readings(text: str) -> Iterator[str]:
    """The text, and what escapes in it stand for, and the escapes in these.

    One kind at a time, because half-read escapes of one kind look like others of another.
    """
    yield text
    for _ in range(_DEPTH):
        ways = (
            _JSON_ESCAPE.sub(_character, text),
            unquote(text),
            _HTML_ESCAPE.sub(_entity, text),
            text if text.isascii() else text.translate(_WIDE),
        )
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
