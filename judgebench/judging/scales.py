"""Scales: what a judge can say, and the number each saying stands for.

A scale knows nothing about replies; ``grammar`` finds values in text and ``parsing`` undoes the order. Preferences
here are about the output *shown first*.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

# One character for one, so that positions in a folded text are positions in the text: full-width ASCII and the
# brackets of East Asian keyboards, typographic quotes.
_FOLD = {0xFF01 + i: 0x21 + i for i in range(94)} | {
    ord(odd): ord(plain)
    for odd, plain in zip("【】〔〕「」『』〚〛⟦⟧“”„‘’＂　\u00a0", '[][][][][][]"""\'\'"  ', strict=True)
}


def fold(text: str) -> str:
    """Full-width characters and odd brackets as their ASCII kin; the length stays the same."""
    return text if text.isascii() else text.translate(_FOLD)


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
        """``text`` as it is compared: folded, without white space, in lower case unless case matters."""
        bare = "".join(fold(text).split())
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
