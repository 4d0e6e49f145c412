"""Who may do what: roles, where they are written down, who is looking, and which judges may be asked from the web.

Without a file of access the app is local: it listens on this machine only, and whoever reaches it may do everything
that they could do in a terminal. With one, nobody may do anything until they have logged in by OpenID Connect, and each
action asks ``need`` again on the server, whatever the page shows: nobody's word from the browser is taken.
"""

import getpass
import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import streamlit as st

from judgebench.services.pages import InputError

ACCESS_VARIABLE = "JUDGEBENCH_ACCESS"
HOSTS_VARIABLE = "JUDGEBENCH_JUDGE_HOSTS"
KNOWN_HOSTS = (  # public services that are asked with a key
    *("api.openai.com", "api.anthropic.com", "api.mistral.ai", "api.groq.com", "api.deepseek.com", "api.x.ai"),
    *("api.together.xyz", "openrouter.ai", "generativelanguage.googleapis.com"),
)
_KEY_NAME = re.compile(r"[A-Z][A-Z0-9_]*_(API_KEY|TOKEN)")


class Role(IntEnum):
    """What somebody may do; each may do all that those before it may."""

    NOBODY = 0
    VIEWER = 1  # read every page
    VOTER = 2  # and vote
    SUBMITTER = 3  # and submit outputs
    ADMIN = 4  # and have judges asked, which costs money


class Forbidden(InputError):
    """The role does not allow this; nothing was done."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whoever looks at a page."""

    name: str  # under which votes are stored
    role: Role


@dataclass(frozen=True, slots=True)
class Policy:
    """``roles`` and ``judge_hosts`` as configured; ``local`` is the one of a single user's machine."""

    local: bool
    roles: Mapping[Role, tuple[str, ...]] = field(default_factory=dict)  # addresses, "@domain", or "*" for everybody
    judge_hosts: tuple[str, ...] = ()  # HOST or HOST:PORT

    def role_of(self, user: Mapping[str, Any]) -> Role:
        """The highest role of a user who has logged in, by the claims of the identity provider."""
        mail = user.get("email")
        if not isinstance(mail, str) or "@" not in mail or user.get("email_verified") is False:
            return Role.NOBODY
        lower = mail.casefold()
        return max(
            (role for role, patterns in self.roles.items() if any(_matches(pattern, lower) for pattern in patterns)),
            default=Role.NOBODY,
        )

    def check_judge(self, url: str | None, key_env: str | None) -> None:
        """Raises Forbidden for an address that is not on the list, or a variable that need not hold a judge's key."""
        if key_env is not None and not self.local and not _KEY_NAME.fullmatch(key_env):
            raise Forbidden(f"{key_env!r} may not be read: name a variable that ends in _API_KEY or _TOKEN")
        if url is not None:
            _check_address(url, self.judge_hosts, loopback=self.local)


def local_policy(hosts: str = "") -> Policy:
    """``hosts``: further ones that may be asked, separated by commas."""
    return Policy(True, judge_hosts=(*KNOWN_HOSTS, *(host.strip() for host in hosts.split(",") if host.strip())))


def read_policy(path: Path) -> Policy:
    """The file of access. Raises InputError where it does not say all that is needed, or something unknown."""
    try:
        document = tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"the file of access {path} cannot be read: {error}") from error
    if not isinstance(document.get("auth"), dict):
        raise InputError(f"{path}: needs a table [auth] with the settings of the identity provider")
    names: dict[str, Role] = {role.name.lower(): role for role in Role if role is not Role.NOBODY}
    given = _table(document, "roles", path)
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise InputError(f"{path}: [roles] knows {', '.join(names)}, not {unknown[0]!r}")
    if not given:
        raise InputError(f"{path}: needs a table [roles] that says who may do what, for example viewer = ['*']")
    hosts = _strings(_table(document, "judges", path).get("hosts", []), f"{path}: [judges] hosts")
    roles = {names[key]: _strings(value, f"{path}: [roles] {key}") for key, value in given.items()}
    return Policy(False, roles, hosts)


def require(person: Person, needed: Role) -> None:
    """Raises Forbidden unless ``person`` may do what ``needed`` may."""
    if person.role < needed:
        raise Forbidden(f"this needs the role {needed.name.lower()}; {person.name} has {person.role.name.lower()}")


def _matches(pattern: str, mail: str) -> bool:
    allowed = pattern.casefold()
    return allowed in ("*", mail) or (allowed.startswith("@") and mail.endswith(allowed))


def _check_address(url: str, hosts: Sequence[str], *, loopback: bool) -> None:
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        raise Forbidden(f"{url!r} is not an address: {error}") from error
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc or "\\" in url:
        raise Forbidden(f"{url!r} is not a plain http or https address without user name and password")
    if loopback and _is_loopback(host):
        return
    names = {host, f"{host}:{port or {'http': 80, 'https': 443}[parts.scheme]}"}
    if not names & {known.casefold() for known in hosts}:
        raise Forbidden(
            f"{host} is not on the list of servers that may be asked from here: whoever runs the app adds it by "
            f"'judgebench app --judge-host {host}'"
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _table(document: Mapping[str, Any], name: str, path: Path) -> Mapping[str, Any]:
    table = document.get(name, {})
    if not isinstance(table, dict):
        raise InputError(f"{path}: {name} must be a table")
    return table


def _strings(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise InputError(f"{where} must be a list of texts")
    return tuple(value)


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
    visitor = person()
    require(visitor, role)
    return visitor


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
        visitor = person()
        st.text(visitor.name)
        st.button("Log out", icon=":material/logout:", on_click=st.logout)
    if visitor.role < Role.VIEWER:
        st.error("You are logged in, but have no role here. Ask whoever runs this app for one.")
        st.stop()


def _own_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name
        return "local"
