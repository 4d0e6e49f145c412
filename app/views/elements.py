"""Text that others wrote, shown as text, and the tables that several pages share.

Streamlit reads Markdown in labels, titles, captions, alerts and tooltips; what others wrote must not get there. It
belongs into ``st.text``, ``st.code``, cells of tables and marks of charts, which show it letter by letter.
"""

from collections.abc import Sequence
from typing import Literal

import streamlit as st

from judgebench.services.pages import Coverage
from judgebench.show.coverage import sentences
from judgebench.show.numbers import Labelled, plotted
from judgebench.show.tables import Move, estimate_columns
from judgebench.show.text import listing, one_line, spelt

MAX_CHARS = 20_000  # of one text on a page; the rest is a download
_SHORT_CHARS, _SHORT_LINES = 240, 3
_TABLE_PX, _TABLE_ROWS = 320, 9
_WIDTHS = {"Value": 120, "Interval": 170, "n": 70, "Grade": 60}  # pixels of columns that would else be too narrow
WIDTHS = {column: st.column_config.Column(width=pixels) for column, pixels in _WIDTHS.items()}


def line(text: str) -> None:
    st.text(text, width="stretch")


def counted(coverage: Coverage | None) -> None:
    """What a result counts and leaves out, above it."""
    with st.container(border=True, gap="xsmall"):
        for sentence in sentences(coverage):
            st.text(sentence, width="stretch")


def block(text: str, *, height: int, key: str) -> None:
    """A text in a box, which scrolls when it is long; ``key`` names the box, unique on its page."""
    short = len(text) < _SHORT_CHARS and text.count("\n") < _SHORT_LINES
    with st.container(border=True, height="content" if short else height):
        st.text(spelt(text[:MAX_CHARS]) or "(empty)", width="stretch")
    rest(text, key=key)


def markup(html: str, *, height: int | Literal["content"]) -> None:
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


def problem(title: str, error: Exception | str) -> None:
    """What went wrong. ``title`` is ours; the error's message may quote what others wrote."""
    st.error(title)
    st.code(str(error), language=None, wrap_lines=True)


def estimates(rows: Sequence[Labelled], benchmark: str, *, alt: str) -> None:
    """Estimates with their intervals, and for each that is missing what would give it."""
    st.dataframe(
        estimate_columns(rows, benchmark),
        hide_index=True,
        alt=alt,
        height=_TABLE_PX if len(rows) > _TABLE_ROWS else "content",
        column_config=WIDTHS,
    )


def moves(rows: Sequence[Move], *, alt: str) -> None:
    """Win rates as judged and without some effects, in percent."""
    changes = [row.change for row in rows]
    rates = {
        "As judged, %": [plotted(row.win_rate.value, "rate") for row in rows],
        "Held equal, %": [plotted(row.without.value, "rate") for row in rows],
        "95% low": [plotted(row.without.lower, "rate") for row in rows],
        "95% high": [plotted(row.without.upper, "rate") for row in rows],
        "Change, points": [plotted(change.value, "points") for change in changes],
        "Change from": [plotted(change.lower, "points") for change in changes],
        "Change to": [plotted(change.upper, "points") for change in changes],
    }
    st.dataframe(
        {
            "Model": [one_line(row.model, 200) for row in rows],
            **rates,
            "Would pass": [listing(row.passes) if row.passes else "" for row in rows],
            **({"Note": [one_line(row.flag, 200) for row in rows]} if any(row.flag for row in rows) else {}),
        },
        hide_index=True,
        column_config=dict.fromkeys(rates, st.column_config.NumberColumn(format="%.1f")),
        alt=alt,
        height=_TABLE_PX if len(rows) > _TABLE_ROWS else "content",
    )
