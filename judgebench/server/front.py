"""Stands in front of the routes: under which names the server is asked, and how long bodies are.

A request that was refused is not read to its end: its connection closes. One that the server's end cuts off is
answered so that it is sent again.
"""

import asyncio
from contextlib import nullcontext

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from judgebench.remote import API_HEADER
from judgebench.server.refusals import refused
from judgebench.server.state import ServerState
from judgebench.web.bodies import bounded

PREFIX = "/api/v1"
_OUTPUTS = f"{PREFIX}/outputs"
_CLOSING = (b"connection", b"close")
_OURS = (API_HEADER.lower().encode(), b"v1")


class Front:
    """ASGI middleware around the API."""

    def __init__(self, app: ASGIApp, state: ServerState) -> None:
        self._app, self._state = app, state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._state.forget()
        connection = HTTPConnection(scope)
        try:
            self._check_host(connection)
            reading = self._reading(connection, receive)
        except HTTPException as refusal:
            answer = refused(refusal.status_code, "InputError", refusal.detail, {"Connection": "close"})
            await answer(scope, receive, send)
            return

        has_begun = False

        async def sent(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            if message["type"] == "http.response.start":
                headers = [*message["headers"], _OURS]
                if message["status"] >= 400 and scope["method"] == "POST":
                    headers = [*((name, value) for name, value in headers if name != b"connection"), _CLOSING]
                message = {**message, "headers": headers}
            who, size = getattr(connection.state, "bearer", None), len(message.get("body", b""))
            async with self._state.answering(who, size) if who else nullcontext():
                await send(message)

        try:
            await self._app(scope, reading, sent)
        except asyncio.CancelledError:
            if has_begun:
                raise
            headers = {"Retry-After": "1", "Connection": "close"}
            answer = refused(503, "JudgeBenchError", "the server is ending: ask again once it is back", headers)
            await answer(scope, receive, send)

    def _check_host(self, connection: HTTPConnection) -> None:
        """Against DNS rebinding."""
        host = connection.headers.get("host", "")
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        if self._state.hosts and name.strip("[]").lower() not in self._state.hosts:
            raise HTTPException(400, "this server is not asked under that name: judgebench serve --public-host adds it")

    def _reading(self, connection: HTTPConnection, receive: Receive) -> Receive:
        limits = self._state.limits
        most = limits.upload if connection.scope["path"] == _OUTPUTS else limits.body
        if (length := connection.headers.get("content-length")) is not None:
            most.check_length(length)
        return bounded(receive, most, lambda _: None)


def beside(api: ASGIApp, pages: ASGIApp) -> ASGIApp:
    """The API below its prefix, and the pages everywhere else."""

    async def choose(scope: Scope, receive: Receive, send: Send) -> None:
        is_api = scope["type"] == "http" and f"{scope['path']}/".startswith(f"{PREFIX}/")
        await (api if is_api else pages)(scope, receive, send)

    return choose
