"""Where a reply states values, which statement binds, and one value as judges write it: "A", "**Output A**", "8/10".

Values in JSON objects are found in ``json_reply``.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from heapq import merge
from unicodedata import category

from judgebench.judging.characters import fold, visible
from judgebench.judging.parsing.markup import last_lines, without_emphasis
from judgebench.judging.parsing.quotation import Origin, Quotations
from judgebench.judging.templates import Label, LabelScale, Scale, ScoreScale

MAX_VALUE = 160  # characters; a longer text is no value
NOUN = r"(?:the|final|model|ai|output|assistant|response|answer|option|candidate|system)"
WRAPPING = " \t\n\r*_`\"'()[]{}.:;,!#▁Ġ\\$"  # also what tokenizers write for a blank
NOUNS = re.compile(rf"\A(?:{NOUN}(?:['’]s)?[ \t_]{{1,3}}){{1,3}}", re.IGNORECASE)
_SCORE = re.compile(r"([-+]?[0-9]{1,9}(?:\.[0-9]{1,9})?)(?:[ ]?(?:/|out of)[ ]?([0-9]{1,6}))?\Z")
KEPT = 64  # mentions weighed; the window in which they can conflict has room for no more than 40
SHOWN = 40  # characters of a mention kept
# Statements ---------------------------------------------------------------------------------------------------------

_BRACKET = re.compile(r"(?:\\?\[){2}(?P<value>[^\[\]\n\\]{1,40})(?:\\?\]){2}")
_BOX = re.compile(
    r"\\boxed\{(?:\\text\{)?(?P<value>[^{}\n\\]{1,40})\}{1,2}"
)  # where nothing is marked: it may hold a result
_LINE_END = re.compile(r"(?:[^\w\n]|_){0,48}(?:\n|\Z)")
_LAST_FENCE = re.compile(r"\n[ \t]*(?:`{3,}|~{3,})\Z")
_PARAGRAPH = re.compile(r"\n[ \t]*\n[ \t]*(?P<line>[^\s#>][^\n]{0,40})(?=\n[ \t]*\n)")
_ARROW = re.compile(r"\A[-=]{1,2}>|\A[→⇒➡]")
_LINE_START = re.compile(r"(?:\A|\n)(?:[^\w\n]|_){0,48}\Z")
_LINE_REACH = 50  # characters in which a line's start is looked for
_CUE = rf"""(?i:
    \b(?:verdict|winner|decision|choice|preference|rating|score|grade|judge?ment|conclusion|evaluation|result
        |(?:better|best|preferred|stronger|superior)[ ](?:one|{NOUN}))\b
    |(?:\A|[\n.!?;,])[ \t>#*_\-]{{0,8}}(?:(?:so|thus|hence|therefore|wait|no|actually),?[ ]){{0,2}}(?:(?:my|the)[ ])?
        (?:final[ ])?answer\b
)[ \t*_`"'\])]{{0,6}}(?:\([^()\n]{{0,40}}\)[ \t*_]{{0,4}})?
(?i:(?:(?:is|are|of|would[ ]be|will[ ]be|goes[ ]to)\b|:|=|->|→|—|–|-(?![0-9]))[ \t*_]{{0,4}}){{1,2}}
|(?i:\bI[ ](?:would[ ])?(?:choose|prefer|pick|select|vote[ ]for)\b)"""
# An article only before a word or number, so that the label A is never taken for one: "a tie", "an 8".
_ARTICLE = rf"an?(?=[ \t]{{1,3}}(?!{NOUN}\b)[*_`\"'(\[]{{0,6}}(?:[0-9]|\w{{2}}))"
_AFTER_CUE = re.compile(rf"(?:{_CUE})[ \t*_`\"'(]*\Z", re.VERBOSE)
_GAP = (
    rf"""[\s*_`"'(\[$]{{0,8}}(?i:(?:it['’]?s|it[ ]is|that|{_ARTICLE}|{NOUN}(?:['’]s)?)[ \t]{{1,3}}){{0,4}}"""
    r"""[*_`"'(\[]{0,6}"""
)
_NUMBER = r"[-+\u2212]?[0-9]{1,9}(?:\.[0-9]{1,9})?(?:[ ]?(?:/|out[ ]of)[ ]?[0-9]{1,6})?(?![^\W_]|_\w|[%/])" \
          r"(?![.,][0-9])" \
          r"(?!\s{0,2}(?:-|–|to|or|and|,)\s{0,2}[0-9])"  # fmt: skip
_OFF_MENU = r"(?i:tie|draw|neither|both|none|equal|n/a|[a-z](?:[<>=+]{1,2}[a-z]?)?)"
_LABEL_TAIL = r"""(?=[*_`"'’)\]}]{0,6}(?:[.,;:!?]|\s{0,24}\Z|[ \t]{0,24}\n|[ \t]{0,2}[-–—(]
    |[ \t]{1,3}(?i:is|wins|because|since|as|over|was|due|by)\b))"""
_RESULT = r"(?i:\[result\]|\(result\))[ \t:]{0,4}"  # Prometheus
_BETTER = re.compile(
    r"(?P<value>\S[^\n]{0,30}?) (?:wins|(?:is|was) (?:(?:the|clearly|slightly|much|overall) ){0,3}"
    r"(?:better|best|superior|stronger|preferable|winner)(?: (?:one|output|response|answer|assistant))?"
    r"(?: (?:than|over) (?P<other>[^\n]{1,30}))?)\Z",
    re.IGNORECASE,
)
LOOKED_AT = 2 * KEPT  # mentions of which quotations are told
_CUE_WORDS = (
    *(
        "verdict",
        "winner",
        "decision",
        "choice",
        "prefer",
        "rating",
        "score",
        "grade",
        "judg",
        "conclusion",
        "evaluation",
    ),
    *("result", "better", "best", "stronger", "superior", "answer", "choose", "pick", "select", "vote"),
)  # each cue has one of them
_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_SHORTEST_CUE = 5
_CUE_REACH = 80  # characters of a cue before its word, as in "so, wait, my final answer"
_BEFORE_CUE = " \t\n.!?;,>#*_-"  # what a pattern of a cue may take along
_STRUCK = "\ufffc"  # in the place of what is quoted; no pattern matches it
_WINDOW = 200  # characters before the verdict in which another one makes it ambiguous
_REVISION = re.compile(
    r"\b(?:final(?:ly)?|verdict|actually|correction|revis\w{1,4}|reconsider\w{0,5}|reflection|second thoughts?|instead"
    r"|wait|overall|therefore|conclu\w{1,5}|choose|decision|ultimately|chang(?:e|ed|ing) my)\b",
    re.IGNORECASE,
)


def value_of(scale: Scale, text: str) -> Label | float | None:
    """What the whole of ``text`` says on the scale, decoration and a noun such as "Assistant" aside; or None."""
    if len(text) > MAX_VALUE:
        return None
    bare = fold(visible(text)).strip(WRAPPING)
    if isinstance(scale, LabelScale):
        return scale.find(bare) or scale.find(NOUNS.sub("", bare).strip(WRAPPING))
    return _score(scale, bare) if isinstance(scale, ScoreScale) else None


def _score(scale: ScoreScale, text: str) -> float | None:
    match = _SCORE.match(text.replace("\u2212", "-"))
    if match is None or (match[2] and float(match[2]) != scale.high):
        return None
    value = float(match[1])
    return value if scale.holds(value) else None


@dataclass(frozen=True, slots=True)
class Mention:
    """A place in a reply that states a verdict."""

    value: Label | float | None  # None: stated like a verdict, but not on the scale
    text: str  # in the judge's own words, at most 40 characters
    at: int  # where the value begins, in characters of the reply
    cue: int  # where the statement begins, with the words that announce the value
    start: int  # of what states it: the value and its brackets, or the whole object
    end: int
    anchored: bool  # it starts or ends its line, or is a closing statement
    marked: bool  # in the form of a verdict and nothing else: double brackets, [RESULT], an object
    shared: int | None = None  # where the words begin that an output holds too; None: it does not hold the statement


@lru_cache(maxsize=64)
def _statements(scale: Scale) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Values after Prometheus's mark, and values after a cue in a sentence."""
    value = f"(?P<value>{_NUMBER})"
    if isinstance(scale, LabelScale):
        labels = _labels(scale)
        labels = f"(?:{labels})" if scale.case_sensitive else f"(?i:{labels})"
        either = rf"(?!['’)\]*_]{{0,4}}\s{{0,4}}(?:,|/|or\b|and\b|nor\b|vs\b)\s{{0,4}}{_GAP}{labels}(?![\w<>=+]))"
        value = rf"(?P<value>{labels}|{_OFF_MENU})(?![^\W_]|_\w|[<>=+]){either}{_LABEL_TAIL}"
    return re.compile(f"{_RESULT}{_GAP}{value}", re.VERBOSE), re.compile(f"(?:{_CUE}){_GAP}{value}", re.VERBOSE)


def _labels(scale: LabelScale) -> str:
    """Every spelling of a label, the longest first; blanks may stand between its parts."""
    spelled = sorted((s for label in scale.labels for s in (label.text, *label.spellings)), key=len, reverse=True)
    parts = (re.findall(r"\w+|[^\w\s]+", fold(visible(spelling))) for spelling in spelled)
    return "|".join("[ ]{0,2}".join(map(re.escape, spelling)) for spelling in parts)


def mentions(text: str, scale: Scale, quotations: Quotations | None = None) -> list[Mention]:
    """The verdicts that ``text`` states and does not quote, in order: marked ones, in double brackets or after
    [RESULT], or else boxed ones; after the last of these, closing statements ("My final verdict is B"); where there is
    none of them, a first or last line that is nothing else; where there is none, or only in marks, a paragraph.
    """
    reply = _Reply(without_emphasis(fold(text)), quotations or Quotations(text, ()))
    result, statement = _statements(scale)
    first = reply.text.find("[")
    marked: Iterable[re.Match[str]] = _BRACKET.finditer(reply.text, max(0, first - 1)) if first >= 0 else ()
    lowered = reply.text.lower()
    if len(lowered) != len(reply.text):  # a letter that has no small one of its own
        lowered = reply.text.translate(_LOWER)
    if "result" in lowered:  # most replies lack the word
        marked = merge(marked, result.finditer(reply.text), key=lambda match: match.start())
    stated = reply.own(_mention(scale, match, is_result=match.re is result) for match in marked)
    stated = stated or reply.own(_mention(scale, match) for match in _BOX.finditer(reply.text))
    start = _first_cue(lowered, stated[-1].end if stated else 0)
    if start is not None:
        sentences = statement.finditer(reply.text, start)
        stated += reply.own(_mention(scale, match, is_sentence=True) for match in sentences)
    stated = stated[-KEPT:] or reply.own(_bare_lines(reply.text, scale))
    return (
        stated if any(not reply.is_marked_copy(mention) for mention in stated) else [*_paragraph(reply, scale), *stated]
    )


def nonce_mentions(text: str, scale: Scale, nonce: str) -> list[Mention]:
    """The verdicts that bear the nonce, in order, whatever stands around them. What is not on the scale is one in
    double brackets only, as in "[[D:7f3kq2mw]]"; else it is a word such as "nonce:"."""
    stated = [_mention(scale, match) for match in bearing(text, scale, nonce)]
    return [mention for mention in stated if mention.value is not None or text.startswith("[[", mention.start)][-KEPT:]


def bearing(text: str, scale: Scale, nonce: str) -> Iterator[re.Match[str]]:
    """What stands before a colon and the nonce, as ``value``, with the double brackets around both if there are any."""
    form = rf"(?:\[\[)?(?<!\w)(?P<value>{_values(scale)})[ \t]?:[ \t]?{nonce}(?!\w)(?:\]\])?"
    folded = fold(text)
    return re.finditer(form, folded, re.IGNORECASE) if nonce in folded.lower() else iter(())


@lru_cache(maxsize=64)
def _values(scale: Scale) -> str:
    """A label, or a word that may be anything."""
    labels = [_labels(scale)] if isinstance(scale, LabelScale) else []
    return "|".join([*labels, r"""(?![>#])[^\s:\[\](){}"'`*_\\]{1,40}"""])


def _first_cue(lowered: str, start: int) -> int | None:
    """From where on a statement can begin; None: nowhere. Patterns of cues are slow, and most text has none."""
    if len(lowered) - start < _SHORTEST_CUE:
        return None
    places = [place for word in _CUE_WORDS if (place := lowered.find(word, start)) >= 0]
    return max(start, min(places) - _CUE_REACH) if places else None


class _Reply:
    """A reply, folded, in which what is quoted is struck out as soon as it is known to be."""

    def __init__(self, text: str, quotations: Quotations) -> None:
        self.text = text
        self._quotations = quotations

    def own(self, stated: Iterable[Mention]) -> list[Mention]:
        """Of these mentions the judge's own; of very many, the last."""
        return [own for mention in deque(stated, maxlen=LOOKED_AT) if (own := self._own(mention))]

    def is_marked_copy(self, mention: Mention) -> bool:
        return mention.shared is not None and self._quotations.is_marked(mention.start, mention.end)

    def _own(self, mention: Mention) -> Mention | None:
        start, end = mention.cue, mention.end
        origin = self._quotations.origin(start, end)
        if origin is Origin.QUOTED:
            self.text = self.text[:start] + _STRUCK * (end - start) + self.text[end:]
            return None
        return mention if origin is Origin.OWN else replace(mention, shared=self._quotations.stretch(start, end)[0])


def _mention(scale: Scale, match: re.Match[str], *, is_sentence: bool = False, is_result: bool = False) -> Mention:
    value, text = match["value"], match.string
    at = match.start("value") + len(value) - len(value.lstrip(WRAPPING))
    return Mention(
        value=value_of(scale, value),
        text=value.strip(WRAPPING)[:SHOWN],
        at=at,
        cue=match.start() + len(match[0]) - len(match[0].lstrip(_BEFORE_CUE)) if is_sentence else match.start(),
        start=at if is_sentence else match.start(),  # the cue before a value may be the word of revision
        end=match.end(),
        anchored=is_sentence
        or is_result
        or _LINE_END.match(text, match.end()) is not None
        or _LINE_START.search(text[max(0, match.start() - _LINE_REACH) : match.start()]) is not None
        or _AFTER_CUE.search(text, max(0, match.start() - 80), match.start()) is not None,
        marked=not is_sentence and match.re is not _BOX,
    )


def _paragraph(reply: _Reply, scale: Scale) -> list[Mention]:
    """A paragraph that is a value and nothing else, that no output holds, if there are not two of them."""
    own = [paragraph for paragraph in reply.own(_paragraphs(reply.text, scale)) if paragraph.shared is None]
    return own if len({paragraph.text for paragraph in own}) == 1 else []


def _paragraphs(text: str, scale: Scale) -> Iterator[Mention]:
    for match in _PARAGRAPH.finditer(text):
        words = _without_symbols(match["line"])
        is_heading = NOUNS.match(words) or match["line"].rstrip("* \t").endswith(":")
        value = None if is_heading else value_of(scale, words)
        if value is not None:
            at = match.start("line") + match["line"].index(words)
            yield Mention(value, words[:SHOWN], at, *match.span("line")[:1], *match.span("line"), True, False)


def _bare_lines(text: str, scale: Scale) -> list[Mention]:
    """A first line that is a value and nothing else, or begins with a label of several letters and a comma or stop;
    a last line that may also name a noun ("Output A") and say that it is better ("Output A is better than B")."""
    stripped = text.strip()
    if stripped.endswith(("```", "~~~")):
        stripped = _LAST_FENCE.sub("", stripped)
    stripped = _without_silent_lines(stripped, scale)
    if not stripped:
        return []
    offset = text.index(stripped[0])
    first_end, last_start = stripped.find("\n"), stripped.rfind("\n") + 1
    lines = [(last_start, stripped[last_start:])]
    opening = _opening(scale, stripped)
    if opening is not None:
        lines.insert(0, (0, opening))
    elif first_end >= 0 and not NOUNS.match(stripped):
        lines.insert(0, (0, stripped[:first_end]))
    stated = []
    for start, line in lines:
        words = _named_better(scale, line) or _without_symbols(line)
        incomplete = line.startswith("#") or line.rstrip("* \t").endswith(":") or line.count("[") != line.count("]")
        value = None if incomplete else value_of(scale, words)
        if value is not None:
            at = offset + start + line.index(words)
            bare = line.strip(WRAPPING)  # marks of quotation stand around a statement
            first = offset + start + line.index(bare)
            stated.append(Mention(value, words[:SHOWN], at, first, first, first + len(bare), True, False))
    return stated


def _without_symbols(line: str) -> str:
    """A line without decoration, emoji and an arrow that leads to what it says."""
    ends = "".join(sign for sign in {*line[:4], *line[-4:]} if category(sign) == "So" and sign != _STRUCK)
    return _ARROW.sub("", line.strip(WRAPPING + ends)).strip(WRAPPING)


def _without_silent_lines(text: str, scale: Scale) -> str:
    """Without last lines that say nothing, where the one before them is a verdict."""
    for shorter in last_lines(text):
        line = shorter[shorter.rfind("\n") + 1 :]
        if value_of(scale, _without_symbols(line)) is not None or _named_better(scale, line):
            return shorter
    return text


def _named_better(scale: Scale, line: str) -> str | None:
    """What a line that is one sentence says to be better, where it is a label and what it is better than another."""
    match = _BETTER.match(line.strip(WRAPPING)[:160])
    value = value_of(scale, match["value"]) if match else None
    if match is None or not isinstance(value, Label) or value.preference == 0.5:
        return None
    other = value_of(scale, match["other"]) if match["other"] else None
    if match["other"] and (not isinstance(other, Label) or other.preference != 1.0 - value.preference):
        return None
    return NOUNS.sub("", match["value"].strip(WRAPPING)).strip(WRAPPING)


def _opening(scale: Scale, text: str) -> str | None:
    """The word before the first comma or stop, where it is a label: "Yes, it does". One letter may be an item."""
    word = re.match(r"\W{0,8}(\w{2,20})\W{0,4}?[,.;!—–]", text)
    return word[1] if word and isinstance(scale, LabelScale) and scale.find(word[1]) else None


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two different verdicts, neither withdrawn."""

    one: Mention
    other: Mention


def binding(stated: Sequence[Mention], text: str) -> Mention | Contradiction | None:
    """The last anchored mention, else the last; a conflict when a different one stands close before it without a word
    of revision between them, or anywhere after it; None when there is none. One that an output holds too does not undo
    an earlier one that no output holds.
    """
    if not stated:
        return None
    last = next((mention for mention in reversed(stated) if mention.anchored), stated[-1])
    plain = next((m for m in reversed(stated) if m.anchored and m.shared is None and m.start <= last.start), last)
    if last.shared is not None and plain.value is not None and not _REVISION.search(text, plain.end, last.shared):
        stated, last = [mention for mention in stated if mention.start <= plain.start], plain
    for other in stated:
        if other.value is None or other.value == last.value or other is last:
            continue
        if other.shared is not None and last.shared is None:
            continue
        near = last.start - other.end <= _WINDOW
        if other.start > last.start or (near and not _REVISION.search(text, other.end, last.start)):
            return Contradiction(other, last)
    return last
