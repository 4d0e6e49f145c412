"""Text that others wrote, shown as text: never as Markdown, HTML or a formula, and never more than a browser can bear.

Streamlit reads Markdown in labels, titles, captions, alerts and tooltips; what others wrote must not get there. It
belongs into ``st.text``, ``st.code``, cells of tables and marks of charts, which show it letter by letter.
"""

import re
import unicodedata

import streamlit as st

MAX_CHARS = 20_000  # of one text on a page; the rest is a download
_SHORT_CHARS, _SHORT_LINES = 240, 3
_REORDERING = re.compile("[\u202a-\u202e\u2066-\u2069]")  # characters that show a text in another order
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))  # control and formatting characters can rewrite a line


def name(text: str, limit: int = 60) -> str:
    """A name or excerpt on one line, without characters that reorder or break it, at most ``limit`` long."""
    start = " ".join(text[: 4 * limit].split())
    seen = "".join("\ufffd" if unicodedata.category(char) in _UNSEEN else char for char in start)
    return seen if len(seen) <= limit and len(text) <= 4 * limit else seen[: limit - 1] + "…"


def line(text: str) -> None:
    st.text(text, width="stretch")


def block(text: str, *, height: int, key: str) -> None:
    """A text in a box, which scrolls when it is long; ``key`` names the box, unique on its page."""
    short = len(text) < _SHORT_CHARS and text.count("\n") < _SHORT_LINES
    with st.container(border=True, height="content" if short else height):
        st.text(spelt(text[:MAX_CHARS]) or "(empty)", width="stretch")
    rest(text, key=key)


def markup(html: str, *, height: int) -> None:
    """HTML of ours, in which all that others wrote is escaped, in a box of ``height``."""
    with st.container(border=True, height=height):
        st.html(html, width="stretch")


def rest(text: str, *, key: str) -> None:
    """A download of a text that is too long to be shown."""
    if len(text) > MAX_CHARS:
        line(f"These are the first {MAX_CHARS:,} of {len(text):,} characters.")
        st.download_button(
            "Download all of it", text.encode(), file_name=f"{key}.txt", mime="text/plain", key=f"all_{key}"
        )


def spelt(text: str) -> str:
    """``text`` with characters that reorder a line as their code points."""
    return _REORDERING.sub(lambda found: f"\u27e8U+{ord(found[0]):04X}\u27e9", text)


def problem(title: str, error: Exception | str) -> None:
    """What went wrong. ``title`` is ours; the error's message may quote what others wrote."""
    st.error(title)
    st.code(str(error), language=None, wrap_lines=True)
