"""Asking once more for a verdict that could not be read, in a form that the server enforces. Pure.

The judge sees its own first reply again, so what it reasoned stands; only the form of what follows is forced. A verdict
that came this way says so (``Completion.constrained``), because a judge that had not decided was made to.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from judgebench.judging.templates import LabelScale, ReplyFormat, ScoreScale, Template
from judgebench.records import ChatPrompt, Completion, PromptMessage

How = Literal["json_schema", "choice"]
_FIELD = "verdict"
_MOST_POINTS = 200  # of a scale that is listed
_ROOM = 256  # tokens: enough for any of the forms below
_DROPPED = frozenset({"logprobs", "top_logprobs", "response_format", "structured_outputs"})


@dataclass(frozen=True, slots=True)
class Constraint:
    """How a verdict is asked for once more."""

    how: How
    question: str
    fields: Mapping[str, Any]  # of the request

    def prompt(self, first: ChatPrompt, reply: Completion) -> ChatPrompt:
        """The first question, what was replied, and the second question."""
        if not reply.text.strip():  # no server takes an empty turn
            *before, last = first.messages
            longer = PromptMessage(last.role, f"{last.content}\n\n{self.question}")
            return replace(first, messages=(*before, longer))
        turns = (PromptMessage("assistant", reply.text), PromptMessage("user", self.question))
        return replace(first, messages=(*first.messages, *turns))

    def settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The judge's settings with the form in them, and room for it."""
        kept = {name: value for name, value in given.items() if name not in _DROPPED}
        limit = "max_completion_tokens" if "max_completion_tokens" in kept else "max_tokens"
        return {**kept, limit: max(int(kept.get(limit, _ROOM)), _ROOM), **self.fields}


def constraint(template: Template, how: How) -> Constraint | None:
    """None where the template's verdicts cannot be forced in this way."""
    if how == "choice":
        words = _words(template)
        if words is None or template.reply.aspects or template.reply.answers:
            return None
        choices = ", ".join(words)
        question = f"No verdict could be read from that. State only your verdict, nothing else, as one of: {choices}"
        return Constraint(how, question, {"structured_outputs": {"choice": words}})
    properties = _properties(template)
    if properties is None:
        return None
    names = ", ".join(f'"{name}"' for name in properties)
    question = f"No verdict could be read from that. State only your verdict, as a JSON object with {names}."
    schema = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    enforced = {"type": "json_schema", "json_schema": {"name": _FIELD, "strict": True, "schema": schema}}
    return Constraint(how, question, {"response_format": enforced})


def as_constrained(template: Template, how: str) -> Template:
    """The template as it reads a reply to the second question."""
    if how == "choice":
        return replace(template, reply=ReplyFormat())
    field = None if template.reply.aspects else template.reply.field or _FIELD
    return replace(template, reply=ReplyFormat(field, template.reply.aspects))


def _properties(template: Template) -> dict[str, Any] | None:
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
