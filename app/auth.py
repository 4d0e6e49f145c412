"""Who is looking, by a login's cookies and claims or a proxy's header, and what they may do by ``services.access``.

Without a file of access the app is local: it listens on this machine only, and whoever reaches it may do everything
that they could do in a terminal. With one, nobody may do anything until they have logged in, by OpenID Connect or at a
proxy in front that shows by its secret that it is the one, see ``judgebench.web.proxy``. Each action asks ``need``
again on the server, whatever the page shows: nobody's word from the browser is taken.
"""

import hashlib
import os
import time
from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.auth_util import get_origin_from_redirect_uri
from streamlit.web.server.starlette import starlette_websocket
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from judgebench.services.access import Person, Policy, Role, folded, policy_of, require
from judgebench.services.pages import own_name
from judgebench.web.proxy import ProxyIdentity

ACCESS_VARIABLE = "JUDGEBENCH_ACCESS"
HOSTS_VARIABLE = "JUDGEBENCH_JUDGE_HOSTS"
COMMAND_VARIABLE = "JUDGEBENCH_COMMAND"
_COOKIES_LAST_S = 32 * 86_400.0  # longer than any is taken for a login
_ENDED: dict[bytes, float] = {}  # logins of which people have logged out, and when


def policy() -> Policy:
    """As the file of access says now. Raises InputError where it cannot be used."""
    access, hosts = (os.environ.get(name, "") for name in (ACCESS_VARIABLE, HOSTS_VARIABLE))
    return policy_of(access, hosts, os.environ.get(COMMAND_VARIABLE) or "app")


_PROXY: list[ProxyIdentity] = []  # the one whose header has come through ``Proxied``, as it was when the server began


def trust(identity: ProxyIdentity | None) -> None:
    """From now on this server's requests carry the header of the proxy alone, or of nobody."""
    _PROXY[:] = [] if identity is None else [identity]


def named_by_proxy(headers: Mapping[str, str]) -> str:
    """Who has logged in at the proxy; empty where nobody has. Headers' names are in small letters, or of any case."""
    if not _PROXY or policy().user_header != _PROXY[0].user_header:
        return ""
    return _PROXY[0].user(headers)


def claims_of(headers: Mapping[str, str], cookies: Mapping[str, str]) -> Mapping[str, Any]:
    """What the proxy, else the identity provider, says of whoever sent these."""
    mail = named_by_proxy(headers)
    return {"email": mail} if mail else claims(cookies)


def _claims_here() -> Mapping[str, Any]:
    """Of whoever looks at this page; empty where nobody has logged in."""
    mail = named_by_proxy(st.context.headers)
    if mail:
        return {"email": mail}
    known: Mapping[str, Any] = st.user.to_dict() if getattr(st.user, "is_logged_in", False) else {}
    return known


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
    claims = _claims_here()
    if not claims:
        return Person("somebody who has not logged in", Role.NOBODY)
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
    if not _claims_here():
        st.title("JudgeBench", anchor=False)
        if hasattr(st.user, "is_logged_in"):
            st.button("Log in", icon=":material/login:", on_click=st.login)
        else:
            st.error("Log in at the proxy in front of this app: whoever runs it knows its address.")
        st.stop()
    with st.sidebar:
        visitor = person()
        st.text(visitor.name)
        if not named_by_proxy(st.context.headers):
            st.button("Log out", icon=":material/logout:", on_click=st.logout)
    if visitor.role < Role.VIEWER:
        st.error("You are logged in, but have no role here. Ask whoever runs this app for one.")
        st.stop()
