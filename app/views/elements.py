"""Text that others wrote, shown as text, and the tables that several pages share.

Streamlit reads Markdown in labels, titles, captions, alerts and tooltips; what others wrote must not get there. It
belongs into ``st.text``, ``st.code``, cells of tables and marks of charts, which show it letter by letter.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import streamlit as st

from app import auth
from app.views.board import plain
from app.views.words import of_app
from judgebench.services.access import Role
from judgebench.services.pages import Coverage, DatabaseError
from judgebench.show.coverage import Door, brief, sentences
from judgebench.show.glossary import explained
from judgebench.show.numbers import fixed, plotted
from judgebench.show.tables import Move
from judgebench.show.text import count, escaped_html, listing, name_html, one_line, spelt

MAX_CHARS = 20_000  # of one text on a page; the rest is a download
_SHORT_CHARS, _SHORT_LINES = 240, 3
_TALL_ROWS = 12


def line(text: str) -> None:
    st.text(text, width="stretch")


def lines(sentences: Iterable[str]) -> None:
    """Each on a line of its own, and all in one element: a browser takes some milliseconds for each. Nothing of none.

    No sentence holds a line's end.
    """
    if text := "\n".join(sentences):
        line(text)


def basis(sentences: Iterable[str]) -> None:
    """How the numbers beside it came about, in the words of the app."""
    lines(of_app(one_line(sentence, 1000)) for sentence in sentences)


def notes(texts: Iterable[str]) -> None:
    """What services remark, in the words of the app; nothing of none."""
    lines(note(text) for text in texts)


def note(text: str) -> str:
    """A remark, which begins in lower case, or with a name that others chose, as a sentence."""
    return f"Note: {of_app(one_line(text, 1000))}"


def counted(coverage: Coverage | None, door: Door = "app") -> None:
    """What a result counts and leaves out, above it; ``door``: what the page lets one choose."""
    with st.container(border=True):
        lines(sentences(coverage, door))


def counted_briefly(coverage: Coverage | None, address: str) -> None:
    """The same in a line, the whole folded below it, and the address of the page where it is chosen."""
    words, link = escaped_html(brief(coverage)), escaped_html(address)
    whole = "<br>".join(escaped_html(sentence) for sentence in sentences(coverage, "app: nothing"))
    table(
        f'<div class=jb-counted>{words} <a href="{link}">Choose what counts</a>'
        f"<details><summary>What counts, in full</summary>{whole}</details></div>"
    )


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


def table(html: str) -> None:
    """A table of ours, in which all that others wrote is escaped."""
    st.html(html, width="stretch")


def heading(name: str) -> None:
    """A name that others chose, as the heading of what follows."""
    st.html(f"<h2 class=jb-name>{name_html(name)}</h2>", width="stretch")


def linked(name: str, address: str) -> None:
    """A name that others chose, as a link to a page of this app."""
    st.html(f'<h3 class=jb-name><a href="{escaped_html(address)}">{name_html(name)}</a></h3>')


def links(*named: tuple[str, str]) -> None:
    """Links to pages of this app, each with the words that others may have chosen."""
    words = ((escaped_html(address), name_html(name, 100)) for name, address in named)
    st.html("<p class=jb-links>" + " ".join(f'<a href="{address}">{name}</a>' for address, name in words) + "</p>")


def tab(*names: str) -> None:
    """What the browser's tab is called."""
    st.set_page_config(page_title=" - ".join([*(one_line(name) for name in names), "JudgeBench"]))


def rest(text: str, *, key: str) -> None:
    """A download of a text that is too long to be shown."""
    if len(text) > MAX_CHARS:
        line(f"These are the first {MAX_CHARS:,} of {count(len(text), 'character')}.")
        st.download_button(
            "Download all of it", text.encode(), file_name=f"{key}.txt", mime="text/plain", key=f"all_{key}"
        )


def problem(title: str, error: Exception | str) -> None:
    """What went wrong. ``title`` is ours; the error's message may quote what others wrote."""
    st.error(title)
    st.code(of_app(_told(error)), language=None, wrap_lines=True)


def _told(error: Exception | str) -> str:
    """Where a database is, and what its server says, is for admins."""
    if isinstance(error, DatabaseError) and auth.person().role < Role.ADMIN:
        return "the database does not answer, or cannot be used as it is; admins are told why"
    return str(error)


def unavailable(title: str, error: Exception, *ways: tuple[str, str]) -> None:
    """What the data, the choices or one's role do not give, which is nothing broken: why, and ``ways`` to go on, as of
    ``links``. A database that cannot be read is a ``problem`` all the same."""
    if isinstance(error, DatabaseError):
        problem(title, error)
        return
    with st.container(border=True):
        line(title)
        st.code(of_app(str(error)), language=None, wrap_lines=True)
        if ways:
            links(*ways)


def values(columns: Mapping[str, Sequence[object]], *, alt: str, marked: int | None = None) -> None:
    """A table of plain values, as ``board.plain`` has it; more rows than are read at once stand in a box that scrolls.

    ``alt``: what it holds; ``marked``: the place of the row that is open.
    """
    rows = len(next(iter(columns.values())))
    table(plain(alt, columns, marked=marked, is_tall=rows > _TALL_ROWS))


def metric(label: str, value: str, **look: Any) -> None:
    """A number, whose label says under the pointer what it means; ``look``: as ``st.metric``."""
    st.metric(label, value, help=explained(label) or None, **look)


def moves(rows: Sequence[Move], *, alt: str) -> None:
    """Win rates as judged and without some effects, in percent; one row at least."""
    level = f"{rows[0].without.level:.0%}"
    changes = [row.change for row in rows]
    notes = {"Note": [one_line(row.flag, 200) for row in rows]} if any(row.flag for row in rows) else {}
    passes = {"Would pass": [listing(row.passes) if row.passes else "" for row in rows]}
    values(
        {
            "Model": [one_line(row.model, 200) for row in rows],
            "As judged, %": [_percent(row.win_rate.value) for row in rows],
            "Held equal, %": [_percent(row.without.value) for row in rows],
            f"{level} low": [_percent(row.without.lower) for row in rows],
            f"{level} high": [_percent(row.without.upper) for row in rows],
            "Change, points": [_percent(change.value) for change in changes],
            "Change from": [_percent(change.lower) for change in changes],
            "Change to": [_percent(change.upper) for change in changes],
            **(passes if any(row.passes for row in rows) else {}),
            **notes,
        },
        alt=alt,
    )


def _percent(share: float | None) -> str:
    return fixed(plotted(share, "rate"))
