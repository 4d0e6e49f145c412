"""What one text has that another has not, word by word, as HTML in which every letter of theirs is escaped.

The longest common subsequence of words (Hyyrö 2004, through rapidfuzz), so that moved passages count as removed and
added. Nothing of the texts can become markup: they are escaped, and the only tags are the two of ours.
"""

import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from rapidfuzz.distance import LCSseq

from app.views.elements import MAX_CHARS
from judgebench.show.findings import quoted
from judgebench.show.text import spelt

MARK = "background: #e69f0055; color: inherit; text-decoration: underline"  # seen on both grounds, and without colour
_PIECE = re.compile(r"\s+|\w+|[^\w\s]")


def marked(one: str, other: str) -> tuple[str, str]:
    """Both texts as HTML, what the other lacks in ``<mark>``; texts beyond ``MAX_CHARS`` are cut."""
    left, right = (_PIECE.findall(text[:MAX_CHARS]) for text in (one, other))
    opcodes = LCSseq.opcodes(left, right)
    return (
        _html((op.tag, left[op.src_start : op.src_end]) for op in opcodes),
        _html((op.tag, right[op.dest_start : op.dest_end]) for op in opcodes),
    )


def _html(parts: Iterator[tuple[str, list[str]]]) -> str:
    def text(pieces: list[str]) -> str:
        return escape(spelt("".join(pieces)))

    body = "".join(
        text(pieces) if tag == "equal" else f"<mark>{text(pieces)}</mark>" for tag, pieces in parts if pieces
    )
    return f'<div style="white-space: pre-wrap; overflow-wrap: anywhere">{body}</div>'


def highlighted(span: Mapping[str, Any], instruction: str = "") -> str:
    """``instruction``: which one the output is to, where nothing beside it says that."""
    before, match, after = (escape(spelt(part)) for part in quoted(span))
    where = f"characters {span.get('start')} to {span.get('end')}" + (
        f" of the output to: {instruction}" if instruction else ""
    )
    text = f'{before}<mark style="{MARK}">{match}</mark>{after}'
    return (
        f'<p style="white-space: pre-wrap; overflow-wrap: anywhere">{text} <small>({escape(spelt(where))})</small></p>'
    )
