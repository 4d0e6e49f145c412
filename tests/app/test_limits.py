"""What one person may ask at once, with the gate in front of small applications of ours: no server, no waiting."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

pytest.importorskip("streamlit", reason="the app needs the extra app")

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from streamlit import config
from streamlit.proto.BackMsg_pb2 import BackMsg

from app import auth, gate
from app.limits import LOGINS_A_MINUTE, REQUESTS, Turns, Uploads
from app.uploads import MAX_BYTES
from judgebench.services.access import Policy, Role
from judgebench.web import bodies
from judgebench.web.limits import PerMinute, Running

UPLOAD = "/_stcore/upload_file/{session_id}/{file_id}"
Receive = Callable[[], Awaitable[dict[str, Any]]]


@pytest.fixture(autouse=True)
def local(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JUDGEBENCH_ACCESS", raising=False)


async def _read(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


def _app(*routes: Any) -> Starlette:
    return Starlette(routes=list(routes), middleware=[Middleware(gate.Gate)])


async def _ask(app: Starlette, method: str, path: str, receive: Receive, kind: str = "http") -> tuple[int, bytes]:
    """The status and the body of the answer."""
    said: list[Any] = []

    async def send(message: Any) -> None:
        said.append(message)

    extensions = {"websocket.http.response": {}}
    headers = [(b"host", b"127.0.0.1")]
    scope = {"type": kind, "method": method, "path": path, "headers": headers, "client": ("192.0.2.1", 1)}
    await app({**scope, "query_string": b"", "extensions": extensions}, receive, send)
    return said[0].get("status", 0), b"".join(message.get("body", b"") for message in said)


def _parts(*bodies: bytes, then: Callable[[], Awaitable[Any]] | None = None) -> Receive:
    """A body in parts; ``then`` is awaited before its end."""
    left = list(bodies)

    async def receive() -> dict[str, Any]:
        if left:
            return {"type": "http.request", "body": left.pop(0), "more_body": True}
        if then is not None:
            await then()
        return {"type": "http.request", "body": b"", "more_body": False}

    return receive


def test_a_route_that_is_not_named_is_closed_to_the_user_of_the_machine_too() -> None:
    async def socket(_: Any) -> None:
        raise AssertionError("reached")

    app = _app(
        Route("/_stcore/new", _read, methods=["GET", "PUT"]),
        WebSocketRoute("/_stcore/other", socket),
        Mount("/new", routes=[Route("/x", _read)]),
        Mount("", routes=[]),
    )
    for path, kind in (("/_stcore/new", "http"), ("/new/x", "http"), ("/_stcore/other", "websocket")):
        for method in ("GET", "PUT", "POST"):
            assert asyncio.run(_ask(app, method, path, _parts(), kind))[0] == 403
    assert asyncio.run(_ask(app, "GET", "/nowhere", _parts(), "websocket"))[0] == 405


def test_below_a_base_path_the_same_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    option = config.get_option
    monkeypatch.setattr(config, "get_option", lambda key: "/a/b/" if key == "server.baseUrlPath" else option(key))
    app = _app(
        Route("/a/b/_stcore/metrics", _read),
        Route("/a/b/_stcore/new", _read),
        Route("/_stcore/metrics", _read),
        Mount("/a/b", routes=[Route("/page", _read)]),
    )
    answers = [
        asyncio.run(_ask(app, "GET", path, _parts()))[0]
        for path in ("/a/b/_stcore/metrics", "/a/b/page", "/a/b/_stcore/new")
    ]
    assert answers == [200, 200, 403]


def test_an_upload_that_falls_silent_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SILENCE_S", 0.01)
    app = _app(Route(UPLOAD, _read, methods=["PUT"]))
    silent = _parts(b"x", then=lambda: asyncio.sleep(60))
    assert asyncio.run(_ask(app, "PUT", "/_stcore/upload_file/s/f", silent))[0] == 408


def test_an_upload_that_drips_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "TOTAL_S", 0.01)
    app = _app(Route(UPLOAD, _read, methods=["PUT"]))

    async def dripping() -> dict[str, Any]:
        await asyncio.sleep(0.001)
        return {"type": "http.request", "body": b"x", "more_body": True}

    assert asyncio.run(_ask(app, "PUT", "/_stcore/upload_file/s/f", dripping))[0] == 408


def test_an_answer_may_take_as_long_as_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once all is read, waiting for the end of the connection is no silence."""
    monkeypatch.setattr(bodies, "SILENCE_S", 0.0)

    async def slow(request: Request) -> Response:
        await request.body()
        asking = asyncio.create_task(request.receive())
        await asyncio.sleep(0.01)
        assert not asking.done()
        asking.cancel()
        return PlainTextResponse("x")

    ends = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict[str, Any]:
        for message in ends:
            return message
        await asyncio.sleep(60)
        raise AssertionError("waited for")

    assert asyncio.run(_ask(_app(Route("/_stcore/metrics", slow)), "GET", "/_stcore/metrics", receive)) == (200, b"x")


def test_bodies_are_cut_where_they_grow_too_long() -> None:
    """Not one part more is read than it takes to see it."""
    app = _app(Route(UPLOAD, _read, methods=["PUT"]), Route("/_stcore/metrics", _read))
    part = b"x" * (1 << 20)
    for method, path, most in (
        ("PUT", "/_stcore/upload_file/s/f", MAX_BYTES + (1 << 20)),
        ("GET", "/_stcore/metrics", 1 << 16),
    ):
        read = 0

        async def endless() -> dict[str, Any]:
            nonlocal read
            read += len(part)
            return {"type": "http.request", "body": part, "more_body": True}

        assert asyncio.run(_ask(app, method, path, endless))[0] == 413
        assert read - len(part) <= most < read


def test_requests_in_flight_are_limited() -> None:
    async def all_at_once() -> tuple[list[int], int]:
        going, enough = asyncio.Event(), asyncio.Event()
        count = 0

        async def slow(_: Request) -> Response:
            nonlocal count
            count += 1
            if count == REQUESTS:
                enough.set()
            await going.wait()
            return PlainTextResponse("x")

        app = _app(Route("/_stcore/metrics", slow))

        async def one() -> int:
            return (await _ask(app, "GET", "/_stcore/metrics", _parts()))[0]

        asked = [asyncio.create_task(one()) for _ in range(REQUESTS)]
        await enough.wait()
        over = await one()
        going.set()
        return [await each for each in asked], over

    assert asyncio.run(all_at_once()) == ([200] * REQUESTS, 429)


def test_a_page_ends_with_the_login_that_it_was_opened_by(monkeypatch: pytest.MonkeyPatch) -> None:
    """A login that has become too old is none, for a page that is open too."""
    monkeypatch.setattr(auth, "policy", lambda: Policy(local=False))
    logins = iter([{"email": "a@example.org"}, {}])
    monkeypatch.setattr(auth, "claims", lambda _: next(logins))
    visitor = gate._Visitor("person a@example.org", Role.VIEWER, known=True)
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.receive", "bytes": BackMsg(stop_script=True).SerializeToString()}

    async def send(message: Any) -> None:
        sent.append(message)

    async def read() -> list[Any]:
        connection = HTTPConnection({"type": "websocket", "headers": []})
        messages = gate._messages(connection, visitor, Turns(9, 9.0), receive, send)
        return [(await messages())["type"] for _ in range(2)]

    assert asyncio.run(read()) == ["websocket.receive", "websocket.disconnect"]
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_attempts_to_log_in_are_limited() -> None:
    app = _app(Route("/auth/login", _read))

    async def statuses() -> list[int]:
        return [(await _ask(app, "GET", "/auth/login", _parts()))[0] for _ in range(LOGINS_A_MINUTE + 1)]

    assert asyncio.run(statuses()) == [200] * LOGINS_A_MINUTE + [429]


def test_a_pace_is_of_the_last_minute_and_of_one_holder() -> None:
    now = 0.0
    pace = PerMinute("uploads", 2, clock=lambda: now)
    pace.one("a")
    now = 30.0
    pace.one("a")
    pace.one("b")
    with pytest.raises(HTTPException, match="429") as refusal:
        pace.one("a")
    assert refusal.value.headers == {"Retry-After": "31"}
    now = 60.0
    pace.one("a")
    now = 120.0
    pace.forget()
    assert not pace._times


def test_what_ends_makes_room() -> None:
    running = Running("pages open", 1)
    with running.one("a"), running.one("b"), pytest.raises(HTTPException, match="pages open"), running.one("a"):
        pass
    with running.one("a"):
        pass
    assert not running._count


@pytest.mark.parametrize(
    ("machine", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::9", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("a proxy's word", "a proxy's word"),
    ],
)
def test_neighbours_in_a_network_of_ipv6_are_one_machine(machine: str, counted: str) -> None:
    assert gate._counted_as(machine) == counted


def test_after_many_at_once_each_waits_for_its_turn() -> None:
    now = 0.0
    turns = Turns(3, 2.0, clock=lambda: now)
    assert [turns.wait_s("a") for _ in range(5)] == [0.0, 0.0, 0.0, 0.5, 1.0]
    assert turns.wait_s("b") == 0.0
    now = 2.0
    assert turns.wait_s("a") == 0.0
    now = 60.0
    turns.forget()
    assert not turns._settled


async def _say_nothing(_: Any) -> None:
    """Nobody listens."""


@pytest.mark.parametrize("count", [1, 300])
def test_messages_that_have_come_already_do_not_keep_others_from_theirs(count: int) -> None:
    """Nothing in a message that lies ready waits, so that without turns nobody else would be served in between."""
    message = {"type": "websocket.receive", "bytes": BackMsg(stop_script=True).SerializeToString()}
    visitor = gate._Visitor("machine x", Role.NOBODY, known=False)

    async def receive() -> dict[str, Any]:
        return message

    async def served_between() -> int:
        served, ended = 0, False

        async def other() -> None:
            nonlocal served
            while not ended:
                served += 1
                await asyncio.sleep(0)

        connection = HTTPConnection({"type": "websocket", "headers": []})
        messages = gate._messages(connection, visitor, Turns(10**6, 1.0), receive, _say_nothing)
        asking = asyncio.create_task(other())
        for _ in range(count):
            await messages()
        ended = True
        await asking
        return served

    assert asyncio.run(served_between()) >= count


def test_only_what_pages_need_is_heard() -> None:
    """Not what would clear the caches of all pages, or says what lies in the app's folder."""
    kinds = [field.name for field in BackMsg.DESCRIPTOR.oneofs_by_name["type"].fields]
    flags = [kind for kind in kinds if BackMsg.DESCRIPTOR.fields_by_name[kind].message_type is None]
    assert {"clear_cache", "load_git_info", "set_run_on_save", "debug_shutdown_runtime"} <= set(flags)
    said = [BackMsg(**{kind: True}) for kind in flags] + [BackMsg(), BackMsg(rerun_script={})]
    waiting = iter(
        [*({"type": "websocket.receive", "bytes": each.SerializeToString()} for each in said), {"type": "x"}]
    )
    visitor = gate._Visitor("this machine", Role.ADMIN, known=True)

    async def receive() -> dict[str, Any]:
        return next(waiting)

    async def heard() -> list[str]:
        connection = HTTPConnection({"type": "websocket", "headers": []})
        messages = gate._messages(connection, visitor, Turns(99, 9.0), receive, _say_nothing)
        found = []
        while (message := await messages())["type"] == "websocket.receive":
            found.append(str(BackMsg.FromString(message["bytes"]).WhichOneof("type")))
        return found

    assert sorted(asyncio.run(heard())) == ["app_heartbeat", "rerun_script", "stop_script"]


def test_uploads_of_all_together_are_limited() -> None:
    uploads = Uploads(most=10, most_of_all=25)
    with uploads.arriving("a", "1") as first, uploads.arriving("b", "2") as second, uploads.arriving("c", "3") as third:
        first(10)
        second(10)
        third(5)
        with pytest.raises(HTTPException, match="everybody") as refusal:
            third(1)
        assert refusal.value.status_code == 503
        with pytest.raises(HTTPException, match="Your uploads"):
            first(1)
