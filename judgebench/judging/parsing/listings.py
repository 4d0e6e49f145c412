"""Verdicts that consist of a list in the reply's JSON object: goals, steps or spans.

The object is the judge's own: one that stands word for word in what was shown is never a verdict, and two that differ
are none. What it holds is checked by the reader of its kind, and nothing in it is repaired.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from judgebench.judging.nonces import nonce_of
from judgebench.judging.parsing import goals, spans, steps
from judgebench.judging.parsing.json_reply import objects
from judgebench.judging.parsing.quotation import Origin, Quotations
from judgebench.judging.templates import Listed, Listing, Template
from judgebench.records import Completion, Order, Reading, Trial, Verdict

# The reply's object, its objects as mappings; the template; the reading. Raises ValueError, saying what is wrong.
Reader = Callable[[Mapping[str, Any], Template, Reading], Verdict]
READERS: Mapping[Listed, Reader] = {"goals": goals.read, "steps": steps.read, "spans": spans.read}
_NONCE = "nonce"


def read_listing(
    completion: Completion, text: str, template: Template, trial: Trial | Reading | Order, shown: Sequence[str]
) -> Verdict:
    """The verdict in ``text``, the reply without its thinking; ``shown``: what the judge may quote. Raises
    ValueError."""
    listing = template.reply.listing
    if listing is None or not isinstance(trial, Reading):
        raise ValueError("a list cannot be checked without the output that it is about")
    if listing.of not in READERS:
        raise ValueError(f"no reader of {listing.of}")
    reply = _own_object(text, listing, [*shown, trial.instruction.visible])
    if (nonce := nonce_of(completion)) is not None and str(reply.get(_NONCE)).casefold() != nonce:
        raise ValueError("the JSON object does not bear the nonce")
    return READERS[listing.of](reply, template, trial)


def _own_object(text: str, listing: Listing, shown: Sequence[str]) -> Mapping[str, Any]:
    decoded = objects(text)
    if decoded is None:
        raise ValueError("the reply holds a JSON object that cannot be read")
    quotations = Quotations(text, shown)
    own = [
        as_mapping(properties)
        for start, end, properties in decoded
        if any(name == listing.field for name, _ in properties)
        if not quotations.holds(start, end) and quotations.origin(start, end) is not Origin.QUOTED
    ]
    if not own:
        raise ValueError(f"the reply has no JSON object of its own with a list {listing.field!r}")
    if any(other != own[0] for other in own[1:]):
        raise ValueError(f"the reply has {len(own)} JSON objects with {listing.field!r}, which differ")
    return own[0]


def as_mapping(properties: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    """With the objects in it. Raises ValueError for a property that stands twice in one."""
    mapping = {name: _plain(value) for name, value in properties}
    if len(mapping) < len(properties):
        raise ValueError("a JSON object has a property twice")
    return mapping


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return as_mapping(value)
    return [_plain(item) for item in value] if isinstance(value, list) else value
