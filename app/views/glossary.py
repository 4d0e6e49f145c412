"""The glossary as tables in HTML of ours; every term has an anchor of its own."""

import re
from collections.abc import Sequence

from app.views.board import framed, head
from judgebench.show.glossary import Term
from judgebench.show.text import escaped_html

_STRESSED = re.compile(r"\*(\w+)\*")


def holding(terms: Sequence[Term], text: str) -> list[Term]:
    """Those with ``text`` in their names, or as their anchor, then those with it in what they mean or are called
    elsewhere."""
    part = text.casefold().strip()
    named = [term for term in terms if part in term.name.casefold() or part == term.anchor]
    return named + [
        term for term in terms if term not in named and part in f"{term.meaning} {term.elsewhere}".casefold()
    ]


def table(label: str, terms: Sequence[Term]) -> str:
    elsewhere = any(term.elsewhere for term in terms)
    names = ("Term", "Meaning", "Elsewhere called") if elsewhere else ("Label", "Meaning")
    body = "".join(
        f'<tr id="{term.anchor}"><th scope="row">{escaped_html(term.name)}</th><td>{_plain(term.meaning)}</td>'
        + (f"<td>{escaped_html(term.elsewhere)}</td>" if elsewhere else "")
        + "</tr>"
        for term in terms
    )
    return framed(label, map(head, names), body, kind="jb-words")


def _plain(meaning: str) -> str:
    """Without the marks of Markdown around code and stressed words."""
    return escaped_html(_STRESSED.sub(r"\1", meaning.replace("`", "")))
