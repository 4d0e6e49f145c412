"""Verdicts from numbers: likelihoods and rewards compared, and the probabilities of each label at the verdict token.

The method of AlpacaEval's weighted annotator (Dubois et al. 2024) and of G-Eval (Liu et al. 2023), for any set of
labels, with two departures: spellings of a label are added up ("A", " A", "a"), and the share of probability that
the labels hold together is reported, since a distribution over what is left of little says little. A label that is
not among the alternatives counts as having none. A value of several tokens is not weighed by one of them.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from judgebench.judging.characters import fold
from judgebench.judging.parsing.grammar import WRAPPING, value_of
from judgebench.judging.templates import Label, LabelScale, LikelihoodScale, Scale, ScoreScale
from judgebench.records import Source, Status, TokenLogprob, Verdict

_ROUNDING = 1e-3  # by which servers overstep a probability of 1


class Unweighable(Exception):
    """A token says nothing certain about how probable the values are; says why."""


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


def distribution(token: TokenLogprob, scale: Scale) -> Distribution:
    """Of the values that the alternatives of the verdict token stand for.

    One that is the beginning of another value, as "1" is of "10" where no alternative is "10", stands for neither.
    Raises Unweighable where the token says nothing certain about the values' probabilities.
    """
    if not token.top:
        raise Unweighable("its token has no alternatives")
    alternatives = dict(token.top)
    if math.isfinite(token.logprob) or token.token not in alternatives:
        alternatives[token.token] = token.logprob
    values = {text: value for text in alternatives if (value := value_of(scale, text)) is not None}
    if any(math.isnan(alternatives[text]) or alternatives[text] > _ROUNDING for text in values):
        raise Unweighable("a log-probability of its token is no number up to 0")
    whole = {text for text in values if not _is_beginning(text, values, scale)}
    if token.token in values and token.token not in whole:
        raise Unweighable(f"its token {token.token[:40]!r} may begin another value")
    return _shares([(values[text], math.exp(min(alternatives[text], 0.0))) for text in alternatives if text in whole])


def _is_beginning(text: str, values: Mapping[str, Label | float], scale: Scale) -> bool:
    """Whether a token spells the beginning of a value beside its own, and none of the other tokens that value."""
    others = _begun(scale, fold(text).strip(WRAPPING)) - {values[text]}
    return bool(others) and others.isdisjoint(values.values())


def _begun(scale: Scale, text: str) -> set[Label | float]:
    """The values that ``text`` may go on to spell. A letter alone is a token of its own and no beginning of a word."""
    if isinstance(scale, LabelScale):
        key = scale.key(text)
        longer = {spelling: label for spelling, label in scale.by_spelling.items() if spelling.startswith(key)}
        return {label for spelling, label in longer.items() if len(key) > 1 or not spelling[len(key) :][:1].isalpha()}
    step = scale.step if isinstance(scale, ScoreScale) else None
    tails = [str(digit) for digit in range(10)] if step is not None or "." not in text else []
    tails += [f".{digit}" for digit in tails] if step is not None else []
    return {value for tail in tails if (value := value_of(scale, text + tail)) is not None}


def _shares(weighed: Sequence[tuple[Label | float, float]]) -> Distribution:
    weights: dict[Label | float, float] = {}
    for value, weight in weighed:
        weights[value] = weights.get(value, 0.0) + weight
    mass = math.fsum(weights.values())
    if mass <= 0.0:
        raise Unweighable("no alternative of its token is on the scale")
    return Distribution(tuple((value, weight / mass) for value, weight in weights.items()), min(mass, 1.0))


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
