"""Text to tokens and back, from the vocabulary and merges that the weights carry.

Judged text is never encoded as control tokens: they are not known to the encoder, and no merge leads to them, so
``<|im_end|>`` inside a text is seven ordinary tokens. Control tokens enter by name only, through ``control``.

Source: the pre-tokeniser named "smollm" in the file: every digit alone, then the byte-level split of GPT-2.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from judgebench.keys import clean_text
from judgebench.records import PromptMessage

# The vocabulary lacks the bytes 04 06 13 14 16 1D and F1, F2 (the first of U+40000 to U+BFFFF): characters written
# with them would vanish, and a text of nothing else would be as good as empty.
_WITHOUT_TOKEN = re.compile("[\x04\x06\x13\x14\x16\x1d\U00040000-\U000bffff]")
START, END = "<|im_start|>", "<|im_end|>"
_DEFAULT_SYSTEM = PromptMessage("system", "You are a helpful AI assistant named SmolLM, trained by Hugging Face")


class Tokenizer:
    """``metadata`` is that of the GGUF file. Needs the ``tokenizers`` package."""

    def __init__(self, metadata: Mapping[str, Any]) -> None:
        from tokenizers import Tokenizer as Bpe  # an extra: the package must be importable without it
        from tokenizers import decoders, models, pre_tokenizers

        tokens: list[str] = metadata["tokenizer.ggml.tokens"]
        self._ids = {token: number for number, token in enumerate(tokens)}
        self._longest = max(map(len, tokens))
        merges = [tuple(merge.split(" ")) for merge in metadata["tokenizer.ggml.merges"]]
        self._bpe = Bpe(models.BPE(self._ids, merges))
        self._bpe.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        )
        self._bpe.decoder = decoders.ByteLevel()

    def control(self, name: str) -> int:
        """The number of a control token, such as ``<|im_start|>``. Raises KeyError when there is none."""
        return self._ids[name]

    def encode(self, text: str, limit: int | None = None) -> list[int]:
        """The tokens of a text, none of them a control token; at most ``limit``, the first ones.

        NUL, lone surrogates and what the vocabulary cannot write count as U+FFFD.
        """
        if limit is not None:
            text = text[: limit * self._longest]  # no token is longer, so a megabyte need not be read to its end
        text = _WITHOUT_TOKEN.sub("\ufffd", clean_text(text))
        numbers: list[int] = self._bpe.encode(text, add_special_tokens=False).ids
        return numbers[:limit]

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of these tokens; bytes that are no complete character become U+FFFD, control tokens their name."""
        text: str = self._bpe.decode(list(tokens), skip_special_tokens=False)
        return text


def prompt_tokens(messages: Sequence[PromptMessage], tokenizer: Tokenizer) -> list[int]:
    """The conversation and the head of the assistant's next turn; without a system message, the model's own."""
    start, end = tokenizer.control(START), tokenizer.control(END)
    newline = tokenizer.encode("\n")
    if messages and messages[0].role != "system":
        messages = [_DEFAULT_SYSTEM, *messages]
    tokens: list[int] = []
    for message in messages:
        tokens += [start, *tokenizer.encode(f"{message.role}\n{message.content}"), end, *newline]
    return [*tokens, start, *tokenizer.encode("assistant\n")]
