"""Who is looking, as the server knows it: nobody's word from the browser is taken. See ``access``."""

import getpass
import os
from pathlib import Path

import streamlit as st

from app.access import ACCESS_VARIABLE, HOSTS_VARIABLE, Person, Policy, Role, local_policy, read_policy, require


@st.cache_resource(show_spinner=False)
def policy() -> Policy:
    """Read once. Raises InputError where the file of access cannot be used."""
    path = os.environ.get(ACCESS_VARIABLE)
    return read_policy(Path(path)) if path else local_policy(os.environ.get(HOSTS_VARIABLE, ""))


def person() -> Person:
    """Raises InputError as ``policy`` does."""
    known = policy()
    if known.local:
        return Person(_own_name(), Role.ADMIN)
    if not st.user.is_logged_in:
        return Person("somebody who has not logged in", Role.NOBODY)
    claims = st.user.to_dict()
    return Person(str(claims.get("email") or "somebody without an address"), known.role_of(claims))


def need(role: Role) -> Person:
    """The person, who may do what ``role`` may. Raises Forbidden."""
    found = person()
    require(found, role)
    return found


def gate() -> None:
    """Let viewers pass; others are asked to log in, or told that they may not, and the page ends."""
    known = policy()
    if known.local:
        return
    if not st.user.is_logged_in:
        st.title("JudgeBench", anchor=False)
        st.button("Log in", icon=":material/login:", on_click=st.login)
        st.stop()
    with st.sidebar:
        found = person()
        st.text(found.name)
        st.button("Log out", icon=":material/logout:", on_click=st.logout)
    if found.role < Role.VIEWER:
        st.error("You are logged in, but have no role here. Ask whoever runs this app for one.")
        st.stop()


def _own_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name
        return "local"
