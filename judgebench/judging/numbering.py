"""The steps of an output's text: where each ends, so that they put together are the text.

A source that has steps says where they end. Elsewhere paragraphs are steps; of a text of one paragraph its lines; and
of one line its sentences. A fenced block of code is never cut. White space belongs to the step before it, at the
beginning to the first one. So a text is cut into the same steps whenever it is read.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence

MOST_STEPS = 200  # of a text whose source has none: of more, neighbours are joined until so many are left
_PARAGRAPH = re.compile(r"\n[ \t\r]*\n\s*")
_LINE = re.compile(r"\n\s*")
_SENTENCE = re.compile(r"[.!?…][\"'”’)\]*]{0,3}(\s+)(?=[\"'“‘(\[*$\\]{0,3}[^\W_a-z])|[。！？](\s*)(?=\S)")
_FENCE = re.compile(r"(?m)^[ \t]{0,8}(`{3,}|~{3,})")
_SHORT = re.compile(  # what ends in a full stop and no sentence
    r"(?:\b(?:[A-Za-z]|e\.g|i\.e|etc|vs|cf|ca|approx|resp|fig|eq|eqs|no|nr|vol|ch|sec|thm|lem|st|dr|mr|mrs|ms|prof|jr)"
    r"|(?:\A|\n|[.!?]\s)\s*\(?\d{1,3})\.\Z",
    re.IGNORECASE,
)


def step_ends(text: str, recorded: Sequence[int] = ()) -> tuple[int, ...]:
    """Where each step of the text ends, in characters, rising; the last is the text's own end, and a blank text has
    none. ``recorded``: as a source says it."""
    if recorded:
        return tuple(recorded)
    if not text.strip():
        return ()
    fenced = _fenced(text)
    for rule in (_PARAGRAPH, _LINE, _SENTENCE):
        ends = [*_ends(text, rule, fenced), len(text)]
        if len(ends) > 1:
            return _at_most(ends)
    return (len(text),)


def step_places(ends: Sequence[int]) -> list[tuple[int, int]]:
    """Start and end of each step."""
    return list(zip((0, *ends[:-1]), ends, strict=True)) if ends else []


def _ends(text: str, rule: re.Pattern[str], fenced: Sequence[tuple[int, int]]) -> Iterator[int]:
    starts, blank = [start for start, _ in fenced], len(text) - len(text.lstrip())
    for match in rule.finditer(text):
        end, before = match.end(), text[max(0, match.start() - 39) : match.start() + 1]
        if match.start() + (rule is _SENTENCE) <= blank or end == len(text):
            continue  # what is blank is no step
        if rule is _SENTENCE and _SHORT.search(before):
            continue
        at = bisect_left(starts, end) - 1  # the last block that starts before it
        if at < 0 or end >= fenced[at][1]:
            yield end


def _fenced(text: str) -> list[tuple[int, int]]:
    """Start and end of each fenced block; one that nothing closes reaches to the end."""
    blocks, opened = [], None
    for mark in _FENCE.finditer(text):
        if opened is None:
            opened = mark
        elif mark[1].startswith(opened[1]):
            blocks.append((opened.start(), mark.end()))
            opened = None
    return blocks if opened is None else [*blocks, (opened.start(), len(text) + 1)]


def _at_most(ends: Sequence[int]) -> tuple[int, ...]:
    """Of very many ends so many, spread evenly, with the last."""
    if len(ends) <= MOST_STEPS:
        return tuple(ends)
    return tuple(ends[(number * len(ends)) // MOST_STEPS - 1] for number in range(1, MOST_STEPS + 1))
