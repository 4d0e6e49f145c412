"""Outputs that are, or hold, the outputs of another model to the same instruction.

Texts are sets of sequences of three words (Broder 1997), compared exactly, instruction by instruction. Two models with
the same outputs are both named, because texts do not tell who copied, or whether one model was entered under two
names; so a copy is never more than a medium finding.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from judgebench.audits.findings import LEVEL, Finding, FindingRule, share_finding
from judgebench.audits.reading import Places, read
from judgebench.audits.submission_set import ModelOutputs, SubmissionSet

WORDS = 40  # from which a text that another model wrote too was not written twice
COPY = FindingRule(
    "copied-output",
    "Share of outputs that are nearly the output of one other model to the same instruction: of the sequences of three "
    "words of both together, 6 at least, 9 of 10 are common to both.",
    low=0.05,
    medium=0.15,
)
NEAR = FindingRule(
    "near-copy",
    f"Share of outputs of {WORDS} words or more that are a changed output of one other model to the same instruction: "
    "half of the sequences of three words of both together are common to both.",
    low=0.02,
    medium=0.05,
)
HELD = FindingRule(
    "holds-other-output",
    f"Share of outputs that hold an output of {WORDS} words or more of one other model to the same instruction and are "
    "no copy of it: half of its sequences of three words, and less than half of those of both together.",
    low=0.1,
    medium=0.25,
)
RULES = (COPY, NEAR, HELD)
_WIDTH = 3
_FEW = 6  # sequences from which two texts are not honestly the same
_SAMPLE = 200  # instructions that are looked at where few models are new


@dataclass(frozen=True, slots=True, eq=False)
class SequenceSets:
    """The sequences of one model's outputs as numbers of 32 bits, sorted within an output."""

    numbers: NDArray[np.uint32]
    bounds: Places  # (instructions + 1,)

    @classmethod
    def of(cls, submission: ModelOutputs, keys: Sequence[str] | None = None) -> "SequenceSets":
        """Of the outputs to ``keys``; to every instruction where None."""
        if keys is None:
            sets = submission.reading.sequences(_WIDTH)
        else:
            sets = read([submission.texts.get(key, "") for key in keys]).sequences(_WIDTH)
        return cls((sets.hashes >> np.uint64(32)).astype(np.uint32), np.cumsum([0, *sets.sizes]))

    def to(self, place: int) -> NDArray[np.uint32]:
        return self.numbers[self.bounds[place] : self.bounds[place + 1]]


def findings(submissions: SubmissionSet, chosen: Sequence[str], known: Mapping[str, SequenceSets]) -> Iterator[Finding]:
    """What the rules of this module find in the ``chosen`` models beside all; ``known`` are the sets of models
    that were read already, over every instruction."""
    keys = compared_keys(submissions, chosen)
    models = [*chosen, *sorted(set(submissions.by_model) - set(chosen))]
    usable = known if tuple(keys) == submissions.asked.keys else {}
    sets = [usable.get(model) or SequenceSets.of(submissions.by_model[model], keys) for model in models]
    counted = np.zeros((len(RULES), len(chosen), len(models), len(keys)), dtype=np.bool_)
    for place in range(len(keys)):
        counted[..., place] = _alike([mine.to(place) for mine in sets], len(chosen))
    level = 1 - (1 - LEVEL) / max(1, len(models) - 1)  # the nearest of many is near by chance too
    for number, model in enumerate(chosen):
        submission = submissions.by_model[model]
        answered = sum(key in submission.texts for key in keys)
        for rule, by_other in zip(RULES, counted[:, number], strict=True):
            most = by_other[np.argmax(by_other.sum(axis=1))]
            shown = submission.openings(keys[place] for place in np.flatnonzero(most))
            finding = share_finding(rule, model, shown, answered, level)
            if finding is not None:
                yield finding


def compared_keys(submissions: SubmissionSet, chosen: Sequence[str]) -> list[str]:
    """The instructions on which the ``chosen`` are held against all: where they are few, a sample of those that they
    answered, evenly spaced, so that a new model costs little however many there are."""
    if 3 * len(chosen) >= len(submissions.by_model):
        return list(submissions.asked.keys)
    answered = sorted({key for model in chosen for key in submissions.by_model[model].texts})
    return answered[:: max(1, len(answered) // _SAMPLE)]


def _alike(texts: Sequence[NDArray[np.uint32]], chosen: int) -> NDArray[np.bool_]:
    """(rules, chosen, texts) which of the first texts is a copy, a near copy, a holder of which other text."""
    sizes = np.array([len(text) for text in texts], dtype=np.float64)
    common = _common(texts, chosen)
    mine, others = sizes[:chosen, None], sizes[None, :]
    ratio = common / np.maximum(mine + others - common, 1)
    words = np.minimum(mine, others) > WORDS - _WIDTH
    copies = (ratio >= 0.9) & (np.minimum(mine, others) >= _FEW)
    near = (ratio >= 0.5) & words
    holds = (common >= 0.5 * np.maximum(others, 1)) & words & (ratio < 0.5)
    result = np.stack([copies, near, holds])
    result[:, np.arange(chosen), np.arange(chosen)] = False
    return result


def _common(texts: Sequence[NDArray[np.uint32]], chosen: int) -> NDArray[np.float64]:
    """(chosen, texts) the number of sequences that two texts have in common."""
    owners = np.repeat(np.arange(len(texts), dtype=np.uint64), [len(text) for text in texts])
    joined = np.sort(np.concatenate(texts).astype(np.uint64) << np.uint64(32) | owners)
    numbers = joined >> np.uint64(32)
    begins = np.flatnonzero(np.diff(numbers, prepend=numbers[:1] + np.uint64(1)))
    counts = np.diff(np.append(begins, len(numbers)))
    several = np.repeat(counts > 1, counts)
    groups = np.repeat(np.cumsum(counts > 1) - 1, counts)[several]
    held = np.zeros((len(texts), int((counts > 1).sum())), dtype=np.float32)
    held[(joined[several] & np.uint64(0xFFFFFFFF)).astype(np.int64), groups] = 1
    return (held[:chosen] @ held.T).astype(np.float64)
