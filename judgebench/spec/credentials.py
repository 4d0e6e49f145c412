"""Keys are given by the name of the environment variable that holds them; what looks like a key itself is refused,
so that it reaches no database, log or export."""

import re
from collections.abc import Mapping
from typing import Any

_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]{0,99}")
_KNOWN = re.compile(
    "(?:sk|pk|rk|hf|gsk|gh[oprsu]|r8|xai|nvapi)_[A-Za-z0-9_]{20,}|A[KS]IA[0-9A-Z]{16}|AIza[0-9A-Za-z_]{30,}"
)
_RUN = re.compile("[A-Z]?[a-z]+|[A-Z]+|[0-9]+")  # of one kind of characters; a capital begins a word
_RANDOM_CHARS = 16  # from which length on a part of a name is looked at
_RANDOM_RUN = 3.0  # mean length of its runs below which it is no word
_NUMBERS = 4  # as many numbers in it, and it is none either
_SECRET_FIELD = re.compile(
    r"(?i)(?:api|access|auth|secret)[-_ ]?(?:key|token)|authorization|password|bearer|^secret|^token$"
)


def variable_name(text: str) -> str:
    """The name of an environment variable, as it may be stored and printed.

    Raises ValueError, without the text, for what is no such name or looks like a key itself.
    """
    if _NAME.fullmatch(text) and not _KNOWN.fullmatch(text) and not any(map(_is_random, text.split("_"))):
        return text
    raise ValueError(
        "the NAME of an environment variable is asked for, and this is none or looks like a key itself: nothing was "
        "stored. Put the key into a variable, say OPENAI_API_KEY, and give that name"
    )


def _is_random(part: str) -> bool:
    """Whether small letters, capitals and digits alternate in it as in no word."""
    runs = _RUN.findall(part)
    numbers = sum(run.isdigit() for run in runs)
    return len(part) >= _RANDOM_CHARS and (len(part) / len(runs) < _RANDOM_RUN or numbers >= _NUMBERS)


def refuse_secrets(settings: Mapping[str, Any], where: str = "") -> None:
    """Raises ValueError, without the value, for a setting at any depth that would hold a key, since they are stored."""
    for name, value in settings.items():
        field = f"{where}{name}"
        if _SECRET_FIELD.search(str(name)):
            raise ValueError(
                f"setting {field[:80]!r} would be stored, and a key is never written down: name the variable "
                "that holds the key by key_env"
            )
        for item in value if isinstance(value, list | tuple) else (value,):
            if isinstance(item, Mapping):
                refuse_secrets(item, f"{field}.")
