"""Places in an output that a judge finds fault with, each by a quotation, and of a kind that the template names.

The score is that of the output's steps, one that any place touches being bad: so it does not depend on how long the
quotations are.
"""

from collections.abc import Mapping
from typing import Any

from judgebench.judging.numbering import step_ends, step_places
from judgebench.judging.parsing.steps import listed, reason, scored
from judgebench.judging.places import place_of
from judgebench.judging.templates import Template
from judgebench.records import Rating, Reading, Source, Span, Status, Verdict


def read(reply: Mapping[str, Any], template: Template, reading: Reading) -> Verdict:
    """``reply``: the reply's object. Raises ValueError, saying what is wrong, for one that does not fit the output."""
    listing, text = template.reply.listing, reading.output.text
    places = step_places(step_ends(text, reading.output.steps))
    if listing is None or not places:
        raise ValueError("the output has no text")
    kinds = {name.casefold(): name for name, _ in listing.kinds}
    spans = sorted(
        (_span(item, text, kinds) for item in listed(reply, listing.field)),
        key=lambda span: (span.start, span.stop, span.kind or ""),
    )
    if len({(span.start, span.stop, span.kind) for span in spans}) < len(spans):
        raise ValueError("one place has the same fault twice")
    ratings: list[Rating] = [
        "bad" if any(span.start < stop and start < span.stop for span in spans) else "good" for start, stop in places
    ]
    label = ", ".join(span.kind or "" for span in spans) or "no fault"
    return Verdict(Status.OK, Source.LABEL, score=scored(ratings, listing), label=label[:200], spans=tuple(spans))


def _span(item: Mapping[str, Any], text: str, kinds: Mapping[str, str]) -> Span:
    quote, nth, kind = item.get("quote"), item.get("nth"), item.get("kind")
    if not isinstance(quote, str):
        raise ValueError("a span has no quotation")
    if nth is not None and (isinstance(nth, bool) or not isinstance(nth, int)):
        raise ValueError(f"nth is {str(nth)[:40]!r}, no whole number")
    known = kinds.get(kind.strip().casefold()) if isinstance(kind, str) else None
    if known is None:
        raise ValueError(f"{str(kind)[:40]!r} is none of the kinds {', '.join(kinds.values())}")
    return Span(*place_of(text, quote, nth), None, known, reason(item))
