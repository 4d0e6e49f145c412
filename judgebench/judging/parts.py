"""Verdicts of several parts: a score an aspect, or an answer to each question of a checklist.

The verdict's score is their mean, weighted by the template; the parts themselves are read again from the stored
completion whenever somebody wants to see them, so no part is ever the truth beside the reply. Sources: UltraFeedback
and HelpSteer (aspects; an aspect may not apply), WildBench and FLASK-Hard (checklists), with each answer recorded.
"""

import math
from collections.abc import Sequence
from typing import Any

from judgebench.judging.binding import Conflict, binding
from judgebench.judging.grammar import without_thinking
from judgebench.judging.json_reply import json_mentions, objects
from judgebench.judging.scales import Label, Scale
from judgebench.judging.templates import Template
from judgebench.judging.values import value_of
from judgebench.records import Completion

_NOT_APPLICABLE = ("n/a", "na", "not applicable", "null", "none")


def parts(completion: Completion, template: Template) -> dict[str, float | None]:
    """Each aspect's score, None where the judge said that it does not apply; or each question's answer, by its number
    from "1" on. Raises ValueError, saying what is wrong, when the reply does not hold all of them once."""
    text = without_thinking(completion.text)
    if template.reply.answers is not None:
        return {str(i): value for i, value in enumerate(_answers(text, template.scale, template.reply.answers), 1)}
    return {name: _aspect(text, template.scale, name) for name, _ in template.reply.aspects}


def mean(found: dict[str, float | None], weights: Sequence[tuple[str, float]]) -> float:
    """The weighted mean of the parts that apply; parts without a weight weigh 1. Raises ValueError when none does."""
    weighing = dict(weights)
    applying = [(weighing.get(name, 1.0), value) for name, value in found.items() if value is not None]
    total = math.fsum(weight for weight, _ in applying)
    if not total:
        raise ValueError("no part applies")
    return math.fsum(weight * value for weight, value in applying) / total


def _aspect(text: str, scale: Scale, name: str) -> float | None:
    bound = binding(json_mentions(text, scale, name), text)
    if bound is None:
        raise ValueError(f"{name!r} has no score")
    if isinstance(bound, Conflict):
        raise ValueError(f"{name!r} has two scores, {bound.one.text!r} and {bound.other.text!r}")
    if bound.text.casefold() in _NOT_APPLICABLE:
        return None
    return _number(bound.value, bound.text)


def _answers(text: str, scale: Scale, field: str) -> list[float]:
    """The last list under ``field``; an answer is a string, or an object with a property ``answer``."""
    lists = [
        value
        for _, _, properties in objects(text) or ()
        for name, value in properties
        if name.casefold() == field.casefold() and isinstance(value, list)
    ]
    if not lists:
        raise ValueError(f"no JSON list {field!r} of answers")
    said = [_answer(item) for item in lists[-1]]
    return [_number(value_of(scale, each), each) for each in said]


def _answer(item: Any) -> str:
    said = dict(item).get("answer") if isinstance(item, tuple) else item
    if isinstance(said, bool):
        return "yes" if said else "no"
    return said if isinstance(said, str) else "something else"


def _number(value: Label | float | None, said: str) -> float:
    if value is None:
        raise ValueError(f"{said[:40]!r} is not on the scale")
    return value.preference if isinstance(value, Label) else value
