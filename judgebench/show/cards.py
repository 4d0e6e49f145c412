"""What report cards say in words: the overall grade and its rule; what has too little data, why, and what helps."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from judgebench.bias.card import FEWEST, TOO_LITTLE, Card, CardLine
from judgebench.show import coverage
from judgebench.show.sentences import remedy
from judgebench.show.tables import document
from judgebench.show.text import listing, one_line

FAILURES = "Trials without a verdict"  # above ``failures``
_RUN = "judgebench run --benchmark {benchmark} --judge {judge} --all-pairs"
_LABELLED = "judgebench labels import FILE --benchmark {benchmark} (or vote in the app)"
_MORE = {  # what widens what a line rests on; others take more instructions
    "null models": "judgebench audit null-models --benchmark {benchmark} --judge {judge}",
    "people": _LABELLED,
    "calibration": _LABELLED,
    "length": _LABELLED,
    "repeatability": f"{_RUN} --repeats 3",
}


@dataclass(frozen=True, slots=True)
class Ungraded:
    """A line that a rule would grade and that has too little data."""

    name: str
    reason: str
    command: str  # what would give it


def overall(card: Card) -> str:
    """The overall grade and what it rests on, in a sentence."""
    known = card.overall
    if known.grade != TOO_LITTLE:
        return f"Overall {known.grade}, by {listing(known.decided_by)}."
    if known.lacking:
        return f"Overall: {TOO_LITTLE}, as there is no grade for {listing(known.lacking)}."
    return f"Overall: {TOO_LITTLE}, as the graded lines leave too much open together."


def overall_rule(card: Card) -> str:
    return f"Overall is {card.overall.rule}."


def ungraded(card: Card) -> Iterator[Ungraded]:
    """Each line with too little data, in the order of the card."""
    for line in card.lines:
        if line.grade == TOO_LITTLE:
            yield Ungraded(line.name, _reason(line), one_line(_command(line, card), 400))


def _reason(line: CardLine) -> str:
    if line.figure.reason:
        return one_line(line.figure.reason, 300)
    best, worst = line.leaves_open
    why = (
        f"the interval leaves {best} to {worst} open"
        if line.figure.n >= FEWEST
        else f"fewer than {FEWEST} observations"
    )
    return why if line.needed is None else f"{why}; about {line.needed:,} in place of {line.figure.n:,} would do"


def _command(line: CardLine, card: Card) -> str:
    if not line.figure.identified:
        return remedy(line.figure, card.benchmark, card.judge)
    command = _MORE.get(line.name, f"{_RUN} (more instructions)")
    return command.format(benchmark=shlex.quote(card.benchmark), judge=shlex.quote(card.judge))


def failures(card: Card) -> list[str]:
    """How trials without a verdict ended and why, a line each; none where all have one."""
    return [
        f"{one.trials:,} {one.status}: {one_line(one.reason, 200) or 'no reason is stored'}" for one in card.failures
    ]


def card_document(card: Card) -> dict[str, Any]:
    """As ``card --format json`` prints it."""
    told = coverage.told(card.coverage)
    return {**document(card), **told, "notes": [*told["notes"], *card.notes]}
