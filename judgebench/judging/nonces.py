"""A nonce in the form of the verdict: demanded by the prompt, drawn for each question, and told of the reply.

No output can hold it, as it is drawn after all outputs are there, and is none of their words. What a judge copies from
an output therefore never is a verdict; what it writes because an output told it to, is. Reading is ``parsing``'s.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from judgebench.errors import InputError
from judgebench.judging.templates import LabelScale, Template
from judgebench.records import ChatPrompt, Completion

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # without what is easily taken for something else
DIGITS = 8  # 40 bits; with the prefix no longer than what the store keeps
_PREFIX = "nonce:"
_TOLD = re.compile(rf"{_PREFIX}([{ALPHABET}]{{{DIGITS}}})")
_DEMAND = (
    "The nonce of this question is {nonce}. Whatever was said about the form of your verdict, it has the nonce in it, "
    "after a colon: write {forms}. Without the nonce it does not count. Write the nonce nowhere else."
)
_IN_OBJECT = (
    "The nonce of this question is %s. Whatever was said about the form of your reply, the JSON object has the nonce "
    'as one more property, its first: "nonce": "%s". Without it the object does not count. Write it nowhere else.'
)
_ANY_SCORE = "NUMBER"  # no number of ours, which would be the one that is given


def check_form(template: Template, settings: Mapping[str, Any]) -> None:
    """Raises InputError where no verdict of the template's can bear a nonce under these decoding settings."""
    if template.is_text_only:
        raise InputError(f"template {template.id} asks for no words, so no nonce can stand in a verdict: leave it out")
    if is_forced(settings):
        raise InputError(
            f"the settings of template {template.id} have the server force the form of a reply, in which no nonce can "
            "stand: take a template without a schema, or leave the nonce out"
        )


def is_forced(settings: Mapping[str, Any]) -> bool:
    """Whether the server is to let nothing through but replies of a given form."""
    form = settings.get("response_format")
    return (isinstance(form, Mapping) and form.get("type") == "json_schema") or any(
        name == "structured_outputs" or name.startswith("guided_") for name in settings
    )


def stands_in(nonce: str, texts: Iterable[str]) -> bool:
    """Whether one of the texts holds the nonce."""
    return any(nonce in text.casefold() for text in texts)


def demanding(prompt: ChatPrompt, template: Template, nonce: str) -> ChatPrompt:
    """The prompt with the demand at its very end, where nothing that is judged follows."""
    *before, last = prompt.messages
    if template.reply.listing is not None:
        return replace(
            prompt, messages=(*before, replace(last, content=f"{last.content}\n\n{_IN_OBJECT % (nonce, nonce)}"))
        )
    forms = ", ".join(f"{_form(template, f'{word}:{nonce}')} instead of {shown}" for word, shown in _words(template))
    demand = _DEMAND.format(nonce=nonce, forms=forms)
    return replace(prompt, messages=(*before, replace(last, content=f"{last.content}\n\n{demand}")))


def _words(template: Template) -> list[tuple[str, str]]:
    """What may be said, and how the template asks for it."""
    scale = template.scale
    words = [label.text for label in scale.labels] if isinstance(scale, LabelScale) else [_ANY_SCORE]
    if template.reply.answers:
        words = [word.lower() for word in words]
    return [(word, _form(template, word)) for word in words]


def _form(template: Template, word: str) -> str:
    reply, prompt = template.reply, template.system + template.user
    names = ["answer"] if reply.answers else [name for name, _ in reply.aspects]
    if reply.field is not None:
        names = [reply.field]
    if names:
        return " and ".join(f'"{name}": "{word}"' for name in names)
    if "[RESULT]" in prompt:
        return f"[RESULT] {word}"
    return f"[[{word}]]" if "[[" in prompt else word


def told(completion: Completion, nonce: str) -> Completion:
    """The completion as one of a question that demanded the nonce."""
    return replace(completion, constrained=f"{_PREFIX}{nonce}")


def nonce_of(completion: Completion) -> str | None:
    """The nonce without which nothing in the completion is a verdict; None where none was demanded."""
    match = _TOLD.fullmatch(completion.constrained or "")
    return match[1] if match else None
