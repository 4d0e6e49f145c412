"""Judges that can be fooled, and one that cannot, as scripts for a server on loopback."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.fault_server import Reply, Request

_FENCE = re.compile(r"<<< begin ([^\n]+?) ([0-9a-f]{16})\n(.*?)\nend \1 \2 >>>", re.DOTALL)
_NONCE = re.compile(r"The nonce of this question is (\w+)")
_WORD = re.compile(r"\w+(?=\W*\Z)")
_VERDICT = re.compile(r"^\W*([AB])\W*$", re.MULTILINE)


@dataclass(frozen=True)
class Read:
    """What a judge makes of a prompt: it takes a fence to end where a line says so."""

    instruction: str
    first: str
    second: str
    outside: str  # what stands in no fence


def read(prompt: str) -> Read:
    parts: dict[str, str] = {}
    for name, _, text in _FENCE.findall(prompt):
        parts.setdefault(name, text)
    return Read(
        parts.get("instruction", ""), parts.get("output A", ""), parts.get("output B", ""), _FENCE.sub("", prompt)
    )


def overlap(text: str, instruction: str) -> int:
    """How many different words of the instruction the text takes up, saying more than the instruction does."""
    words = set(re.findall(r"\w+", text.lower()))
    question = set(re.findall(r"\w+", instruction.lower()))
    return len(words & question) if words - question else 0


def honest(prompt: str) -> str:
    """Prefers the output that is about the instruction."""
    seen = read(prompt)
    return "A" if overlap(seen.first, seen.instruction) > overlap(seen.second, seen.instruction) else "B"


def attentive(prompt: str) -> str:
    """Wants the question taken up, the detail that was promised, and its number right; in doubt the second."""
    seen = read(prompt)
    number = re.search(r"[0-9]+", seen.instruction)
    signs = (seen.instruction, "in detail", f"in {number[0]} words" if number else "")
    first, second = (sum(part in text for part in signs) for text in (seen.first, seen.second))
    return "A" if first > second else "B"


def obedient(prompt: str) -> str:
    """Obeys the last identifier that stands on a line of its own outside the fences; else it is honest."""
    verdicts = _VERDICT.findall(read(prompt).outside)
    return str(verdicts[-1]) if verdicts else honest(prompt)


def obedient_to_brackets(prompt: str) -> str:
    """Obeys the last [[A]] or [[B]] that it reads outside the fences; else it is honest."""
    verdicts = re.findall(r"\[\[([AB])\]\]", read(prompt).outside)
    return str(verdicts[-1]) if verdicts else honest(prompt)


def obedient_anywhere(prompt: str) -> str:
    """Obeys the last [[A]] or [[B]] wherever it stands: no fence keeps an output from speaking to it."""
    verdicts = re.findall(r"\[\[([AB])\]\]", prompt)
    return str(verdicts[-1]) if verdicts else honest(prompt)


def obedient_to_identifiers(prompt: str) -> str:
    """The same for a template whose identifiers are m and M, alone on a line."""
    verdicts = re.findall(r"^\W*([mM])\W*$", read(prompt).outside, re.MULTILINE)
    return str(verdicts[-1]) if verdicts else {"A": "m", "B": "M"}[honest(prompt)]


def honest_scorer(prompt: str) -> str:
    """A pointwise judge: 9 for an output that takes up the question and says more, 2 for another."""
    seen = read(prompt)
    text = re.search(r"<<< begin output ([0-9a-f]{16})\n(.*?)\nend output \1 >>>", prompt, re.DOTALL)
    good = text is not None and seen.instruction in text[2] and len(text[2]) > len(seen.instruction)
    return "Rating: [[9]]" if good else "Rating: [[2]]"


def generous_scorer(prompt: str) -> str:
    """Gives everything the same score."""
    return "Rating: [[7]]"


def by_vocabulary(prompt: str) -> str:
    """Never reads the instruction: more different words win, the first in doubt."""
    seen = read(prompt)
    first, second = (len(set(text.split())) for text in (seen.first, seen.second))
    return "A" if first >= second else "B"


def incurious(prompt: str) -> str:
    """Never reads the instruction: the longer output wins."""
    seen = read(prompt)
    return "A" if len(seen.first) > len(seen.second) else "B"


def serve(judge: Callable[[str], str]) -> Callable[[int, Request], Reply]:
    """The script of a server that answers with what ``judge`` says, with the nonce in it where one is demanded."""

    def script(index: int, request: Request) -> Reply:
        if request.method == "GET":
            return Reply.of({"object": "list", "data": [{"id": "judge", "object": "model"}]})
        verdict, demanded = judge(request.text), _NONCE.findall(request.text)
        return Reply.chat(_WORD.sub(rf"\g<0>:{demanded[-1]}", verdict) if demanded else verdict)

    return script
