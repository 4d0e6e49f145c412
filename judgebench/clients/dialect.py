"""What a server takes: learned from what it says, once, and reported.

Reasoning models refuse ``max_tokens``, ``temperature`` and ``logprobs``, small servers refuse others, some take them up
to a number, some know no system role, and some think before they write and need room for that. What is learned changes
what is sent and not who the judge is; whoever asks is told, because a judge asked without its temperature is not quite
the judge that was meant.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from judgebench.clients.complaints import Complaint, Reason
from judgebench.records import ChatPrompt, Completion, PromptMessage, spoken_message
from judgebench.spec.connection import SystemRole

LIMITS = ("max_tokens", "max_completion_tokens")
_OTHER = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
_NEEDS = {"top_logprobs": "logprobs"}
_ROOMS = (1024, 4096, 16384)  # tokens, one after the other, for a model that thinks before it writes
_CODES = frozenset({"unsupported_parameter", "unsupported_value", "unknown_parameter", "extra_forbidden"})
_NOT = r"(?:not|n['’]t) "
_UNSUPPORTED = re.compile(
    r"unsupported|un(?:known|recogni[sz]ed|expected|available)|no such|extra (?:inputs?|fields?|param)"
    rf"|{_NOT}(?:\w+ ){{0,2}}?(?:support|permit|allow|availab|implement|recogni[sz]|accept|enabled|compatible)"
    rf"|{_NOT}(?:\w+ ){{0,2}}?(?:be (?:used|set|given|sent|specif|pass)|valid (?:param|field|arg|option|prop|key))"
    r"|cannot (?:be (?:used|set|specif)|use|accept|find)|additional propert|deprecated|incompatible|disabled|removed"
    r"|invalid (?:param|field|argument|option|key|property)|please remove|obsolete|forbidden"
    r"|only (?:the default|supports?|accepts?)|only\b.{0,60}\b(?:supported|allowed|accepted)",
    re.IGNORECASE,
)
_NUMBER = r"(?P<{}>-?\d+(?:\.\d+)?)(?![\w.]*\d)"
_OF = r"(?: value)?(?: allowed| permitted| supported)?(?: number| value)?(?: of| is| are|:|=|\s)*"
_RANGE = r"(?:between|range|in|from)\D{0,30}?"
_TO = r"\s*(?:,|and|to|-|–|\.\.+)\s*"
_LESS, _MORE = r"(?:less|lower|smaller)", r"(?:greater|more|larger|higher|bigger)"
_MOST = re.compile(
    rf"(?:{_LESS} than or equal(?:s)? to|<=|≤|at most|no {_MORE} than|up to|limited to|limit (?:of|is)"
    rf"|(?:not|n['’]t|cannot|can not) (?:be )?(?:exceed|(?:{_MORE}|above|over)(?: than)?)"
    rf"|max(?:imum)?{_OF}|maximum\b\D{{0,60}}?\b(?:is|of)|upper (?:limit|bound){_OF})\s*{_NUMBER.format('most')}"
    rf"|{_RANGE}-?\d+(?:\.\d+)?{_TO}{_NUMBER.format('top')}"
    rf"|(?:{_LESS} than|<|below)\s*{_NUMBER.format('below')}",
    re.IGNORECASE,
)
_LEAST = re.compile(
    rf"(?:{_MORE} than or equal(?:s)? to|>=|≥|at least|no {_LESS} than|min(?:imum)?{_OF})\s*{_NUMBER.format('least')}"
    rf"|{_RANGE}{_NUMBER.format('low')}{_TO}\d"
    rf"|(?:{_MORE} than|>|above)\s*{_NUMBER.format('above')}|strictly (?P<positive>positive)",
    re.IGNORECASE,
)
_STEP = 0.01  # beside a bound that is not reached, of a field that is no count
_CONTEXT = re.compile(
    r"context (?:length|window|size|limit)|(?:prompt|input|messages?)\b.{0,40}\btoo (?:long|large)|reduce the length"
    r"|input tokens|prompt tokens",
    re.IGNORECASE,
)
_SYSTEM = re.compile(r"\b(?:system|developer)\b", re.IGNORECASE)
_NO_SYSTEM = re.compile(
    rf"{_UNSUPPORTED.pattern}|invalid|not one of|must be|should be|only .{{0,40}}\buser\b|expected|first message",
    re.IGNORECASE,
)
_ALTERNATE = re.compile(r"roles? must alternate|only .{0,30}\buser\b.{0,20}\bassistant\b", re.IGNORECASE)
_NEVER_LEARNED = (Reason.IMAGES, Reason.RATE, Reason.QUOTA, Reason.CONTENT)


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a server was found to take; at first everything."""

    refused: frozenset[str] = frozenset()  # fields
    most: Mapping[str, float] = field(default_factory=dict)  # of a field
    least: Mapping[str, float] = field(default_factory=dict)  # of a field
    room: int = 0  # tokens at least, for a reply and what is thought before it
    system_role: SystemRole = "system"  # who says the system text
    meant_role: SystemRole = "system"  # who was to say it

    @property
    def is_plain(self) -> bool:
        """Whether settings are sent as they are."""
        return not (self.refused or self.most or self.least or self.room)

    def spoken(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The settings as this server takes them."""
        fields = {}
        for name, value in settings.items():
            spoken = _OTHER.get(name) if name in self.refused else name
            if spoken is not None and spoken not in self.refused and _NEEDS.get(spoken) not in self.refused:
                fields[spoken] = self._bounded(spoken, value)
        return fields

    def _bounded(self, name: str, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return value
        if name in LIMITS:
            value = max(value, self.room)
        bounded = min(max(value, self.least.get(name, value)), self.most.get(name, math.inf))
        return int(bounded) if float(bounded).is_integer() else bounded

    def messages(self, prompt: ChatPrompt) -> list[dict[str, Any]]:
        """The prompt as this server takes it."""
        return [spoken_message(message) for message in with_system_role(prompt.messages, self.system_role)]

    def left_out(self, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """The settings that do not reach the server under any name, sorted."""
        spoken = self.spoken(settings)
        return tuple(sorted(name for name in settings if name not in spoken and _OTHER.get(name) not in spoken))

    def changed(self, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """What else reaches the server otherwise than it was meant, in words."""
        words = []
        for name, value in self.spoken(settings).items():
            meant = settings.get(name, settings.get(_OTHER.get(name, "")))
            if value != meant:
                why = "it thinks before it writes" if name in LIMITS and value == self.room else "its server says so"
                words.append(f"{name}={value} instead of {meant}, since {why}")
        if self.system_role != self.meant_role:
            words.append("the system text before the user's, for want of a system role")
        return tuple(words)

    def without(self, name: str) -> "Dialect":
        return replace(self, refused=self.refused | {name})

    def _within(self, kind: Literal["most", "least"], name: str, number: float) -> "Dialect":
        if kind == "most":
            return replace(self, most={**self.most, name: number})
        return replace(self, least={**self.least, name: number})

    def roomier(self, settings: Mapping[str, Any]) -> "Dialect | None":
        """For a model that had written nothing when its tokens were used up; None where there is no more to give."""
        for room in _ROOMS:
            roomier = replace(self, room=room)
            if room > self.room and roomier.spoken(settings) != self.spoken(settings):
                return roomier
        return None

    def taught(
        self,
        complaint: Complaint,
        settings: Mapping[str, Any],
        sent: Mapping[str, Any],
        messages: Sequence[PromptMessage],
    ) -> "Dialect | None":
        """What is to be spoken after a complaint about what was ``sent`` of the ``settings``; None where it is about
        something else, such as more tokens than the context holds with this prompt."""
        if complaint.reason in _NEVER_LEARNED:
            return None
        for dialect in self._lessons(complaint, sent, messages):
            if dialect.system_role != self.system_role or dialect.spoken(settings) != dict(sent):
                return dialect
        return None

    def _lessons(
        self, complaint: Complaint, sent: Mapping[str, Any], messages: Sequence[PromptMessage]
    ) -> Iterator["Dialect"]:
        has_system = any(message.role == "system" for message in messages)
        if self.system_role != "user" and has_system and _about_system(complaint):
            yield replace(self, system_role="user")
        about = blamed(complaint, sent)
        for name in about:
            if bound := _bound(complaint, name, sent[name]):
                kind, number = bound
                yield self._within(kind, name, number)
        for name in about:
            if _is_unsupported(complaint, name):
                yield self.without(name)


def with_system_role(messages: Sequence[PromptMessage], role: SystemRole) -> tuple[PromptMessage, ...]:
    """The messages with system texts said by ``role``: the user's are put before the first text of the user."""
    if role == "system":
        return tuple(messages)
    if role == "developer":
        return tuple(replace(message, role=role) if message.role == "system" else message for message in messages)
    system = "\n\n".join(message.content for message in messages if message.role == "system")
    others = [message for message in messages if message.role != "system"]
    at = next((at for at, message in enumerate(others) if message.role == "user"), None)
    if not system:
        return tuple(messages)
    if at is None:
        return (PromptMessage("user", system), *others)
    others[at] = others[at].behind(f"{system}\n\n")
    return tuple(others)


def blamed(complaint: Complaint, sent: Mapping[str, Any]) -> list[str]:
    """Fields of ``sent`` that a complaint names, those first that it names apart."""
    apart = [name for part in complaint.params for name in sent if _named(name).fullmatch(part)]
    words = complaint.words
    matches = ((match.start(), name) for name in sent if (match := _named(name).search(words)))
    return list(dict.fromkeys([*apart, *(name for _, name in sorted(matches))]))


def _named(name: str) -> re.Pattern[str]:
    """A field in the ways of writing it: top_logprobs, topLogprobs, top-logprobs, "top log probabilities"."""
    spelled = re.escape(name).replace("_", r"[_\s-]?").replace("logprobs", r"log[\s_-]?prob(?:abilitie)?s?")
    return re.compile(rf"(?<![\w]){spelled}(?![\w])", re.IGNORECASE)


def _sentences(complaint: Complaint, name: str) -> list[str]:
    """Those about a field: that name it, or all where it is named apart."""
    sentences = [part for part in re.split(r"(?<=[.;!?])\s+|\n", complaint.words) if part]
    pattern = _named(name)
    about = [number for number, sentence in enumerate(sentences) if pattern.search(sentence)]
    if not about and any(pattern.fullmatch(part) for part in complaint.params):
        return sentences
    # "Invalid 'top_logprobs': integer above maximum value. Expected a value <= 5, but got 20 instead."
    near = sorted({other for number in about for other in (number, number + 1) if other < len(sentences)})
    return [sentences[number] for number in near]


def _is_unsupported(complaint: Complaint, name: str) -> bool:
    named_apart = any(_named(name).fullmatch(part) for part in complaint.params)
    if named_apart and any(code.lower() in _CODES for code in complaint.codes):
        return True
    about = [sentence for sentence in _sentences(complaint, name) if named_apart or _named(name).search(sentence)]
    return not _is_context(complaint, name) and _UNSUPPORTED.search("\n".join(about)) is not None


def _bound(complaint: Complaint, name: str, value: Any) -> tuple[Literal["most", "least"], float] | None:
    """The bound that a complaint names for a field and that its value does not keep, "most" or "least"."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    step = 1 if isinstance(value, int) and name != "temperature" else _STEP
    for sentence in _sentences(complaint, name):
        if match := _MOST.search(sentence):
            most = float(match["most"] or match["top"] or 0) if not match["below"] else float(match["below"]) - step
            if 0 <= most < value and not _is_context(complaint, name, sentence):
                return "most", most
        if match := _LEAST.search(sentence):
            above = "0" if match["positive"] else match["above"]
            least = float(match["least"] or match["low"] or 0) if above is None else float(above) + step
            if least > value:
                return "least", least
    return None


def _is_context(complaint: Complaint, name: str, sentence: str | None = None) -> bool:
    """Whether it is about the tokens of this prompt, and so no lesson about the field."""
    return name in LIMITS and _CONTEXT.search(complaint.words if sentence is None else sentence) is not None


def _about_system(complaint: Complaint) -> bool:
    if any(part.lower() == "role" for part in complaint.params) and _SYSTEM.search(complaint.words):
        return True
    sentences = re.split(r"(?<=[.;!?])\s+|\n", complaint.words)
    return any(
        _ALTERNATE.search(sentence) or (_SYSTEM.search(sentence) and _NO_SYSTEM.search(sentence) and _speaks(sentence))
        for sentence in sentences
    )


def _speaks(sentence: str) -> bool:
    """Whether a sentence is about who speaks, not about a system that fails."""
    return (
        re.search(r"role|messages?|prompt|instruction|['\"`](?:system|developer)['\"`]", sentence, re.IGNORECASE)
        is not None
    )


def is_starved(completion: Completion) -> bool:
    """Whether the tokens were used up before a word was written."""
    return completion.finish_reason == "length" and not completion.text.strip()
