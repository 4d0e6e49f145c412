"""Whoever comes by a link and has to log in first sees what the link shows afterwards.

Streamlit's callback always leads to the first page. The way to log in starts on the page that was asked for, which
browsers name (``Referer``): its path and parameters wait in a cookie until the callback leads there.
"""

from urllib.parse import quote, unquote, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_COOKIE = "judgebench_return"
_LASTS_S = 900  # as long as logging in may take
_LONGEST = 2000  # characters of a link that is kept
_LOGIN, _CALLBACK = "/auth/login", "/oauth2callback"


class Returns:
    """ASGI middleware of Streamlit's application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"] if scope["type"] == "http" else ""
        if not path.endswith((_LOGIN, _CALLBACK)):
            await self._app(scope, receive, send)
            return
        request, is_login = HTTPConnection(scope), path.endswith(_LOGIN)
        place = _asked(request) if is_login else allowed(unquote(request.cookies.get(_COOKIE, "")))

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.append("Set-Cookie", _cookie(place if is_login else "", secure=request.url.scheme == "https"))
                if place and not is_login and "location" in headers:
                    headers["location"] = place
            await send(message)

        await self._app(scope, receive, sent)


def _asked(request: HTTPConnection) -> str:
    """The page of this server on which somebody chose to log in; empty where that is not known."""
    try:
        page = urlsplit(request.headers.get("referer", ""))
    except ValueError:
        return ""
    if page.netloc != request.headers.get("host"):
        return ""
    return allowed(page._replace(scheme="", netloc="", fragment="").geturl())


def allowed(place: str) -> str:
    """The path with its parameters if it is one of this server, else nothing: two slashes, or what browsers take for
    them, begin the name of another."""
    leads_away = place[1:2] in ("/", "\\") or not place.startswith("/")
    return "" if leads_away or len(place) > _LONGEST or not place.isascii() or not place.isprintable() else place


def _cookie(place: str, *, secure: bool) -> str:
    """The header that keeps ``place``, or ends the cookie where there is none."""
    life = _LASTS_S if place else 0
    return f"{_COOKIE}={quote(place, safe='')}; Path=/; Max-Age={life}; HttpOnly; SameSite=Lax" + "; Secure" * secure
