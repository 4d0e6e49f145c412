"""Do outputs depend on their instruction? The words of an output beside those of other models' outputs to the same
instruction, and to another one.

A model that answers shares words with others who answer the same; one whose outputs were exchanged, or made without
reading, shares no more with them than with outputs to anything else. Words that the instruction holds, and those in a
tenth of the model's own outputs, do not count. Outputs in another language share none with either, so nothing is said
of them. The idea is that of the permutation test of Zheng et al. 2025, on texts instead of win rates.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from judgebench.audits.findings import Finding, Rule, Severity, mean_estimate, span
from judgebench.audits.submission_set import Field, Hashes, Submission, shingles
from judgebench.stats.verdict_table import Floats

UNRELATED = Rule(
    "unrelated-output",
    "How much more of the output's words stand in other models' outputs to the same instruction than in those to "
    "another one, over the same for the median of the other models: 1 is usual, 0 means that outputs have nothing to "
    "do with their instructions. Medium where the interval lies below 0.25, high below 0.1; from 50 instructions and "
    "three other models on, where words are shared at all.",
)


_SAMPLE = 200  # instructions that are looked at


_OTHERS = 6  # models whose words are taken together


_LEAST_WORDS, _LEAST = 3, 50


_COMMON = 0.1  # share of a model's outputs from which a word says nothing


_CLEAR = 4.0  # standard errors


@dataclass(frozen=True, slots=True, eq=False)
class Overlap:
    """Shares of an output's words, one row an instruction."""

    own: Floats  # in others' outputs to the same instruction
    elsewhere: Floats  # in those to another

    @property
    def gain(self) -> Floats:
        return self.own - self.elsewhere

    @property
    def clear(self) -> bool:
        """Whether the outputs depend on their instructions beyond doubt."""
        if len(self.gain) < 2:
            return False
        error = float(self.gain.std(ddof=1)) / np.sqrt(len(self.gain))
        return bool(self.gain.mean() > _CLEAR * error)


def findings(field: Field) -> Iterator[Finding]:
    """What the rule of this module finds among all submissions; nothing with fewer than three others."""
    if len(field.submissions) < 4:
        return
    overlaps = {model: overlap(field, each) for model, each in sorted(field.submissions.items())}
    for model, mine in overlaps.items():
        others = [each for name, each in overlaps.items() if name != model and len(each.gain) >= _LEAST]
        if len(others) < 3 or len(mine.gain) < _LEAST:
            continue
        usual = float(np.median([each.gain.mean() for each in others]))
        shared = float(np.median([each.elsewhere.mean() for each in others]))
        if usual <= 0 or mine.elsewhere.mean() < shared / 2:
            continue
        value = float(mine.gain.mean()) / usual
        lower, upper = (end / usual for end in mean_estimate(mine.gain).ends)
        if upper < 0.25:
            submission = field.submissions[model]
            shown = tuple(span(key, text, 0, len(text)) for key, text in list(submission.texts.items())[:1])
            severity = Severity.HIGH if upper < 0.1 else Severity.MEDIUM
            yield Finding(model, severity, UNRELATED.name, shown, value, lower, upper)


def overlap(field: Field, submission: Submission, keys: Sequence[str] | None = None) -> Overlap:
    """What the outputs to ``keys`` (all where None) share with others'; without other models, with the instruction's
    words, what is quoted from it left aside."""
    chosen = _sample(list(submission.texts) if keys is None else list(keys))
    others = [each for name, each in sorted(field.submissions.items()) if name != submission.model]
    references = {key: _reference(field, others, key) for key in chosen}
    words = {key: _own_words(field, submission, key, quoted=bool(others)) for key in chosen}
    seen, counts = np.unique(np.concatenate([*words.values(), np.empty(0, dtype=np.uint64)]), return_counts=True)
    common = seen[counts > max(1.0, _COMMON * len(chosen))]
    own, elsewhere = [], []
    for place, key in enumerate(chosen):
        said = np.setdiff1d(words[key], common, assume_unique=True)
        if len(said) < _LEAST_WORDS:
            continue
        other = chosen[(place + len(chosen) // 2) % len(chosen)]
        own.append(float(np.isin(said, references[key]).mean()))
        elsewhere.append(float(np.isin(said, references[other]).mean()))
    return Overlap(np.array(own, dtype=np.float64), np.array(elsewhere, dtype=np.float64))


def _own_words(field: Field, submission: Submission, key: str, *, quoted: bool) -> Hashes:
    """An output's words: without the instruction's, or (not ``quoted``) without what is quoted from it only."""
    instruction = field.instructions[key]
    if not quoted:
        return shingles(submission.texts[key].replace(instruction, " "), 1)
    return np.setdiff1d(submission.words(key), shingles(instruction, 1), assume_unique=True)


def _reference(field: Field, others: Sequence[Submission], key: str) -> Hashes:
    if not others:
        return shingles(field.instructions[key], 1)
    words = (each.words(key) for each in others if key in each.texts)
    return np.unique(np.concatenate([*islice(words, _OTHERS), np.empty(0, dtype=np.uint64)]))


def _sample(keys: Sequence[str]) -> list[str]:
    ordered = sorted(keys)
    return ordered[:: max(1, -(-len(ordered) // _SAMPLE))]
