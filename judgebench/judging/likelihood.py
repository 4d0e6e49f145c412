"""Judges that say nothing: likelihood judges and reward models. Their completion's text is JSON.

A likelihood judge's own log-probabilities of the two outputs are compared, in the order shown::

    {"conditional": [-310.2, -288.0], "unconditional": [-395.1, -330.9], "tokens": [120, 101]}

in nats summed over the output's tokens: after the instruction, by itself, and how many tokens there are. Sources:
GPTScore (Fu et al. 2023) for the mean, and pointwise mutual information, which takes out what is probable anyway.
A reward model's completion is its number, ``-3.25``.
"""

import json
import math
from typing import Any

from judgebench.judging.scales import LikelihoodScale
from judgebench.records import Source, Status, Verdict


def compare(text: str, scale: LikelihoodScale) -> Verdict:
    """The verdict about the output shown first: 1 when its measure is larger, 0 when smaller, a tie when equal."""
    try:
        first, second = (_measure(scale.measure, *numbers) for numbers in _numbers(text))
    except (ValueError, KeyError, TypeError, ArithmeticError, RecursionError) as error:
        detail = f"not the log-probabilities of two outputs: {type(error).__name__} {error}"[:200]
        return Verdict(Status.UNPARSED, Source.NONE, detail=detail)
    if first == second:
        return Verdict(Status.TIE, Source.LIKELIHOOD, preference=0.5, label=_label(first, second))
    return Verdict(Status.OK, Source.LIKELIHOOD, preference=float(first > second), label=_label(first, second))


def reward(text: str) -> Verdict:
    """The score of one output, as the reward model gave it."""
    try:
        score = float(json.loads(text))
    except (ValueError, TypeError, ArithmeticError, RecursionError) as error:
        return Verdict(Status.UNPARSED, Source.NONE, detail=f"not a number: {error}"[:200])
    if not math.isfinite(score):
        return Verdict(Status.UNPARSED, Source.NONE, detail=f"{score} is not a finite number")
    return Verdict(Status.OK, Source.LABEL, score=score, label=text.strip()[:40])


def _numbers(text: str) -> list[tuple[float, float, float]]:
    """(conditional, unconditional, tokens) of each of the two outputs."""
    found: Any = json.loads(text)
    columns = [[float(value) for value in found[name]] for name in ("conditional", "unconditional", "tokens")]
    if any(len(column) != 2 for column in columns):
        raise ValueError("each list must have two numbers")
    if not all(math.isfinite(value) for column in columns for value in column):
        raise ValueError("a number is not finite")
    return [(columns[0][i], columns[1][i], columns[2][i]) for i in (0, 1)]


def _measure(measure: str, conditional: float, unconditional: float, tokens: float) -> float:
    if measure == "mean":
        return conditional / tokens
    information = conditional - unconditional
    return information if measure == "pmi" else information / tokens


def _label(first: float, second: float) -> str:
    return f"{first:.4f} vs {second:.4f}"
