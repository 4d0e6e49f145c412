"""Templates: a trial in, the judge's messages out; and the scales that their verdicts are read on.

Outputs are inserted exactly as they are and fenced by lines that bear a random mark, so that no output can end its
own fence; conversations that are more than turns and replies are put into such fences by ``showing``. Values reach
jinja only as variables of a sandboxed environment, never as template text. The order of a prompt is fixed by the
templates (system, task, instruction, then outputs), so that trials of one instruction share their longest prefix: the
mark of a trial therefore appears only after the instruction. No file is read here, see
``judgebench.spec``; nothing is asked.

A scale is what a judge can say, and the number each saying stands for. It knows nothing about replies:
``parsing.grammar`` finds values in text and ``parsing`` undoes the order. Preferences here are about the output *shown
first*.
"""

import hashlib
import hmac
import math
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import groupby
from typing import Any, Literal

import jinja2
from jinja2 import meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from judgebench.conversations import Trajectory, join
from judgebench.errors import InputError
from judgebench.judging import showing
from judgebench.judging.aggregates import Aggregate
from judgebench.judging.characters import fold, visible
from judgebench.judging.numbering import step_ends, step_places
from judgebench.judging.pictures import Pictures, Spots
from judgebench.judging.showing import fence
from judgebench.keys import content_key
from judgebench.records import (
    ChatPrompt,
    Instruction,
    LikelihoodPrompt,
    Output,
    Prompt,
    PromptImage,
    PromptMessage,
    Rating,
    Reading,
    Trial,
)

# What a template may name. Every text comes fenced, and a text that the trial lacks is undefined.
OPTIONAL = frozenset({"reference", "checklist", "goals"})  # an instruction may lack them
BESIDE = frozenset({"steps", "afterwards"})  # what stands beside an output
SHOWN = OPTIONAL | BESIDE  # what a template may show beside the conversation
EVERYTHING = tuple(sorted(SHOWN))  # in the keys of a judge whose template nobody has; no template shows it all
_ALWAYS = OPTIONAL | {"instruction", "mark", "afterwards"}
VARIABLES = {
    "pairwise": _ALWAYS | {"first", "second", "first_dialogue", "second_dialogue"},
    "pointwise": _ALWAYS | {"output", "dialogue", "causes", "steps", "kinds"},
}
_OF_INSTRUCTION = OPTIONAL | {"instruction"}  # the same in each trial of it
_OF_TEMPLATE = frozenset({"causes", "kinds"})  # the same in each trial
_USED = (nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.If, nodes.Not, nodes.And, nodes.Or)
_MARK_DIGITS = 16  # 64 bits: guessing one costs more trials than anybody will run
_NO_IMAGES: Mapping[str, PromptImage] = {}
ENVIRONMENT = ImmutableSandboxedEnvironment(
    undefined=jinja2.StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True
)


@dataclass(frozen=True, slots=True)
class Label:
    """One thing a judge may say."""

    text: str  # as the template asks for it
    preference: float  # for the output shown first, in [0, 1]; of a pointwise template, the score
    spellings: tuple[str, ...] = ()  # other ways of saying the same, such as "B<A" for "A>B"


@dataclass(frozen=True)
class LabelScale:
    """Labels, each with its preference for the output shown first. At least two; no spelling is shared."""

    labels: tuple[Label, ...]
    case_sensitive: bool = False

    def find(self, text: str) -> Label | None:
        """The label spelled by the whole of ``text``, white space aside, or None."""
        return self.by_spelling.get(self.key(text))

    @cached_property
    def by_spelling(self) -> Mapping[str, Label]:
        """Every accepted spelling, by its key."""
        return {self.key(spelling): label for label in self.labels for spelling in (label.text, *label.spellings)}

    def key(self, text: str) -> str:
        """``text`` as it is compared: folded, without what nobody sees and blanks, small unless case matters."""
        bare = "".join(fold(visible(text)).split())
        return bare if self.case_sensitive else bare.casefold()


@dataclass(frozen=True, slots=True)
class ScoreScale:
    """Numbers from ``low`` to ``high``, both included; higher is better."""

    low: float
    high: float
    step: float | None = None  # scores lie on low + k * step; None: any number in the range

    def holds(self, value: float) -> bool:
        if not self.low <= value <= self.high:
            return False
        if self.step is None:
            return True
        steps = (value - self.low) / self.step
        return math.isclose(steps, round(steps), abs_tol=1e-9)

    @property
    def points(self) -> tuple[float, ...]:
        """Every score of a stepped scale; empty without a step."""
        if self.step is None:
            return ()
        return tuple(self.low + k * self.step for k in range(int((self.high - self.low) / self.step + 1e-9) + 1))


@dataclass(frozen=True, slots=True)
class LikelihoodScale:
    """No words: the judge's own log-probabilities of the outputs are compared, in nats.

    ``pmi``: log p(output | instruction) - log p(output), summed over tokens. ``pmi-mean``: the same a token.
    ``mean``: log p(output | instruction) a token (GPTScore, Fu et al. 2023, without weights).
    """

    measure: str = "pmi"


@dataclass(frozen=True, slots=True)
class RewardScale:
    """No words: the number that a reward model's head gives an output, unbounded, larger is better. Only differences
    between outputs to one instruction mean something, and none is a log-odds until somebody fitted its temperature."""


Scale = LabelScale | ScoreScale | LikelihoodScale | RewardScale


Listed = Literal["goals", "steps", "spans"]


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """Why goals are not reached. Where several causes hold, the first is the root cause."""

    causes: tuple[tuple[str, str], ...]  # names, and what each means; at least one
    outside: str  # which goals are out of scope

    @property
    def names(self) -> tuple[str, ...]:
        """Of the causes."""
        return tuple(name for name, _ in self.causes)

    @property
    def text(self) -> str:
        """As a judge reads it."""
        causes = (f"{number}. {name}: {meaning}" for number, (name, meaning) in enumerate(self.causes, 1))
        return "\n".join((*causes, f"Out of scope: {self.outside}"))


@dataclass(frozen=True, slots=True)
class Listing:
    """A JSON object with a list of what the verdict is made of; see ``parsing.listings``."""

    of: Listed
    field: str  # the JSON property that holds the list
    taxonomy: Taxonomy | None = None  # of goals
    kinds: tuple[tuple[str, str], ...] = ()  # of faults, and what each means; of spans
    aggregate: Aggregate = "min"  # how steps make the score; of steps and spans
    values: tuple[tuple[Rating, float], ...] = ()  # what each rating is worth, in [0, 1]; empty: as usual

    @property
    def kinds_text(self) -> str:
        """As a judge reads it."""
        return "\n".join(f"- {name}: {meaning}" for name, meaning in self.kinds)


@dataclass(frozen=True, slots=True)
class ReplyFormat:
    """What a template asks its judge to answer with, and how the verdict is read from it.

    At most one of ``field``, ``aspects``, ``answers`` and ``listing`` is given; without any, the reply is text.
    """

    field: str | None = None  # the JSON property that holds the verdict
    aspects: tuple[tuple[str, float], ...] = ()  # JSON properties, each a score, and their weights above 0
    answers: str | None = None  # the JSON property that lists an answer to each question of the checklist
    listing: Listing | None = None
    soft: bool = False  # weigh the alternatives of the verdict token by their log-probabilities
    min_mass: float = 0.8  # soft only: least share of probability the labels must hold, in [0, 1]


@dataclass(frozen=True)
class Template:
    """A versioned text that turns a trial into messages, with the scale its verdicts are read on."""

    id: str  # "pairwise/two-way.v1"
    name: str  # "two-way"
    version: int
    kind: str  # "pairwise" or "pointwise"
    system: str  # jinja source; may be empty
    user: str  # jinja source; empty for a likelihood or reward scale
    scale: Scale
    settings: Mapping[str, Any]  # decoding settings to send unless the judge has its own
    digest: str  # content key of everything above except id, name and version
    named: frozenset[str]  # the variables that it shows
    reply: ReplyFormat = field(default_factory=ReplyFormat)
    shows_images: bool = False  # as images, to judges that see; otherwise a line says of each that it is not shown

    @property
    def is_text_only(self) -> bool:
        """Whether it takes texts and nothing else: what is weighed is a dialogue, and no prompt with fences."""
        return isinstance(self.scale, LikelihoodScale | RewardScale)

    @cached_property
    def begins_alike(self) -> bool:
        """Whether its prompts about one instruction begin with that, so that a server can keep what it made of it."""
        names = (name for source in (self.system, self.user) for name in variables_in_order(source))
        first = next((name for name in names if name not in _OF_TEMPLATE), None)
        return self.is_text_only or first in _OF_INSTRUCTION

    def lacks(self, instruction: Instruction) -> tuple[str, ...]:
        """What this template shows and the instruction does not have: "reference", "checklist". Ask before planning:
        a trial that lacks something cannot be rendered."""
        has = {"reference": instruction.reference is not None, "checklist": bool(instruction.checklist)}
        return tuple(name for name in ("reference", "checklist") if name in self.named and not has[name])

    @property
    def shows(self) -> tuple[str, ...]:
        """What of an instruction beside its conversation it shows, by name, sorted."""
        return tuple(sorted(self.named & SHOWN))

    def shown(self, instruction: Instruction, *outputs: Output) -> str:
        """Content key of what this template shows beside the conversation; empty: nothing."""
        return shown_key(instruction, self.shows, outputs)


def shown_key(instruction: Instruction, names: Sequence[str], outputs: Sequence[Output] = ()) -> str:
    """Content key of those of "checklist" and "reference" that are named and that the instruction has, and of those of
    "steps" and "afterwards" that any of the outputs of a trial has, A's first."""
    shown: list[tuple[str, Any]] = []
    for name in names:
        if name not in BESIDE:
            value = getattr(instruction, name)
        else:
            several = [getattr(output, name) for output in outputs]
            value = several if any(several) else None
        if value:
            shown.append((name, value))
    return content_key("shown", shown) if shown else ""


def with_shown(trial: Trial | Reading, names: Sequence[str]) -> Trial | Reading:
    """The trial with the key that a judge gives it whose template shows these beside the conversation."""
    if isinstance(trial, Reading):
        return replace(trial, shown=shown_key(trial.instruction, names, (trial.output,)))
    battle = trial.battle
    return replace(trial, shown=shown_key(battle.instruction, names, (battle.a, battle.b)))


@lru_cache(maxsize=256)
def variables(source: str) -> frozenset[str]:
    """The variables that a jinja source names.

    Raises jinja2.TemplateSyntaxError, for anything too but texts, variables and conditions on them: whatever loops,
    computes or reads files could keep a run busy for ever, and a prompt needs none of it.
    """
    tree = ENVIRONMENT.parse(source)
    for node in _nodes(tree):
        if not isinstance(node, _USED):
            reason = f"a template has variables and {{% if %}}, and nothing such as {type(node).__name__.lower()}"
            raise jinja2.TemplateSyntaxError(reason, node.lineno)
    return frozenset(meta.find_undeclared_variables(tree))


def variables_in_order(source: str) -> Iterator[str]:
    """The variables of a jinja source that ``variables`` takes, as they stand in it."""
    return (node.name for node in _nodes(ENVIRONMENT.parse(source)) if isinstance(node, nodes.Name))


def _nodes(node: nodes.Node) -> Iterator[nodes.Node]:
    yield node
    for child in node.iter_child_nodes():
        yield from _nodes(child)


def make_nonce(trial_key: str, seed: int) -> str:
    """The mark of a trial: 16 hexadecimal digits, the same each time, not to be guessed without the seed."""
    return hmac.digest(str(seed).encode(), trial_key.encode(), "sha256").hex()[:_MARK_DIGITS]


def render(
    template: Template,
    trial: Trial | Reading,
    *,
    nonce: str,
    images: Mapping[str, PromptImage] = _NO_IMAGES,
    most_images: int = 0,
) -> Prompt:
    """The judge's prompt for ``trial``. ``images``: by the digests of their originals those that a template which shows
    images can show, of which a prompt has ``most_images`` at most.

    Should ``nonce`` occur in a text that is shown, the first of its hash chain that does not is used instead, so a
    mark never equals text of an output and a prompt can still be rendered again from the same nonce.

    Raises InputError when the template cannot show this trial: a pairwise template a single output, one with a
    reference an instruction that has none (see ``Template.lacks``), one that takes text only anything else (see
    ``check_text``).
    """
    if isinstance(template.scale, LikelihoodScale) and isinstance(trial, Trial):
        check_text(template, trial)
        instruction = trial.battle.instruction
        return LikelihoodPrompt(_asked_text(instruction), (trial.first.text, trial.second.text), instruction.key)
    if isinstance(template.scale, RewardScale) and isinstance(trial, Reading):
        check_text(template, trial)
        return ChatPrompt(_conversation(trial.instruction, trial.output), trial.instruction.key)
    values: dict[str, Any]
    spots: Spots | None = None
    if is_plain(trial):
        values = _values(trial, nonce, template.named)
    else:
        values, spots = _whole_values(trial, nonce, template, images)
    if template.reply.listing and (taxonomy := template.reply.listing.taxonomy):
        values["causes"] = taxonomy.text
    if template.reply.listing and template.reply.listing.kinds:
        values["kinds"] = template.reply.listing.kinds_text
    if not BESIDE.isdisjoint(template.named):
        values |= _beside_outputs(trial, values, template.named)
    sources = (("system", template.system), ("user", template.user))
    try:
        texts = [(role, _rendering(source)(values)) for role, source in sources if source]
    except jinja2.TemplateError as error:
        raise InputError(f"template {template.id} cannot show this trial: {error}") from error
    alike = sides(trial)[0].key if template.begins_alike else None
    if spots is None:
        return ChatPrompt(tuple(PromptMessage(role, text) for role, text in texts), alike)
    pictures = Pictures(images, most_images, spots.token)
    return ChatPrompt(tuple(pictures.message(role, text) for role, text in texts), alike, pictures.left_out)


@lru_cache(maxsize=64)
def _rendering(source: str) -> Callable[[Mapping[str, Any]], str]:
    template = ENVIRONMENT.from_string(source)
    if not variables(source):
        text = template.render()
        return lambda _: text
    template.globals = dict(template.globals)  # every rendering copies them, and jinja's chain of maps copies slowly
    return template.render


def sides(trial: Trial | Reading) -> tuple[Instruction, dict[str, tuple[str, Output]]]:
    """The instruction, and by the variables of templates each output and what a judge knows it as."""
    if isinstance(trial, Reading):
        return trial.instruction, {"output": ("output", trial.output)}
    return trial.battle.instruction, {"first": ("output A", trial.first), "second": ("output B", trial.second)}


def is_plain(trial: Trial | Reading) -> bool:
    """Whether turns and replies say all that is in it."""
    if isinstance(trial, Reading):
        return trial.output.plain and trial.instruction.plain
    battle = trial.battle
    return battle.a.plain and battle.b.plain and battle.instruction.plain


def _values(trial: Trial | Reading, nonce: str, named: frozenset[str]) -> dict[str, Any]:
    """What a template shows of a plain trial: the instruction's texts, and of the outputs what it names."""
    instruction, shown = sides(trial)
    texts = [text for _, output in shown.values() for text in (*output.earlier, output.text, output.afterwards or "")]
    nonce = unused(nonce, (*texts, *instruction.turns))
    values = {**_instruction_values(instruction), "mark": nonce}
    for variable, (name, output) in shown.items():
        if len(output.earlier) >= len(instruction.turns):  # an error, whether the template shows the dialogue or not
            _replies(instruction, output)
        dialogue = _dialogue_of(variable)
        if variable in named:
            values[variable] = fence(name, output.text, nonce)
        if dialogue in named or "steps" in named:
            values[dialogue] = _dialogue(name, instruction, output, nonce)
    return values


def _whole_values(
    trial: Trial | Reading, nonce: str, template: Template, held: Container[str]
) -> tuple[dict[str, Any], Spots | None]:
    """What every template shows of any other trial: all that was asked, said and done; and where images are to stand,
    if it shows any."""
    named = template.named
    instruction, shown = sides(trial)
    conversation = instruction.conversation
    asking = showing.asked(conversation)
    doing = {
        variable: showing.done(conversation, _placed(instruction, output), name)
        for variable, (name, output) in shown.items()
    }
    texts = [*_beside(instruction), *showing.texts(asking)]
    done = (text for stretches in doing.values() for text in showing.texts(stretches))
    nonce = unused(nonce, [*texts, *done, *(output.afterwards or "" for _, output in shown.values())])
    spots = Spots(nonce, held) if template.shows_images else None
    values = {**_instruction_values(instruction), "mark": nonce}
    if not instruction.plain or len(instruction.turns) > 1:
        key = content_key(
            "mark/2", instruction.key, instruction.reference, instruction.checklist, *_goals(instruction.goals)
        )
        mark = unused(key[:_MARK_DIGITS], texts)
        blocks = [block for stretch in asking for block in stretch.blocks]
        values |= {
            "instruction": fence("instruction", showing.written(blocks, mark, spots), mark),
            **_fences(instruction.reference, instruction.checklist, instruction.goals, mark),
        }
    for variable, (name, output) in shown.items():
        stretches = doing[variable]
        if variable in named:
            bare = output.plain and not output.earlier
            text = output.text if bare else showing.side(conversation, stretches, nonce, spots)
            values[variable] = fence(name, text, nonce)
        if (dialogue := _dialogue_of(variable)) in named or "steps" in named:
            values[dialogue] = showing.dialogue(name, conversation, asking, stretches, nonce, spots)
    return values, spots


def _beside_outputs(trial: Trial | Reading, values: Mapping[str, Any], named: frozenset[str]) -> dict[str, str]:
    """The steps of an output, each in a fence, after the dialogue where the output is more than one reply; and what
    happened after each output, where that is known of all. ``values``: what else is shown."""
    mark, (_, shown) = values["mark"], sides(trial)
    beside = {}
    if "afterwards" in named and all(output.afterwards is not None for _, output in shown.values()):
        later = ((f"what happened after {name}", output.afterwards or "") for name, output in shown.values())
        beside["afterwards"] = "\n".join(fence(title, text, mark) for title, text in later)
    if "steps" in named and isinstance(trial, Reading):
        text, places = trial.output.text, step_places(step_ends(trial.output.text, trial.output.steps))
        steps = [fence(f"step {at}", text[start:stop].rstrip(), mark) for at, (start, stop) in enumerate(places, 1)]
        is_one_reply = is_plain(trial) and not trial.output.earlier
        beside["steps"] = "\n".join(steps if is_one_reply else [values["dialogue"], *steps])
    return beside


def unused(mark: str, texts: Sequence[str]) -> str:
    """The first of the mark's hash chain that stands in none of the texts."""
    while any(mark in text for text in texts):
        mark = hashlib.sha256(mark.encode()).hexdigest()[:_MARK_DIGITS]
    return mark


def _dialogue_of(variable: str) -> str:
    return "dialogue" if variable == "output" else f"{variable}_dialogue"


def _beside(instruction: Instruction) -> tuple[str, ...]:
    """Texts that templates may show beside the conversation."""
    return (instruction.reference or "", *instruction.checklist, *instruction.goals)


def _goals(goals: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """For a mark, which is what it was before there were goals where there are none."""
    return (goals,) if goals else ()


def _placed(instruction: Instruction, output: Output) -> Trajectory:
    """Raises InputError for a reply too many."""
    if output.trajectory is None:
        _replies(instruction, output)
    return output.read(instruction)


def _instruction_values(instruction: Instruction) -> Mapping[str, str]:
    """The same for every trial of an instruction, so that a server can share the prefix. Their mark need not be
    random: whoever wrote the outputs gains nothing by ending the fence of an instruction that is already over."""
    return _kept_values(instruction.turns, instruction.reference, instruction.checklist, instruction.goals)


@lru_cache(maxsize=64)  # its trials come one after the other
def _kept_values(
    turns: tuple[str, ...], reference: str | None, checklist: tuple[str, ...], goals: tuple[str, ...]
) -> Mapping[str, str]:
    mark = content_key("mark", turns, reference, checklist, *_goals(goals))[:_MARK_DIGITS]
    return {"instruction": fence("instruction", "\n\n".join(turns), mark), **_fences(reference, checklist, goals, mark)}


def _fences(reference: str | None, checklist: Sequence[str], goals: Sequence[str], mark: str) -> dict[str, str]:
    """Reference and checklist, where the instruction has them; its goals, a text that may be empty."""
    values = {"goals": ""}
    if reference is not None:
        values["reference"] = fence("reference", reference, mark)
    if checklist:
        questions = "\n".join(f"{number}. {question}" for number, question in enumerate(checklist, 1))
        values["checklist"] = fence("checklist", questions, mark)
    if goals:
        declared = "\n".join(f"{number}. {goal}" for number, goal in enumerate(goals, 1))
        values["goals"] = fence("declared goals", declared, mark)
    return values


def _replies(instruction: Instruction, output: Output) -> tuple[int, tuple[str, ...]]:
    """How many of the first turns have no reply, and the replies to the others. Raises InputError for one too many."""
    replies = (*output.earlier, output.text)
    silent = len(instruction.turns) - len(replies)
    if silent < 0:
        raise InputError(
            f"model {output.model!r} has {len(replies)} replies to {len(instruction.turns)} turns of the instruction "
            f"{instruction.brief[:60]!r}; submit one reply a turn"
        )
    return silent, replies


def check_text(template: Template, trial: Trial | Reading) -> None:
    """Raises InputError where the template takes text only and the trial has more than text."""
    if not template.is_text_only or is_plain(trial):
        return
    instruction, shown = sides(trial)
    conversation = instruction.conversation
    messages = [*conversation.messages]
    for _, output in shown.values():
        messages += _placed(instruction, output).messages
    if more := showing.beyond_text(messages, conversation.tools):
        raise InputError(
            f"template {template.id} takes nothing but texts, and the instruction {instruction.brief[:60]!r} or an "
            f"output to it has more ({', '.join(more)}): choose a template that asks a question, such as "
            "pairwise/three-way or pointwise/mt-bench"
        )


def _asked_text(instruction: Instruction) -> str:
    """Everything that was asked, as one text."""
    if instruction.plain:
        return instruction.text
    return "\n\n".join(text for message in instruction.conversation.messages if (text := message.text))


def _conversation(instruction: Instruction, output: Output) -> tuple[PromptMessage, ...]:
    """The dialogue itself, nothing added: what a reward model was trained on. Turns without a reply are joined."""
    if not (instruction.plain and output.plain):
        return _chat(instruction, output)
    silent, replies = _replies(instruction, output)
    turns = ("\n\n".join(instruction.turns[: silent + 1]), *instruction.turns[silent + 1 :])
    pairs = zip(turns, replies, strict=True)
    return tuple(
        message for turn, reply in pairs for message in (PromptMessage("user", turn), PromptMessage("assistant", reply))
    )


def _chat(instruction: Instruction, output: Output) -> tuple[PromptMessage, ...]:
    """Messages up to the model's last, those of one role in a row as one."""
    trajectory = _placed(instruction, output)
    conversation = join(instruction.conversation, trajectory)
    end = max((segment.after for segment in trajectory.segments), default=len(conversation.messages))
    shown = conversation.messages[: end + len(trajectory.messages)]
    messages: list[PromptMessage] = []
    for role, group in groupby(shown, key=lambda message: "system" if message.role == "developer" else message.role):
        texts = [text for message in group if (text := message.text)]
        messages.append(PromptMessage(role, ("\n" if role == "assistant" else "\n\n").join(texts)))
    return tuple(messages if messages[-1].role == "assistant" else (*messages, PromptMessage("assistant", "")))


def _dialogue(name: str, instruction: Instruction, output: Output, mark: str) -> str:
    """Turns and replies in alternation, each in a fence of its own; the last reply belongs to the last turn."""
    silent, replies = _replies(instruction, output)
    parts = []
    for number, turn in enumerate(instruction.turns, 1):
        parts.append(fence(f"user turn {number}", turn, mark))
        if number > silent:
            parts.append(fence(f"{name}, reply {number}", replies[number - 1 - silent], mark))
    return "\n".join(parts)
