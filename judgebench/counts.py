"""Numbers of things in words: with separators of thousands, and what is one in the singular."""


def are(number: int) -> str:
    """``is`` of one, else ``are``."""
    return "is" if number == 1 else "are"


def were(number: int) -> str:
    """``was`` of one, else ``were``."""
    return "was" if number == 1 else "were"


def count(number: int, noun: str) -> str:
    """``1 model``, ``1,200 models``, ``2 replies``."""
    if number == 1:
        return f"1 {noun}"
    plural = f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else f"{noun}s"
    return f"{number:,} {plural}"
