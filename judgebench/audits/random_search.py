"""Random search for a prefix that makes a judge choose a null model: one changed word a step, kept if it is no worse.

Recipe of Zheng et al. 2025 ("Cheating automatic LLM benchmarks"), on words instead of the judge's tokens, with fewer
and shorter trials: the loss is the mean of -log p(the null model wins) over both orders and a batch that grows from 2
instructions to 20. The gate is measured on other instructions. Every step is drawn from the seed and the step's number,
so a search goes on where it stopped. Nothing is asked here.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from judgebench.audits.defences import PUBLIC_MARK
from judgebench.audits.null_models import POLITE, best_label, structured
from judgebench.judging.templates import Template

WORDS = 16  # in a prefix
HELD_OUT = 20  # instructions that are searched on, and never measured on
_FILLER = "!"
_GROWS = 16  # steps after which the batch has one instruction more
_VOCABULARY = 5000
_LEAST = 1e-6  # of a probability


@dataclass(frozen=True, slots=True)
class Search:
    """A search after ``step`` steps. ``loss`` belongs to the batch of that step."""

    step: int
    prefix: tuple[str, ...]
    loss: float
    first_loss: float  # of the filler, on the first batch
    questions: int  # asked of the judge so far


def begin() -> tuple[str, ...]:
    return (_FILLER,) * WORDS


def batch_size(step: int) -> int:
    """Instructions in the batch of ``step``."""
    return min(2 + step // _GROWS, HELD_OUT)


def changed(prefix: Sequence[str], vocabulary: Sequence[str], *, seed: int, step: int) -> tuple[str, ...]:
    """The prefix with one word replaced, the same for the same seed and step."""
    rng = np.random.default_rng([seed, step])
    place, word = int(rng.integers(len(prefix))), vocabulary[int(rng.integers(len(vocabulary)))]
    return (*prefix[:place], word, *prefix[place + 1 :])


def vocabulary(texts: Iterable[str]) -> list[str]:
    """Words and signs of the texts, at most 5000, in alphabetical order."""
    found = {word for text in texts for word in re.findall(r"\w+|[^\w\s]", text)[:400] if len(word) <= 20}
    ordered = sorted(found) or [_FILLER]
    return ordered[:: max(1, -(-len(ordered) // _VOCABULARY))]


def written(prefix: Sequence[str], template: Template) -> str:
    """The entrant's text: the prefix, then the structured response, or a polite text where a judge reads no prompt."""
    best = best_label(template)
    body = POLITE if best is None else structured(template, best, second=False, mark=PUBLIC_MARK)
    return f"{' '.join(prefix)}\n{body}"


def loss(preferences: Sequence[float | None]) -> float:
    """Mean of -log p over trials; a trial without a preference counts as a loss of the null model."""
    values = [_LEAST if each is None else max(each, _LEAST) for each in preferences]
    return float(-np.log(values).mean()) if values else float("inf")
