"""Stands in front of every route of the server, pages' own connections included, before anything of a request is read.

What is not named in ``_NEEDED`` is refused to everybody, so that a route which a later Streamlit adds is closed until
somebody has looked at it. Which route a request means is asked of the router itself: no spelling of a path leads past.
Pages check roles again for what they do, see ``app.auth``.
"""

import asyncio
import ipaddress
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from urllib.parse import urlsplit

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # brings no types
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config, runtime
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

from app import auth
from app.limits import LOGINS_A_MINUTE, MESSAGES, MESSAGES_A_SECOND, REQUESTS, SOCKETS, UPLOADS_A_MINUTE, Turns, Uploads
from app.uploads import MAX_BYTES
from judgebench.services.access import Role, folded
from judgebench.services.pages import InputError
from judgebench.web.bodies import LAST, BodyLimits, bounded
from judgebench.web.limits import PerMinute, Running

_FILES = ""  # of Streamlit's front end; pages, too, are addresses of its one document
_SOCKET = "/_stcore/stream"
_UPLOAD = "/_stcore/upload_file/{session_id}/{file_id}"
_NEEDED = {
    _FILES: Role.NOBODY,
    _SOCKET: Role.NOBODY,  # it shows the button to log in; pages show what the role allows
    "/_stcore/health": Role.NOBODY,
    "/_stcore/host-config": Role.NOBODY,
    "/auth/login": Role.NOBODY,
    "/auth/logout": Role.NOBODY,
    "/oauth2callback": Role.NOBODY,
    "/media/{file_id:path}": Role.VIEWER,
    "/component/{path:path}": Role.VIEWER,
    "/_stcore/bidi-components/{path:path}": Role.VIEWER,
    _UPLOAD: Role.SUBMITTER,
    "/_stcore/metrics": Role.ADMIN,
}
_LOGOUT = "/auth/logout"
_LOGINS = ("/auth/login", "/oauth2callback")
_FOR_ALL = (_FILES, "/_stcore/health", "/_stcore/host-config", *_LOGINS)  # whoever asks
_FRAMING_BYTES = 1 << 20  # what a form adds to the file that it carries, at most
_BODY_BYTES = 1 << 16  # of requests that carry no file
_MESSAGE_BYTES = 1 << 16  # to a page that offers nothing but to log in
_SWEEP_S = 10.0
_PROXY_LOGIN_S = 8 * 3600.0  # of a page's connection, for somebody whom a proxy named when it was opened
# Why a connection is closed, in WebSocket's numbers.
_MALFORMED, _NO_BYTES, _POLICY_VIOLATION, _TOO_BIG = 1002, 1003, 1008, 1009
# Of what a page may say. Not heard is what would clear the caches of all pages, or ask what the app's folder holds.
_HEARD = ("rerun_script", "stop_script", "app_heartbeat", "file_urls_request", "backend_operation_request")
_FILES_AT_ONCE = 100
_NEIGHBOURS = 64  # the bits of an IPv6 address that its network gave, and not the machine itself


@dataclass(frozen=True, slots=True)
class _Visitor:
    """Who asks: somebody who has logged in, the user of this machine, or else a machine."""

    holder: str  # to whom it is counted
    role: Role
    known: bool


class Gate:
    """ASGI middleware of Streamlit's application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._requests = Running("requests in flight", REQUESTS)
        self._sockets = Running("pages open", SOCKETS)
        self._paces = {_UPLOAD: PerMinute("uploads", UPLOADS_A_MINUTE)} | {
            path: PerMinute("attempts to log in", LOGINS_A_MINUTE) for path in _LOGINS
        }
        self._messages = Turns(MESSAGES, MESSAGES_A_SECOND)
        self._uploads = Uploads()
        self._sweeping: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        if self._sweeping is None or self._sweeping.done():
            self._sweeping = asyncio.create_task(self._sweep())
        with ExitStack() as held:
            try:
                reading = self._admit(scope, receive, send, held)
            except HTTPException as refusal:
                await _refuse(refusal, scope, receive, send)
                return
            await self._app(scope, reading, send)

    def _admit(self, scope: Scope, receive: Receive, send: Send, held: ExitStack) -> Receive:
        """How the application may read the request. Raises HTTPException where it may not be asked."""
        connection = HTTPConnection(scope)
        _check_sender(connection)
        routes = _routes(scope)
        if not routes or not _NEEDED.keys() >= set(routes):
            raise HTTPException(403, "Nothing is served at this address.")
        if routes[-1] == _LOGOUT:
            auth.end(connection.cookies)
        elif routes[-1] not in _FOR_ALL and auth.has_ended(connection.cookies):
            raise HTTPException(401, "You have logged out. Load the page again.")
        visitor = _visitor(connection, max(_NEEDED[path] for path in routes), routes[-1])
        if routes[-1] == _SOCKET:
            held.enter_context(self._sockets.one(visitor.holder))
            return _messages(connection, visitor, self._messages, receive, send)
        if routes[-1] == _FILES and (scope["type"] != "http" or scope["method"] not in ("GET", "HEAD")):
            raise HTTPException(405, "Pages can only be read.", {"Allow": "GET, HEAD"})
        held.enter_context(self._requests.one(visitor.holder))
        if routes[-1] == _UPLOAD:
            session = scope["path"].rsplit("/", 2)[-2]
            _check_owner(visitor, session)
            if scope["method"] == "PUT":
                return self._upload(connection, visitor, session, receive, held)
        if routes[-1] in _LOGINS:
            self._paces[routes[-1]].one(visitor.holder)
        return bounded(receive, BodyLimits(_BODY_BYTES), lambda _: None)

    def _upload(
        self, connection: HTTPConnection, visitor: _Visitor, session: str, receive: Receive, held: ExitStack
    ) -> Receive:
        limits = BodyLimits(MAX_BYTES + _FRAMING_BYTES)
        length = limits.check_length(connection.headers.get("content-length", "0"))
        self._uploads.check(visitor.holder, length)
        self._paces[_UPLOAD].one(visitor.holder)
        note = held.enter_context(self._uploads.arriving(visitor.holder, session))
        return bounded(receive, limits, note)

    async def _sweep(self) -> None:
        grace_s = (
            config.get_option("server.disconnectedSessionTTL") / 2
        )  # after which Streamlit would forget the session
        while True:
            await asyncio.sleep(min(_SWEEP_S, grace_s))
            self._uploads.sweep(grace_s)
            for pace in self._paces.values():
                pace.forget()
            self._messages.forget()


def _check_sender(connection: HTTPConnection) -> None:
    """Against DNS rebinding, and against pages of other origins, those of other ports of this machine included."""
    host, origin = connection.headers.get("host"), connection.headers.get("origin")
    if not is_host_allowed(host):
        raise HTTPException(400, "This app is not served under that name.")
    if origin is not None and _place(origin) != host:
        raise HTTPException(403, "Pages of another origin may not ask this app.")


def _place(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def _check_owner(visitor: _Visitor, session: str) -> None:
    """Files belong to whoever has the page open. Raises HTTPException for anybody else."""
    client = runtime.get_instance().get_client(session) if runtime.exists() else None
    if client is not None and client.client_context is not None:
        context = client.client_context
        owner = _who(dict(context.headers), context.cookies)
        if owner is None or owner.holder != visitor.holder:
            raise HTTPException(403, "This page is somebody else's.")


def _routes(scope: Scope) -> list[str]:
    """The paths, as the router has them, of the route that it will take and of those with the same address before it,
    which take other methods only; the last is the one taken."""
    paths, base = [], config.get_option("server.baseUrlPath").strip("/")
    for route in scope["app"].routes:
        match, _ = route.matches(scope)
        if match is not Match.NONE:
            path = str(getattr(route, "path", route))
            paths.append(path.removeprefix(f"/{base}") if base else path)
        if match is Match.FULL:
            break
    return paths


def _visitor(connection: HTTPConnection, needed: Role, route: str) -> _Visitor:
    """Raises HTTPException for whoever may not do what ``needed`` may."""
    machine = connection.client.host if connection.client else ""
    stranger = _Visitor(f"machine {_counted_as(machine)}", Role.NOBODY, known=False)
    if needed is Role.NOBODY and route != _SOCKET:
        return stranger
    try:
        visitor = _who(connection.headers, connection.cookies) or stranger
    except InputError as error:
        if needed is Role.NOBODY:
            return stranger  # the page says what is wrong
        raise HTTPException(503, "The app is not set up right.") from error
    if visitor.role >= needed:
        return visitor
    if not visitor.known:
        raise HTTPException(401, "Log in first.")
    raise HTTPException(403, f"This needs the role {needed.name.lower()}; you have {visitor.role.name.lower()}.")


def _counted_as(machine: str) -> str:
    """Whoever has an IPv6 address has all those beside it."""
    try:
        address = ipaddress.ip_address(machine.partition("%")[0])
    except ValueError:
        return machine
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, _NEIGHBOURS), strict=False))


def _who(headers: Mapping[str, str], cookies: Mapping[str, str]) -> _Visitor | None:
    """None where nobody has logged in. Raises InputError as ``auth.policy`` does."""
    policy = auth.policy()
    if policy.local:
        return _Visitor("this machine", Role.ADMIN, known=True)
    claims = auth.claims_of(headers, cookies)
    if not claims:
        return None
    name = folded(str(claims.get("email") or claims.get("sub") or "nameless"))
    return _Visitor(f"person {name}", policy.role_of(claims), known=True)


def _still_known(connection: HTTPConnection, since: float) -> bool:
    """``since``: when the connection was opened. A proxy that has let somebody log out does not say so on connections
    that are open: these end after a while, and the browser comes back through the proxy."""
    try:
        if auth.named_by_proxy(connection.headers) and time.monotonic() > since + _PROXY_LOGIN_S:
            return False
        return _who(connection.headers, connection.cookies) is not None
    except InputError:
        return True  # the page says what is wrong


def _messages(connection: HTTPConnection, visitor: _Visitor, turns: Turns, receive: Receive, send: Send) -> Receive:
    """Reads what a page says, each at its turn, as long as who had logged in still is."""

    since = time.monotonic()

    async def next_one() -> Message:
        while True:
            message = await receive()
            if message["type"] != "websocket.receive":
                return message
            # Where it is no wait at all, others get their turn: many that have come already would else stop all pages.
            await asyncio.sleep(turns.wait_s(visitor.holder))
            known = not visitor.known or _still_known(connection, since)
            code = _fault(message.get("bytes"), visitor) if known else _POLICY_VIOLATION
            if code is not None:
                await send({"type": "websocket.close", "code": code})
                return {"type": "websocket.disconnect", "code": code}
            if BackMsg.FromString(message["bytes"]).WhichOneof("type") in _HEARD:
                return message

    return next_one


def _fault(data: bytes | None, visitor: _Visitor) -> int | None:
    """Why the connection is to be closed, if it is."""
    if data is None:
        return _NO_BYTES
    if not visitor.known and len(data) > _MESSAGE_BYTES:
        return _TOO_BIG
    try:
        names = BackMsg.FromString(data).file_urls_request.file_names
    except DecodeError:
        return _MALFORMED
    return _POLICY_VIOLATION if len(names) > _FILES_AT_ONCE else None


async def _refuse(refusal: HTTPException, scope: Scope, receive: Receive, send: Send) -> None:
    """What is still to come of the request is not read."""
    headers = {**(refusal.headers or {}), **LAST, "Cache-Control": "no-store"}
    await PlainTextResponse(refusal.detail, refusal.status_code, headers)(scope, receive, send)
