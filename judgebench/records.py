"""The nouns of the field as frozen values, and the keys that identify them by content.

No input or output happens here. One term a concept: see docs/glossary.md. Text is cleaned once, where it enters
(``clean_text``), so that every key and every store sees the same characters.
"""

import json
import math
import unicodedata
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal

from judgebench.conversations import (
    Call,
    Calls,
    Conversation,
    Message,
    Opaque,
    Segment,
    Trajectory,
    answers,
    brief,
    identity,
    plain_trajectory,
    tools_identity,
    visible,
)
from judgebench.errors import InputError
from judgebench.keys import content_key, normalise_text
from judgebench.particulars import Goal as Goal
from judgebench.particulars import Marks as Marks
from judgebench.particulars import Rating as Rating
from judgebench.particulars import Reached as Reached
from judgebench.particulars import Span as Span

_MAX_QUESTION, _MAX_NAME = 64, 200
MAX_ID = 512
OVERALL = ""  # the question that people are asked where none is named: which output is better
Named = Literal["benchmark", "model", "judge"]
Deletable = Literal["benchmark", "model", "judge", "run"]


class Order(StrEnum):
    """Which output of a battle the judge read first."""

    AB = "AB"
    BA = "BA"

    @property
    def swapped(self) -> "Order":
        return Order.BA if self is Order.AB else Order.AB


class Status(StrEnum):
    """How a trial ended. Only ``OK`` and ``TIE`` carry a preference or score; the others are failures, counted."""

    OK = "ok"
    TIE = "tie"  # the judge said so, or both outputs are identical
    UNPARSED = "unparsed"  # a reply without exactly one verdict
    REFUSED = "refused"  # the judge declined, or a filter stopped it
    TRUNCATED = "truncated"  # the reply ended at its length limit before a verdict
    FAILED = "failed"  # no reply after every retry


class JobState(StrEnum):
    """Where work stands that is left to workers."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"  # before its end, by somebody or by a limit


class Source(StrEnum):
    """Where a verdict came from."""

    LABEL = "label"  # parsed from the text of a reply
    LOGPROBS = "logprobs"  # from the log-probabilities of the verdict token
    LIKELIHOOD = "likelihood"  # from log-probabilities of the outputs themselves
    IDENTICAL = "identical"  # what the template shows of both outputs is the same: a tie without a call
    RECORDED = "recorded"  # imported with the value that its publisher recorded
    NONE = "none"  # the trial has no verdict


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where a model comes from, as declared by who submitted it; empty fields mean not declared."""

    family: str | None = None  # e.g. "gpt-4", "llama-3"
    parent: str | None = None  # the model it was tuned from
    trained_on: tuple[str, ...] = ()  # models whose outputs were in its training data


@dataclass(frozen=True, slots=True)
class Model:
    """An LLM under evaluation."""

    name: str
    lineage: Lineage = Lineage()


@dataclass(frozen=True)
class Instruction:
    """What the models were asked: one or several user turns, and whatever else stands in the conversation."""

    turns: tuple[str, ...]  # the user's texts, at least one
    category: str | None = None
    reference: str | None = None  # a gold answer that may be shown to the judge
    checklist: tuple[str, ...] = ()  # questions a good output answers with yes
    full: Conversation | None = None  # what was asked; None: the turns are all of it
    # What others call it: question_id, uid ...; sorted, no two alike, each as ``is_id`` has it. No part of what it is.
    ids: tuple[str, ...] = field(default=(), compare=False)
    goals: tuple[str, ...] = ()  # what the user wants, where that was declared

    @cached_property
    def key(self) -> str:
        """Content key of the normalised turns, or of the whole where it is more than these; two instructions of a
        benchmark never share it."""
        if self.plain or self.full is None:
            return content_key("instruction", [normalise_text(turn) for turn in self.turns])
        messages = identity(self.full.messages, normalised=True)
        return content_key("instruction/2", messages, tools_identity(self.full.tools))

    @property
    def plain(self) -> bool:
        """Whether the turns say all that was asked."""
        return self.full is None or self.full.plain

    @property
    def conversation(self) -> Conversation:
        """What was asked, as messages."""
        return Conversation.of_turns(self.turns) if self.full is None else self.full

    @cached_property
    def given_calls(self) -> bool:
        """Whether it holds calls of tools, which an output may have results of."""
        parts = (part for message in self.conversation.messages for part in message.parts)
        return any(isinstance(part, Call) for part in parts)

    @property
    def text(self) -> str:
        """All turns, separated by an empty line."""
        return "\n\n".join(self.turns)

    @property
    def brief(self) -> str:
        """All turns, with what else was asked shortened in brackets: for lists."""
        return self.text if self.plain or self.full is None else brief(self.full)

    @property
    def visible(self) -> str:
        """All that can be read of what was asked, system messages and tools included."""
        if self.plain or self.full is None:
            return self.text
        tools = (text for tool in self.full.tools for text in (tool.name, tool.description, tool.parameters) if text)
        return "\n\n".join((*tools, visible(self.full.messages)))


@dataclass(frozen=True)
class Output:
    """What a model said and did about an instruction; it may be nothing."""

    instruction: str  # the instruction's key
    model: str
    text: str  # the last of what it wrote to be read
    earlier: tuple[str, ...] = ()  # its replies to the turns before the last; empty for a single turn
    trajectory: Trajectory | None = None  # all of it; None: the replies are all of it
    sample: int = 0  # which of several outputs of the model to the instruction
    # Where each step ends that its source cut it into, in characters of its text, rising to its end; empty: it did not.
    steps: tuple[int, ...] = ()
    afterwards: str | None = None  # what happened later, where that is known
    # What people and sources say of its steps and places, as it is imported. No part of what it is.
    marks: tuple[Marks, ...] = field(default=(), compare=False)

    @property
    def plain(self) -> bool:
        """Whether its replies say all that it said and did."""
        return self.trajectory is None or self.trajectory.plain

    @property
    def whole(self) -> str:
        """All that it wrote to be read, separated by empty lines; neither calls nor results nor reasoning."""
        if self.plain or self.trajectory is None:
            return "\n\n".join((*self.earlier, self.text))
        return "\n\n".join(self.trajectory.texts)

    @property
    def empty(self) -> bool:
        """Whether it says and does nothing."""
        done = () if self.trajectory is None else identity(self.trajectory.messages, normalised=True)
        return not self.whole.strip() and not any(content for _, content in done)

    @property
    def written(self) -> str:
        """All that it wrote, separated by empty lines: its texts, its calls with their arguments, files by digest."""
        if self.plain or self.trajectory is None:
            return self.whole
        return visible(message for message in self.trajectory.messages if message.role == "assistant")

    @property
    def visible(self) -> str:
        """All that can be read of it: what it wrote, and what tools answered."""
        if self.plain or self.trajectory is None:
            return self.whole
        return visible(self.trajectory.messages)

    @cached_property
    def digest(self) -> str:
        """Content key of all that it said and did, whoever did."""
        if self.plain or self.trajectory is None:
            return content_key(*self.earlier, self.text)
        segments = self.trajectory.segments
        calls = Calls()
        stream = [[s.after - s.given, identity(s.messages, normalised=False, calls=calls)] for s in segments]
        return content_key("output/2", stream)

    def digest_to(self, instruction: Instruction) -> str:
        """As ``digest``, which cannot tell to which call of the instruction's it holds a result."""
        if self.plain or self.trajectory is None or not instruction.given_calls:
            return self.digest
        return content_key("output/3", self.digest, answers(instruction.conversation, self.trajectory))

    def read(self, instruction: Instruction) -> Trajectory:
        """As ``placed``, and as its digest says it: nothing but the replies where these are all."""
        if self.trajectory is not None and not (self.plain and instruction.conversation.turns):
            return self.trajectory
        return plain_trajectory(instruction.conversation, (*self.earlier, self.text))

    def placed(self, instruction: Instruction) -> Trajectory:
        """What it said and did, with its place in the conversation. Raises ValueError for more replies than turns."""
        if self.trajectory is not None:
            return self.trajectory
        return plain_trajectory(instruction.conversation, (*self.earlier, self.text))


UNTOLD = "text not known"  # the kind of a part that stands where only a name is known, of a prompt or of a model


def untold_instruction(name: str) -> Instruction:
    """What nothing is known of but its name."""
    return Instruction(("",), full=Conversation((Message("user", (Opaque(UNTOLD, json.dumps(name)),)),)))


def untold_output(instruction: str, model: str) -> Output:
    """Whatever the model replied to the instruction with this key."""
    reply = Message("assistant", (Opaque(UNTOLD, "null"),))
    return Output(instruction, model, "", (), Trajectory((Segment(1, (reply,)),)))


# Keys in a judge's settings that say how it is shown images, and that its server does not get.
IMAGE_SETTINGS = frozenset({"max_images", "image_side", "image_format"})
VARIANT = "variant"  # the key in a judge's settings that tells it from one alike whose server serves another model
TAXONOMY = "taxonomy"  # the key in a judge's settings under which its own causes of failures stand
_UNSENT = IMAGE_SETTINGS | {VARIANT, TAXONOMY}


@dataclass(frozen=True)
class Judge:
    """An LLM + template + decoding settings. Immutable: another setting is another judge with another name.

    Where the LLM is reached is not part of it: the same judge may be served at another address tomorrow.
    """

    name: str
    model: str  # the name its server knows it by
    template: str  # e.g. "pairwise/two-way.v1"
    template_digest: str
    settings: Mapping[str, Any] = field(default_factory=dict)  # temperature, max_tokens, top_logprobs ...

    @property
    def sent(self) -> dict[str, Any]:
        """Its settings as its server gets them."""
        return {name: value for name, value in self.settings.items() if name not in _UNSENT}

    @cached_property
    def digest(self) -> str:
        return content_key("judge", self.model, self.template, self.template_digest, dict(self.settings))


@dataclass(frozen=True, slots=True)
class Battle:
    """Two outputs to one instruction, by different models; A is the one whose name sorts first."""

    instruction: Instruction
    a: Output
    b: Output

    @classmethod
    def of(cls, instruction: Instruction, one: Output, other: Output) -> "Battle":
        a, b = sorted((one, other), key=lambda output: output.model)
        return cls(instruction, a, b)


def trial_key(judge: str, battle: Battle, order: Order | None, repeat: int = 0, shown: str = "") -> str:
    """Content key of one reading of ``battle``; ``order`` is None only where a source did not record it.

    ``shown``: as of a ``Trial``. Neither a benchmark's name nor its id is in it: equal questions have equal keys.
    """
    sides = [_side(battle.instruction, battle.a), _side(battle.instruction, battle.b)]
    beside = (shown,) if shown else ()
    return content_key("trial", judge, battle.instruction.key, sides, order, repeat, *beside)


def _side(instruction: Instruction, output: Output) -> tuple[str | int, ...]:
    digest = output.digest_to(instruction)
    return (output.model, digest, output.sample) if output.sample else (output.model, digest)


@dataclass(frozen=True)
class Trial:
    """One judge reading one battle once, in one order."""

    judge: str  # the judge's digest
    battle: Battle
    order: Order
    repeat: int = 0
    shown: str = ""  # content key of what the template shows beside the conversation, a reference say; empty: nothing

    @cached_property
    def key(self) -> str:
        return trial_key(self.judge, self.battle, self.order, self.repeat, self.shown)

    @property
    def first(self) -> Output:
        """The output that the judge reads first."""
        return self.battle.a if self.order is Order.AB else self.battle.b

    @property
    def second(self) -> Output:
        return self.battle.b if self.order is Order.AB else self.battle.a


@dataclass(frozen=True)
class Reading:
    """One judge reading one output once: the trial of a pointwise judge."""

    judge: str  # the judge's digest
    instruction: Instruction
    output: Output
    repeat: int = 0
    shown: str = ""  # as of a ``Trial``

    @cached_property
    def key(self) -> str:
        beside = (self.shown,) if self.shown else ()
        return content_key(
            "reading", self.judge, self.instruction.key, _side(self.instruction, self.output), self.repeat, *beside
        )


@dataclass(frozen=True, slots=True)
class PromptImage:
    """An image in a message of a prompt: a copy of what somebody made."""

    digest: str  # of the original, SHA-256
    width: int  # pixels, of the copy
    height: int
    frames: int = 1  # that the original has; the copy is of the first
    media_type: str = ""  # of the copy
    data: bytes = field(default=b"", repr=False)  # the copy; empty where a prompt is only measured
    at: int = 0  # behind how many characters of the message's text it stands

    @property
    def url(self) -> str:
        """The copy as a data URL."""
        return f"data:{self.media_type};base64,{b64encode(self.data).decode('ascii')}"


@dataclass(frozen=True, slots=True)
class PromptMessage:
    role: str  # "system", "user" or "assistant"
    content: str
    images: tuple[PromptImage, ...] = ()  # by where they stand

    @property
    def pieces(self) -> tuple[str | PromptImage, ...]:
        """Texts and images in their order."""
        pieces: list[str | PromptImage] = []
        start = 0
        for image in self.images:
            pieces += [self.content[start : image.at]] if image.at > start else []
            pieces.append(image)
            start = image.at
        return (*pieces, self.content[start:]) if self.content[start:] or not pieces else tuple(pieces)

    def behind(self, text: str) -> "PromptMessage":
        """The message with a text before its own."""
        images = tuple(replace(image, at=image.at + len(text)) for image in self.images)
        return PromptMessage(self.role, text + self.content, images)


def spoken_message(message: PromptMessage) -> dict[str, Any]:
    """The message as OpenAI's chat API has it: a text, or parts where it holds images."""
    if not message.images:
        return {"role": message.role, "content": message.content}
    parts = [
        {"type": "text", "text": piece}
        if isinstance(piece, str)
        else {"type": "image_url", "image_url": {"url": piece.url}}
        for piece in message.pieces
    ]
    return {"role": message.role, "content": parts}


@dataclass(frozen=True, slots=True)
class ChatPrompt:
    """Messages for a chat model, and what to ask back."""

    messages: tuple[PromptMessage, ...]
    alike: str | None = field(default=None, compare=False)  # the same for prompts that begin alike for long; None: none
    # Images that the template would show, and that the prompt does not hold, by why: "image beyond the limit" ...
    left_out: Mapping[str, int] = field(default_factory=dict, compare=False)

    @property
    def images(self) -> tuple[PromptImage, ...]:
        return tuple(image for message in self.messages for image in message.images)


@dataclass(frozen=True, slots=True)
class LikelihoodPrompt:
    """Ask how probable each output is after the instruction, and by itself. No text is generated."""

    instruction: str
    outputs: tuple[str, ...]  # in the order shown
    alike: str | None = field(default=None, compare=False)  # as of ``ChatPrompt``


Prompt = ChatPrompt | LikelihoodPrompt


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """One generated token with its alternatives, natural logarithms; none where one of theirs is not known."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()  # (token, log-probability), the most probable first


@dataclass(frozen=True, slots=True)
class Completion:
    """A judge's raw reply, stored before it is read."""

    text: str
    reasoning: str | None = None  # what the server separated from the reply as its reasoning
    finish_reason: str | None = None  # "stop", "length", "content_filter" ... as the server said
    logprobs: tuple[TokenLogprob, ...] | None = None
    model: str | None = None  # the name that the server gave back
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost_usd: float | None = None  # None: the price is not known
    latency_s: float | None = None
    # How the form was demanded, if not by the template alone: "json_schema", "choice": a second question forced it;
    # "nonce:7f3kq2mw": a verdict counts only with this nonce.
    constrained: str | None = None


def known_usd(amount: float) -> float | None:
    """What a database says, or a sum of that; None where it is no finite number, as it could be when prices had no
    bound."""
    return amount if math.isfinite(amount) else None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The parsed outcome of a trial, unswapped: ``preference`` is always about A, whichever was shown first."""

    status: Status
    source: Source
    preference: float | None = None  # degree to which A is preferred, in [0, 1]; None unless ok or tie
    score: float | None = None  # pointwise, on the template's scale; None for pairwise
    label: str | None = None  # the verdict in the judge's own words
    mass: float | None = None  # share of probability on the template's labels, in [0, 1]; None without logprobs
    # Why there is no verdict, or one without a call, or its label's where odds were asked for; of a recorded verdict,
    # what our parser reads where that is something else.
    detail: str | None = None
    parser: str = ""  # version of the parser that read it
    goals: tuple[Goal, ...] = ()  # that the score is the share reached of; pointwise
    spans: tuple[Span, ...] = ()  # that the score sums up; pointwise


@dataclass(frozen=True, slots=True)
class HumanLabel:
    """What one person, or an objective key, says about a battle; as with verdicts, ``preference`` is about A."""

    annotator: str  # who; a name that the person chose, or the file's
    instruction: str  # key
    model_a: str  # its name sorts before model_b's
    model_b: str
    preference: float  # for A, in [0, 1]; 0.5 is a tie
    both_bad: bool = False  # a tie because neither output will do
    order: Order | None = None  # which output the person saw first; None: not known
    source: str = "app"  # where it was given, or the name of the file it came from
    created_at: str | None = None  # ISO 8601, UTC; None: the moment it is stored
    samples: tuple[int, int] = (0, 0)  # of A's output and of B's
    question: str = OVERALL  # by what the outputs were compared

    @classmethod
    def of(
        cls, annotator: str, instruction: str, *, first: str, second: str, preference: float, both_bad: bool = False,
        samples: tuple[int, int] = (0, 0),
    ) -> "HumanLabel":  # fmt: skip
        """The label of a person who saw the output of model ``first`` first; ``preference`` and the first of the
        ``samples`` are for that one."""
        swapped = second < first
        a, b, toward_a = (second, first, 1 - preference) if swapped else (first, second, preference)
        order, samples = (Order.BA, samples[::-1]) if swapped else (Order.AB, samples)
        return cls(annotator, instruction, a, b, toward_a, both_bad, order, samples=samples)


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What became of one trial: its identity, the judge's raw reply where there was one, and the verdict."""

    trial_key: str
    instruction: str  # key
    model_a: str
    model_b: str | None  # None: pointwise
    order: Order | None  # None: pointwise, or imported from a source that does not tell
    repeat: int
    verdict: Verdict
    completion: Completion | None
    first: tuple[Verdict, Completion] | None = None  # what was asked and could not be read, before it was asked again
    samples: tuple[int, int] = (0, 0)  # of A's output and of B's
    asked: bool = True  # False: there was nothing to ask, and failures in a row are not counted on

    @property
    def status(self) -> Status:
        return self.verdict.status

    @property
    def detail(self) -> str | None:
        return self.verdict.detail

    @property
    def replies(self) -> tuple[Completion, ...]:
        """Everything that the judge said."""
        first = () if self.first is None else (self.first[1],)
        return first if self.completion is None else (*first, self.completion)


@dataclass(frozen=True, slots=True)
class Answer:
    """An output that came back, or why none did."""

    output: Output | None  # None where it failed
    status: Status  # ok, truncated, refused or failed
    detail: str | None
    completion: Completion | None  # of all turns together
    asked: bool = True  # as of a ``TrialResult``

    @property
    def replies(self) -> tuple[Completion, ...]:
        """Everything that was paid for."""
        return () if self.completion is None else (self.completion,)


def check_name(kind: str, name: str) -> None:
    """Raises InputError unless ``name`` is 1 to 200 visible characters that mean themselves."""
    if not _is_visible(name, _MAX_NAME):
        raise InputError(
            f"{kind} name {name[:80]!r} cannot be used: take 1 to {_MAX_NAME} characters, no control or invisible "
            "characters, no white space at either end"
        )


def check_question(question: str) -> None:
    """Raises InputError unless people can be asked to compare by it: overall, or 1 to 64 visible characters."""
    if question != OVERALL and not _is_visible(question, _MAX_QUESTION):
        raise InputError(
            f"question {question[:80]!r} cannot be used: take 1 to {_MAX_QUESTION} characters, such as 'accuracy', no "
            "control or invisible characters, no white space at either end"
        )


def is_id(text: str) -> bool:
    """Whether ``text`` can be an id: 1 to 512 visible characters that mean themselves."""
    return _is_visible(text, MAX_ID)


def _is_visible(text: str, most: int) -> bool:
    odd = (unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in text)
    return bool(text.strip()) and text == text.strip() and len(text) <= most and not any(odd)
