"""Characters that judges write for others: full-width ones, odd brackets and quotes, and those that nobody sees."""

import re

# Characters that nobody sees, joiners, variation selectors and fillers among them.
HIDDEN_CHARACTERS = (
    "\u00ad\u034f\u115f\u1160\u180b-\u180f\u200b-\u200f\u2060-\u2064\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\U000e0000-\U000e007f\U000e0100-\U000e01ef"
)
DIRECTION_MARKS = "\u061c\u202a-\u202e\u2066-\u206f"  # of writing, also those that Unicode advises against
_UNSEEN = re.compile(f"[{HIDDEN_CHARACTERS}{DIRECTION_MARKS}]+")
# One character for one, so that positions in a folded text are positions in the text: full-width ASCII and the
# brackets of East Asian keyboards, typographic quotes.
_FOLD = {0xFF01 + i: 0x21 + i for i in range(94)} | {
    ord(odd): ord(plain)
    for odd, plain in zip("【】〔〕「」『』〚〛⟦⟧“”„‘’＂　\u00a0", '[][][][][][]"""\'\'"  ', strict=True)
}


def fold(text: str) -> str:
    """Full-width characters and odd brackets as their ASCII kin; the length stays the same."""
    return text if text.isascii() else text.translate(_FOLD)


def visible(text: str) -> str:
    """The text without characters that nobody sees; they may part the brackets or the letters of a verdict."""
    return text if text.isascii() else _UNSEEN.sub("", text)
