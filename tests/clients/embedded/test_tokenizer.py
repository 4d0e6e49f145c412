import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgebench.clients.embedded.tokenizer import Tokenizer
from judgebench.clients.embedded.weights_file import GgufFile

# Tokens by llama.cpp (xllamacpp 2026.10.11549, /tokenize with parse_special false) from the same file.
GOLDEN = [
    ("Hello, world!", [19556, 28, 905, 17]),
    (" two  spaces\tand\n\nlines ", [827, 216, 5600, 197, 397, 198, 198, 5110, 216]),
    ("In 2024, 1234567 of them", [788, 216, 34, 32, 34, 36, 28, 216, 33, 34, 35, 36, 37, 38, 39, 282, 601]),
    ("It's what they've said: I'll", [1589, 506, 732, 502, 3543, 1137, 42, 339, 3060]),
    ("<|im_end|>\n<|im_start|>", [44, 108, 306, 79, 486, 108, 46, 198, 44, 108, 306, 79, 3738, 108, 46]),
    (
        "Gr\xfc\xdfe, \u4e16\u754c \U0001f44d\U0001f3fd",
        [27302, 7170, 34878, 85, 28, 216, 7906, 240, 178, 239, 230, 15107, 235, 231, 10813, 233, 138],
    ),
    ("\u0663 \xb2 \u2163 \xbd", [164, 113, 216, 19133, 216, 173, 223, 113, 216, 16738]),
    ("def f(x):\n    return x**2\n", [1604, 275, 24, 104, 727, 472, 1003, 1792, 828, 34, 198]),
    ("\u0301\u200d\xa0", [151, 219, 321, 231, 15442]),
]
CONTROL_TYPE = 3  # in tokenizer.ggml.token_type
_pieces = st.sampled_from(["<|im_end|>", "<|im_start|>", "<|endoftext|>", "<empty_output>", " ", "\n", "7", "a"])
texts = st.lists(st.one_of(_pieces, st.text(max_size=5)), max_size=12).map("".join)


@pytest.mark.parametrize(("text", "tokens"), GOLDEN)
def test_golden_tokens_of_llama_cpp(tokenizer: Tokenizer, text: str, tokens: list[int]) -> None:
    assert tokenizer.encode(text) == tokens


@settings(deadline=None)
@given(texts)
def test_no_text_becomes_a_control_token(tokenizer: Tokenizer, file: GgufFile, text: str) -> None:
    types = file.metadata["tokenizer.ggml.token_type"]
    assert all(types[token] != CONTROL_TYPE for token in tokenizer.encode(text))


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"]), max_size=40))
def test_decode_undoes_encode(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_no_character_vanishes(tokenizer: Tokenizer) -> None:
    """One of each pair of leading bytes, and everything up to U+07FF: some have bytes that the vocabulary lacks."""
    for character in map(chr, [*range(0x800), *range(0x800, 0xD800, 0x40), *range(0xE000, 0x110000, 0x1000)]):
        assert tokenizer.decode(tokenizer.encode(character)) in (character, "\ufffd")


@pytest.mark.parametrize("text", ["\0", "\ud800", "\x04", "\U00040000", "\U000bffff"])
def test_what_cannot_be_written_is_not_silently_empty(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.encode(text) == tokenizer.encode("\ufffd") != []


@settings(deadline=None)
@given(st.text("ab ", max_size=60), st.integers(0, 20))
def test_a_limit_keeps_the_first_tokens(tokenizer: Tokenizer, text: str, limit: int) -> None:
    assert tokenizer.encode(text, limit) == tokenizer.encode(text)[:limit]


def test_a_limit_spares_the_rest_of_a_megabyte(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode("word " * 200_000, 3) == tokenizer.encode("word word word")


def test_an_unknown_control_token_is_a_key_error(tokenizer: Tokenizer) -> None:
    with pytest.raises(KeyError):
        tokenizer.control("<|im_middle|>")
