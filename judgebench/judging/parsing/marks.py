"""Marks of quotation that stand right around copied words: lines of signs or words before and after them, commands and
templates, entities, and signs that begin a line.

What people write and what markup languages read is open-ended, so lines around a copy are told by their shape: two
lines of the same signs, or one that begins with a sign and one that says that something ends.
"""

import re
from collections.abc import Iterator

Span = tuple[int, int]
_REACH = 200  # characters before and after words that may hold the marks around them
_MIRRORED = str.maketrans("{[(<«“‘", "}])>»”’")
_OPENING_LINE = re.compile(
    r"(?:\A|\n)[ \t]*(?P<line>[^\n]{1,120}?)[ \t]*\n(?P<gap>(?:[ \t]*\n)*)[ \t*_#>….\"'(\[-]{0,12}\Z"
)
_CLOSING_LINE = re.compile(r"(?P<gap>[*_\s….\"')\]]{0,20}?)\n[ \t]*(?P<line>[^\s][^\n]{0,119}?)[ \t]*(?=\n|\Z)")
_RULE = re.compile(r"([-*_])\1\1")  # of Markdown, between parts of a reply
_SIGNS = re.compile(r"[^A-Za-z0-9\s]{2,}|[^A-Za-z\s]{5,}")
_ENDS = re.compile(
    r"(?:[^\w\s]{1,12}\s?(?:end|close|stop|fin)(?:\b|_).*|/?end\b.*[^\w\s]{2,}|EO[FTD]|\.(?:fi|ef|ec)|\{[a-z]{2,12}\})",
    re.IGNORECASE,
)
_BEGINS = re.compile(r"[^\w\s].*|.*(?:\bbeg[iu]ns?\b|\bstarts?\b|<<).*", re.IGNORECASE)
_QUOTE_ENTITY = (
    r"&(?:quot|apos|[lrb]d?quo|[ls]s?quo|rs?quo|[lr]s?aquo|#(?:34|39|171|187|82\d\d)|#x(?:22|27|ab|bb|20[12]\w));"
)
_AROUND = tuple(
    (
        re.compile(rf"(?:{before})[\s*_]{{0,4}}\Z", re.IGNORECASE),
        re.compile(rf"[\s*_.]{{0,4}}(?:{after})", re.IGNORECASE),
    )
    for before, after in (
        (_QUOTE_ENTITY, _QUOTE_ENTITY),
        (r"\\(?:\w*quot\w*|say|texttt|code|path|mintinline\{\w+\})\{", r"\}"),
        (r"[#@](?:quote|raw|verbatim|code|literal|samp)(?:\([^()\n]{0,60}\))?[\[{]", r"[\]}]"),
        (r"\{\{\w{1,20}(?:\|\w{1,12}=|\|)", r"\||\}\}"),
        (r"\{\{\{", r"\}\}\}"),
        (r"\{(?:quote|noformat|code)[^{}\n]{0,60}\}", r"\{(?:quote|noformat|code)\}"),
        (r"\[=*\[(?<!\[\[)|\[=+\[", r"\]=+\]"),
        (r"/\*", r"\*/"),
        (r"%%", r"%%"),
        (r"##-", r"-##"),
        (r"~~", r"~~"),
        (r"(?<![=<>!])=", r"=(?![=<>])"),
        (r"(?<!~)~", r"~(?!~)"),
    )
)
_LINE_SIGN = re.compile(
    r"[ \t]*(?:(?:&gt;[ \t]?){1,6}|[:;│┃║▌▏][ \t]|//+[ \t]|b[qc]\.{1,2}(?:[:][^\s]*)?[ \t]|[0-9]{1,5}[ \t]*[|:│┃][ \t])"
    r"[\s*_#\"'`]{0,8}"
)
_TABLE = re.compile(r"(?m)^[^\n|]{0,200}\|[^\n]*\n(?=[^\n|]*\|)(?=[^\n-]*-)[ \t:|-]++(?:\n[^\n|]*\|[^\n]*)+")
_INDENTED = re.compile(
    r"(?m)^(?:[^\n]{0,200}::(?:[ \t][^\n]{0,60})?|[ \t]*[\w .-]{1,40}:[ \t]*[|>][+-]?)[ \t]*"
    r"(?:\n[ \t]*(?=\n))*(?:\n[ \t]+\S[^\n]*(?:\n[ \t]*(?=\n))*)+"
)


def blocks(text: str) -> Iterator[Span]:
    """Blocks that a line with a double colon, or a key of YAML with a sign for a block, announces by indenting them;
    tables whose lines begin with no sign."""
    if "|" in text and "--" in text:
        yield from (match.span() for match in _TABLE.finditer(text))
    if "::" in text or (":" in text and ("|" in text or ">" in text)):
        yield from (match.span() for match in _INDENTED.finditer(text))


def around(text: str, first: int, last: int) -> Iterator[Span]:
    """Marks that enclose the words between two places, with what they enclose."""
    before, after = text[max(0, first - _REACH) : first], text[last : last + _REACH]
    offset = first - len(before)
    opening, closing = _OPENING_LINE.search(before), _CLOSING_LINE.match(after)
    if opening and closing and _is_pair(opening, closing):
        yield offset + opening.start("line"), last + closing.end("line")
    for begins, ends in _AROUND:
        if (opened := begins.search(before)) and (closed := ends.match(after)):
            yield offset + opened.start(), last + closed.end()
    start = text.rfind("\n", 0, first) + 1
    if _LINE_SIGN.fullmatch(text, start, first):
        yield start, last


def is_block(marked: str) -> bool:
    """Whether marks are those of code or of a block of lines, as it begins and ends."""
    bare = marked.strip()
    if bare.startswith(">") or (bare.startswith("`") and not bare.endswith("'")):
        return True
    return bare.startswith("~") or _SIGNS.fullmatch(bare.partition("\n")[0].rstrip()) is not None


def _is_pair(opening: re.Match[str], closing: re.Match[str]) -> bool:
    begin, end = opening["line"], closing["line"]
    if _ENDS.fullmatch(end):
        return _BEGINS.fullmatch(begin) is not None
    if not _SIGNS.fullmatch(end) or not (_SIGNS.fullmatch(begin) or begin[:2].translate(_MIRRORED) == end[:2]):
        return False
    if (_RULE.fullmatch(begin) or _RULE.fullmatch(end)) and ("\n" in opening["gap"] or "\n" in closing["gap"]):
        return False
    return not set(begin.translate(_MIRRORED)).isdisjoint(end.translate(_MIRRORED))
