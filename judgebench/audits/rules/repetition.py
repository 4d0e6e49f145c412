"""Outputs that do not depend on their instruction: the same text again, the same text changed a little, filler.

Nothing here knows a judge or another model. Short outputs ("Yes", "4") are honestly the same for many instructions,
so they only count where one text is nearly all that a model says. Sources: the static screen against null models of
Zheng et al. 2025 ("Cheating automatic LLM benchmarks"); the thresholds are conventions of this project.
"""

import math
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from judgebench.audits.findings import Finding, FindingRule, Severity, counted, share_finding
from judgebench.audits.rules.comparison import overlap
from judgebench.audits.submission_set import FULL, LONG, ModelOutputs, SubmissionSet

CONSTANT = FindingRule(
    "constant-output",
    "Share of outputs that are one and the same text, case and white space aside (an empty text is a text), and not "
    "what half of the other models gave to the instruction. High only where it is so of 95 % of the outputs, or of all,"
    " 8 at least.",
    low=0.2,
    medium=0.5,
    high=0.8,
)
REPEATED = FindingRule(
    "repeated-output",
    f"Share of outputs that have {LONG} characters or more and are the output to another instruction too, case and "
    f"white space aside. High only where it is so of texts of {FULL} characters or more that are no refusals; of these "
    "5 % are medium. Refusals alone are low.",
    low=0.02,
    medium=0.25,
    high=0.5,
)
BOILERPLATE = FindingRule(
    "shared-text",
    f"Share of outputs that have {LONG} characters or more, and in which more than half of all sequences of five words "
    "also stand in outputs to other instructions (three of them at least, and 0.5 %); what the instruction "
    f"itself holds does not count. High only where it is so of texts of {FULL} characters or more that are no "
    "refusals, and whose other words have nothing to do with the instruction; of these 5 % are medium. "
    "Refusals alone are low.",
    low=0.02,
    medium=0.25,
    high=0.5,
)
ENTROPY = FindingRule(
    "low-entropy",
    f"Entropy of the distribution of texts with {LONG} characters or more, divided by its greatest value, the "
    "logarithm of their number: 1 where all differ, 0 where all are the same. Low from 0.9 down, medium 0.8, high 0.5; "
    f"where at least 20 outputs, and half of all, have that length. High only where it is so of texts of {FULL} "
    "characters or more that are no refusals, and medium only where it is so without the refusals.",
)
FILLER = FindingRule(
    "repeated-filler",
    "Share of outputs that repeat themselves: 400 characters or more that deflate to under 12 % of their size, or in "
    "which one sentence of eight words or more stands six times.",
    low=0.02,
    medium=0.2,
)
ECHO = FindingRule(
    "echoed-instruction",
    "Share of outputs that are the instruction's own words, case and white space aside.",
    low=0.02,
    medium=0.1,
    high=0.8,
)
EMPTY = FindingRule("empty-output", "Share of outputs without a visible character.", low=0.01, medium=0.1)
RULES = (CONSTANT, REPEATED, BOILERPLATE, ENTROPY, FILLER, ECHO, EMPTY)
_FOR_ENTROPY = 20
_NEARLY, _FEWEST = 0.95, 8  # share and number of outputs from which one text is all that a model says
_REFUSAL_CHARS = 400
_REFUSAL = re.compile(
    r"\W{0,3}(?:(?:i['’]?m|i am) (?:\w+ )?(?:sorry|afraid|unable|not able)|sorry\b"
    r"|(?:my )?apologies|i (?:must )?apologi[sz]e|unfortunately|as an? (?:ai|large|language)\b"
    r"|i (?:can(?:not|['’]?t)|could not|do not|don['’]?t|won['’]?t|will not|must decline)"
    r"|lo siento|no puedo|je (?:suis désolé|ne peux)|désolé|es tut mir|entschuldig|desculpe|mi dispiace"
    r"|извин|к сожалению"
    r"|抱歉|对不起|很抱歉|申し訳|すみません|죄송)"
)
_SEVERE = 0.05  # share of answers, not refusals, that are one text: medium from here on
_FILLER_CHARS, _FILLER_RATIO = 400, 0.12
_SENTENCE = re.compile(r"[^.!?\n]{30,400}")
_SENTENCE_WORDS, _SENTENCES = 8, 6


def findings(submission: ModelOutputs, submissions: SubmissionSet) -> Iterator[Finding]:
    """What the rules of this module find in one submission; the others tell what is usual for the benchmark."""
    full = substantial(submission)
    repeated, template = list(submission.repeated), template_keys(submission)
    unread = [key for key in template if key in full]
    if overlap(submissions, submission, unread).clear:
        unread = []
    blank = [key for key, text in submission.texts.items() if not text.strip()]
    filler = [key for key, text in submission.texts.items() if _is_filler(text)]
    yield from filter(
        None,
        (
            _constant(submission, constant_keys(submission, submissions)),
            _capped(REPEATED, submission, repeated, [key for key in repeated if key in full]),
            _capped(BOILERPLATE, submission, template, unread),
            _counted(FILLER, submission, filler),
            _counted(ECHO, submission, _echoed(submission)),
            _counted(EMPTY, submission, blank),
            _entropy_finding(submission, repeated, full),
        ),
    )


def substantial(submission: ModelOutputs) -> set[str]:
    """The instructions whose output is long enough to be an answer, and is no refusal: many models have few ways of
    refusing, and few words for a choice."""
    return {key for key in submission.long if len(submission.normalised[key]) >= FULL and not _refuses(submission, key)}


def template_keys(submission: ModelOutputs) -> list[str]:
    """The instructions whose output is, for more than half, text that other instructions get too."""
    return [key for key, share in submission.shared.items() if share > 0.5]


def _refuses(submission: ModelOutputs, key: str) -> bool:
    text = submission.normalised[key]
    return len(text) <= _REFUSAL_CHARS and _REFUSAL.match(text) is not None


def _echoed(submission: ModelOutputs) -> list[str]:
    instructions = submission.instructions
    return [
        key
        for key, text in submission.normalised.items()
        if text and text == " ".join(instructions[key].lower().split())
    ]


def constant_keys(submission: ModelOutputs, submissions: SubmissionSet) -> list[str]:
    """The instructions that get the commonest text, where that is not what half of the other models say too."""
    commonest = most_common(Counter(submission.normalised.values()))
    same = [key for key, text in submission.normalised.items() if text == commonest]
    if len(same) < 2:
        return []
    others = submissions.others(submission.model)
    agree = {key: sum(other.normalised.get(key) == commonest for other in others) for key in same}
    alone = [key for key in same if not others or agree[key] < len(others) / 2]
    return alone if len(alone) > 1 else []


def _constant(submission: ModelOutputs, keys: list[str]) -> Finding | None:
    finding = _counted(CONSTANT, submission, keys)
    if finding is None:
        return None
    share = len(keys) / len(submission)
    high = (share == 1.0 and len(keys) >= _FEWEST) or (share >= _NEARLY and finding.severity is Severity.HIGH)
    capped = Severity.MEDIUM if finding.severity is Severity.HIGH else finding.severity
    return replace(finding, severity=Severity.HIGH if high else capped)


def _counted(rule: FindingRule, submission: ModelOutputs, keys: list[str]) -> Finding | None:
    return share_finding(rule, submission.model, submission.openings(keys), len(submission))


def _capped(rule: FindingRule, submission: ModelOutputs, keys: list[str], severe: list[str]) -> Finding | None:
    """The finding of ``keys``: high by ``severe`` alone, of which few are medium; low where nearly all are refusals."""
    finding = _counted(rule, submission, keys)
    if finding is None:
        return None
    answers = _counted(rule, submission, [key for key in keys if not _refuses(submission, key)])
    worst = _counted(replace(rule, medium=_SEVERE), submission, severe)
    if worst is not None and worst.severity is not Severity.LOW:
        return replace(finding, severity=worst.severity)
    few = answers is None or answers.severity is Severity.LOW
    return replace(finding, severity=Severity.LOW if few else Severity.MEDIUM)


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


def _entropy_finding(submission: ModelOutputs, repeated: list[str], full: set[str]) -> Finding | None:
    value = _entropy(submission, submission.long)
    steps = ((0.5, Severity.HIGH), (0.8, Severity.MEDIUM), (0.9, Severity.LOW))
    severity = next((severity for bound, severity in steps if value <= bound), None)
    if severity is None:
        return None
    if severity is Severity.HIGH and _entropy(submission, sorted(full)) > steps[0][0]:
        severity = Severity.MEDIUM
    answers = [key for key in submission.long if not _refuses(submission, key)]
    if severity is Severity.MEDIUM and _entropy(submission, answers) > steps[1][0]:
        severity = Severity.LOW
    shown = submission.openings(repeated[:3])
    return Finding(submission.model, severity, ENTROPY.name, shown, counted(value, len(submission.long)))


def _entropy(submission: ModelOutputs, keys: Sequence[str]) -> float:
    """Of the texts to ``keys``; 1 where these are too few to stand for the submission."""
    if len(keys) < max(_FOR_ENTROPY, len(submission) / 2):
        return 1.0
    return normalised_entropy(submission.normalised[key] for key in keys)


def _is_filler(text: str) -> bool:
    if len(text) < _FILLER_CHARS:
        return False
    raw = text.encode("utf-8", "replace")
    if len(zlib.compress(raw, 1)) < 2 * _FILLER_RATIO * len(raw) and len(zlib.compress(raw)) < _FILLER_RATIO * len(raw):
        return True
    sentences = Counter(sentence.strip().lower() for sentence in _SENTENCE.findall(text))
    return any(
        times >= _SENTENCES and len(sentence.split()) >= _SENTENCE_WORDS for sentence, times in sentences.most_common(5)
    )
