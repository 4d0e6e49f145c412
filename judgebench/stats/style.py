"""Counts of what an output looks like: headers, list items, bold spans and code blocks of Markdown.

Fenced code is cut out before the other marks are counted, so a comment is no header. The counts are plain line and
substring scans, linear in the text whatever it holds; they make no attempt to parse Markdown completely. The features
are those of the style control of Arena-Hard and Chatbot Arena (Li et al. 2024), the code is our own.
"""

import re
from dataclasses import dataclass

_FENCE = re.compile(r" {0,3}(```|~~~)")
_HEADER = re.compile(r"\n {0,3}#{1,6}[ \t]+\S")
_BOLD = {mark: re.compile(rf"{re.escape(mark)}[^\n]*?{re.escape(mark)}") for mark in ("**", "__")}
_LIST_ITEM = re.compile(r"\n[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+\S")


@dataclass(frozen=True, slots=True)
class StyleCounts:
    """Of one output; each at least 0."""

    length_chars: int  # of the whole text, code included
    headers: int  # lines that begin with one to six # and a space
    lists: int  # lines that begin with a bullet or a number
    bold: int  # pairs of ** or of __, within a line
    code: int  # fenced blocks; one left open counts


def count_style(text: str) -> StyleCounts:
    """The style of ``text``.

    >>> count_style("# Title\\n- **one**\\n```\\n# not a header\\n```")
    StyleCounts(length_chars=46, headers=1, lists=1, bold=1, code=1)
    """
    lines, blocks = text.splitlines(), 0
    if "```" in text or "~~~" in text:
        lines, blocks = _without_code(lines)
    prose = "\n".join(("", *lines))  # whatever ended a line in the text; what a pattern begins with is found fastest
    return StyleCounts(
        length_chars=len(text),
        headers=len(_HEADER.findall(prose)) if "#" in prose else 0,
        lists=len(_LIST_ITEM.findall(prose)),
        bold=sum(len(pairs.findall(prose)) for mark, pairs in _BOLD.items() if mark in prose),
        code=blocks,
    )


def _without_code(lines: list[str]) -> tuple[list[str], int]:
    prose, blocks, fence = [], 0, ""
    for line in lines:
        mark = _FENCE.match(line)
        if not fence and mark:
            fence, blocks = mark[1], blocks + 1
        elif fence and mark and mark[1] == fence:
            fence = ""
        elif not fence:
            prose.append(line)
    return prose, blocks
