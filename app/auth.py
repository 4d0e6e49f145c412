"""Who may do what: roles, where they are written down, who is looking, and which judges may be asked from the web.

Without a file of access the app is local: it listens on this machine only, and whoever reaches it may do everything
that they could do in a terminal. With one, nobody may do anything until they have logged in by OpenID Connect, and each
action asks ``need`` again on the server, whatever the page shows: nobody's word from the browser is taken.
"""

import hashlib
import ipaddress
import os
import re
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from pathlib import Path
from string import ascii_lowercase, ascii_uppercase
from typing import Any
from urllib.parse import urlsplit

import streamlit as st
from streamlit.auth_util import get_origin_from_redirect_uri
from streamlit.web.server.starlette import starlette_websocket
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from app import commands
from judgebench.services.pages import InputError, JudgeSpec, ServerConnection, own_name

ACCESS_VARIABLE = "JUDGEBENCH_ACCESS"
HOSTS_VARIABLE = "JUDGEBENCH_JUDGE_HOSTS"
KNOWN_HOSTS = (  # public services that are asked with a key
    *("api.openai.com", "api.anthropic.com", "api.mistral.ai", "api.groq.com", "api.deepseek.com", "api.x.ai"),
    *("api.together.xyz", "openrouter.ai", "generativelanguage.googleapis.com"),
)
_VERIFIED = (None, True, "true")  # providers that do not say so, and those that say everything as text
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
_SECRET_CHARS = 16  # of which shorter ones can be found by trying
_KEY_NAME = re.compile(r"[A-Z][A-Z0-9_]*_(API_KEY|TOKEN)")


_COOKIES_LAST_S = 32 * 86_400.0  # longer than any is taken for a login
_ENDED: dict[bytes, float] = {}  # logins of which people have logged out, and when


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
    proxies: tuple[str, ...] = ()  # addresses of machines that may say for whom they ask

    def role_of(self, user: Mapping[str, Any]) -> Role:
        """The highest role of a user who has logged in, by the claims of the identity provider."""
        mail = user.get("email")
        if not isinstance(mail, str) or "@" not in mail or user.get("email_verified") not in _VERIFIED:
            return Role.NOBODY
        lower = folded(mail)
        return max(
            (role for role, patterns in self.roles.items() if any(_matches(pattern, lower) for pattern in patterns)),
            default=Role.NOBODY,
        )

    def check_asked(self, judge: JudgeSpec) -> None:
        """``check_judge`` of each address of the judge; whatever asks one from the web comes through here first."""
        for url in judge.urls or (None,):
            self.check_judge(url, judge.key_env, judge.connection)

    def check_judge(self, url: str | None, key_env: str | None, connection: ServerConnection | None = None) -> None:
        """Raises Forbidden for an address or proxy that is not on the list, a variable that need not hold a judge's
        key, and for a command."""
        for variable in (key_env, *(() if connection is None else connection.variables)):
            if variable is not None and not self.local and not _KEY_NAME.fullmatch(variable):
                raise Forbidden(f"{variable!r} may not be read: name a variable that ends in _API_KEY or _TOKEN")
        for address in (url, None if connection is None else connection.proxy):
            if address is not None:
                _check_address(address, self.judge_hosts, loopback=self.local)
        if connection is not None and connection.token_command:
            raise Forbidden("a token command is run from a terminal only, by 'judgebench run'")


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
    secret = document["auth"].get("cookie_secret")
    if secret is not None and len(str(secret)) < _SECRET_CHARS:
        raise InputError(f"{path}: [auth] cookie_secret signs logins: give {_SECRET_CHARS} random characters or more")
    given = _table(document, "roles", path)
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise InputError(f"{path}: [roles] knows {', '.join(names)}, not {unknown[0]!r}")
    if not given:
        raise InputError(f"{path}: needs a table [roles] that says who may do what, for example viewer = ['*']")
    hosts = _strings(_table(document, "judges", path).get("hosts", []), f"{path}: [judges] hosts")
    proxies = _strings(_table(document, "proxy", path).get("addresses", []), f"{path}: [proxy] addresses")
    roles = {names[key]: _strings(value, f"{path}: [roles] {key}") for key, value in given.items()}
    return Policy(False, roles, hosts, proxies)


def require(person: Person, needed: Role) -> None:
    """Raises Forbidden unless ``person`` may do what ``needed`` may."""
    if person.role < needed:
        raise Forbidden(f"this needs the role {needed.name.lower()}; {person.name} has {person.role.name.lower()}")


def folded(mail: str) -> str:
    """An address as it is compared. Other letters than ASCII's stay as they are: in the full folding of Unicode the
    domains ``straße.example`` and ``strasse.example``, which two people may own, would be one."""
    return mail.translate(_LOWER)


def _matches(pattern: str, mail: str) -> bool:
    allowed = folded(pattern)
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
            f"'{commands.allow_judge_host(host)}'"
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


def policy() -> Policy:
    """As the file of access says now: who is taken out of it may do nothing from then on.

    Raises InputError where it cannot be used.
    """
    path = os.environ.get(ACCESS_VARIABLE)
    if not path:
        return local_policy(os.environ.get(HOSTS_VARIABLE, ""))
    try:
        state = Path(path).stat()
    except OSError as error:
        raise InputError(f"the file of access {path} cannot be read: {error}") from error
    return _policy_of(Path(path), (state.st_ino, state.st_size, state.st_mtime_ns))


@lru_cache(maxsize=1)
def _policy_of(path: Path, state: tuple[int, ...]) -> Policy:
    return read_policy(path)


def claims(cookies: Mapping[str, str]) -> Mapping[str, Any]:
    """What the identity provider says of whoever sent the cookies; nothing unless they hold a login that is signed by
    this server and not too old, as ``st.user`` is read."""
    if has_ended(cookies):
        return {}
    signed = starlette_websocket._get_signed_cookie_with_chunks(dict(cookies), USER_COOKIE_NAME)
    if signed is None:
        return {}
    known = starlette_websocket._parse_decoded_user_cookie(signed, get_origin_from_redirect_uri() or "")
    return known if known.get("is_logged_in") is True else {}


def end(cookies: Mapping[str, str]) -> None:
    """Somebody logs out: copies of the cookies are no login from then on, as long as this server runs."""
    if claims(cookies):
        now = time.time()
        for login in [login for login, since in _ENDED.items() if since < now - _COOKIES_LAST_S]:
            del _ENDED[login]
        _ENDED[_login(cookies)] = now


def has_ended(cookies: Mapping[str, str]) -> bool:
    return _login(cookies) in _ENDED


def _login(cookies: Mapping[str, str]) -> bytes:
    """What stands for a login: what was signed, with the second in which it was, and not the signature, which can be
    written in several ways."""
    signed = cookies.get(USER_COOKIE_NAME, "").rpartition(".")[0]
    return hashlib.sha256(signed.encode("utf-8", "surrogateescape")).digest()


def person() -> Person:
    """Raises InputError as ``policy`` does."""
    known = policy()
    if known.local:
        return Person(own_name(), Role.ADMIN)
    if not st.user.is_logged_in:
        return Person("somebody who has not logged in", Role.NOBODY)
    claims = st.user.to_dict()
    # Folded as roles are: however a provider spells an address, its owner is one voter.
    return Person(folded(str(claims.get("email") or "somebody without an address")), known.role_of(claims))


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
