"""Outputs that do not depend on their instruction: the same text again, the same text changed a little, filler.

Nothing here knows a judge or another model. Short outputs ("Yes", "4") are honestly the same for many instructions,
so they only count where one text is nearly all that a model says. Sources: the static screen against null models of
Zheng et al. 2025 ("Cheating automatic LLM benchmarks"); the thresholds are conventions of this project.
"""

import math
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator

from judgebench.audits.field import LONG, Submission
from judgebench.audits.findings import Evidence, Finding, Rule, Severity, share_finding, span

CONSTANT = Rule(
    "constant-output",
    "Share of outputs that are one and the same text, case and white space aside (an empty text is a text).",
    low=0.2,
    medium=0.5,
    high=0.8,
)
REPEATED = Rule(
    "repeated-output",
    f"Share of outputs that have {LONG} characters or more and are the output to another instruction too, case and "
    "white space aside.",
    low=0.02,
    medium=0.25,
    high=0.5,
)
BOILERPLATE = Rule(
    "shared-text",
    f"Share of outputs that have {LONG} characters or more, and in which more than half of all sequences of five words "
    "also stand in outputs to other instructions (three of them at least, and 0.5 %); what the instruction "
    "itself holds does not count.",
    low=0.02,
    medium=0.25,
    high=0.5,
)
ENTROPY = Rule(
    "low-entropy",
    f"Entropy of the distribution of texts with {LONG} characters or more, divided by its greatest value, the "
    "logarithm of their number: 1 where all differ, 0 where all are the same. Low from 0.9 down, medium 0.8, high 0.5; "
    "where at least 20 outputs, and half of all, have that length.",
)
FILLER = Rule(
    "repeated-filler",
    "Share of outputs that repeat themselves: 400 characters or more that deflate to under 12 % of their size.",
    low=0.02,
    medium=0.2,
)
EMPTY = Rule("empty-output", "Share of outputs without a visible character.", low=0.01, medium=0.2)
RULES = (CONSTANT, REPEATED, BOILERPLATE, ENTROPY, FILLER, EMPTY)

_FOR_ENTROPY = 20
_FILLER_CHARS, _FILLER_RATIO = 400, 0.12


def findings(submission: Submission) -> Iterator[Finding]:
    """What the rules of this module find in one submission."""
    commonest = most_common(Counter(submission.normalised.values()))
    same = [key for key, text in submission.normalised.items() if text == commonest]
    repeated = repeated_keys(submission)
    template = [key for key, share in submission.shared.items() if share > 0.5]
    blank = [key for key, text in submission.texts.items() if not text.strip()]
    filler = [key for key, text in submission.texts.items() if _is_filler(text)]
    counts = (
        (CONSTANT, same if len(same) > 1 else [], len(submission)),
        (REPEATED, repeated, len(submission)),
        (BOILERPLATE, template, len(submission)),
        (FILLER, filler, len(submission)),
        (EMPTY, blank, len(submission)),
    )
    found = [share_finding(rule, submission.model, _opening(submission, keys), n) for rule, keys, n in counts]
    yield from (each for each in (*found, _entropy_finding(submission, repeated)) if each is not None)


def repeated_keys(submission: Submission) -> list[str]:
    """The instructions whose long output is the output to another instruction too."""
    texts = Counter(submission.normalised[key] for key in submission.long)
    return [key for key in submission.long if texts[submission.normalised[key]] > 1]


def most_common(texts: Counter[str]) -> str | None:
    """The text that most instructions got, the first of several in the alphabet."""
    return min(texts, key=lambda text: (-texts[text], text)) if texts else None


def normalised_entropy(texts: Iterable[str]) -> float:
    """Shannon entropy of the texts' distribution over the logarithm of their number, in [0, 1]; 1 for fewer than 2."""
    counts = Counter(texts)
    total = counts.total()
    if total < 2:
        return 1.0
    entropy = -sum(count / total * math.log(count / total) for count in counts.values())
    return max(0.0, min(1.0, entropy / math.log(total)))


def _entropy_finding(submission: Submission, repeated: list[str]) -> Finding | None:
    if len(submission.long) < max(_FOR_ENTROPY, len(submission) / 2):
        return None
    value = normalised_entropy(submission.normalised[key] for key in submission.long)
    steps = ((0.5, Severity.HIGH), (0.8, Severity.MEDIUM), (0.9, Severity.LOW))
    severity = next((severity for bound, severity in steps if value <= bound), None)
    if severity is None:
        return None
    shown = tuple(_opening(submission, repeated[:3]))
    return Finding(submission.model, severity, ENTROPY.name, shown, value, None, None)


def _opening(submission: Submission, keys: list[str]) -> list[Evidence]:
    return [span(key, submission.texts[key], 0, len(submission.texts[key])) for key in keys]


def _is_filler(text: str) -> bool:
    if len(text) < _FILLER_CHARS:
        return False
    raw = text.encode("utf-8", "replace")
    return len(zlib.compress(raw)) < _FILLER_RATIO * len(raw)
