"""Keys are given by the name of the environment variable that holds them; what looks like a key itself is refused,
so that it reaches no database, log or export."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]{0,99}")
_KNOWN = re.compile(
    "(?:sk|pk|rk|hf|gsk|gh[oprsu]|r8|xai|nvapi)_[A-Za-z0-9_]{20,}|A[KS]IA[0-9A-Z]{16}|AIza[0-9A-Za-z_]{30,}"
)
_MARKED = re.compile(
    r"(?<![A-Za-z0-9])(?:sk|pk|rk|hf|gsk|gh[oprsu]|github_pat|glpat|r8|xai|nvapi|xox[a-z]|AKIA|ASIA)[-_][A-Za-z0-9_-]{16,}"
    r"|eyJ[A-Za-z0-9_-]{10,}|(?i:\b(?:bearer|basic)\s+\S{8,})"
)
_UUID = re.compile(r"(?i)(?<![0-9a-z])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-z])")
_WORD = re.compile("[A-Za-z0-9]+")
_BASE64 = re.compile("[A-Za-z0-9+/]{24,}")
_SECRETS = frozenset({"key", "token", "secret", "password", "passwd", "pass", "credential", "credentials", "cookie"})
_SECRETS |= {"authorization", "signature", "sig", "pwd"}
_KEY_WORD = re.compile(
    r"(?i)(?:^|_)(?:[a-z0-9]*(?:key|token|secret|password|passwd)|pass|pat|jwt|login|credentials?|bearer)s?[0-9]*(?:_|$)"
)
_LOGIN = re.compile(r"://[^/@\s]*:[^/@\s$]+@")  # USER:PASSWORD in an address
_NAMED = re.compile(r"(?s)(?P<name>[\w.-]*[A-Za-z][\w.-]*)(?:=|:\s+)(?P<value>.+)")
_USER_OPTION = re.compile("-u|--user|--proxy-user|-U")
_ELSEWHERE = re.compile(r"(?s)[/.@]|.*\$")  # a file, or a variable that a shell would read
_FIELD = 80  # characters of a setting's name in a message
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


def holds_key(text: str) -> bool:
    """Whether a value that is to be stored holds what looks like a key; identifiers of 8-4-4-4-12 digits do not."""
    if _KNOWN.search(text) or _MARKED.search(text):
        return True
    text = _UUID.sub(" ", text)
    mixed = (word.replace("+", "").replace("/", "") for word in _BASE64.findall(text) if "+" in word or "/" in word)
    return any(map(_is_random, (*_WORD.findall(text), *mixed)))


def refuse_in_address(address: str) -> str:
    """The address itself. Raises ValueError, without it, where it holds what is sent otherwise or looks like a key."""
    try:
        parts = urlsplit(address)
        is_plain = parts.username is None and parts.password is None and not parts.query and not parts.fragment
    except ValueError:
        return address  # it is none, which whoever asks there says
    if is_plain and not _KNOWN.search(address) and not _MARKED.search(address):
        return address
    raise ValueError(
        "an address holds no user, password, query, fragment or key: a key is passed by its variable (key_env), a "
        "query by --query NAME=VALUE"
    )


def refuse_in_command(words: Sequence[str]) -> None:
    """Raises ValueError, without the words, where one of a program's looks like a key or is named or placed as one."""
    for word, following in zip(words, (*words[1:], ""), strict=False):
        if (holds_key(word) and not Path(word).exists()) or _LOGIN.search(word) or _names_value(word, following):
            raise ValueError(
                "the token command holds what looks like a key, and it would be stored: let the command read it from "
                "an environment variable or a file"
            )


def _names_value(word: str, following: str) -> bool:
    """Whether the word says "secret=value", "Secret: value", "--secret" before a value, or "-u user:password"."""
    match = _NAMED.fullmatch(word)
    if match is not None:
        return names_secret(match["name"]) and not _ELSEWHERE.match(match["value"])
    if _USER_OPTION.fullmatch(word):
        return ":" in following.strip(":") and "$" not in following
    is_option = word.startswith("-") and names_secret(word)
    return is_option and bool(following) and not following.startswith("-") and not _ELSEWHERE.match(following)


def names_secret(name: str) -> bool:
    """Whether a header, a field of a query or an option of this name holds a secret, by its last word."""
    words = re.findall("[a-z]+", re.sub("(?<=[a-z])(?=[A-Z])", " ", name).lower())
    return bool(words and words[-1] in _SECRETS) or _SECRET_FIELD.search(name) is not None


def names_key_variable(name: str) -> bool:
    """Whether an environment variable of this name holds a key, a token or a password, by a word of it."""
    return _KEY_WORD.search(name) is not None


def _is_random(part: str) -> bool:
    """Whether small letters, capitals and digits alternate in it as in no word."""
    runs = _RUN.findall(part)
    numbers = sum(run.isdigit() for run in runs)
    return len(part) >= _RANDOM_CHARS and (len(part) / len(runs) < _RANDOM_RUN or numbers >= _NUMBERS)


def refuse_secrets(settings: Mapping[str, Any], where: str = "") -> None:
    """Raises ValueError, without the value, for a setting at any depth that would hold a key, since they are stored."""
    for name, value in settings.items():
        field = f"{where}{str(name)[:_FIELD]}"
        if _SECRET_FIELD.search(str(name)):
            raise ValueError(
                f"setting {field[:_FIELD]!r} would be stored, and a key is never written down: name the variable "
                "that holds the key by key_env"
            )
        for item in value if isinstance(value, list | tuple) else (value,):
            if isinstance(item, Mapping):
                refuse_secrets(item, f"{field}.")
