"""Asking once more for a verdict that could not be read, in a form that the server enforces. Pure.

The judge sees its own first reply again, so what it reasoned stands; only the form of what follows is forced. A verdict
that came this way says so (``Completion.constrained``), because a judge that had not decided was made to.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from judgebench.judging.templates import LabelScale, Listed, Listing, ReplyFormat, ScoreScale, Template
from judgebench.records import ChatPrompt, Completion, PromptMessage, Rating, Reached

How = Literal["json_schema", "choice"]
_FIELD = "verdict"
_MOST_POINTS = 200  # of a scale that is listed
_ROOM = 256  # tokens: enough for any of the forms below but lists
_LIST_ROOM = 2048
_LIST_AGAIN = "That could not be read: it is no JSON object of the form that was asked for, or breaks a rule of it."
_DROPPED = frozenset({"logprobs", "top_logprobs", "response_format", "structured_outputs"})


@dataclass(frozen=True, slots=True)
class Constraint:
    """How a verdict is asked for once more."""

    how: How
    question: str
    fields: Mapping[str, Any]  # of the request
    room: int = _ROOM  # tokens that the reply may take at least

    def prompt(self, first: ChatPrompt, reply: Completion) -> ChatPrompt:
        """The first question, what was replied, and the second question."""
        if not reply.text.strip():  # no server takes an empty turn
            *before, last = first.messages
            longer = replace(last, content=f"{last.content}\n\n{self.question}")
            return replace(first, messages=(*before, longer))
        turns = (PromptMessage("assistant", reply.text), PromptMessage("user", self.question))
        return replace(first, messages=(*first.messages, *turns))

    def settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The judge's settings with the form in them, and room for it."""
        kept = {name: value for name, value in given.items() if name not in _DROPPED}
        limit = "max_completion_tokens" if "max_completion_tokens" in kept else "max_tokens"
        return {**kept, limit: max(int(kept.get(limit, self.room)), self.room), **self.fields}


def constraint(template: Template, how: How) -> Constraint | None:
    """None where the template's verdicts cannot be forced in this way."""
    if how == "choice":
        words = _words(template)
        if words is None or template.reply.aspects or template.reply.answers or template.reply.listing:
            return None
        choices = ", ".join(words)
        question = f"No verdict could be read from that. State only your verdict, nothing else, as one of: {choices}"
        return Constraint(how, question, {"structured_outputs": {"choice": words}})
    properties = _properties(template)
    if properties is None:
        return None
    if template.reply.listing is not None:
        question = f"{_LIST_AGAIN} Write it once more, whole, as the JSON object that was asked for and nothing else."
        return Constraint(how, question, _enforced(properties), _LIST_ROOM)
    names = ", ".join(f'"{name}"' for name in properties)
    question = f"No verdict could be read from that. State only your verdict, as a JSON object with {names}."
    return Constraint(how, question, _enforced(properties))


def _enforced(properties: Mapping[str, Any]) -> dict[str, Any]:
    schema = _object(properties)
    return {
        "response_format": {"type": "json_schema", "json_schema": {"name": _FIELD, "strict": True, "schema": schema}}
    }


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of an object with all of these properties and no others."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _goals(listing: Listing) -> dict[str, Any]:
    causes = listing.taxonomy.names if listing.taxonomy else ()
    turn = {"type": "integer"}
    goal = {
        "goal": {"type": "string"},
        "turns": {"type": "array", "items": turn},
        "reached": {"type": "string", "enum": list(get_args(Reached))},
        "cause": {"anyOf": [{"type": "string", "enum": list(causes)}, {"type": "null"}]},
        "failed_at": {"anyOf": [turn, {"type": "null"}]},
        "declared": {"anyOf": [turn, {"type": "null"}]},
        "why": {"type": "string"},
    }
    return {listing.field: {"type": "array", "items": _object(goal)}}


def _steps(listing: Listing) -> dict[str, Any]:
    verdict = {"type": "string", "enum": list(get_args(Rating))}
    step = {"step": {"type": "integer"}, "why": {"type": "string"}, "verdict": verdict}
    first = {"anyOf": [{"type": "integer"}, {"type": "null"}]}
    return {listing.field: {"type": "array", "items": _object(step)}, "first_error": first}


def _spans(listing: Listing) -> dict[str, Any]:
    span = {
        "quote": {"type": "string"},
        "nth": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "kind": {"type": "string", "enum": [name for name, _ in listing.kinds]},
        "why": {"type": "string"},
    }
    return {listing.field: {"type": "array", "items": _object(span)}}


# The properties of the reply's object, by what it lists.
_LISTED: Mapping[Listed, Callable[[Listing], dict[str, Any]]] = {"goals": _goals, "steps": _steps, "spans": _spans}


def as_constrained(template: Template, how: str) -> Template:
    """The template as it reads a reply to the second question."""
    if template.reply.listing is not None:
        return template
    if how == "choice":
        return replace(template, reply=ReplyFormat())
    field = None if template.reply.aspects else template.reply.field or _FIELD
    return replace(template, reply=ReplyFormat(field, template.reply.aspects))


def _properties(template: Template) -> dict[str, Any] | None:
    if (listing := template.reply.listing) is not None:
        return _LISTED[listing.of](listing) if listing.of in _LISTED else None
    if template.reply.answers:
        return None  # how many there are is the instruction's business
    value = _value(template)
    if value is None:
        return None
    names = [name for name, _ in template.reply.aspects] or [template.reply.field or _FIELD]
    return dict.fromkeys(names, value)


def _value(template: Template) -> dict[str, Any] | None:
    scale = template.scale
    if isinstance(scale, LabelScale):
        return {"type": "string", "enum": [label.text for label in scale.labels]}
    if not isinstance(scale, ScoreScale):
        return None
    if 0 < len(scale.points) <= _MOST_POINTS:
        points = [int(point) if point.is_integer() else point for point in scale.points]
        return {"enum": points, "type": "integer" if all(isinstance(point, int) for point in points) else "number"}
    return {"type": "number", "minimum": scale.low, "maximum": scale.high}


def _words(template: Template) -> list[str] | None:
    value = _value(template)
    return None if value is None or "enum" not in value else [str(word) for word in value["enum"]]
