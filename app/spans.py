"""Evidence of a finding as HTML: a span of an output, marked, with what stands around it; all of it escaped."""

from collections.abc import Mapping
from html import escape
from typing import Any

from app.diff import MARK
from app.text import spelt


def highlighted(span: Mapping[str, Any]) -> str:
    before, match, after = (escape(spelt(str(span.get(part, "")))) for part in ("before", "match", "after"))
    where = escape(f"characters {span.get('start')} to {span.get('end')}")
    text = f'…{before}<mark style="{MARK}">{match}</mark>{after}…'
    return f'<p style="white-space: pre-wrap; overflow-wrap: anywhere">{text} <small>({where})</small></p>'
