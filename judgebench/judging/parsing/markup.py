"""Markup that says nothing: emphasis in HTML and LaTeX, rules, signs, tokens that end a reply, and courtesies."""

import re
from collections.abc import Iterator

SPECIAL = (  # tokens of chat formats
    r"<[|｜][^<>]{0,60}[|｜]>|</?s>|\[(?:/?INST|BOS|EOS|PAD)\]"
    r"|<(?:bos|eos|pad|unk|(?:start|end)[_-]of[_-](?:turn|text|sequence))>"
)
_EMPHASIS = re.compile(
    r"</?(?:b|i|u|em|strong|p|div|span|center|font|small|big|mark|br|hr|h[1-6]|section|article|main|body|html)"
    r"(?:\s[^<>]{0,80})?/?>"
    r"|(?<!\\)\\(?:text(?:bf|it|rm|sf|sc|up|normal)?|math(?:bf|rm|it|sf)|emph|underline|bold|bm|boldsymbol|large)\{",
    re.IGNORECASE,
)
_ENDS = (">", "inst]", "bos]", "eos]", "pad]")  # of such tokens
_LAST_TOKENS = re.compile(rf"(?:\s{{0,20}}(?:{SPECIAL}))+\s{{0,20}}\Z", re.IGNORECASE)
_CLOSING = re.compile(
    rf"""(?:{SPECIAL}|</[A-Za-z][\w:-]{{0,30}}\s?>|\\end\{{\w{{1,20}}\*?\}}
    |\[/?(?:END|STOP|DONE|EOT)\]
    |(?:\A|(?<=[\n.!?]))[^\w\n]{{0,20}}(?:
        (?:many\ )?thank(?:s|\ you)(?:\ (?:so|very)\ much)?(?:\ for\ [^\n.!?]{{1,40}})?
        |(?:i\ )?hope\ (?:that\ )?this\ helps(?:\ you)?|that(?:['’]s|\ is)\ all
        |(?:please\ )?(?:let\ me\ know|feel\ free\ to\ ask)[^\n.!?]{{0,80}}
        |(?:the\ )?end(?:\ of\ (?:the\ |my\ )?(?:evaluation|verdict|judge?ment|analysis|reply|response|comparison))?
        |(?:best|kind|warm)\ (?:regards|wishes)|regards|sincerely|yours(?:\ (?:truly|sincerely|faithfully))?
        |(?:the|your|ai)\ (?:impartial\ )?(?:judge|evaluator|assistant)
        )[.!,\ *_]{{0,8}})\Z""",
    re.IGNORECASE | re.VERBOSE,
)
_LOOKED_AT = 400  # characters at the end of a reply
_MOST = 8  # things after the last word, or lines, that are passed over


def without_emphasis(text: str) -> str:
    """The text with blanks in the place of emphasis and of tokens that end it; positions stay."""
    if "<" in text or "\\" in text:
        text = _EMPHASIS.sub(lambda match: " " * len(match[0]), text)
    tail = text[-_LOOKED_AT:]
    if tail.rstrip().casefold().endswith(_ENDS) and (match := _LAST_TOKENS.search(tail)):
        text = text[: len(text) - len(match[0])] + " " * len(match[0])
    return text


def says_nothing(text: str) -> bool:
    """Whether it has neither letters nor digits."""
    return not any(map(str.isalnum, text))


def last_word(text: str) -> int:
    """Where what a reply says ends: rules, signs, closing tags and courtesies come after it."""
    start = max(0, len(text) - _LOOKED_AT)
    tail = _without_signs(text[start:])
    for _ in range(_MOST):
        closing = _CLOSING.search(tail)
        if closing is None:
            break
        tail = _without_signs(tail[: closing.start()])
    return start + len(tail)


def _without_signs(text: str) -> str:
    """Without what is neither letter nor digit at its end, a bracket aside that may belong to a tag."""
    end = len(text)
    while end and not text[end - 1].isalnum() and text[end - 1] not in ">]}":
        end -= 1
    return text[:end]


def last_lines(text: str) -> Iterator[str]:
    """The text, and the same without its last line, as long as that line says nothing; few."""
    for _ in range(_MOST):
        yield text
        head, _, line = text.rpartition("\n")
        if not head or not (says_nothing(line) or _CLOSING.match(line.strip())):
            return
        text = head.rstrip()
