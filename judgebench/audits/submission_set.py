"""What models submitted to a benchmark, and texts as sets of word sequences, so that what they share can be counted.

Sequences are numbers of 64 bits; two different ones share a number about never. Sketches follow Broder 1997: the share
of equal entries in two sketches estimates the Jaccard similarity of the two sets.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from judgebench.audits.findings import Evidence, span
from judgebench.keys import clean_text
from judgebench.records import Instruction, Output

Hashes = NDArray[np.uint64]
# Words of scripts that do not separate them are taken character by character.
_WORD = re.compile(r"[^\W\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]+|\S")
SKETCH = 32
_PAGE = 4096  # sequences sketched at once
_WIDEST = 16  # words in a sequence
FULL = 120  # characters from which an output is an answer rather than a choice, a label or a line
LONG = 40  # characters from which two instructions do not honestly share an output word for word


def shingles(text: str, width: int = 5) -> Hashes:
    """The distinct sequences of ``width`` words in ``text``, sorted; a shorter text is one sequence, an empty none."""
    words = _WORD.findall(clean_text(text).lower())
    ids = np.fromiter(map(crc32, map(str.encode, words)), dtype=np.uint64, count=len(words))
    if not len(ids):
        return ids
    width = min(width, len(ids), _WIDEST)
    count = len(ids) - width + 1
    mixed = np.zeros(count, dtype=np.uint64)
    for place in range(width):
        mixed += _mix(ids[place : place + count] + _ODD[place]) * _ODD[place]
    return np.unique(_mix(mixed))


def sketch(hashes: Hashes) -> Hashes:
    """(32,) the smallest member under each of 32 orderings; all ones for an empty set."""
    if not len(hashes):
        return np.full(SKETCH, np.iinfo(np.uint64).max, dtype=np.uint64)
    parts = [hashes[start : start + _PAGE, None] for start in range(0, len(hashes), _PAGE)]
    return np.asarray(np.min([_mix(part * _ODD[:SKETCH]).min(axis=0) for part in parts], axis=0), dtype=np.uint64)


def _mix(values: Hashes) -> Hashes:
    """A bijection of 64-bit numbers that spreads every bit (the finaliser of MurmurHash3)."""
    shift = np.uint64(33)
    values = (values ^ (values >> shift)) * np.uint64(0xFF51AFD7ED558CCD)
    values = (values ^ (values >> shift)) * np.uint64(0xC4CEB9FE1A85EC53)
    return values ^ (values >> shift)


_ODD = _mix(np.arange(1, 1 + max(SKETCH, _WIDEST), dtype=np.uint64)) | np.uint64(1)  # fixed: sketches are comparable


@dataclass(frozen=True)
class ModelOutputs:
    """One model's outputs."""

    model: str
    texts: Mapping[str, str]  # instruction key -> output: all that the model wrote
    shown: Mapping[str, str]  # instruction key -> the same with what tools answered, which a judge reads as well
    instructions: Mapping[str, str]  # instruction key -> its text, of the whole benchmark
    instruction_shingles: Mapping[str, Hashes]  # instruction key -> the sequences of five words of its text

    def __len__(self) -> int:
        return len(self.texts)

    def words(self, key: str) -> Hashes:
        """The words of one output; they are read once, because every other model is compared with them."""
        if key not in self._words:
            self._words[key] = shingles(self.texts[key], 1)
        return self._words[key]

    def openings(self, keys: Iterable[str]) -> tuple[Evidence, ...]:
        """The outputs to ``keys`` as evidence, from their beginning."""
        return tuple(span(key, self.texts[key], 0, len(self.texts[key])) for key in keys)

    @property
    def first(self) -> tuple[Evidence, ...]:
        """One output as evidence of what is so of all; none where there is none."""
        return self.openings(list(self.texts)[:1])

    @cached_property
    def _words(self) -> dict[str, Hashes]:
        return {}

    @cached_property
    def normalised(self) -> Mapping[str, str]:
        """Outputs in lower case with single spaces: the form in which they count as the same."""
        return {key: " ".join(text.lower().split()) for key, text in self.texts.items()}

    @cached_property
    def long(self) -> tuple[str, ...]:
        """Keys of the instructions whose output has at least ``LONG`` characters."""
        return tuple(key for key, text in self.normalised.items() if len(text) >= LONG)

    @cached_property
    def shingles(self) -> Mapping[str, Hashes]:
        """The sequences of five words of each long output."""
        return {key: shingles(self.texts[key]) for key in self.long}

    @cached_property
    def own_shingles(self) -> Mapping[str, Hashes]:
        """Those of ``shingles`` that the instruction does not hold."""
        return {
            key: np.setdiff1d(hashes, self.instruction_shingles[key], assume_unique=True)
            for key, hashes in self.shingles.items()
        }

    @cached_property
    def shared(self) -> Mapping[str, float]:
        """For each long output the share of its own sequences that also stand in outputs to other instructions: in
        three of them at least, and in 0.5 %."""
        own = self.own_shingles
        everywhere = np.concatenate([*own.values(), np.empty(0, dtype=np.uint64)])
        distinct, outputs = np.unique(everywhere, return_counts=True)
        frequent = distinct[outputs > max(3, 0.005 * len(own))]
        return {
            key: float(np.isin(hashes, frequent, assume_unique=True).mean()) if len(hashes) else 0.0
            for key, hashes in own.items()
        }


@dataclass(frozen=True)
class SubmissionSet:
    """Every model that answered a benchmark."""

    instructions: Mapping[str, str]  # key -> text
    by_model: Mapping[str, ModelOutputs]

    @classmethod
    def of(cls, instructions: Mapping[str, str], texts: Mapping[str, Mapping[str, str]]) -> "SubmissionSet":
        """``texts`` maps a model's name to its outputs, texts alone, by instruction key; unknown keys are left out."""
        return cls._of(instructions, {model: (mine, mine) for model, mine in texts.items()})

    @classmethod
    def of_outputs(
        cls, instructions: Mapping[str, Instruction], outputs: Mapping[str, Mapping[str, Output]]
    ) -> "SubmissionSet":
        """As ``of``, of outputs that may be more than texts."""
        texts = {
            model: tuple(
                {key: getattr(output, name) for key, output in mine.items()} for name in ("written", "visible")
            )
            for model, mine in outputs.items()
        }
        return cls._of({key: instruction.visible for key, instruction in instructions.items()}, texts)

    @classmethod
    def _of(cls, instructions: Mapping[str, str], texts: Mapping[str, Sequence[Mapping[str, str]]]) -> "SubmissionSet":
        hashes = {key: shingles(text) for key, text in instructions.items()}
        by_model = {}
        for model, both in texts.items():
            written, shown = ({key: text for key, text in mine.items() if key in hashes} for mine in both)
            by_model[model] = ModelOutputs(model, written, shown, instructions, hashes)
        return cls(instructions, by_model)

    def others(self, model: str) -> list[ModelOutputs]:
        """Those of the other models, by name."""
        return [outputs for name, outputs in sorted(self.by_model.items()) if name != model]


def outside_instruction(pattern: re.Pattern[str], text: str, instruction: str) -> re.Match[str] | None:
    """The first match in ``text`` that the instruction does not hold word for word: who was asked for it may say it."""
    return next((match for match in pattern.finditer(text) if match[0] not in instruction), None)
