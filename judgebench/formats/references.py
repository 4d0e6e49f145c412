"""One reference where a file holds several texts; it says what they are: one a turn, or answers all of them right."""

from collections.abc import Sequence

_ANY = "Each of these {} answers is right by itself."


def one_reference(texts: Sequence[str], turns: int) -> str | None:
    """The texts as one reference to an instruction of so many turns; None where they say nothing.

    Raises ValueError where an instruction of several turns has another number of them.
    """
    stripped = [text.strip() for text in texts]
    if turns > 1 and len(texts) == turns:
        numbered = [f"Turn {number}: {text}" for number, text in enumerate(stripped, 1) if text]
        return "\n\n".join(numbered) or None
    if turns > 1 and len(texts) > 1:
        raise ValueError(f"holds {len(texts)} references to {turns} turns: expected one, or one a turn")
    return alternatives(stripped)


def alternatives(texts: Sequence[str]) -> str | None:
    """Answers any of which is right, as one text that says so; None where there is none."""
    distinct = list(dict.fromkeys(text for text in texts if text.strip()))
    if len(distinct) < 2:
        return distinct[0] if distinct else None
    return "\n\n".join([_ANY.format(len(distinct)), *(f"({n}) {text}" for n, text in enumerate(distinct, 1))])
