"""What a judge's server can do, tried before money is spent on it.

Servers ignore what they do not know, with status 200 and free text, so a capability counts only when its effect is
seen: the constraints tried here ask for words that no unconstrained model says.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from judgebench.clients.base import Client, Server
from judgebench.clients.http import Rejected
from judgebench.clients.image_probe import ImageAbility, images_taken
from judgebench.clients.openai import OpenAIClient
from judgebench.clients.pool import Pool
from judgebench.judging.parsing import parse
from judgebench.judging.templates import Template, make_nonce, render
from judgebench.records import (
    Battle,
    ChatPrompt,
    Completion,
    Instruction,
    Order,
    Output,
    PromptMessage,
    Reading,
    Status,
    Trial,
    Verdict,
)

_PROMPT = ChatPrompt((PromptMessage("user", "Reply with one word: which is larger, A = 3 or B = 5? Say A or B."),))
_WORDS = ("larch-41", "heron-58")
_SCHEMA = {
    "type": "object",
    "properties": {"word": {"type": "string", "enum": list(_WORDS)}},
    "required": ["word"],
    "additionalProperties": False,
}
_JSON_SCHEMA = {
    "response_format": {"type": "json_schema", "json_schema": {"name": "word", "strict": True, "schema": _SCHEMA}}
}
_CHOICE = {"structured_outputs": {"choice": list(_WORDS)}}
_LOGPROBS = {"logprobs": True, "top_logprobs": 5}
_ROOM = 64  # tokens: a judge that is limited to one letter could not say the words


@dataclass(frozen=True, slots=True)
class Report:
    """What was seen of one judge, in four short questions, more where it is to see, and the server's list of models."""

    model: str | None  # the name that came back
    latency_s: float | None  # of the first question
    logprobs: bool  # token log-probabilities come, with alternatives
    json_schema: bool  # response_format of type json_schema holds
    choice: bool  # structured_outputs with a list of choices holds, as in vLLM
    left_out: tuple[str, ...]  # settings asked for that the server does not take
    context_tokens: int | None  # that the model reads and writes together; None: the server does not tell
    changed: tuple[str, ...] = ()  # what else the server needs otherwise, in words
    verdict: Status | None = None  # how a trial by the judge's template ended; None: none was tried
    detail: str | None = None  # why it has no verdict
    images: ImageAbility | None = None  # what it sees; None: its template shows no images, so it was not tried


async def check(client: Server, settings: Mapping[str, Any], template: Template | None = None) -> Report:
    """Ask the judge what its ``settings`` would ask, a trial by its ``template`` as a run sends it where that is given,
    and try what could be asked besides.

    Raises JudgeUnreachable, JudgeRefused or BadReply when it does not answer the plainest question.
    """
    listed, name = (await client.models(), client.model) if isinstance(client, OpenAIClient | Pool) else ((), "")
    plain = {name: value for name, value in settings.items() if name not in (*_LOGPROBS, *_JSON_SCHEMA, *_CHOICE)}
    first, verdict = (
        await _first(client, settings, template) if template else (await client.complete(_PROMPT, plain), None)
    )
    scored = await _tried(client, plain | _LOGPROBS)
    images = await images_taken(client, settings) if template is not None and template.shows_images else None
    schema, choice = await _schema_holds(client, plain), await _choice_holds(client, plain)
    return Report(
        model=first.model,
        latency_s=first.latency_s,
        logprobs=scored is not None and bool(scored.logprobs) and any(token.top for token in scored.logprobs or ()),
        json_schema=schema,
        choice=choice,
        left_out=client.left_out(settings),
        changed=client.changed(settings),
        verdict=None if verdict is None else verdict.status,
        detail=None if verdict is None else verdict.detail,
        images=images,
        context_tokens=next((model.context_tokens for model in listed if model.name == name), None),
    )


async def _first(client: Client, settings: Mapping[str, Any], template: Template) -> tuple[Completion, Verdict]:
    """The reply to a trial, and how it is read."""
    instruction = Instruction(
        ("Which is larger, 3 or 5?",), reference="5", checklist=("Does it say that 5 is larger?",)
    )
    texts = ("5 is larger than 3.", "3 is larger than 5.")
    right, wrong = (Output(instruction.key, f"sample-{number}", text) for number, text in enumerate(texts))
    trial: Trial | Reading = Trial("sample", Battle.of(instruction, right, wrong), Order.AB)
    if template.kind != "pairwise":
        trial = Reading("sample", instruction, right)
    reply = await client.complete(render(template, trial, nonce=make_nonce(trial.key, 0)), settings)
    return reply, parse(reply, template, trial)


async def enforced(client: Client, settings: Mapping[str, Any]) -> Literal["json_schema", "choice"] | None:
    """How the form of a reply can be forced, by one or two short questions; None where it cannot.

    Raises JudgeError where the server does not answer them.
    """
    plain = {name: value for name, value in settings.items() if name not in (*_LOGPROBS, *_JSON_SCHEMA, *_CHOICE)}
    if await _schema_holds(client, plain):
        return "json_schema"
    return "choice" if await _choice_holds(client, plain) else None


def _roomy(plain: Mapping[str, Any]) -> dict[str, Any]:
    limit = "max_completion_tokens" if "max_completion_tokens" in plain else "max_tokens"
    return {**plain, limit: max(plain.get(limit, _ROOM), _ROOM)}


async def _schema_holds(client: Client, plain: Mapping[str, Any]) -> bool:
    tried = await _tried(client, _roomy(plain) | _JSON_SCHEMA)
    return tried is not None and _word(tried.text) in _WORDS


async def _choice_holds(client: Client, plain: Mapping[str, Any]) -> bool:
    tried = await _tried(client, _roomy(plain) | _CHOICE)
    return tried is not None and tried.text.strip() in _WORDS


async def _tried(client: Client, settings: Mapping[str, Any]) -> Completion | None:
    try:
        return await client.complete(_PROMPT, settings)
    except Rejected as rejection:
        if rejection.only_this:
            return None
        raise


def _word(text: str) -> Any:
    try:
        reply = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return reply.get("word") if isinstance(reply, dict) else None
