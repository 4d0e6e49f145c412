"""What stands in the tables that pages draw."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

_REGION = re.compile(r'<div class="jb-scroll[^"]*"[^>]*aria-label="([^"]*)">(.*?)</table></div>', re.DOTALL)


def table(app: Any, label: str) -> list[dict[str, str]]:
    """The rows of the first table with this label, by the headings of their cells; the first one's is ``""``."""
    return next(rows for name, rows in tables(app) if name == label)


def tables(app: Any) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """All of a page of AppTest, by label: those whose cells have their headings beside them on a phone."""
    for html in app.get("html"):
        for label, inner in _REGION.findall(html.proto.body):
            body = inner.partition("<tbody>")[2]
            yield unescape(label), [_cells(row) for row in re.findall(r"<tr.*?</tr>", body, re.DOTALL)]


def _cells(row: str) -> dict[str, str]:
    named = re.findall(r'<td[^>]*data-label="([^"]*)"[^>]*>(.*?)</td>', row, re.DOTALL)
    first = re.search(r'<th scope="row"[^>]*>(.*?)</th>', row, re.DOTALL)
    return {"": _text(first[1] if first else "")} | {unescape(label): _text(cell) for label, cell in named}


def _text(html: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", html.replace("<small>", " ")))
