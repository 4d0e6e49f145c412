"""What may be told to those whose token is for some benchmarks: of the others not even a name."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from html import unescape
from typing import Any
from urllib.parse import unquote

from judgebench import store
from judgebench.errors import JudgeBenchError, UnknownName
from judgebench.services.access import Role
from judgebench.store.database import Database

KEPT_BACK = (
    "this cannot be done: the reason is about what this token is not for, and whoever has one for all benchmarks is "
    "told it"
)

OF_OTHERS = "(about what this token is not for)"

# Of refusals that name nothing of others: something may be called by one of them, but then it stands in quotes.
_OURS = frozenset((*(role.name.lower() for role in Role), "this", "needs", "the", "role", "has", "token", "is", "for"))
_CODE_POINT = re.compile(r"(?:\\+(?:u([0-9a-f]{4})|U([0-9a-f]{8})|x([0-9a-f]{2}))|\u27e8U\+([0-9A-F]{4})\u27e9)")
_BLANK = re.compile(r"\\+[bfnrtv]|\s")
_TIMES = 2  # that an address or HTML is looked for in another
_SHORTEST = 4  # characters of a name that was cut by which it is known


def told(database: Database, error: JudgeBenchError, benchmarks: Sequence[str], given: str) -> str:
    """The words of an error, without names and addresses that nothing in these ``benchmarks`` holds, save those that
    the asker has ``given``."""
    with database.read() as connection:
        hidden = store.scopes.of_others(connection, benchmarks)
    if isinstance(error, UnknownName):
        return str(error.without(hidden))
    words, known = str(error), _plain(given)
    return KEPT_BACK if any(_plain(name) not in known for name in _named(hidden, words)) else words


def check_names(
    database: Database,
    benchmarks: Sequence[str],
    models: Collection[str],
    judges: Collection[str],
    *,
    unused: bool = False,
) -> None:
    """Raises UnknownName for what these ``benchmarks`` do not hold, whether others do or none. ``unused``: judges that
    have never been asked may be named."""
    with database.read() as connection:
        held = {
            "model": (models, store.scopes.models_of(connection, benchmarks) if models else []),
            "judge": (judges, store.scopes.judges_of(connection, benchmarks, unused=unused) if judges else []),
        }
    for kind, (names, known) in held.items():
        for name in names:
            if name not in known:
                raise UnknownName(kind, name, known)


def judges_of_others(database: Database, benchmarks: Sequence[str]) -> frozenset[str]:
    """Names of judges that were asked on other benchmarks alone; none where ``benchmarks`` are all, which is none
    named."""
    if not benchmarks:
        return frozenset()
    with database.read() as connection:
        every = {judge.name for judge in store.judges.judges(connection)}
        return frozenset(every.difference(store.scopes.judges_of(connection, benchmarks, unused=True)))


def shown(database: Database, document: Any, benchmarks: Sequence[str]) -> Any:
    """The same of JSON, with ``OF_OTHERS`` for each text in which stands what nothing in these ``benchmarks`` holds."""
    with database.read() as connection:
        return _shown(document, store.scopes.of_others(connection, benchmarks))


def _shown(document: Any, hidden: Collection[str]) -> Any:
    match document:
        case str():
            return OF_OTHERS if any(_named(hidden, document)) else document
        case Mapping():
            return {_field(field, hidden): _shown(value, hidden) for field, value in document.items()}
        case list() | tuple():
            return [_shown(value, hidden) for value in document]
        case _:
            return document


def _field(name: str, hidden: Collection[str]) -> str:
    """A field's name is ours, whatever others call theirs; a reason that is counted is text."""
    return name if name.isidentifier() else _shown(name, hidden)


def _named(hidden: Collection[str], words: str) -> Iterator[str]:
    """Those that stand in ``words``, however they are spelt there: as words of their own, not within others."""
    plain = _plain(words)
    for name in hidden:
        if name in _OURS:
            is_there = words == name or re.search(rf"(['\"`]){name}\1", plain) is not None
        else:
            is_there = _is_word(name, words) or _is_word(_plain(name), plain) or _is_cut(_plain(name), plain)
        if is_there:
            yield name


def _is_word(name: str, words: str) -> bool:
    return name in words and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", words) is not None


def _is_cut(name: str, words: str) -> bool:
    """With its end left out, for which there is an ellipsis."""
    starts = [start.rstrip() for start in words.split("\u2026")[:-1]]
    shorter = [name[:length].rstrip() for length in range(_SHORTEST, len(name))] if starts else []
    return any(start.endswith(cut) and _is_word(cut, start) for start in starts for cut in shorter)


def _plain(text: str) -> str:
    """The same for each spelling of a text: as it is, as ``repr`` and JSON have it, in HTML, Markdown, an address or a
    shell's command, and on one line."""
    for _ in range(_TIMES):
        text = unescape(unquote(text))
    text = _BLANK.sub(" ", _CODE_POINT.sub(_character, text)).replace("\\", "").replace("'\"'\"'", "'")
    line = " ".join(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").split())
    return "".join(char if char.isprintable() else "\ufffd" for char in line)


def _character(escape: re.Match[str]) -> str:
    number = int(next(filter(None, escape.groups())), 16)
    return chr(number) if number < 0x110000 else "\ufffd"
