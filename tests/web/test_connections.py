"""Answers that are not read, over raw connections: in plain and by TLS, on the loop of Python and on uvloop."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="the server needs the extra server")

import uvicorn

from judgebench.web import connections
from judgebench.web.connections import Requests
from tests.server.started import OPENSSL

_PATIENCE_S = 60
_BODY = b"x" * (40 << 20)  # more than the system keeps of a connection
_ASK = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


class Answering:
    """Answers all with one body, and notes who has it."""

    def __init__(self) -> None:
        self.begun, self.over = threading.Semaphore(0), threading.Semaphore(0)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-length", str(len(_BODY)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        self.begun.release()
        await send({"type": "http.response.body", "body": _BODY})
        self.over.release()


@contextmanager
def _serving(app: Answering, **options: Any) -> Iterator[tuple[uvicorn.Server, tuple[str, int]]]:
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, http=Requests, lifespan="off", log_level="critical", **options))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield server, listening.getsockname()
    finally:
        server.should_exit = server.force_exit = True
        thread.join(_PATIENCE_S)


@pytest.fixture(params=["plain", "uvloop", "tls"])
def options(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
        return {"loop": "uvloop"}
    if request.param == "plain":
        return {"loop": "asyncio"}
    if OPENSSL is None:
        pytest.skip("no openssl")
    key, certificate = tmp_path / "key", tmp_path / "certificate"
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=x"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([OPENSSL, "req", *kind, *files], check=True, capture_output=True)
    return {"loop": "asyncio", "ssl_keyfile": key, "ssl_certfile": certificate}


def _asked(place: tuple[str, int], options: dict[str, Any]) -> socket.socket:
    connection = socket.create_connection(place, timeout=_PATIENCE_S)
    if "ssl_keyfile" in options:
        connection = ssl._create_unverified_context().wrap_socket(connection)
    connection.sendall(_ASK)
    return connection


def _buffered(server: uvicorn.Server) -> int:
    """Bytes that wait in this process, in all connections."""
    return sum(one.transport.get_write_buffer_size() for one in server.server_state.connections)


@pytest.mark.slow
def test_an_answer_that_nobody_reads_is_not_kept(monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]) -> None:
    monkeypatch.setattr(connections, "TAKE_S", 0.5)
    app = Answering()
    with _serving(app, **options) as (server, place):
        unread = [_asked(place, options) for _ in range(3)]
        for _ in unread:
            assert app.begun.acquire(timeout=_PATIENCE_S)
        assert _buffered(server) <= len(unread) * (1 << 19)
        for _ in unread:
            assert app.over.acquire(timeout=_PATIENCE_S)
        for connection in unread:
            with connection:
                assert len(_all(connection)) < len(_BODY)


@pytest.mark.slow
def test_an_answer_that_is_read_slowly_is_read_to_its_end(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    """It lasts until all of it has gone out, and longer than nobody may read."""
    monkeypatch.setattr(connections, "TAKE_S", 2.0)
    app = Answering()
    with _serving(app, **options) as (_, place), _asked(place, options) as connection:
        assert app.begun.acquire(timeout=_PATIENCE_S)
        length = 0
        for step in range(12):
            while length < (step + 1) * (2 << 20) and (part := connection.recv(1 << 18)):
                length += len(part)
            assert not app.over.acquire(blocking=False)
            threading.Event().wait(0.25)
        assert length + len(_all(connection)) > len(_BODY)
        assert app.over.acquire(timeout=_PATIENCE_S)


def _all(connection: socket.socket) -> bytes:
    """Until the server ends the connection. Raises TimeoutError where it does not."""
    parts = []
    try:
        while part := connection.recv(1 << 20):
            parts.append(part)
    except (ConnectionResetError, BrokenPipeError, ssl.SSLError):
        pass
    return b"".join(parts)
