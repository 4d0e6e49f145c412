"""The API answers below its prefix, and the pages everywhere else."""

import asyncio
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from judgebench.server.front import Front, beside
from judgebench.server.state import ServerState
from judgebench.services.access import Policy
from judgebench.store.database import Database


def answering(path: str, kind: str = "http") -> str:
    by: list[str] = []

    def app(name: str) -> Any:
        async def answer(scope: Any, receive: Any, send: Any) -> None:
            by.append(name)

        return answer

    async def asked() -> None:
        await beside(app("api"), app("pages"))({"type": kind, "path": path}, None, None)  # type: ignore[arg-type]  # unused

    asyncio.run(asked())
    return by[0]


@pytest.mark.parametrize("path", ["/api/v1", "/api/v1/", "/api/v1/health", "/api/v1/../x"])
def test_what_is_below_the_prefix_is_the_api_s(path: str) -> None:
    assert answering(path) == "api"
    assert answering(path, "websocket") == "pages"


@pytest.mark.parametrize("path", ["/", "/api", "/api/v1x", "/api/v11/health", "//api/v1/health", "/API/v1/health"])
def test_all_else_is_the_pages(path: str) -> None:
    assert answering(path) == "pages"


def test_who_is_cut_off_by_the_server_s_end_is_told_to_come_again(database: Database) -> None:
    told: list[Message] = []

    async def endless(_: Scope, __: Receive, ___: Send) -> None:
        await asyncio.sleep(60)

    async def nothing() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def hear(message: Message) -> None:
        told.append(message)

    async def ended() -> None:
        front = Front(endless, ServerState(database, lambda: Policy(False)))
        scope = {"type": "http", "method": "GET", "path": "/api/v1/me", "headers": []}
        asking = asyncio.create_task(front(scope, nothing, hear))
        await asyncio.sleep(0)
        asking.cancel()
        await asking

    asyncio.run(ended())
    assert told[0]["status"] == 503
    assert (b"retry-after", b"1") in told[0]["headers"]
