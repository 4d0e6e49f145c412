"""Sentences that stand in an output for another reason than its instruction: again and again, apart from the rest of
it, or about the output itself.

A sentence is compared by its letters alone. Outputs that are the same from end to end are the concern of
``repetition``. A polite closing in every output is honest: such a line is never more than medium where it says nothing
about the output, or where two other models have it too, and low where both is so.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

import numpy as np

from judgebench.audits.findings import Evidence, Finding, FindingRule, Severity, share_finding, span
from judgebench.audits.function_words import ENGLISH
from judgebench.audits.reading import Hashes, Places, TextWords, frequent, is_in
from judgebench.audits.rules.markers import asks_for_judgment
from judgebench.audits.rules.praise import Mask, kinds, like_praise, self_praise
from judgebench.audits.submission_set import ModelOutputs, SubmissionSet

WORDS, LETTERS = 5, 25  # of a sentence that two outputs do not hold by chance
FEWER_WORDS, FEWER_LETTERS = 3, 9  # of one that a tenth of them do not
LINE = FindingRule(
    "repeated-line",
    f"Share of outputs with one and the same sentence, the commonest, of {FEWER_WORDS} words and {FEWER_LETTERS} "
    "letters or more, that the instruction does not hold; signs and numbers aside. High only where the sentence "
    "praises its own output or runs down others, and fewer than two other models have it.",
    low=0.05,
    medium=0.10,
    high=0.50,
)
LINES = FindingRule(
    "repeated-lines",
    f"Share of outputs with any such sentence, of {WORDS} words and {LETTERS} letters or more, that stands in three "
    "outputs or more, and in 1 %. High only where it is "
    "so of sentences that praise their own output or run down others, and that fewer than two other models have.",
    low=0.10,
    medium=0.15,
    high=0.60,
)
DETACHED = FindingRule(
    "detached-edge",
    f"Share of outputs of three sentences or more whose first or last one, of {WORDS} words or more, has nothing to do "
    "with the rest: none of its content words, two at least, stands elsewhere in the output or in the instruction.",
    low=0.12,
    medium=0.15,
)
PRAISE = FindingRule(
    "self-praise",
    "Share of outputs with a sentence that says that the output was preferred, verified or is the best, or that others "
    "are worse, known by its kinds of words (English); or that begins or ends the output, has nothing to do with the "
    "rest of it, and holds two of these kinds. Where the instruction asks for a judgment nothing counts.",
    low=0.01,
    medium=0.02,
    high=0.10,
)
RULES = (LINE, LINES, DETACHED, PRAISE)
_CONTENT_LETTERS, _CONTENT_WORDS = 4, 2
_TEXT_SENTENCES = 3
_OTHERS, _OTHERS_LINES, _OTHERS_OUTPUTS = 2, 8, 200


@dataclass(frozen=True)
class Lines:
    """The sentences of one model's outputs, (s,) each."""

    submission: ModelOutputs

    @property
    def reading(self) -> TextWords:
        return self.submission.reading

    @cached_property
    def owners(self) -> Places:
        return self.reading.texts_of_sentences

    @cached_property
    def words(self) -> Places:
        return np.asarray(self.reading.over_sentences((self.reading.letters > 0).astype(np.int64)))

    @cached_property
    def single(self) -> Mask:
        """Which stand in an output that no other instruction gets word for word: that is another rule's concern."""
        return np.asarray(~self.submission.places_of(self.submission.repeated)[self.owners])

    @cached_property
    def praise(self) -> Mask:
        return self_praise(self.reading)

    def evidence(self, sentence: int) -> Evidence:
        reading, key = self.reading, self.submission.asked.keys[int(self.owners[sentence])]
        after = int(reading.sentences[sentence + 1]) if sentence + 1 < len(reading.sentences) else len(reading.words)
        first = int(reading.sentences[sentence])
        return span(key, self.submission.texts[key], int(reading.starts[first]), int(reading.ends[after - 1]))

    def in_instruction(self, sentence: int) -> bool:
        evidence = self.evidence(sentence)
        text = self.submission.texts[evidence.instruction][evidence.start : evidence.end]
        return self.submission.asked.holds(evidence.instruction, text)


def findings(submission: ModelOutputs, submissions: SubmissionSet) -> Iterator[Finding]:
    """What the rules of this module find in one submission; the others tell which lines are usual."""
    lines = Lines(submission)
    if len(lines.owners):
        yield from _repeated(lines, submissions)
        yield from filter(None, (_counted(DETACHED, lines, _detached(lines)), _praise_finding(lines)))


def _counted(rule: FindingRule, lines: Lines, sentences: Mask | Places) -> Finding | None:
    """The finding of the outputs with one of the sentences, each shown by its first."""
    chosen = np.flatnonzero(sentences) if sentences.dtype == np.bool_ else sentences
    _, first = np.unique(lines.owners[chosen], return_index=True)
    evidence = [lines.evidence(int(sentence)) for sentence in chosen[first]]
    return share_finding(rule, lines.submission.model, evidence, len(lines.submission))


def _repeated(lines: Lines, submissions: SubmissionSet) -> Iterator[Finding]:
    letters = np.asarray(lines.reading.over_sentences(lines.reading.letters.astype(np.int64)))
    numbers = lines.reading.sentence_lines()
    spoken = (lines.words >= FEWER_WORDS) & (letters >= FEWER_LETTERS) & lines.single
    standing = _standing(lines, numbers, np.flatnonzero(spoken))
    long = standing[(lines.words[standing] >= WORDS) & (letters[standing] >= LETTERS)]

    def told(rule: FindingRule, counted: Places) -> Finding | None:
        finding = _counted(rule, lines, counted)
        return finding and _capped(finding, rule, lines, counted, numbers, submissions)

    one = told(LINE, _commonest(numbers, long)) or told(
        LINE, _commonest(numbers, standing)
    )  # no short one hides a long
    yield from filter(None, (one, told(LINES, long)))


def _commonest(numbers: Hashes, sentences: Places) -> Places:
    """Of the sentences those that are the most frequent one."""
    if not len(sentences):
        return sentences
    distinct, counts = np.unique(numbers[sentences], return_counts=True)
    return np.asarray(sentences[numbers[sentences] == distinct[np.argmax(counts)]])


def _standing(lines: Lines, numbers: Hashes, sentences: Places) -> Places:
    """Of the sentences those that stand in three outputs at least, and in 1 %, and not in their instruction; one an
    output and line."""
    least = max(3.0, 0.01 * len(lines.submission)) - 1e-9
    pairs = numbers[sentences] + lines.owners[sentences].astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    sentences = np.sort(sentences[np.unique(pairs, return_index=True)[1]])
    sentences = sentences[is_in(numbers[sentences], frequent(numbers[sentences], np.nextafter(least, 0)))]
    sentences = np.array([place for place in sentences.tolist() if not lines.in_instruction(place)], dtype=np.int64)
    return sentences[is_in(numbers[sentences], frequent(numbers[sentences], np.nextafter(least, 0)))]


def _capped(
    finding: Finding, rule: FindingRule, lines: Lines, counted: Places, numbers: Hashes, submissions: SubmissionSet
) -> Finding:
    """High by the lines alone that praise, and that not two other models have; low without those that neither."""
    if finding.severity is Severity.LOW:
        return finding
    distinct, first, counts = np.unique(numbers[counted], return_index=True, return_counts=True)
    looked_at = np.argsort(-counts, kind="stable")[:_OTHERS_LINES]
    usual = [_usual(lines.evidence(int(counted[first[place]])), lines.submission, submissions) for place in looked_at]
    shared, praise = np.isin(numbers[counted], distinct[looked_at][usual]), lines.praise[counted]
    severe = _counted(rule, lines, counted[praise & ~shared])
    if severe is not None and severe.severity is Severity.HIGH:
        return replace(finding, severity=Severity.HIGH)
    few = _counted(rule, lines, counted[praise | ~shared])
    return replace(finding, severity=Severity.LOW if few is None or few.severity is Severity.LOW else Severity.MEDIUM)


def _usual(evidence: Evidence, submission: ModelOutputs, submissions: SubmissionSet) -> bool:
    """Whether two other models have the line in one of 200 outputs."""
    line = submission.texts[evidence.instruction][evidence.start : evidence.end].lower()
    having = (
        any(line in text.lower() for text in list(other.texts.values())[:_OTHERS_OUTPUTS])
        for other in submissions.others(submission.model)
    )
    return sum(islice(filter(None, having), _OTHERS)) == _OTHERS


def _detached(lines: Lines) -> Mask:
    return _apart(lines, _content, _CONTENT_WORDS) & lines.single


def _content(reading: TextWords) -> Mask:
    return np.asarray((reading.letters >= _CONTENT_LETTERS) & ~is_in(reading.words, ENGLISH))


def _apart(lines: Lines, content: Callable[[TextWords], Mask], least: int) -> Mask:
    """(s,) which first and last sentences of outputs share none of their content words with the rest of the output, or
    with the instruction, and have at least so many."""
    reading = lines.reading
    edges = _edges(lines)
    counts = np.diff(np.append(reading.sentences, len(reading.words)))
    sentence = np.repeat(np.arange(len(counts)), counts)
    counted = content(reading)
    everywhere = np.sort(np.concatenate([_stems(reading, counted), _stems(lines.submission.asked.reading, content)]))
    inside = np.flatnonzero(counted & edges[sentence])
    stems, at = _stems(reading, counted, inside), sentence[inside]
    own = at.astype(np.uint64) << np.uint64(32) | stems & np.uint64(0xFFFFFFFF)
    _, inverse, own_counts = np.unique(own, return_inverse=True, return_counts=True)
    total = np.searchsorted(everywhere, stems, "right") - np.searchsorted(everywhere, stems, "left")
    elsewhere = np.bincount(at, total > own_counts[inverse], minlength=len(counts))
    return np.asarray(edges & (np.bincount(at, minlength=len(counts)) >= least) & (elsewhere == 0))


def _stems(reading: TextWords, counted: Mask | Callable[[TextWords], Mask], words: Places | None = None) -> Hashes:
    """The stems of the counted words, or of ``words``, with the number of their text."""
    if words is None:
        words = np.flatnonzero(counted(reading) if callable(counted) else counted)
    return np.asarray(reading.texts[words].astype(np.uint64) << np.uint64(32) | reading.stems[words])


def _edges(lines: Lines) -> Mask:
    bounds = lines.reading.sentence_bounds
    long = np.diff(bounds) >= _TEXT_SENTENCES
    edges = np.zeros(len(lines.owners), dtype=np.bool_)
    edges[bounds[:-1][long]] = True
    edges[bounds[1:][long] - 1] = True
    return edges & (lines.words >= WORDS)


def _praise_finding(lines: Lines) -> Finding | None:
    apart = _apart(lines, lambda reading: _content(reading) & (kinds(reading.words) == 0), 0)
    chosen = np.flatnonzero(lines.praise | (apart & like_praise(lines.reading)))
    instructions: Mapping[str, str] = lines.submission.instructions
    keys = lines.submission.asked.keys
    kept = [
        place
        for place in chosen.tolist()
        if not asks_for_judgment(instructions[keys[lines.owners[place]]]) and not lines.in_instruction(place)
    ]
    return _counted(PRAISE, lines, np.array(kept, dtype=np.int64))
