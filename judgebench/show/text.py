"""Text that others wrote, made safe to show: in a terminal, on one line, in Markdown and in HTML."""

import re
import unicodedata
from collections.abc import Sequence
from html import escape

from judgebench.counts import are as are
from judgebench.counts import count as count
from judgebench.counts import were as were

_MARKUP = frozenset("\\`*_{}[]<>()#+!|&$~")
_REORDERING = re.compile("[\u202a-\u202e\u2066-\u2069]")  # characters that show a text in another order
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))  # control and formatting characters can rewrite a line
_JOINTS = re.compile(r"(?<=\w)([-_./:])(?=\w)(?!(?<=\d.)\d)")  # between two digits none: it may be a number
_NAMES = 4  # of a listing, the rest is counted


def visible(text: str, *, kept: str = "\n") -> str:
    """``text`` without control characters, which could rewrite a terminal; those in ``kept`` stay."""
    if text.isprintable():  # as most are: some hundreds of names stand on a page
        return text
    return "".join(char if char.isprintable() or char in kept else "\ufffd" for char in text)


def one_line(text: str, limit: int = 60) -> str:
    """A name or excerpt on one line, without characters that reorder or break it, at most ``limit`` long."""
    start = " ".join(text[: 4 * limit].split())
    seen = start if start.isprintable() else "".join(map(_seen, start))
    return seen if len(seen) <= limit and len(text) <= 4 * limit else seen[: limit - 1] + "…"


def _seen(char: str) -> str:
    return "\ufffd" if unicodedata.category(char) in _UNSEEN else char


def spelt(text: str) -> str:
    """``text`` with characters that reorder a line as their code points."""
    return _REORDERING.sub(lambda match: f"\u27e8U+{ord(match[0]):04X}\u27e9", text)


def escaped_markdown(text: str) -> str:
    """``text`` on one line, in which Markdown finds nothing."""
    return "".join("\\" + char if char in _MARKUP else char for char in text.replace("\n", " "))


def escaped_html(text: str) -> str:
    """``text`` in which HTML finds nothing; control characters, which browsers drop or act upon, are U+FFFD."""
    return escape(visible(text, kept="\n\t"))


def name_html(name: str, limit: int = 200) -> str:
    """A name on one line in HTML, as an element's text and not as an attribute, in which a narrow column breaks it at
    its hyphens, underscores, dots and slashes first; numbers, intervals and days stay whole."""
    return _JOINTS.sub(r"\1<wbr>", escaped_html(one_line(name, limit)))


def listing(names: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``; long lists are cut and counted."""
    shown = [one_line(name) for name in names[:_NAMES]]
    if len(names) > _NAMES:
        shown = [*shown[:-1], f"{len(names) - _NAMES + 1} more"]
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def sentence(words: str) -> str:
    """``words`` of ours, which stand as a part of a line elsewhere, as a sentence begins."""
    return words[:1].upper() + words[1:]
