"""Which token of a completion covers a place in its text.

Servers log tokens of which the text holds only the end (thinking that was moved beside it), tokens that no text holds
(ends of turns, marks of a channel), blanks in their tokenizer's own spelling, and letters cut into bytes. Tokens and
text are therefore compared from the end of both, without blanks, and the tokens must spell all that the text holds
behind the judge's thinking. What they hold before that is thinking too.
"""

import re
from collections.abc import Sequence

from judgebench.judging.characters import visible
from judgebench.judging.parsing.markup import SPECIAL
from judgebench.judging.parsing.thinking import leaves_open
from judgebench.records import TokenLogprob

_BLANKS = re.compile(r"[\s▁ĠĊ]+")
_SPECIAL = re.compile(SPECIAL, re.IGNORECASE)
_BYTES = re.compile(r"(?:bytes:)?(?:\\x[0-9a-f]{2}|<0x[0-9a-f]{2}>)+", re.IGNORECASE)
_BYTE = re.compile(r"x([0-9a-f]{2})", re.IGNORECASE)
_UNKNOWN = "\ufffd"  # at least one byte of a letter


class Unaligned(Exception):
    """Tokens and text do not go together with certainty; says why."""


def token_at(
    tokens: Sequence[TokenLogprob], text: str, position: int, *, start: int = 0, reasoning: str | None = None
) -> TokenLogprob:
    """The token that covers the character of ``text`` at ``position``, which is no blank.

    ``start``: where the text behind the judge's thinking begins, at most ``position``; ``reasoning``: thinking that the
    server sent beside the text. Raises Unaligned.
    """
    visible, spelled = _spelled(text[start:]), [_decoded(token.token) for token in tokens]
    first, covering = _place(spelled, visible, len(_spelled(text[start:position])))
    if leaves_open("".join(token.token for token in tokens[:first])):
        raise Unaligned("its tokens end inside of thinking")
    if reasoning and "".join(spelled[:first]) and _spelled(reasoning).endswith("".join(spelled)):
        raise Unaligned("its tokens are those of the reasoning")
    return tokens[covering]


def _place(spelled: Sequence[str], visible: str, place: int) -> tuple[int, int]:
    """The first token of the visible text, and the one that covers a place in it."""
    ends, covering = {len(visible)}, None  # where the text can end before the tokens looked at
    for index in range(len(spelled) - 1, -1, -1):
        before = {end for last in ends for end in _without(visible, last, spelled[index])}
        if not before and not _SPECIAL.fullmatch(spelled[index]):
            break
        if before and min(ends) > place >= max(before):
            covering = index
        ends = before or ends
        if covering is not None and 0 in ends:
            return index, covering
    raise Unaligned("its tokens do not spell it")


def _without(visible: str, end: int, token: str) -> set[int]:
    """Where ``visible[:end]`` can end without a token; 0 where the token begins before it, nowhere where they differ.

    An unknown byte is of some letter that is not ASCII, of which other tokens may hold the rest.
    """
    known, unknown, rest = token.rpartition(_UNKNOWN)
    length = min(len(rest), end)
    if not visible.startswith(rest[len(rest) - length :], end - length):
        return set()
    end -= length
    if not unknown:
        return {end}
    ends = {end, end - 1} if end and not visible[end - 1].isascii() else {end}
    return {other for last in ends for other in _without(visible, last, known)}


def _decoded(token: str) -> str:
    """A token without blanks, its bytes decoded where they are whole letters."""
    if _BYTES.fullmatch(token):
        token = bytes.fromhex("".join(_BYTE.findall(token))).decode(errors="replace")
    return _spelled(token)


def _spelled(text: str) -> str:
    return _BLANKS.sub("", visible(text))
