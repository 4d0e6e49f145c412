"""A guess at the language of a text, from its letters and, for Latin letters, its commonest words.

Good enough to split a benchmark by language, and labelled as a guess wherever it is shown. It tells the languages below
apart and calls everything else by its script or "other"; it does not tell dialects, and mixed texts count as the
language of most of their words.
"""

import re
import unicodedata
from collections import Counter

OTHER = "other"
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
