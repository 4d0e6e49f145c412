"""One value as judges write it: "A", "**Output A**", "［［A>>B］］" without its brackets, "8/10".

Whether a whole text is a value is decided here; where in a reply values stand, in ``grammar`` and ``json_reply``.
"""

import re

from judgebench.judging.scales import Label, LabelScale, Scale, ScoreScale, fold

MAX_VALUE = 160  # characters; a longer text is no value
NOUN = r"(?:the|final|model|ai|output|assistant|response|answer|option|candidate|system)"
WRAPPING = " \t\n\r*_`\"'()[]{}.:;,!#▁Ġ\\$"  # also what tokenizers write for a blank

NOUNS = re.compile(rf"\A(?:{NOUN}(?:['’]s)?[ \t_]{{1,3}}){{1,3}}", re.IGNORECASE)
_SCORE = re.compile(r"([-+]?[0-9]{1,9}(?:\.[0-9]{1,9})?)(?:[ ]?(?:/|out of)[ ]?([0-9]{1,6}))?\Z")


def value_of(scale: Scale, text: str) -> Label | float | None:
    """What the whole of ``text`` says on the scale, decoration and a noun such as "Assistant" aside; or None."""
    if len(text) > MAX_VALUE:
        return None
    bare = fold(text).strip(WRAPPING)
    if isinstance(scale, LabelScale):
        return scale.find(bare) or scale.find(NOUNS.sub("", bare).strip(WRAPPING))
    return _score(scale, bare) if isinstance(scale, ScoreScale) else None


def _score(scale: ScoreScale, text: str) -> float | None:
    found = _SCORE.match(text.replace("\u2212", "-"))
    if found is None or (found[2] and float(found[2]) != scale.high):
        return None
    value = float(found[1])
    return value if scale.holds(value) else None
