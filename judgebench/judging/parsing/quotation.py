"""Which of a reply's statements the judge quotes from what it judges, and which are its own.

A statement can be a quotation only where an output holds it; words are compared without case, marks of quotation,
emphasis, escapes and line breaks, since judges change those. Then, in this order:

1. reported ("output A ends with ...", "... is what it says", a line that announces it), it is a quotation; and where
   the judge says that it cannot decide;
2. in marks of quotation of any kind it is a quotation, unless the marks hold nothing else and it stands where a verdict
   stands: alone in its lines, or after a cue of the judge's own that it closes the reply with;
3. where it closes the reply, it is the judge's own;
4. with more words of the output around it, or in the middle of a sentence, it is a quotation; alone in its lines, at
   the head of a sentence, or after a cue of the judge's own, it is not.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from enum import Enum, auto
from functools import cached_property, lru_cache
from itertools import chain, dropwhile

from judgebench.judging.characters import fold, visible
from judgebench.judging.parsing.marks import Span, around, blocks, is_block
from judgebench.judging.parsing.markup import last_word, says_nothing, without_emphasis
from judgebench.judging.parsing.reporting import (
    announces,
    cues,
    decides,
    is_cue,
    is_undecided,
    reported_after,
    tells_of_others,
)

_Word = tuple[int, str]  # where it begins or ends, and how it is compared


class Origin(Enum):
    """Whose words a statement of a reply is."""

    OWN = auto()  # no output holds it
    SHARED = auto()  # the judge's own, and an output holds the same
    QUOTED = auto()


_TOKEN = re.compile(
    r"(?m:^[ \t]*(?:(?:[>+•|]|[-*](?=\s))[ \t]*)+)|\\[nrt]|[*_`\"'«»‹›|#~\\]"
    r"|(?P<token>[^\W_]+|[^\w\s])"
)
_WIDE_BRACKETS = "［【〔「『〚⟦"
_SHORT_LINE = re.compile(r"(?m)^[^\w\n]{0,12}(\w{1,20})[^\w\n]{0,12}$")
_KEPT_TEXTS = 128  # outputs of which is kept how they are compared: each is judged in several trials
_MOST_CHARS = 1500  # to which a stretch is followed on either side
_MOST_MARKED = 2200  # characters between marks, and the marks
_MOST_FENCES = 500
_CHANCE = 8  # so many words and signs may be the same by chance
_SHORT = 16  # characters of a line that belongs to the line before it
_BEFORE = 400  # characters before a statement that may announce it
_MARKS = " \t\r\n*_`\"'“”„‘’‚«»‹›「」『』()[]{}<>|#~\\$>"  # what may stand between a statement and its neighbours
_ENTERS = re.compile(r"\n[ \t]*(?:[\"“„«「『>]|`|~{3})")
_STOPPED = re.compile(r"[^\w\s]{0,12}(?:\n|\Z)|[^\w\s]{0,6}[.!?…]|\s*[<\[{]")
_PROSE = re.compile(r"\w \w[^\"]{0,400} \w")
_ELLIPSIS = re.compile(r"(?:\.{3}|…)\Z")
_FORM = re.compile(r"[\W_]*(?:rating:)?[\W_]*", re.IGNORECASE)  # what a template may demand before its brackets
_STOPS = ".,;:!?…-—–"
_INLINE = re.compile(
    r"""(?<![\w"])\\?"(?=\S)(?:(?!\n\s*\n)[^"]){1,2000}"
    |“[^“”]{1,2000}”|„[^„“”"]{1,2000}[“”"]|«[^«»]{1,2000}»|(?<!\w)»[^«»]{1,2000}«|‹[^‹›]{1,2000}›
    |[“„«「『][^“”„«»「」『』\n]{1,2000}(?=\n\s*\n|\s*\Z)
    |「[^「」]{1,2000}」|『[^『』]{1,2000}』|[‘‚][^‘’‚]{1,2000}[’‘]|``(?!`)[^`']{1,2000}''
    |(?<!`)(?P<ticks>`{1,2})(?!`)[^`]{1,2000}(?P=ticks)(?!`)
    |(?<![\w'])'(?=\S)(?:[^'\n]|(?<=\w)'(?=\w)){1,400}'(?!\w)
    |<(?P<tag>(?!verdict|answer|final|result|decision|judge?ment|output>|rating|score|conclusion|think|thought|reasoning)[A-Za-z]\w{0,20})
        \b[^<>]{0,80}>(?:(?!</?(?P=tag)\b).){1,2000}</(?P=tag)>
    |<!--(?:(?!<!--|-->).){1,2000}-->|<!\[CDATA\[(?:(?!<!\[|\]\]>).){1,2000}\]\]>
    |\[(?P<square>quote|code)\b[^\]\n]{0,80}\](?:(?!\[/?(?P=square)\b).){1,2000}\[/(?P=square)\]
    |\\begin\{(?P<env>\w*(?:verbatim|listing|quot[ei]|minted|alltt|verse)\w*\*?)\}
        (?:(?!\\(?:begin|end)\{(?P=env)\}).){1,2000}\\end\{(?P=env)\}
    |\#\+begin_(?P<org>quote|example|src|verse)\b(?:(?!\#\+(?:begin|end)_).){1,2000}\#\+end_(?P=org)
    |\\(?:verb|lstinline)\*?(?P<bar>[|!+/@\#"])[^\n]{1,400}?(?P=bar)
    |\\(?:enquote|textquote|blockquote)\{(?:[^{}]|\{[^{}]{0,200}\}){1,1000}\}
    |(?P<triple>"{3}|'{3})(?:(?!(?P=triple)).){1,2000}(?P=triple)
    |(?<!\[)\[\s{0,9}["“'‘«](?:(?!\n\s*\n|\[\s{0,9}["“'‘«]).){1,2000}?["”'’»]\s{0,9}\]
    |[″＂][^″＂]{1,2000}[″＂]
    |[《〈【〔⟨⟪｢❝❛❮❰〝][^《〈【〔⟨⟪｢❝❛❮❰〝》〉】〕⟩⟫｣❞❜❯❱〞〟]{1,2000}[》〉】〕⟩⟫｣❞❜❯❱〞〟]""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_FENCE = re.compile(r"(?m)(?:^[ \t>]{0,8}|(?<=[:\s]))(?P<fence>`{3,}|~{3,})(?P<info>[ \t]*[\w.+#-]{0,20}[ \t]*)$")
_BLOCK = re.compile(r"(?m)^[ \t]*(?:[-*+•][ \t]+|[0-9]{1,3}[.)][ \t]+)?>[^\n]*|^[ \t]*\|[^\n]*|^(?: {4}|\t)[^\n]*")
_OPENS = re.compile(
    r"""(?:(?:^|\n)[ \t]*(?:`{3,}|~{3,})[^`\n]*\n\s*
    |["'`“”„‘‚«»‹「『《〈【⟨⟪｢❝❛〝＂″](?:[*_\[\s….]*|(?:…|\.{3})\w{1,20}\W{0,3}))\Z""",
    re.VERBOSE,
)
_CLOSES = re.compile(r"[*_.\s…\]]*?\\?(?:[\"'`”“’‘«»›」』》〉】⟩⟫｣❞❜〞〟＂″]|\n[ \t>]*(?:`{3,}|~{3,}))")


def tokens(text: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and folded text of each word and sign that counts when texts are compared."""
    for match in _TOKEN.finditer(fold(text)):
        if match["token"]:
            yield *match.span("token"), match["token"].casefold()


def _words(text: str) -> str:
    return f" {' '.join(filter(None, _TOKEN.findall(fold(text)))).casefold()} "


@lru_cache(maxsize=_KEPT_TEXTS)
def _comparable(text: str) -> str:
    return _words(_plain(text))


def _plain(text: str) -> str:
    """A text that is judged, as a reply is read: without what nobody sees and without emphasis."""
    return without_emphasis(fold(visible(text)))


def _has_bracket(text: str) -> bool:
    return "[" in text or (not text.isascii() and any(bracket in text for bracket in _WIDE_BRACKETS))


def _likely(words: Sequence[str]) -> Callable[[str], bool]:
    """A quick test that an output passes that holds the words: most outputs do not, and need no comparing."""
    if not words:
        return lambda text: False
    if len(words) == 1:  # a bare label stands in nearly every text, and is a statement where it is a line
        return lambda text: words[0] in _short_lines(text)
    if words[:2] == ["[", "["]:
        return _has_bracket
    longest = max(words, key=len)
    return lambda text: longest in _lowered(text)


@lru_cache(maxsize=_KEPT_TEXTS)
def _lowered(text: str) -> str:
    return _plain(text).casefold()


@lru_cache(maxsize=_KEPT_TEXTS)
def _short_lines(text: str) -> frozenset[str]:
    """Lines that are one word, as they are compared."""
    return frozenset(fold(word).casefold() for word in _SHORT_LINE.findall(_plain(text)))


class Quotations:
    """What of one reply is quoted from the outputs that it judges."""

    def __init__(self, text: str, shown: Sequence[str]) -> None:
        self._text = without_emphasis(text)
        self._indented = text  # blanks in the place of tags are no indent
        self._shown = shown

    def holds(self, start: int, end: int) -> bool:
        """Whether an output holds these words of the reply."""
        if self._text[start] == "[" and not any(map(_has_bracket, self._shown)):
            return False
        return bool(self._holders(_words(self._text[start:end])))

    def origin(self, start: int, end: int, whole: Span | None = None) -> Origin:
        """Whose the statement is that stands there; ``whole`` is the object around it, where there is one."""
        if not self._shown or self._is_plain(*(whole or (start, end))) or not self.holds(start, end):
            return Origin.OWN
        return Origin.QUOTED if self._is_quoted(start, end, whole) else Origin.SHARED

    def _is_plain(self, start: int, end: int) -> bool:
        """Whether a statement is the whole reply, or a last line of one word after a sentence: nothing quotes there."""
        if not self._ends(end) or (self._shown and self._text[end:].strip(" \t\r\n.!*_")):
            return False
        before = self._text[max(0, start - 20) : start].strip(_MARKS)
        if not before:
            return not self._text[:start].strip(_MARKS)
        return before[-1] in ".!?" and self._text[start:end].isalnum() and self._text[start - 1] == "\n"

    def is_marked(self, start: int, end: int) -> bool:
        """Whether marks of quotation of any kind stand around a place."""
        return self._mark(self.stretch(start, end), (start, end)) is not None

    def is_announced(self, start: int) -> bool:
        """Whether what begins there is said to be somebody else's words."""
        return announces(self._before(start))

    def _is_quoted(self, start: int, end: int, whole: Span | None) -> bool:
        statement = whole or (start, end)
        has_own = whole is not None and not self.holds(*whole)  # the object says more than an output does
        stretch = statement if has_own else self.stretch(*statement)
        is_copy = whole is not None and not has_own and _PROSE.search(self._text, *whole) is not None
        mark = self._mark(stretch, statement)
        outer = (min(stretch[0], mark[0]), max(stretch[1], mark[1])) if mark else stretch
        if self._is_reported(outer, strictly=has_own) or (self.is_undecided and not has_own):
            return True
        if mark and not self._is_all(mark):
            return is_copy or not (self._is_bare(mark, statement) and self._has_place(mark, stretch, statement))
        if has_own or self._ends(max(statement[1], stretch[1])):
            return False
        return (is_copy and not self._opens(stretch[0])) or not self._is_decision(stretch, statement)

    def _is_decision(self, stretch: Span, statement: Span) -> bool:
        """Whether a statement that more follows is the judge's own: no more of the output is around it, and it stands
        where judges decide."""
        (first, last), (start, end) = stretch, statement
        if not is_cue(self._text[first:start]) or not says_nothing(self._text[end:last]):
            return False
        if self._opens(first) or self._is_alone(stretch) or self._ends_cued_line(first, last):
            return True
        return cues(self._before(first)) or (self._begins_sentence(first) and cues(self._text[first:last]))

    @cached_property
    def is_undecided(self) -> bool:
        """Whether the judge says, in words that no output holds, that it does not decide."""
        return any(not self.holds(*match.span()) for match in is_undecided(self._text))

    def _holders(self, words: str) -> list[str]:
        """The outputs, as they are compared, that hold these words."""
        return [text for text in map(_comparable, filter(_likely(words.split()), self._shown)) if words in text]

    def stretch(self, start: int, end: int) -> Span:
        """The longest stretch of the reply around a statement that an output holds word for word."""
        words = _words(self._text[start:end])
        offset = max(0, start - _MOST_CHARS)
        before = [(offset + at, word) for at, _, word in tokens(self._text[offset:start])]
        after = [(end + stop, word) for _, stop, word in tokens(self._text[end : end + _MOST_CHARS])]
        longest = (start, end)
        for output in self._holders(words):
            grown, further = _common(output, before, words, after)
            stretch = (grown[0][0] if grown else start, further[-1][0] if further else end)
            if self._enters(stretch, end) or (len(further) < _CHANCE and self._goes_on(end, stretch[1])):
                stretch = (stretch[0], end)  # what follows begins as in the output, and goes on otherwise
            longest = max(longest, stretch, key=lambda span: span[1] - span[0])
        return longest

    def _enters(self, stretch: Span, end: int) -> bool:
        """Whether a quotation begins after a statement that stands in none."""
        if not _ENTERS.search(self._text, end, stretch[1]) or _OPENS.search(
            self._text[max(0, stretch[0] - 80) : stretch[0]]
        ):
            return False
        return not any(span[0] <= stretch[0] and end <= span[1] for span in self._marks_near(stretch[0]))

    def _goes_on(self, end: int, last: int) -> bool:
        """Whether a later line of the reply goes on in the middle of a sentence, and nothing tells it from a copy."""
        further, after = self._text[end:last], self._text[last : last + 160]
        return (
            "\n" in further
            and "<" not in further
            and not (_STOPPED.match(after) or _CLOSES.match(after) or reported_after(after))
        )

    def _mark(self, stretch: Span, statement: Span) -> Span | None:
        """The largest span in marks of quotation around the statement, or around what is quoted word for word."""
        first, last = stretch
        spans = [span for span in self._marks_near(statement[0]) if span[0] <= statement[0] and statement[1] <= span[1]]
        spans += around(self._text, first, last)
        opening = _OPENS.search(self._text[max(0, first - 80) : first])
        closing = _CLOSES.match(self._text, last)
        if opening and closing:
            start = first - (min(first, 80) - opening.start())
            spans.append((start + self._text.startswith("\n", start), closing.end()))
        return max(spans, key=lambda span: span[1] - span[0], default=None)

    def _marks_near(self, place: int) -> list[Span]:
        """The spans in marks that may reach over a place."""
        spans, fences = self._marked
        return [*spans[bisect_left(spans, (place - _MOST_MARKED,)) : bisect_left(spans, (place + 1,))], *fences]

    @cached_property
    def _marked(self) -> tuple[list[Span], list[Span]]:
        """Spans in marks within lines or paragraphs, sorted, and fences."""
        matches = chain(_INLINE.finditer(self._text), _BLOCK.finditer(self._indented))
        spans = sorted(chain((match.span() for match in matches), blocks(self._indented)))
        fences: list[Span] = []
        opened: re.Match[str] | None = None
        for fence in _FENCE.finditer(self._text):
            if opened is None:
                opened = fence
            elif fence["fence"].startswith(opened["fence"]) and not fence["info"].strip():
                fences.append((opened.start(), fence.end()))
                opened = None
        return spans, fences[-_MOST_FENCES:]

    def _is_reported(self, span: Span, *, strictly: bool) -> bool:
        if announces(self._before(span[0]), strictly=strictly):
            return True
        if strictly or self._text[slice(*span)].isalnum():
            return False
        return reported_after(self._text[span[1] : span[1] + 160])

    def _before(self, start: int) -> str:
        """What stands before a place, marks aside; a line break at its end is kept."""
        text = self._text[max(0, start - _BEFORE) : start]
        bare = _ELLIPSIS.sub("", text.rstrip(_MARKS)).rstrip(_MARKS)
        return f"{bare}\n" if "\n" in text[len(bare) :] else bare

    def _is_all(self, mark: Span) -> bool:
        """Whether the reply has nothing outside of the marks, which are no table's."""
        if self._text[mark[0] : mark[1]].lstrip().startswith("|"):
            return False
        outside = self._text[: mark[0]] + self._text[mark[1] :]
        return says_nothing(outside)

    def _is_bare(self, mark: Span, statement: Span) -> bool:
        before, after = self._text[self._inside(mark) : statement[0]], self._text[statement[1] : mark[1]]
        return is_cue(before) and says_nothing(after)

    def _inside(self, mark: Span) -> int:
        """Where what stands in marks begins, after a fence with what it says of its content."""
        fence = _FENCE.match(
            self._text, mark[0] + len(self._text[slice(*mark)]) - len(self._text[slice(*mark)].lstrip())
        )
        return fence.end() if fence else mark[0]

    def _has_place(self, mark: Span, stretch: Span, statement: Span) -> bool:
        """Whether marks stand where a verdict does: closing the reply, after a cue of the judge's own, or as code or a
        block that is nothing but the verdict, alone in the last lines."""
        if not self._ends(mark[1]):
            return False
        words, copied = self._text[slice(*statement)], self._text[max(self._inside(mark), stretch[0]) : statement[0]]
        is_form = (words.isalnum() or not words[0].isalpha()) and _FORM.fullmatch(copied)  # no sentence
        if is_form and is_block(self._text[slice(*mark)]) and self._is_alone(mark):
            return True
        before = self._before(mark[0])
        return cues(before) and not tells_of_others(before)

    def _opens(self, start: int) -> bool:
        return not self._text[:start].strip(_MARKS)

    def _ends(self, end: int) -> bool:
        rest = self._text[end:]  # of most replies nothing: what closes them need not be looked for
        return says_nothing(rest) or says_nothing(self._text[end : self._last_word])

    @cached_property
    def _last_word(self) -> int:
        return last_word(self._text)

    def _is_alone(self, span: Span) -> bool:
        before = self._text[: span[0]].rpartition("\n")[2]
        after = self._text[span[1] :].partition("\n")[0]
        return is_cue(before) and says_nothing(after)

    def _ends_cued_line(self, start: int, end: int) -> bool:
        """Whether a line of the judge's own that decides ends there: "Verdict: output A is better. [[A]]"."""
        if not says_nothing(self._text[end:].partition("\n")[0]):
            return False
        earlier, _, line = self._text[max(0, start - _BEFORE) : start].rpartition("\n")
        if len(line) < _SHORT:
            line = f"{earlier.rstrip().rpartition(chr(10))[2]} {line}"
        return decides(line)

    def _begins_sentence(self, start: int) -> bool:
        before = self._before(start)
        return not before or before[-1] in ".!?…\n"


def _common(
    output: str, before: Sequence[_Word], words: str, after: Sequence[_Word]
) -> tuple[list[_Word], list[_Word]]:
    """What stands before and after the words in the output too, without stops at the ends."""
    most = len(before)
    grown = before[most - _most(lambda n: _joined(before[most - n :], words, ()) in output, most) :]
    further = after[: _most(lambda n: _joined(grown, words, after[:n]) in output, len(after))]
    ahead = list(dropwhile(lambda word: word[1] in _STOPS, grown))
    behind = list(dropwhile(lambda word: word[1] in _STOPS, reversed(further)))
    return ahead, behind[::-1]


def _joined(before: Sequence[_Word], words: str, after: Sequence[_Word]) -> str:
    return "".join(f" {word}" for _, word in before) + words + "".join(f"{word} " for _, word in after)


def _most(holds: Callable[[int], bool], most: int) -> int:
    """The largest number up to ``most`` for which it holds, which it does for 0 and for all below."""
    low = 0
    while low < most:
        middle = min(most, max(low + 1, (low + most + 1) // 2)) if low > 8 else low + 1
        if not holds(middle):
            if middle == low + 1:
                break
            most = middle - 1
        else:
            low = middle
    return low
