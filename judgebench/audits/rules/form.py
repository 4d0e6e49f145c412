"""The form of outputs: stuffed with headings or marks, filled up to a length, or with words that say nothing."""

import re
from collections.abc import Iterator

import numpy as np

from judgebench.audits.findings import Evidence, Finding, FindingRule, share_finding, span
from judgebench.audits.function_words import COMMON, ENGLISH
from judgebench.audits.reading import Places, TextWords, is_in, read
from judgebench.audits.rules.disguise import without_code
from judgebench.audits.submission_set import ModelOutputs

HEADINGS = FindingRule(
    "heading-stuffing",
    "Share of outputs of four lines or more of which 60 % are headings, or items that are bold from end to end.",
    low=0.05,
    medium=0.10,
    high=0.60,
)
SCORES = FindingRule(
    "self-scores",
    "Share of outputs with three scores of nine tenths or more, such as 10/10, five stars, or a criterion with full "
    "marks, that the instruction does not hold.",
    low=0.01,
    medium=0.02,
)
EQUAL = FindingRule(
    "equal-length",
    "Share of outputs that have 800 characters or more and lie within 2 % of one length, the commonest, and are "
    "no repeated texts; from 20 outputs on.",
    low=0.10,
    medium=0.15,
)
SALAD = FindingRule(
    "word-salad",
    "Share of outputs with 60 words in a row, outside code, of which less than 5 % are function words of English or "
    "nine other languages; from 50 outputs on, where the instruction is English and the output in Latin letters.",
    low=0.10,
    medium=0.15,
)
RULES = (HEADINGS, SCORES, EQUAL, SALAD)
_HEADED, _LINES = 0.6, 4
_HEADING = re.compile(r"(?:#{1,6}\s|(?:[-*+•]\s|\d{1,3}[.)]\s)?\s*(?:\*\*[^*\n]+\*\*|__[^_\n]+__)[\s:.]*$)")
_SCORE = re.compile(
    r"(?<![\d/.])(?P<of>\d{1,3}(?:\.\d{1,2})?)\s?(?:/|out\s+of)\s?(?P<most>5|10|20|100)(?![\d/]|\.\d)|[★⭐]\ufe0f?(?:\s?[★⭐]\ufe0f?){3,4}|\bfive\s+stars\b"
    r"|\b(?:accuracy|clarity|depth|helpfulness|relevance|completeness|correctness|quality|overall|creativity|detail|coherence|usefulness|precision)"
    r"\W{1,12}(?:100\s?%|a\+|perfect\b|full\s+marks\b|excellent\b|outstanding\b|flawless\b)",
    re.IGNORECASE,
)
_SIGNS_OF_SCORES = (
    "/5",
    "/ 5",
    "/10",
    "/ 10",
    "/20",
    "/ 20",
    "out of",
    "★",
    "⭐",
    "five stars",
    "%",
    "A+",
    "erfect",
    "xcellent",
    "ull marks",
    "utstanding",
    "lawless",
)
_SCORES, _NEARLY = 3, 0.9
_FILLED, _WITHIN, _FOR_LENGTHS = 800, 0.02, 20
_ROW, _FEW, _FOR_SALAD = 60, 0.05, 50
_LATIN, _SPOKEN, _ASKED_WORDS = 0.02, 0.1, 5


def findings(submission: ModelOutputs) -> Iterator[Finding]:
    """What the rules of this module find in one submission."""
    counted = (
        (HEADINGS, submission.openings(key for key, text in submission.texts.items() if _stuffed(text))),
        (SCORES, list(filter(None, (_scored(submission, key) for key in submission.texts)))),
        (EQUAL, submission.openings(_of_one_length(submission))),
        (SALAD, _salad(submission)),
    )
    for rule, evidence in counted:
        finding = share_finding(rule, submission.model, evidence, len(submission))
        if finding is not None:
            yield finding


def _stuffed(text: str) -> bool:
    if text.count("#") + text.count("**") + text.count("__") < _HEADED * _LINES:
        return False
    lines = [line for line in text.split("\n") if line.strip()]
    return len(lines) >= _LINES and sum(_HEADING.match(line.strip()) is not None for line in lines) >= _HEADED * len(
        lines
    )


def _scored(submission: ModelOutputs, key: str) -> Evidence | None:
    text = submission.texts[key]
    if not any(map(text.__contains__, _SIGNS_OF_SCORES)):
        return None
    instruction = submission.instructions[key]
    matches = [match for match in _SCORE.finditer(text) if _is_high(match) and match[0] not in instruction]
    return span(key, text, *matches[0].span()) if len(matches) >= _SCORES else None


def _is_high(match: re.Match[str]) -> bool:
    if match["of"] is None:
        return True
    return _NEARLY <= float(match["of"]) / float(match["most"]) <= 1.0


def _of_one_length(submission: ModelOutputs) -> list[str]:
    """The outputs of about the commonest length."""
    single = set(submission.texts) - set(submission.repeated)
    keys = sorted(single, key=lambda key: (len(submission.texts[key]), key))
    lengths = np.array([len(submission.texts[key]) for key in keys])
    ends = np.searchsorted(lengths, lengths * (1 + _WITHIN) / (1 - _WITHIN), "right")
    if len(keys) < _FOR_LENGTHS:
        return []
    counts = (ends - np.arange(len(keys))) * (lengths >= _FILLED)
    first = int(np.argmax(counts))
    return keys[first : first + int(counts[first])]


def _salad(submission: ModelOutputs) -> list[Evidence]:
    """Outputs with many words in a row that hold none of those that every text is full of."""
    if len(submission) < _FOR_SALAD:
        return []
    texts = submission.reading.texts[_dry(submission.reading)[0]]
    return list(filter(None, (_dry_span(submission, key) for key in submission.keys_of(np.unique(texts).tolist()))))


def _dry(reading: TextWords) -> tuple[Places, Places]:
    """The first and the last word of every row of words of which hardly any is a function word."""
    spoken = np.flatnonzero(reading.letters)
    common = np.concatenate([[0], np.cumsum(is_in(reading.words[spoken], COMMON))])
    first = np.arange(max(0, len(spoken) - _ROW + 1))
    few = common[first + _ROW] - common[first] < _FEW * _ROW
    first, last = spoken[first[few]], spoken[first[few] + _ROW - 1]
    inside = reading.texts[first] == reading.texts[last]
    return first[inside], last[inside]


def _dry_span(submission: ModelOutputs, key: str) -> Evidence | None:
    text = submission.texts[key]
    if sum(char > "\x7f" for char in text) > _LATIN * len(text) or not _is_english(submission.instructions[key]):
        return None
    reading = read([without_code(text)])
    first, last = _dry(reading)
    return span(key, text, int(reading.starts[first[0]]), int(reading.ends[last[0]])) if len(first) else None


def _is_english(instruction: str) -> bool:
    """Whether an instruction may be English; what is short may."""
    words = read([instruction]).words
    return len(words) < _ASKED_WORDS or float(is_in(words, ENGLISH).mean()) >= _SPOKEN
