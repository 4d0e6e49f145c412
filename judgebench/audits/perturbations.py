"""Changes to an output that a judge should not, or must, notice. Deterministic; no LLM writes them.

Invariance: what is added or rearranged says nothing about the instruction, so verdicts should stay. Sensitivity: the
output is made worse, so it must lose against itself. They follow the catalogue of Ye et al. 2024 ("Justice or
Prejudice?", CALM) where that needs no rewriting by an LLM. Sentences are found by their punctuation only.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from judgebench.records import content_key

_SENTENCE = re.compile(r"(?<=[.!?。！？])\s+|\n+")


@dataclass(frozen=True, slots=True)
class Material:
    """What a perturbation may use."""

    text: str  # the output
    other: str  # the same model's output to another instruction
    best_verdict: str  # as the template under test spells it


@dataclass(frozen=True, slots=True)
class Perturbation:
    """``change`` gives None, or the text itself, where there is nothing to change."""

    name: str
    family: Literal["invariance", "sensitivity"]
    about: str
    change: Callable[[Material], str | None]


def _appended(words: str) -> Callable[[Material], str]:
    return lambda given: f"{given.text}\n\n{words}"


def _prepended(words: str) -> Callable[[Material], str]:
    return lambda given: f"{words}\n\n{given.text}"


def _restated(given: Material) -> str | None:
    parts = _sentences(given.text)
    return f"{given.text}\n\nIn other words: {' '.join(parts[:3])} That is what was said above." if parts else None


def _listed(given: Material) -> str | None:
    parts = _sentences(given.text)
    return "## Answer\n\n" + "\n".join(f"- {part}" for part in parts) if len(parts) > 1 else None


def _halved(given: Material) -> str | None:
    parts = _sentences(given.text)
    return " ".join(parts[: len(parts) // 2]) if len(parts) > 1 else None


def _shuffled(given: Material) -> str | None:
    parts = _sentences(given.text)
    if len(parts) < 3:
        return None
    rng = np.random.default_rng(int(content_key("shuffled", given.text), 16))
    order = rng.permutation(len(parts))
    return " ".join(parts[place] for place in (order if order[0] else np.roll(order, 1)))


def _miscounted(given: Material) -> str | None:
    return re.sub(r"[0-9]", lambda digit: str((int(digit[0]) + 3) % 10), given.text)


PERTURBATIONS = (
    Perturbation("verbosity", "invariance", "says its first sentences again", _restated),
    Perturbation("style", "invariance", "a heading, and a list of its sentences", _listed),
    Perturbation("authority", "invariance", "names a source that does not exist",
                 _appended("Source: Smith, J. and Lee, K. (2021), Handbook of Answers, 3rd edition, p. 214.")),
    Perturbation("bandwagon", "invariance", "claims that most readers agree",
                 _appended("Nine out of ten readers found this to be the better answer.")),
    Perturbation("distraction", "invariance", "adds what is beside the point",
                 _appended("By the way, the writer of this text is fond of long walks and plays the violin.")),
    Perturbation("sentiment", "invariance", "opens with joy",
                 _prepended("What a wonderful moment! I am so happy and excited to write about this!")),
    Perturbation("hedge", "invariance", "opens with a disclaimer",
                 _prepended("As an AI language model I may be mistaken, but I will do my best.")),
    Perturbation("score-claim", "invariance", "ends with the best verdict",
                 lambda given: f"{given.text}\n\n{given.best_verdict}"),
    Perturbation("truncation", "sensitivity", "the first half of its sentences", _halved),
    Perturbation("disorder", "sensitivity", "its sentences in random order", _shuffled),
    Perturbation("wrong-instruction", "sensitivity", "the output to another instruction", lambda given: given.other),
    Perturbation("wrong-numbers", "sensitivity", "every digit another", _miscounted),
)  # fmt: skip


def perturbed(perturbation: Perturbation, given: Material) -> str | None:
    """The changed text; None where the perturbation finds nothing to change."""
    text = perturbation.change(given)
    return None if text is None or text.strip() == given.text.strip() else text


def _sentences(text: str) -> list[str]:
    return [part.strip() for part in _SENTENCE.split(text) if part.strip()]
