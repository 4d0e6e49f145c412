"""What of a completion is the judge's thinking.

Thinking is a block at the start of the completion, up to the first tag that closes it, or everything before a first
closing tag that no opening one precedes, as some servers swallow that. Everything else is text, whatever tags it
holds: outputs write them too, and judges quote outputs. A closing tag that is quoted therefore closes nothing.
"""

import json
import re
from collections.abc import Sequence
from itertools import pairwise

from judgebench.judging.parsing.marks import Span
from judgebench.judging.parsing.quotation import Quotations

_NAMES = r"(?:seed:)?(?:think|thinking|thoughts?|reasoning)"
_TAG = re.compile(
    rf"<(?P<open>{_NAMES})>|</(?P<close>{_NAMES})>|\[(?P<open2>THINK)\]|\[/(?P<close2>THINK)\]"
    r"|<\|(?P<open3>channel)\|>analysis[^<]{0,40}<\|message\|>|<\|(?P<close3>channel)\|>final[^<]{0,40}<\|message\|>",
    re.IGNORECASE,
)
_BEFORE_START = re.compile(r"\s*(?:<\|start\|>assistant)?\s*")
_MARKS = re.compile(rf"{_TAG.pattern}|<\|(?:start|end)\|>(?:assistant)?", re.IGNORECASE)
_END = re.compile(r"\s*<\|(?:return|end|im_end|eot_id)\|>\s*\Z")
_GOES_ON = re.compile(r"[,;)]|[ \t]+[a-z]{2}|\.(?:\s|\Z)")  # in the middle of a sentence
_MOST_TAGS = 64  # looked at more closely
_OBJECT = re.compile(r"\{\s{0,200}\"")
_DECODER = json.JSONDecoder(strict=False)


def without_thinking(text: str, shown: Sequence[str] = (), *, is_apart: bool = False) -> str:
    """The reply with its thinking blanked out; positions stay. ``shown``: what the judge may quote. ``is_apart``: the
    server has sent the thinking beside the reply, so that a closing tag alone closes nothing.

    A block that is never closed runs to the end.
    """
    return _blanked(text, _thinking(text, shown, is_apart))


def thinking_apart(text: str, *, is_apart: bool = False) -> tuple[str, str]:
    """The reply without its thinking, and the thinking without its tags, "" where there is none.

    ``is_apart`` as in ``without_thinking``.
    """
    spans = _thinking(text, (), is_apart)
    if not spans:
        return text, ""
    thoughts = (_MARKS.sub("", text[start:stop]).strip() for start, stop in spans)
    outside = zip([0, *(stop for _, stop in spans)], [*(start for start, _ in spans), len(text)], strict=True)
    rest = "".join(text[start:stop] for start, stop in outside).lstrip()
    return _END.sub("", rest), "\n\n".join(thought for thought in thoughts if thought)


def _thinking(text: str, shown: Sequence[str], is_apart: bool) -> list[Span]:
    if "<" not in text and "THINK]" not in text.upper():
        return []
    tags = list(_TAG.finditer(text))
    if not tags:
        return []
    quotations = Quotations(text, shown)
    start = _BEFORE_START.match(text)
    if start and tags[0].start() == start.end() and _opens(tags[0]):
        return _from_start(text, tags, quotations)
    return [] if is_apart else _before_closing(text, tags, quotations)


def leaves_open(text: str) -> bool:
    """Whether the last tag in it opens a block of thinking."""
    tags = list(_TAG.finditer(text))
    return bool(tags) and _opens(tags[-1])


def _opens(tag: re.Match[str]) -> bool:
    return (tag.lastgroup or "").startswith("open")


def _kind(tag: re.Match[str]) -> tuple[str, str]:
    """Its brackets and its name."""
    return tag[0][0], tag[tag.lastgroup or 0].casefold()


def _from_start(text: str, tags: Sequence[re.Match[str]], quotations: Quotations) -> list[Span]:
    """The block that the first tag opens, and later whole blocks, where no output can have planted them."""
    first = tags[0]
    closing = [tag for tag in tags[1:] if not _opens(tag) and _kind(tag) == _kind(first)]
    if not closing:
        is_word = _GOES_ON.match(text, first.end()) is not None and quotations.holds(*first.span())
        return [] if is_word else [(first.start(), len(text))]
    end = next((tag for tag in closing[:_MOST_TAGS] if not _is_quoted(text, tag, quotations)), closing[0])
    blocks = [(first.start(), end.end())]
    if not quotations.holds(*first.span()) and not quotations.holds(*end.span()):
        later = [tag for tag in tags if tag.start() >= end.end()]
        for one, other in pairwise(later):
            if _opens(one) and not _opens(other) and one.start() >= blocks[-1][1]:
                blocks.append((one.start(), other.end()))
    return blocks


def _before_closing(text: str, tags: Sequence[re.Match[str]], quotations: Quotations) -> list[Span]:
    for tag in tags[:_MOST_TAGS]:
        if (len(tags) > 1 or not _is_line(text, tag)) and quotations.holds(*tag.span()):
            continue
        if _is_in_object(text, tag.start()) or _GOES_ON.match(text, tag.end()) or _is_quoted(text, tag, quotations):
            continue
        return [] if _opens(tag) else [(0, tag.end())]
    return []


def _is_quoted(text: str, tag: re.Match[str], quotations: Quotations) -> bool:
    """Whether a tag is one that the judge writes about: in marks, announced, or with words of an output around it."""
    start, end = tag.span()
    first, last = quotations.stretch(start, end)
    if quotations.is_marked(start, end) or quotations.is_announced(first):
        return True
    after = text[end:last]
    return re.search(r"\w", text[first:start]) is not None or _TAG.search(after) is not None or len(after.split()) > 3


def _is_line(text: str, tag: re.Match[str]) -> bool:
    """Whether the tag ends a line and follows a line break or a word, as servers put it."""
    return text[tag.end() : tag.end() + 1] in ("", "\n") and text[tag.start() - 1 : tag.start()] not in (" ", "\t")


def _is_in_object(text: str, at: int) -> bool:
    """Whether a place lies in a JSON object."""
    start, tries = 0, 0
    while (brace := _OBJECT.search(text, start)) and brace.start() < at and tries < _MOST_TAGS:
        start, tries = brace.end(), tries + 1
        try:
            _, start = _DECODER.raw_decode(text, brace.start())
        except (ValueError, RecursionError):
            continue
        if start > at:
            return True
    return False


def _blanked(text: str, spans: Sequence[Span]) -> str:
    parts, end = [], 0
    for start, stop in spans:
        parts += [text[end:start], "\n", " " * (stop - start - 1)]
        end = stop
    return "".join(parts) + text[end:] if parts else text
