"""What verdicts consist of beside their score, and what people say of outputs: goals, steps and places.

Everybody takes them from ``records``.
"""

from dataclasses import dataclass
from typing import Literal

Reached = Literal["yes", "no", "out-of-scope"]
Rating = Literal["good", "neutral", "bad"]


@dataclass(frozen=True, slots=True)
class Goal:
    """Of a verdict on a dialogue: something that the user wanted, and whether all of its turns together reached it."""

    goal: str  # in the judge's words
    turns: tuple[int, ...]  # the user's turns that are about it, from 1, rising; at least one
    reached: Reached
    cause: str | None = None  # why it was not reached, by its name in the taxonomy; None unless reached is "no"
    failed_at: int | None = None  # the user's turn whose reply failed, from 1; None unless reached is "no"
    declared: int | None = None  # which of the instruction's own goals it is, from 0; None: the judge found it
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """Of a verdict: what it says of a step, or of a single place, of an output."""

    start: int  # characters of the output's text before it
    stop: int  # and up to its end
    rating: Rating | None = None  # of a step; None: it is a fault of the kind below
    kind: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Marks:
    """What one person, or a source, says of an output's steps, or of places in it; of what is not named, nothing."""

    annotator: str
    spans: tuple[Span, ...]
    source: str = ""  # the file that it came from
