"""What widgets hold stands in the address bar, in the words of the command line: every view has a permalink.

Streamlit's own binding (``bind="query-params"``) writes labels, drops what it does not know without a word, and a value
that is put right behind its back is one more step in the browser's history. Here the address is read before a widget is
made, and written where somebody chose something else: a step in the history for each choice, and none without one. What
an address names and nobody knows stays in it until then.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

Value = TypeVar("Value")
Name = TypeVar("Name", bound=str)
_RECORDS = "addresses"  # of the session, by key: what the address held last, and before it was last written
_YES = ("true", "1", "yes", "on")


def understood(given: str, labels: Mapping[Name, str], aliases: Mapping[str, Name] | None = None) -> Name | None:
    """The one of ``labels``' names that is meant: by itself, else by its label or an alias, in whatever letters."""
    for name in labels:
        if given == name:
            return name
    plain = _plain(given)
    meant = {name for name, label in labels.items() if plain in (_plain(name), _plain(label))}
    meant |= {name for alias, name in (aliases or {}).items() if plain == _plain(alias)}
    return meant.pop() if len(meant) == 1 else None


def _plain(text: str) -> str:
    return "-".join(text.casefold().replace("_", " ").replace("-", " ").split())


@dataclass(frozen=True, slots=True)
class Bound(Generic[Value]):
    """A widget's value under ``key``, in the session and in the address.

    ``read``: the value that the address holds, by all that stands there under the key; ``write``: what is to stand
    there, nothing for what needs no word. Make it before the widget, which must have the same key and no default.
    """

    key: str
    read: Callable[[Sequence[str]], Value]
    write: Callable[[Value], Sequence[str]]

    def seed(self, *, fits: Callable[[Value], bool] = lambda _: True) -> None:
        """Let the widget show what the address holds, where that is news. ``fits``: whether it may keep its value."""
        here, records = st.query_params.get_all(self.key), _records()
        last, before = records.get(self.key, (None, None))
        # A step in the history makes the browser forget what its widgets held. Else, an address from before it was last
        # written came with a choice that followed quickly on another.
        is_news = _is_step() or here not in (last, before)
        if is_news or self.key not in st.session_state or not fits(st.session_state[self.key]):
            st.session_state[self.key] = self.read(here)
        if is_news:
            records[self.key] = (here, None)

    def keep(self, chosen: Value) -> Value:
        """Let the address hold what the widget shows."""
        here = st.query_params.get_all(self.key)
        words = self.write(chosen)
        if words != self.write(self.read(here)):
            if words:
                st.query_params[self.key] = words
            else:
                del st.query_params[self.key]
            _records()[self.key] = (st.query_params.get_all(self.key), here)
        return chosen


def one(
    key: str,
    labels: Mapping[Name, str],
    *,
    default: Name | None,
    aliases: Mapping[str, Name] | None = None,
    lasting: bool = True,
) -> Bound[Any]:
    """One of the names, for a widget that chooses one of them; ``default`` where the address names none.

    ``lasting``: the default is the same tomorrow, so that the address need not name it once it is chosen.
    """

    def read(words: Sequence[str]) -> Name | None:
        known = [name for word in words if (name := understood(word, labels, aliases)) is not None]
        return known[0] if known else default

    bound: Bound[Any] = Bound(key, read, lambda name: () if name == default and lasting else (name or "",))
    bound.seed(fits=lambda name: name in labels or name is None)
    return bound


def some(
    key: str, labels: Mapping[Name, str], *, default: Collection[Name] = (), most: int | None = None
) -> Bound[list[Name]]:
    """Any of the names up to ``most``, for a widget that chooses several."""

    def read(words: Sequence[str]) -> list[Name]:
        if not words:
            return list(default)
        known = (understood(word, labels) for word in words)
        return list(dict.fromkeys(name for name in known if name is not None))[:most]

    def write(names: Collection[Name]) -> Sequence[str]:
        return () if set(names) == set(default) else sorted(names) or ("",)

    bound = Bound(key, read, write)
    bound.seed(fits=lambda names: labels.keys() >= set(names))
    return bound


def flag(key: str) -> Bound[bool]:
    """Yes or no, for a toggle."""
    bound = Bound(key, lambda words: bool(words) and words[0].casefold() in _YES, lambda on: ("true",) if on else ())
    bound.seed()
    return bound


def text(key: str, most: int) -> Bound[str]:
    """A line of at most ``most`` characters."""
    bound = Bound(key, lambda words: words[0][:most] if words else "", lambda line: (line,) if line else ())
    bound.seed()
    return bound


def number(key: str, most: int) -> Bound[int]:
    """From 1 to ``most``, for pages; anything else is 1."""

    def read(words: Sequence[str]) -> int:
        given = words[0] if words else ""
        return int(given) if given.isascii() and given.isdigit() and len(given) < 10 and 0 < int(given) <= most else 1

    bound = Bound(key, read, lambda page: (str(page),) if page != 1 else ())
    bound.seed(fits=lambda page: 0 < page <= most)
    return bound


def _records() -> dict[str, tuple[list[str] | None, list[str] | None]]:
    records: dict[str, tuple[list[str] | None, list[str] | None]] = st.session_state.setdefault(_RECORDS, {})
    return records


def _is_step() -> bool:
    """Whether the page runs for a step back or forward in the browser's history."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation
