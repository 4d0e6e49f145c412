"""What models submitted to a benchmark, read once, so that what outputs share can be counted."""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from judgebench.audits.findings import Evidence, span
from judgebench.audits.reading import Hashes, Sequences, TextWords, frequent, is_in, read
from judgebench.records import Instruction, Output

WIDTH = 5  # words in a sequence
FULL = 120  # characters from which an output is an answer rather than a choice, a label or a line
LONG = 40  # characters from which two instructions do not honestly share an output word for word
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+\\?(?:"|\Z)', re.DOTALL)  # of JSON; takes up what it began, whatever follows
_LETTERS = re.compile(r"[\W\d_]+")


def shingles(*texts: str) -> Hashes:
    """The distinct sequences of ``WIDTH`` words in the texts, sorted; a shorter text is one sequence, an empty none."""
    return np.unique(read(texts).sequences(WIDTH).hashes)


@dataclass(frozen=True)
class Questions:
    """The instructions of a benchmark; a rule knows each by its place."""

    texts: Mapping[str, str]  # key -> text

    @cached_property
    def keys(self) -> tuple[str, ...]:
        return tuple(self.texts)

    @cached_property
    def reading(self) -> TextWords:
        return read(list(self.texts.values()))

    @cached_property
    def sequences(self) -> Sequences:
        return self.reading.sequences(WIDTH)

    def words(self, keys: tuple[str, ...]) -> Sequences:
        """The distinct words of the instructions to ``keys``, in their order."""
        if keys not in self._words:
            self._words[keys] = read([self.texts[key] for key in keys]).sequences(1)
        return self._words[keys]

    @cached_property
    def _words(self) -> dict[tuple[str, ...], Sequences]:
        return {}

    @cached_property
    def _lines(self) -> dict[str, str]:
        return {}

    def holds(self, key: str, line: str) -> bool:
        """Whether an instruction holds a line, signs and numbers aside."""
        if key not in self._lines:
            self._lines[key] = letters_of(self.texts[key])
        return letters_of(line) in self._lines[key]


def letters_of(text: str) -> str:
    """Lower case, letters only, single spaces."""
    return _LETTERS.sub(" ", text.lower()).strip()


@dataclass(frozen=True)
class ModelOutputs:
    """One model's outputs."""

    model: str
    texts: Mapping[str, str]  # instruction key -> output: all that the model wrote
    shown: Mapping[str, str]  # instruction key -> the same with what tools answered, which a judge reads as well
    asked: Questions

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def instructions(self) -> Mapping[str, str]:
        """Instruction key -> its text, of the whole benchmark."""
        return self.asked.texts

    @cached_property
    def reading(self) -> TextWords:
        """Every output in the places of their instructions; one that is missing has no words."""
        return read([self.texts.get(key, "") for key in self.asked.keys])

    def keys_of(self, places: Iterable[int] | NDArray[np.bool_]) -> list[str]:
        """The keys of instructions by their places, or where a mask over all places is true."""
        chosen = np.flatnonzero(places).tolist() if isinstance(places, np.ndarray) else places
        return [self.asked.keys[place] for place in chosen]

    def places_of(self, keys: Iterable[str]) -> NDArray[np.bool_]:
        """A mask over all places that is true for the instructions with these keys."""
        chosen = set(keys)
        return np.array([key in chosen for key in self.asked.keys], dtype=np.bool_)

    def words(self, keys: tuple[str, ...]) -> Sequences:
        """The distinct words of the outputs to ``keys``, in their order; they are read once: every other model is
        compared with them."""
        if keys not in self._words:
            self._words[keys] = read([self.texts.get(key, "") for key in keys]).sequences(1)
        return self._words[keys]

    def openings(self, keys: Iterable[str]) -> tuple[Evidence, ...]:
        """The outputs to ``keys`` as evidence, from their beginning."""
        return tuple(span(key, self.texts[key], 0, len(self.texts[key])) for key in keys)

    @property
    def first(self) -> tuple[Evidence, ...]:
        """One output as evidence of what is so of all; none where there is none."""
        return self.openings(list(self.texts)[:1])

    @cached_property
    def _words(self) -> dict[tuple[str, ...], Sequences]:
        return {}

    @cached_property
    def normalised(self) -> Mapping[str, str]:
        """Outputs in lower case with single spaces: the form in which they count as the same."""
        return {key: normalised(text) for key, text in self.texts.items()}

    @cached_property
    def long(self) -> tuple[str, ...]:
        """Keys of the instructions whose output has at least ``LONG`` characters."""
        return tuple(key for key, text in self.normalised.items() if len(text) >= LONG)

    @cached_property
    def repeated(self) -> tuple[str, ...]:
        """Keys of the instructions whose long output is the output to another instruction too."""
        texts = Counter(self.normalised[key] for key in self.long)
        return tuple(key for key in self.long if texts[self.normalised[key]] > 1)

    @cached_property
    def own_sequences(self) -> Sequences:
        """The sequences of five words of each output that its instruction does not hold."""
        return self.reading.sequences(WIDTH).without(self.asked.sequences)

    @cached_property
    def shared(self) -> Mapping[str, float]:
        """For each long output the share of its own sequences that also stand in outputs to other instructions: in
        three of them at least, and in 0.5 %."""
        long = self.places_of(self.long)
        own = self.own_sequences
        hashes, owners = own.hashes[long[own.owners]], own.owners[long[own.owners]]
        common = is_in(hashes, frequent(hashes, max(3, 0.005 * len(self.long))))
        sizes = np.bincount(owners, minlength=len(long))
        shares = np.bincount(owners, common, minlength=len(long)) / np.maximum(sizes, 1)
        return dict(zip(self.keys_of(long), shares[long].tolist(), strict=True))


def normalised(text: str) -> str:
    """In lower case with single spaces."""
    return " ".join(text.lower().split())


@dataclass(frozen=True)
class SubmissionSet:
    """Every model that answered a benchmark."""

    asked: Questions
    by_model: Mapping[str, ModelOutputs]

    @property
    def instructions(self) -> Mapping[str, str]:
        """Key -> text."""
        return self.asked.texts

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
            model: tuple({key: _read(output, name) for key, output in mine.items()} for name in ("written", "visible"))
            for model, mine in outputs.items()
        }
        return cls._of({key: instruction.visible for key, instruction in instructions.items()}, texts)

    @classmethod
    def _of(cls, instructions: Mapping[str, str], texts: Mapping[str, Sequence[Mapping[str, str]]]) -> "SubmissionSet":
        questions, by_model = Questions(instructions), {}
        for model, both in texts.items():
            written, shown = ({key: text for key, text in mine.items() if key in instructions} for mine in both)
            by_model[model] = ModelOutputs(model, written, shown, questions)
        return cls(questions, by_model)

    def among(self, keys: Collection[str]) -> "SubmissionSet":
        """The part of it that is about the instructions with these keys."""
        kept = {*keys}
        chosen = {key: text for key, text in self.instructions.items() if key in kept}
        return self._of(chosen, {model: (outputs.texts, outputs.shown) for model, outputs in self.by_model.items()})

    def others(self, model: str) -> list[ModelOutputs]:
        """Those of the other models, by name."""
        return [outputs for name, outputs in sorted(self.by_model.items()) if name != model]


def _read(output: Output, name: str) -> str:
    """A text of an output, and after it what strings of JSON in it stand for: arguments of calls are shown as JSON."""
    text: str = getattr(output, name)
    return text if output.plain else "\n\n".join((text, *_unescaped(text)))


def _unescaped(text: str) -> Iterator[str]:
    """The strings of JSON in ``text`` that hold escapes, without them."""
    for string in _STRING.findall(text):
        if "\\" in string:
            with suppress(ValueError):  # no JSON, but a text in quotation marks
                yield json.loads(string, strict=False)


def outside_instruction(pattern: re.Pattern[str], text: str, instruction: str) -> re.Match[str] | None:
    """The first match in ``text`` that the instruction does not hold word for word: who was asked for it may say it."""
    return next((match for match in pattern.finditer(text) if match[0] not in instruction), None)
