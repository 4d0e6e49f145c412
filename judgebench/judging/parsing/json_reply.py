"""Verdicts that stand in a JSON object of the reply.

Objects are decoded by the standard library from their opening brace, and what they hold inside strings is not looked
at, so a rationale may quote anything. When one does not decode, the reply is searched for the property itself, and
then every occurrence must agree: an object planted inside a broken one cannot be told from the judge's own. Nothing
is evaluated, and each character is decoded once.
"""

import json
import math
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from judgebench.judging.nonces import nonce_of
from judgebench.judging.parsing.grammar import (
    KEPT,
    LOOKED_AT,
    SHOWN,
    Contradiction,
    Mention,
    bearing,
    binding,
    value_of,
)
from judgebench.judging.parsing.quotation import Origin, Quotations
from judgebench.judging.parsing.thinking import without_thinking
from judgebench.judging.templates import Label, Scale, Template
from judgebench.records import Completion

_OBJECT = re.compile(r"\{\s{0,200}[\"'“”}]")
Properties = tuple[tuple[str, Any], ...]  # of an object, in order, repeated names included
_DECODER = json.JSONDecoder(object_pairs_hook=tuple, strict=False)
_NOT_APPLICABLE = ("n/a", "na", "not applicable", "null", "none")


def objects(text: str) -> list[tuple[int, int, Properties]] | None:
    """Start, end and properties of each outermost object; None when there is one that does not decode."""
    decoded, at = [], 0
    while brace := _OBJECT.search(text, at):
        start = brace.start()
        try:
            properties, at = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            return None
        decoded.append((start, at, properties))
    return decoded


def json_mentions(text: str, scale: Scale, field: str, quotations: Quotations | None = None) -> list[Mention]:
    """The values of ``field`` in the reply's own objects, in order; of very many, the last."""
    quotations = quotations or Quotations(text, ())
    decoded = objects(text)
    if decoded is None:
        return list(_agreeing(text, scale, field, quotations))
    stated: deque[Mention] = deque(maxlen=KEPT)
    for start, end, properties in decoded:
        values = [_as_text(value) for name, value in properties if name.casefold() == field.casefold()]
        places = {m["value"]: m.span() for m in _property(field).finditer(text, start, end)} if values else {}
        for value in values:
            first, last = places.get(value, (start, end))
            origin = quotations.origin(first, last, (start, end))
            if origin is not Origin.QUOTED:
                at = first if value not in places else last - len(value)
                mention = Mention(value_of(scale, value), value[:SHOWN], at, start, start, end, True, True)
                shared = quotations.stretch(start, end)[0] if origin is Origin.SHARED else None
                stated.append(mention if shared is None else replace(mention, shared=shared))
    return list(stated)


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "an object or a list" if isinstance(value, tuple | list) else json.dumps(value)


def _agreeing(text: str, scale: Scale, field: str, quotations: Quotations) -> Iterator[Mention]:
    """The last occurrence of the property, off the scale when any other says something else. What is quoted, as inside
    of a text whose marks are not escaped, is left aside."""
    last_ones = deque(_property(field).finditer(text), maxlen=LOOKED_AT)
    matches = [m for m in last_ones if quotations.origin(*m.span()) is not Origin.QUOTED]
    if matches:
        last = matches[-1]
        values = {repr(value_of(scale, match["value"])) for match in matches}
        value = value_of(scale, last["value"]) if len(values) == 1 else None
        yield Mention(
            value, last["value"][:SHOWN], last.start("value"), last.start(), last.start(), last.end(), True, True
        )


@lru_cache(maxsize=64)
def _property(field: str) -> re.Pattern[str]:
    return re.compile(
        rf"""["'“”]{re.escape(field)}["'“”]\s{{0,9}}:\s{{0,9}}"""
        r"""(?:["'“”](?P<quoted>)|(?=[-\w]))(?P<value>(?(quoted)[^"'“”\n]{0,80}|[-\w.+/]{1,20}))""",
        re.IGNORECASE,
    )


def parts(completion: Completion, template: Template, shown: Sequence[str] = ()) -> dict[str, float | None]:
    """Each aspect's score, None where the judge said that it does not apply; or each question's answer, by its number
    from "1" on. ``shown``: what the judge may quote. Raises ValueError, saying what is wrong, when the reply does not
    hold all of them once."""
    text = without_thinking(completion.text, shown, is_apart=bool(completion.reasoning))
    if (nonce := nonce_of(completion)) is not None:
        return _bearing_parts(text, template, nonce)
    quotations = Quotations(text, shown)
    if template.reply.answers is not None:
        answers = _answers(text, template.scale, template.reply.answers, quotations)
        return {str(i): value for i, value in enumerate(answers, 1)}
    return {name: _aspect(text, template.scale, name, quotations) for name, _ in template.reply.aspects}


def _bearing_parts(text: str, template: Template, nonce: str) -> dict[str, float | None]:
    """The parts whose values bear the nonce. Raises ValueError."""
    scale = template.scale
    if template.reply.answers is not None:
        answers = [match["value"] for match in bearing(text, scale, nonce)]
        if not answers:
            raise ValueError("no answer bears the nonce")
        return {str(i): _number(value_of(scale, answer), answer) for i, answer in enumerate(answers, 1)}
    return {name: _bearing_aspect(text, scale, name, nonce) for name, _ in template.reply.aspects}


def _bearing_aspect(text: str, scale: Scale, name: str, nonce: str) -> float | None:
    values = [place["value"] for place in _property(name).finditer(text)]
    stated = {match["value"].casefold() for value in values for match in bearing(value, scale, nonce)}
    if len(stated) != 1:
        raise ValueError(f"{name!r} has {'two scores' if stated else 'no score'} with the nonce")
    value = stated.pop()
    return None if value in _NOT_APPLICABLE else _number(value_of(scale, value), value)


def mean(values: dict[str, float | None], weights: Sequence[tuple[str, float]]) -> float:
    """The weighted mean of the parts that apply; parts without a weight weigh 1. Raises ValueError when none does."""
    weighing = dict(weights)
    applying = [(weighing.get(name, 1.0), value) for name, value in values.items() if value is not None]
    total = math.fsum(weight for weight, _ in applying)
    if not total:
        raise ValueError("no part applies")
    return math.fsum(weight * value for weight, value in applying) / total


def _aspect(text: str, scale: Scale, name: str, quotations: Quotations) -> float | None:
    bound = binding(json_mentions(text, scale, name, quotations), text)
    if bound is None:
        raise ValueError(f"{name!r} has no score")
    if isinstance(bound, Contradiction):
        raise ValueError(f"{name!r} has two scores, {bound.one.text!r} and {bound.other.text!r}")
    if bound.text.casefold() in _NOT_APPLICABLE:
        return None
    return _number(bound.value, bound.text)


def _answers(text: str, scale: Scale, field: str, quotations: Quotations) -> list[float]:
    """The last list under ``field``; an answer is a string, or an object with a property ``answer``."""
    lists = [
        value
        for start, end, properties in objects(text) or ()
        for name, value in properties
        if name.casefold() == field.casefold() and isinstance(value, list)
        if quotations.origin(start, end) is not Origin.QUOTED
    ]
    if not lists:
        raise ValueError(f"no JSON list {field!r} of answers")
    answers = [_answer(item) for item in lists[-1]]
    return [_number(value_of(scale, answer), answer) for answer in answers]


def _answer(item: Any) -> str:
    answer = dict(item).get("answer") if isinstance(item, tuple) else item
    if isinstance(answer, bool):
        return "yes" if answer else "no"
    return answer if isinstance(answer, str) else "something else"


def _number(value: Label | float | None, text: str) -> float:
    if value is None:
        raise ValueError(f"{text[:40]!r} is not on the scale")
    return value.preference if isinstance(value, Label) else value
