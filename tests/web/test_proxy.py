"""The header that names people goes no further than here, unless the one secret beside it is right."""

import asyncio
from typing import Any

import pytest

from judgebench.web.proxy import Proxied, ProxyIdentity

IDENTITY = ProxyIdentity("x-forwarded-email", "a secret of tests")
SECRET, MAIL = (b"x-proxy-secret", b"a secret of tests"), (b"x-forwarded-email", b"ann@example.org")


def reaching(headers: list[tuple[bytes, bytes]], kind: str = "http", identity: Any = IDENTITY) -> dict[bytes, bytes]:
    """The headers that the application gets."""
    seen: dict[str, Any] = {}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.update(scope)

    asyncio.run(Proxied(app, identity)({"type": kind, "headers": headers}, None, None))  # type: ignore[arg-type]  # unused
    return dict(seen["headers"])


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_the_proxy_s_word_is_taken(kind: str) -> None:
    assert reaching([SECRET, MAIL, (b"host", b"h")], kind) == {b"x-forwarded-email": b"ann@example.org", b"host": b"h"}
    assert IDENTITY.user({"x-forwarded-email": " ann@example.org "}) == "ann@example.org"


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    "headers",
    [
        [MAIL],
        [MAIL, (b"x-proxy-secret", b"")],
        [MAIL, (b"x-proxy-secret", b"another secret")],
        [MAIL, (b"x-proxy-secret", b"a secret of test")],
        [MAIL, (b"X_Proxy_Secret", b"another"), SECRET],
        [MAIL, SECRET, SECRET],
        [MAIL, MAIL, SECRET],
        [MAIL, (b"X_Forwarded_Email", b"mallory@example.org"), SECRET],
        [SECRET],
    ],
)
def test_nobody_else_s_is(headers: list[tuple[bytes, bytes]], kind: str) -> None:
    assert reaching([*headers, (b"host", b"h")], kind) == {b"host": b"h"}


def test_without_a_proxy_nothing_is_changed() -> None:
    assert reaching([MAIL], identity=None) == dict([MAIL])
