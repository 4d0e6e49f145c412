"""Where a quotation stands in a text: exactly, or else but for white space, quotation marks and case.

A judge never gives offsets: it copies words, and they are looked up here. What stands nowhere, or at several places
without a number that says which, is no place.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

_QUOTES = str.maketrans({**dict.fromkeys("“”„‟«»＂″", '"'), **dict.fromkeys("‘’‚‛‹›`´′", "'")})
_SHOWN = 60  # characters of a quotation in a message


def place_of(text: str, quote: str, nth: int | None = None) -> tuple[int, int]:
    """Start and end of the ``nth`` occurrence (from 1) of the quotation. Raises ValueError that says why there is
    none."""
    if not quote.strip():
        raise ValueError("a quotation is empty")
    places = list(_exact(text, quote))
    if len(places) < (nth or 1):
        places = list(_folded_places(text, quote.strip()))
    name = repr(quote if len(quote) <= _SHOWN else f"{quote[:_SHOWN]}…")
    if not places:
        raise ValueError(f"{name} does not stand in the output")
    if nth is None and len(places) > 1:
        raise ValueError(f"{name} stands {len(places)} times in the output, and nth does not say which is meant")
    if nth is not None and not 1 <= nth <= len(places):
        raise ValueError(f"{name} stands {len(places)} times in the output, not {nth}")
    return places[(nth or 1) - 1]


def _exact(text: str, quote: str) -> Iterator[tuple[int, int]]:
    """Each occurrence, those that overlap included."""
    at = text.find(quote)
    while at >= 0:
        yield at, at + len(quote)
        at = text.find(quote, at + 1)


def _folded_places(text: str, quote: str) -> Iterator[tuple[int, int]]:
    """Occurrences of the folded quotation in the folded text that begin and end with characters of the text."""
    folded, starts = _folded(text)
    sought = _folded(quote)[0]
    ends = [*starts[1:], len(text)]
    at = folded.find(sought) if sought else -1
    while at >= 0:
        last = at + len(sought) - 1
        begins = at == 0 or starts[at] != starts[at - 1]
        is_whole = last + 1 == len(folded) or starts[last] != starts[last + 1]
        if begins and is_whole:
            yield starts[at], _end(text, starts[last], ends[last])
        at = folded.find(sought, at + 1)


def _end(text: str, start: int, after: int) -> int:
    """Behind the character at ``start``, and not behind white space that was folded into one."""
    return after if text[start].isspace() else start + 1


@lru_cache(maxsize=64)
def _folded(text: str) -> tuple[str, tuple[int, ...]]:
    """The folded text, and of each of its characters where that stood."""
    characters: list[str] = []
    starts: list[int] = []
    for match in re.finditer(r"\s+|\S", text):
        folded = " " if match[0].isspace() else match[0].translate(_QUOTES).casefold()
        characters += folded
        starts += [match.start()] * len(folded)
    return "".join(characters), tuple(starts)
