"""No form in which a server may echo a key survives, and nothing else changes."""

import base64
import codecs
import json
import random
import re
from collections.abc import Callable
from html import escape, unescape
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.clients.secrets import Secret, Secrets
from judgebench.errors import InputError
from tests.growth import grows_in_proportion


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


@pytest.mark.parametrize(
    "way",
    [
        lambda key: base64.b64encode(base64.b64encode(key.encode())).decode(),
        lambda key: base64.b64encode(b"Basic " + base64.b64encode(b"x:" + key.encode())).decode(),
        lambda key: base64.b64encode(key.encode().hex().encode()).decode(),
        lambda key: base64.b32encode(b"key=" + key.encode()).decode(),
        lambda key: ":".join(f"{ord(char):02x}" for char in key),
        lambda key: ", ".join(f"0x{ord(char):02X}" for char in key),
        lambda key: ",".join(str(ord(char)) for char in key),
        lambda key: "".join(f"\\x{ord(char):02x}" for char in key),
        lambda key: "".join(f"\\{ord(char):03o}" for char in key),
        lambda key: "".join(f"={ord(char):02X}" for char in key),
        lambda key: "".join(f"\\u{{{ord(char):x}}}" for char in key),
        lambda key: " ".join(f"U+{ord(char):04X}" for char in key),
        lambda key: key.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)}),
        "-".join,
        "\u200b".join,
        str.upper,
    ],
)
@pytest.mark.parametrize("is_ascii", [True, False])
def test_a_key_in_other_codes_takes_the_text_with_it(way: Callable[[str], str], is_ascii: bool) -> None:
    key = "sk-outsider-9Zq8Wv3Lm77Kd"
    body = json.dumps({"error": f"who is {way(key)}?", "n": 1}, ensure_ascii=is_ascii).encode()
    assert json.loads(Secret(key).scrub_reply(body)) == {"error": "[key]", "n": 1}
    assert Secret(key).scrub(f"who is {way(key)}?") == "[key]"


@pytest.mark.parametrize("way", [lambda key: key[::-1], lambda key: codecs.encode(key, "rot13")])
def test_a_key_that_is_turned_is_cut_out(way: Callable[[str], str]) -> None:
    key = "sk-outsider-9Zq8Wv3Lm77Kd"
    assert json.loads(Secret(key).scrub_reply(json.dumps([way(key)]).encode())) == ["[key]"]


@pytest.mark.parametrize("encode", [base64.b85encode, base64.a85encode])
@pytest.mark.parametrize("before", range(5))
def test_a_key_in_base85_is_cut_out_wherever_it_begins(encode: Callable[[bytes], bytes], before: int) -> None:
    key = "sk-outsider-9Zq8Wv3Lm77Kd"
    echo = encode(b"x" * before + key.encode() + b"yz").decode()
    [left] = json.loads(Secret(key).scrub_reply(json.dumps([echo]).encode()))
    assert "[key]" in left
    assert len(left) <= len("[key]") + 5 * (1 + 2)


def test_words_of_a_key_are_words() -> None:
    body = b'{"text": "This is my secret key, MySecretKey."}'
    assert Secret("my-secret-key").scrub_reply(body) == body


@given(text=st.text())
def test_other_texts_stay(text: str) -> None:
    body = json.dumps({"text": text}).encode()
    assert OTHER.scrub_reply(body) == body


OTHER = Secret("sk-proj-Vd83nNf02+/x")


def test_a_short_word_is_kept_in_replies_and_not_shown_in_messages() -> None:
    assert Secret("EMPTY").scrub_reply(b'{"text": "EMPTY"}') == b'{"text": "EMPTY"}'
    assert Secret("EMPTY").scrub("key EMPTY") == "key [key]"


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["a", "\\", "\\n", "%61", "&#97;", "\\u0061", "a\\n", "sk-" + "a" * 47, "sk-", "  "])
def test_hostile_replies_are_searched_in_proportion(unit: str) -> None:
    secret = Secret("sk-" + "a" * 48)

    def search(size: int) -> None:
        secret.scrub_reply(('{"text": "' + unit * (size // len(unit)) + '"}').encode())

    assert grows_in_proportion(search, 800_000)


@pytest.mark.parametrize("value", ["", "two words", "caf\u00e9", "line\n"])
def test_what_no_header_can_hold_is_refused(value: str) -> None:
    with pytest.raises(InputError, match="the API key is empty, or holds"):
        Secret(value)


def test_it_is_not_printed() -> None:
    assert "sk" not in repr(Secret("sk-1234567890"))


def test_all_that_is_sent_is_scrubbed_the_tokens_that_were_renewed_too() -> None:
    secrets = Secrets()
    secrets.add(Secret("sk-lasting-0123456789"))
    secrets.add(Secret("Basic anVkZ2U6cGE1NQ==", "the value of LOGIN", spaced=True))
    tokens = [f"tok-{number:02d}-Vd83nNf02xK1" for number in range(20)]
    for token in tokens:
        secrets.add(Secret(token), renewed=True)
    heard = " ".join(["sk-lasting-0123456789", "Basic anVkZ2U6cGE1NQ==", *tokens])
    for scrubbed in (secrets.scrub(heard), secrets.scrub_reply(json.dumps({"a": heard}).encode()).decode()):
        assert not any(secret in scrubbed for secret in ("lasting", "anVkZ2U6", "tok-"))
    assert secrets.scrub_reply(b'{"a": "other"}') == b'{"a": "other"}'


@pytest.mark.parametrize(("value", "is_kept"), [("EMPTY", True), ("token", True), ("pa55-w0rd-9x", False)])
def test_a_short_secret_is_cut_out_of_replies_where_it_is_no_word(value: str, is_kept: bool) -> None:
    assert (value.encode() in Secret(value).scrub_reply(f'{{"a": "{value}"}}'.encode())) is is_kept


def test_one_letter_in_base64_is_everywhere_and_not_looked_for() -> None:
    assert Secret("x").scrub("a WXY") == "a WXY"
