"""What was entered into a form stays for the session.

Streamlit forgets what a widget held once the widget is not drawn: where its form is folded, where another choice takes
its place, and on every other page. What a widget of ``kept`` held is there again when it is.
"""

from collections.abc import Callable, Collection
from typing import Any, TypeVar

import streamlit as st

_ENTERED = "what was entered"  # of the session, by key
Value = TypeVar("Value")


def kept(
    widget: Callable[..., Any], *args: Any, key: str, first: Value, among: Collection[Any] | None = None, **look: Any
) -> Value:
    """What ``widget`` returns, an element of Streamlit's, with its arguments; ``first`` until something was entered.

    ``among``: what can be chosen; of what was, the rest is forgotten, as where another benchmark has other models.
    """
    entered: dict[str, Any] = st.session_state.setdefault(_ENTERED, {})
    if key not in st.session_state or not _fits(st.session_state[key], among):
        before = entered.get(key, first)
        st.session_state[key] = before if _fits(before, among) else first
    value: Value = widget(*args, key=key, **look)
    entered[key] = value
    return value


def _fits(value: Any, among: Collection[Any] | None) -> bool:
    if among is None or value is None:
        return True
    return all(one in among for one in value) if isinstance(value, list | tuple) else value in among
