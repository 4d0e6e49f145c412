"""Templates: a trial in, the judge's messages out.

Outputs are inserted exactly as they are and fenced by lines that bear a random mark, so that no output can end its
own fence. Values reach jinja only as variables of a sandboxed environment, never as template text. The order of a
prompt is fixed by the templates (system, task, instruction, then outputs), so that trials of one instruction share
their longest prefix: the mark of a trial therefore appears only after the instruction. No file is read here, see
``judgebench.spec``; nothing is asked.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from judgebench.errors import InputError
from judgebench.judging.scales import LikelihoodScale, Scale
from judgebench.records import ChatPrompt, Instruction, LikelihoodPrompt, Message, Prompt, Trial, content_key

VARIABLES = frozenset({"instruction", "reference", "mark", "first", "second"})  # what a template may name

_MARK_DIGITS = 16  # 64 bits: guessing one costs more trials than anybody will run
ENVIRONMENT = ImmutableSandboxedEnvironment(
    undefined=jinja2.StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True
)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a template asks its judge to answer with, and how the verdict is read from it."""

    field: str | None = None  # the JSON property that holds the verdict; None: the reply is text
    soft: bool = False  # weigh the alternatives of the verdict token by their log-probabilities
    min_mass: float = 0.8  # soft only: least share of probability the labels must hold, in [0, 1]


@dataclass(frozen=True)
class Template:
    """A versioned text that turns a trial into messages, with the scale its verdicts are read on."""

    name: str  # "two-way"
    version: int
    kind: str  # "pairwise" or "pointwise"
    system: str  # jinja source; may be empty
    user: str  # jinja source; empty for a likelihood scale
    scale: Scale
    settings: Mapping[str, Any]  # decoding settings to send unless the judge has its own
    digest: str  # content key of everything above except the name and version
    reply: Reply = field(default_factory=Reply)

    @property
    def id(self) -> str:
        return f"{self.kind}/{self.name}.v{self.version}"


def make_nonce(trial_key: str, seed: int) -> str:
    """The mark of a trial: 16 hexadecimal digits, the same each time, not to be guessed without the seed."""
    return hmac.new(str(seed).encode(), trial_key.encode(), hashlib.sha256).hexdigest()[:_MARK_DIGITS]


def render(template: Template, trial: Trial, *, nonce: str) -> Prompt:
    """The judge's prompt for ``trial``.

    Should ``nonce`` occur in a text that is shown, the first of its hash chain that does not is used instead, so a
    mark never equals text of an output and a prompt can still be rendered again from the same nonce.

    Raises InputError when the template fails on this trial, for example for want of a reference.
    """
    if isinstance(template.scale, LikelihoodScale):
        return LikelihoodPrompt(trial.battle.instruction.text, (trial.first.text, trial.second.text))
    values = _values(trial, nonce)
    sources = (("system", template.system), ("user", template.user))
    try:
        texts = [(role, _compiled(source).render(values).strip()) for role, source in sources if source]
    except jinja2.TemplateError as error:
        raise InputError(f"template {template.id} cannot show this trial: {error}") from error
    return ChatPrompt(tuple(Message(role, text) for role, text in texts))


@lru_cache(maxsize=64)
def _compiled(source: str) -> jinja2.Template:
    return ENVIRONMENT.from_string(source)


def _values(trial: Trial, nonce: str) -> dict[str, Any]:
    """The variables of one trial. Texts come fenced; a reference is undefined where the instruction has none."""
    instruction = trial.battle.instruction
    mark = _unused(nonce, (trial.first.text, trial.second.text))
    return {
        **_instruction_values(instruction),
        "mark": mark,
        "first": fence("output A", trial.first.text, mark),
        "second": fence("output B", trial.second.text, mark),
    }


def _instruction_values(instruction: Instruction) -> dict[str, Any]:
    """The same for every trial of an instruction, so that a server can share the prefix."""
    mark = content_key("mark", instruction.turns, instruction.reference, instruction.checklist)[:_MARK_DIGITS]
    values: dict[str, Any] = {"instruction": fence("instruction", instruction.text, mark)}
    if instruction.reference is not None:
        values["reference"] = fence("reference", instruction.reference, mark)
    return values


def fence(name: str, text: str, mark: str) -> str:
    """``text`` verbatim between two lines that bear the mark."""
    return f"<<< begin {name} {mark}\n{text}\nend {name} {mark} >>>"


def _unused(nonce: str, texts: tuple[str, ...]) -> str:
    while any(nonce in text for text in texts):
        nonce = hashlib.sha256(nonce.encode()).hexdigest()[:_MARK_DIGITS]
    return nonce
