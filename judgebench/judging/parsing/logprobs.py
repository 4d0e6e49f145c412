"""Verdicts from numbers: likelihoods and rewards compared, and the probabilities of each label at the verdict token.

The method of AlpacaEval's weighted annotator (Dubois et al. 2024) and of G-Eval (Liu et al. 2023), for any set of
labels, with two departures: spellings of a label are added up ("A", " A", "a"), and the share of probability that
the labels hold together is reported, since a distribution over what is left of little says little. A label that is
not among the alternatives counts as having none. A label of several tokens cannot be weighed by its first one:
templates ask for soft verdicts only with one-token labels.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from judgebench.judging.parsing.grammar import value_of
from judgebench.judging.templates import Label, LikelihoodScale, Scale
from judgebench.records import Source, Status, TokenLogprob, Verdict


@dataclass(frozen=True, slots=True)
class Distribution:
    """What a judge would say, and how often: shares of the labels' probability, adding up to 1."""

    shares: tuple[tuple[Label | float, float], ...]
    mass: float  # probability of all labels together, in [0, 1]

    @property
    def preference(self) -> float:
        """Mean preference for the output shown first; exactly 0.5 when the sides balance."""
        lean = math.fsum(share * (2 * label.preference - 1) for label, share in self.shares if isinstance(label, Label))
        return 0.5 + lean / 2

    @property
    def score(self) -> float:
        """Mean score (G-Eval, eq. 1)."""
        return math.fsum(share * value for value, share in self.shares if isinstance(value, float))


def distribution(token: TokenLogprob, scale: Scale) -> Distribution | None:
    """None when no alternative of the token is on the scale."""
    weights: dict[Label | float, float] = {}
    for text, logprob in dict((*token.top, (token.token, token.logprob))).items():
        value = value_of(scale, text)
        if value is not None and not math.isnan(logprob):
            weights[value] = weights.get(value, 0.0) + math.exp(min(logprob, 0.0))
    mass = math.fsum(weights.values())
    if mass <= 0.0:
        return None
    return Distribution(tuple((value, weight / mass) for value, weight in weights.items()), min(mass, 1.0))


def token_at(tokens: Sequence[TokenLogprob], text: str, position: int) -> TokenLogprob | None:
    """The token that covers a position of the reply; None when the tokens do not spell the reply."""
    spelled = "".join(token.token for token in tokens)
    shift = spelled.find(text)
    if shift < 0:
        return None
    ends = accumulate(len(token.token) for token in tokens)
    return next((token for token, end in zip(tokens, ends, strict=True) if end > shift + position), None)


def first_token(tokens: Sequence[TokenLogprob]) -> TokenLogprob | None:
    """The first token that is not white space."""
    return next((token for token in tokens if token.token.strip()), None)


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
    fields: Any = json.loads(text)
    columns = [[float(value) for value in fields[name]] for name in ("conditional", "unconditional", "tokens")]
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
