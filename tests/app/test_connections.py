"""What is no request yet, or no message: over raw connections, to a server whose only page is a socket that echoes."""

import asyncio
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("streamlit", reason="the app needs the extra app")

import uvicorn

from app.connections import FRAMES_A_MINUTE, WAITING, Sockets
from judgebench.web import connections as heads
from judgebench.web.connections import Requests

_PATIENCE_S = 30
_OPEN = (
    "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)
_CONTINUED, _BYTES, _PING, _PONG = 0, 2, 9, 10


async def _echo(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        if message["bytes"] == b"wait":
            await asyncio.sleep(_PATIENCE_S)
        await send(
            {"type": "websocket.send", "bytes": message["bytes"] * (1 << 20 if message["bytes"] == b"much" else 1)}
        )


@pytest.fixture(scope="module")
def place() -> Iterator[tuple[str, int]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(heads, "HEAD_S", 0.3)
        patch.setattr(heads, "TAKE_S", 0.5)
        listening = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(
            _echo, http=Requests, ws=Sockets, lifespan="off", log_level="critical", timeout_keep_alive=1
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        yield listening.getsockname()
        server.should_exit = server.force_exit = True
        thread.join(_PATIENCE_S)


def _frame(kind: int, data: bytes = b"", *, last: bool = True) -> bytes:
    return struct.pack("!BB4x", kind | (last << 7), 0x80 | len(data)) + data


def _ended(connection: socket.socket) -> bytes:
    """All that is said until the server ends the connection. Raises TimeoutError where it does not."""
    said = b""
    try:
        while part := connection.recv(1 << 16):
            said += part
    except (ConnectionResetError, BrokenPipeError):
        pass
    return said


def _opened(place: tuple[str, int], head: str = "") -> socket.socket:
    connection = socket.create_connection(place, timeout=_PATIENCE_S)
    connection.sendall(f"{_OPEN}{head}\r\n".encode())
    return connection


@pytest.mark.slow
@pytest.mark.parametrize("head", ["", "G", "GET / HTTP/1.1\r\nHost: x\r\n"])
@pytest.mark.parametrize("before", ["", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"])
def test_a_head_that_does_not_come_to_its_end_is_not_waited_for(place: tuple[str, int], before: str, head: str) -> None:
    with socket.create_connection(place, timeout=_PATIENCE_S) as connection:
        connection.sendall((before + head).encode())
        assert _ended(connection).count(b"200 OK") == bool(before)


def test_a_head_that_drips_is_not_waited_for(place: tuple[str, int]) -> None:
    with socket.create_connection(place, timeout=_PATIENCE_S) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX: ")
        dripping = threading.Event()

        def drip() -> None:
            while not dripping.wait(0.05):
                try:
                    connection.sendall(b"x")
                except OSError:
                    return

        thread = threading.Thread(target=drip)
        thread.start()
        assert _ended(connection) == b""
        dripping.set()
        thread.join()


def test_a_body_is_waited_for_longer_than_a_head(place: tuple[str, int]) -> None:
    """Whoever reads it has a limit of their own."""
    with socket.create_connection(place, timeout=_PATIENCE_S) as connection:
        connection.sendall(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\nx")
        threading.Event().wait(0.6)
        connection.sendall(b"x")
        assert b"200 OK" in _ended(connection)


def test_an_open_page_outlasts_the_time_for_its_head(place: tuple[str, int]) -> None:
    with _opened(place) as connection:
        assert b"101" in connection.recv(1 << 16)
        threading.Event().wait(0.6)
        connection.sendall(_frame(_BYTES, b"x"))
        assert connection.recv(1 << 16).endswith(b"x")


def test_many_cookies_do_not_keep_a_page_from_opening(place: tuple[str, int]) -> None:
    with _opened(place, f"Cookie: a={'x' * 30_000}\r\n") as connection:
        assert b"101" in connection.recv(1 << 16)


@pytest.mark.parametrize("head", ["X: y\r\n" * 300, f"Cookie: a={'x' * 66_000}\r\n", "Sec-WebSocket-Key: x\r\n"])
def test_a_page_that_cannot_be_opened_is_told_so(place: tuple[str, int], head: str) -> None:
    with _opened(place, head) as connection:
        assert b" 400 " in _ended(connection)


@pytest.mark.parametrize(
    ("first", "each"),
    [
        (b"", _frame(_PING)),
        (b"", _frame(_PING, b"x" * 125)),
        (b"", _frame(_PONG)),
        (_frame(_BYTES, last=False), _frame(_CONTINUED, last=False)),
    ],
)
def test_frames_without_end_end_the_connection(place: tuple[str, int], first: bytes, each: bytes) -> None:
    with _opened(place) as connection:
        connection.recv(1 << 16)
        connection.sendall(first + each * (FRAMES_A_MINUTE + 1))
        _ended(connection)


def test_as_many_frames_as_browsers_send_are_read(place: tuple[str, int]) -> None:
    parts = [_frame(_BYTES, b"x", last=False), *[_frame(_CONTINUED, b"x", last=False)] * 20, _frame(_CONTINUED, b"x")]
    with _opened(place) as connection:
        connection.recv(1 << 16)
        connection.sendall(b"".join(parts) + _frame(_PING))
        assert connection.recv(2) == bytes([0x8A, 0])
        assert connection.recv(2) == bytes([0x82, 22])


def test_more_messages_than_are_read_end_the_connection(place: tuple[str, int]) -> None:
    with _opened(place) as connection:
        connection.recv(1 << 16)
        connection.sendall(_frame(_BYTES, b"wait") + _frame(_BYTES) * (WAITING + 2))
        _ended(connection)


@pytest.mark.slow
def test_messages_that_nobody_reads_end_the_connection(place: tuple[str, int]) -> None:
    with _opened(place) as connection:
        assert b"101" in connection.recv(1 << 16)
        connection.sendall(_frame(_BYTES, b"much") * 20)
        threading.Event().wait(3)
        assert len(_ended(connection)) < 20 * (4 << 20)
