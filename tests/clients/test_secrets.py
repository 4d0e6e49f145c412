"""No form in which a server may echo a key survives, and nothing else changes."""

import base64
import json
import random
import re
from collections.abc import Callable
from html import escape, unescape
from time import process_time
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.clients.secrets import Secret
from judgebench.errors import InputError


def a_key(rng: random.Random) -> str:
    return "".join(chr(rng.randint(33, 126)) for _ in range(rng.randint(16, 60)))


def in_json(rng: random.Random, text: str) -> str:
    """Inside a JSON string, some of its characters written with their numbers."""
    share = rng.random()
    case = rng.choice(["04x", "04X"])
    return "".join(f"\\u{ord(c):{case}}" if rng.random() < share else json.dumps(c)[1:-1] for c in text)


def in_url(rng: random.Random, text: str) -> str:
    share = rng.random()
    return "".join(f"%{ord(c):02x}" if rng.random() < share else quote(c, safe="") for c in text)


def in_html(rng: random.Random, text: str) -> str:
    ways: tuple[Callable[[str], str], ...] = (escape, lambda c: f"&#{ord(c)};", lambda c: f"&#x{ord(c):X};")
    return "".join(rng.choice(ways)(c) for c in text)


def in_base64(rng: random.Random, text: str) -> str:
    before, behind = (rng.randbytes(rng.randint(0, 5)) for _ in range(2))
    encode = rng.choice([base64.b64encode, base64.urlsafe_b64encode])
    return encode(before + text.encode() + behind).decode()


def in_digits(rng: random.Random, text: str) -> str:
    return rng.choice([str.lower, str.upper])(text.encode().hex())


def over_lines(rng: random.Random, text: str) -> str:
    width = rng.randint(3, 20)
    return rng.choice(["\n", "\r\n", " ", "\n\t"]).join(re.findall(f".{{1,{width}}}", text, re.DOTALL))


def plain(rng: random.Random, text: str) -> str:
    return text


def unjson(text: str) -> str:
    return re.sub(r"\\\\u00(..)", lambda code: chr(int(code[1], 16)), text)


def readings(text: str) -> set[str]:
    """What a reader can make of a text by the usual decodings."""
    whole = "".join(text.split())
    seen = {text, whole}
    for _ in range(5):
        seen |= {decode(each) for each in seen for decode in (unquote, unescape, unjson)}
    for words in (re.findall(r"[A-Za-z0-9+/_-]{12,}", whole), re.findall("[0-9a-fA-F]{20,}", whole)):
        for word in words:
            for code in (word, word.replace("-", "+").replace("_", "/")):
                for start in range(4):
                    part = code[start : start + (len(code) - start) // 4 * 4]
                    seen.add(base64.b64decode(part.encode(), validate=False).decode("latin-1"))
            if re.fullmatch("(?:[0-9a-fA-F]{2})+", word):
                seen.add(bytes.fromhex(word).decode("latin-1"))
    return seen


def both(rng: random.Random, text: str) -> str:
    return in_html(rng, in_url(rng, text))


@pytest.mark.parametrize("way", [both, plain, in_url, in_html, in_base64, in_digits, over_lines])
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_a_key_is_found_however_it_is_written(way: Callable[[random.Random, str], str], depth: int) -> None:
    for seed in range(12):
        rng = random.Random(seed)
        key = a_key(rng)
        secret, echo = Secret(key), way(rng, key)
        for _ in range(depth):  # JSON in JSON
            echo = f'{{"key": "{in_json(rng, echo)}"}}'
        body = f'{{"error": "key {in_json(rng, echo)} is wrong", "n": 1}}'.encode(rng.choice(["utf-8", "utf-16"]))
        reply = json.loads(secret.scrub_reply(body))
        message = reply["error"]
        assert reply == {"error": message, "n": 1}
        assert "[key]" in message, (seed, key)
        assert not any(key in reading for reading in readings(message)), (seed, key)
        assert "[key]" in secret.scrub(echo)


@given(text=st.text())
def test_other_texts_stay(text: str) -> None:
    body = json.dumps({"text": text}).encode()
    assert OTHER.scrub_reply(body) == body


OTHER = Secret("sk-proj-Vd83nNf02+/x")


def test_a_short_word_is_kept_in_replies_and_not_shown_in_messages() -> None:
    assert Secret("EMPTY").scrub_reply(b'{"text": "EMPTY"}') == b'{"text": "EMPTY"}'
    assert Secret("EMPTY").scrub("key EMPTY") == "key [key]"


def test_hostile_replies_take_no_long_search() -> None:
    secret = Secret("sk-" + "a" * 48)
    begun = process_time()
    for unit in ("a", "\\", "\\n", "%61", "&#97;", "\\u0061", "a\\n", "sk-" + "a" * 47, "sk-", "  "):
        secret.scrub_reply(('{"text": "' + unit * (1_000_000 // len(unit)) + '"}').encode())
    assert process_time() - begun < 60


@pytest.mark.parametrize("value", ["", "two words", "caf\u00e9", "line\n"])
def test_what_no_header_can_hold_is_refused(value: str) -> None:
    with pytest.raises(InputError, match="the API key is empty, or holds"):
        Secret(value)


def test_it_is_not_printed() -> None:
    assert "sk" not in repr(Secret("sk-1234567890"))
