"""Who asks, as a proxy in front says that has logged them in: by a header, and a secret that shows that it is one.

Whoever reaches the server past the proxy could write the header too, so that it goes no further than here unless the
secret beside it is right. The secret goes no further in any case.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

SECRET_HEADER = "x-proxy-secret"  # noqa: S105  # its name


@dataclass(frozen=True, slots=True)
class ProxyIdentity:
    """The header that names who has logged in, and the secret."""

    user_header: str  # in small letters
    secret: str

    def user(self, headers: Mapping[str, str]) -> str:
        """The address that the proxy names, of headers that came through ``Proxied``; empty without one."""
        return headers.get(self.user_header, "").strip()


class Proxied:
    """ASGI middleware around everything, connections of pages included. Without an identity the header is nobody's."""

    def __init__(self, app: ASGIApp, identity: ProxyIdentity | None) -> None:
        self._app, self._identity = app, identity

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._identity is not None and scope["type"] in ("http", "websocket"):
            scope = {**scope, "headers": self._trusted(scope["headers"], self._identity)}
        await self._app(scope, receive, send)

    def _trusted(self, headers: list[tuple[bytes, bytes]], identity: ProxyIdentity) -> list[tuple[bytes, bytes]]:
        """Without the secret, and without the name unless the secret is right and there is one of each: of two, nobody
        knows which one the proxy wrote."""
        secrets = [value for name, value in headers if _plain(name) == SECRET_HEADER]
        users = [value for name, value in headers if _plain(name) == identity.user_header]
        is_proxy = len(secrets) == 1 and hmac.compare_digest(secrets[0], identity.secret.encode())
        dropped = {SECRET_HEADER} if is_proxy and len(users) == 1 else {SECRET_HEADER, identity.user_header}
        return [(name, value) for name, value in headers if _plain(name) not in dropped]


def _plain(name: bytes) -> str:
    """As other programs may take the name: in small letters, with _ as -."""
    return name.decode("latin-1").lower().replace("_", "-")
