"""Verdicts that stand in a JSON object of the reply.

Objects are decoded by the standard library from their opening brace, and what they hold inside strings is not looked
at, so a rationale may quote anything. When one does not decode, the reply is searched for the property itself, and
then every occurrence must agree: an object planted inside a broken one cannot be told from the judge's own. Nothing
is evaluated, and each character is decoded once.
"""

import json
import re
from collections import deque
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from judgebench.judging.grammar import KEPT, SHOWN, Mention
from judgebench.judging.scales import Scale
from judgebench.judging.values import value_of

_OBJECT = re.compile(r"\{\s{0,200}[\"'“”}]")

Properties = tuple[tuple[str, Any], ...]  # of an object, in order, repeated names included

_DECODER = json.JSONDecoder(object_pairs_hook=tuple, strict=False)


def objects(text: str) -> list[tuple[int, int, Properties]] | None:
    """Start, end and properties of each outermost object; None when there is one that does not decode."""
    found, at = [], 0
    while brace := _OBJECT.search(text, at):
        start = brace.start()
        try:
            properties, at = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            return None
        found.append((start, at, properties))
    return found


def json_mentions(text: str, scale: Scale, field: str) -> list[Mention]:
    """The values of ``field`` in the reply's objects, in order; of very many, the last."""
    decoded = objects(text)
    if decoded is None:
        return list(_agreeing(text, scale, field))
    found: deque[Mention] = deque(maxlen=KEPT)
    for start, end, properties in decoded:
        said = [_said(value) for name, value in properties if name.casefold() == field.casefold()]
        places = {m["value"]: m.start("value") for m in _property(field).finditer(text, start, end)} if said else {}
        found.extend(
            Mention(value_of(scale, each), each[:SHOWN], places.get(each, start), start, end, True, True)
            for each in said
        )
    return list(found)


def _said(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "an object or a list" if isinstance(value, tuple | list) else json.dumps(value)


def _agreeing(text: str, scale: Scale, field: str) -> Iterator[Mention]:
    """The last occurrence of the property, off the scale when any other says something else."""
    found = list(_property(field).finditer(text))
    if found:
        last, said = found[-1], found[-1]["value"]
        values = {repr(value_of(scale, each["value"])) for each in found}
        value = value_of(scale, said) if len(values) == 1 else None
        yield Mention(value, said[:SHOWN], last.start("value"), last.start(), last.end(), True, True)


@lru_cache(maxsize=64)
def _property(field: str) -> re.Pattern[str]:
    return re.compile(
        rf"""["'“”]{re.escape(field)}["'“”]\s{{0,9}}:\s{{0,9}}"""
        r"""(?:["'“”](?P<quoted>)|(?=[-\w]))(?P<value>(?(quoted)[^"'“”\n]{0,80}|[-\w.+/]{1,20}))""",
        re.IGNORECASE,
    )
