"""What a text looks like: its language, guessed, and its headers, list items, bold spans and code blocks of Markdown.

Fenced code is cut out before the other marks are counted, so a comment is no header. The counts are plain line and
substring scans, linear in the text whatever it holds; they make no attempt to parse Markdown completely. The features
are those of the style control of Arena-Hard and Chatbot Arena (Li et al. 2024), the code is our own.
"""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

_FENCE = re.compile(r" {0,3}(```|~~~)")
_HEADER = re.compile(r"\n {0,3}#{1,6}[ \t]+\S")
_BOLD = {mark: re.compile(rf"{re.escape(mark)}[^\n]*?{re.escape(mark)}") for mark in ("**", "__")}
_LIST_ITEM = re.compile(r"\n[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+\S")
STYLE = ("headers", "lists", "bold", "code")  # the fields of ``StyleCounts`` that are its features, without length
OTHER = "other"
_ENDS = "\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"  # that end a line as well
_SEEN_CHARS = 2000  # the rest of a long text would not change the guess
_WORD = re.compile(r"[^\W\d_]+")
# Function words that are rare in the other languages of the table.
_WORDS = {
    "English": "the of and to is are what how you for with that this in an write please can me my from do does was be"
    " it at on by give tell why when who which make list name have has there would some create if your i explain",
    "German": "der die das und ist nicht ein eine einen wie was ich für mit von auf den dem zu bitte schreibe",
    "French": "le la les des est une un et que qui pour dans avec comment vous je du au ce écris quelle quels sont",
    "Spanish": "el los las una un y que de es en por para con cómo qué cuál escribe del se su como son",
    "Italian": "il lo gli di che è una un per con come cosa scrivi della sono del nel quali",
    "Portuguese": "o os uma um que de é em para com como qual escreva do da não você são dos",
    "Dutch": "de het een en is van niet wat hoe ik voor met op dat te schrijf zijn kan je",
    "Polish": "w nie na jest się jak z że napisz są dla oraz czy",
    "Turkish": "bir ve bu için ne nasıl mı ile olarak nedir çok var yaz",
    "Vietnamese": "là và của có một những cho trong được các viết không người",
}
_SCRIPTS = {  # the first word of a letter's Unicode name
    "HIRAGANA": "Japanese",
    "KATAKANA": "Japanese",
    "HANGUL": "Korean",
    "CJK": "Chinese",
    "CYRILLIC": "Cyrillic script",
    "ARABIC": "Arabic script",
    "HEBREW": "Hebrew",
    "DEVANAGARI": "Devanagari script",
    "GREEK": "Greek",
    "THAI": "Thai",
    "LATIN": "Latin",
}
_LISTS = {language: frozenset(words.split()) for language, words in _WORDS.items()}


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
    blocks, prose = 0, "\n" + text
    has_code = "```" in text or "~~~" in text
    if has_code or any(end in text for end in _ENDS):
        lines = text.splitlines()
        lines, blocks = _without_code(lines) if has_code else (lines, 0)
        prose = "\n".join(
            ("", *lines)
        )  # whatever ended a line in the text; what a pattern begins with is found fastest
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


def guess_language(text: str) -> str:
    """The likeliest language of ``text``, ``"other"`` where nothing speaks for any.

    >>> guess_language("Schreibe ein Gedicht über die Katze und den Hund."), guess_language("猫について書いてください")
    ('German', 'Japanese')
    """
    start = unicodedata.normalize("NFC", text[:_SEEN_CHARS])
    if start.isascii():
        return _latin(start)
    scripts = Counter(_SCRIPTS.get(unicodedata.name(char, "").split(" ")[0]) for char in start if char.isalpha())
    scripts.pop(None, None)
    if not scripts:
        return OTHER
    if scripts["Japanese"] and scripts["Chinese"] + scripts["Japanese"] > scripts["Latin"]:
        return "Japanese"  # kanji come with kana, which Chinese has none of
    script = scripts.most_common(1)[0][0]
    return _latin(start) if script == "Latin" else str(script)


def _latin(text: str) -> str:
    words = [word.lower() for word in _WORD.findall(text)]
    hits = {language: sum(word in known for word in words) for language, known in _LISTS.items()}
    best = max(hits, key=hits.__getitem__)
    return best if hits[best] else OTHER
