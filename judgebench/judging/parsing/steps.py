"""What a judge says of each step of an output: every step once, in order, and where the first error is.

A reply that leaves a step out, names one twice or another first error than its own first bad step is no verdict: which
of the two it means cannot be told.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from judgebench.judging.aggregates import RATINGS, VALUES, aggregate, first_bad
from judgebench.judging.numbering import step_ends, step_places
from judgebench.judging.templates import Listing, Template
from judgebench.keys import clean_text
from judgebench.records import Rating, Reading, Source, Span, Status, Verdict

FIRST_ERROR = "first_error"
_SHOWN = 40  # characters of what a reply says instead


def read(reply: Mapping[str, Any], template: Template, reading: Reading) -> Verdict:
    """``reply``: the reply's object. Raises ValueError, saying what is wrong, for one that does not fit the output."""
    listing = template.reply.listing
    places = step_places(step_ends(reading.output.text, reading.output.steps))
    if listing is None or not places:
        raise ValueError("the output has no step")
    items = listed(reply, listing.field)
    if len(items) != len(places):
        raise ValueError(f"verdicts on {len(items)} steps, and the output has {len(places)}")
    ratings = [_rating(item, number) for number, item in enumerate(items, 1)]
    _check_first_error(reply, first_bad(ratings))
    spans = tuple(
        Span(*place, rating, None, reason(item)) for place, rating, item in zip(places, ratings, items, strict=True)
    )
    return Verdict(Status.OK, Source.LABEL, score=scored(ratings, listing), label=_label(ratings), spans=spans)


def listed(reply: Mapping[str, Any], field: str) -> list[Mapping[str, Any]]:
    """The list of objects under ``field``. Raises ValueError."""
    items = reply.get(field)
    if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
        raise ValueError(f"{field!r} is no list of objects")
    return items


def reason(item: Mapping[str, Any]) -> str | None:
    """What the judge says why, if anything. Raises ValueError for what is no text."""
    why = item.get("why")
    if why is not None and not isinstance(why, str):
        raise ValueError("'why' is no text")
    return clean_text(why).strip() or None if why else None


def scored(ratings: Sequence[Rating], listing: Listing) -> float:
    """The score, in [0, 1]."""
    return aggregate(ratings, listing.aggregate, dict(listing.values) or VALUES)


def _rating(item: Mapping[str, Any], number: int) -> Rating:
    number_told, rating = item.get("step"), item.get("verdict")
    if isinstance(number_told, bool) or number_told != number:
        raise ValueError(f"expected step {number}, found {str(number_told)[:_SHOWN]!r}: each step once, in order")
    spelling = rating.strip().casefold() if isinstance(rating, str) else None
    known = next((name for name in RATINGS if name == spelling), None)
    if known is None:
        raise ValueError(f"the verdict on step {number} is {str(rating)[:_SHOWN]!r}, not one of {', '.join(RATINGS)}")
    return known


def _check_first_error(reply: Mapping[str, Any], first: int | None) -> None:
    if FIRST_ERROR not in reply:
        raise ValueError(f"{FIRST_ERROR!r} is missing: the number of the first bad step, or null")
    stated = reply[FIRST_ERROR]
    if isinstance(stated, bool) or stated != first:
        told = "no step is bad" if first is None else f"the first bad step is {first}"
        raise ValueError(f"{FIRST_ERROR!r} is {str(stated)[:_SHOWN]!r}, and {told}")


def _label(ratings: Sequence[str]) -> str:
    first = first_bad(ratings)
    return f"no error in {len(ratings)} steps" if first is None else f"first error in step {first} of {len(ratings)}"
