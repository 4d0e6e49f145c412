"""A server listens where it is told, or says why it cannot."""

import signal
import socket
import subprocess
import sys

import pytest

from judgebench.errors import InputError
from judgebench.web.serving import listen, shown


def test_a_port_that_is_taken_is_said() -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(InputError, match="is taken"):
        listen("127.0.0.1", taken.getsockname()[1])


def test_an_address_of_another_machine_is_said() -> None:
    with pytest.raises(InputError, match="nothing can be served"):
        listen("203.0.113.1", 8600)


def test_what_people_would_open() -> None:
    assert shown("0.0.0.0", 80) == "http://localhost:80"
    assert shown("::1", 80, secure=True) == "https://[::1]:80"


_SLEEPING = """
import asyncio, sys, threading, time
from judgebench.web import serving

serving._SHUTDOWN_S = serving._LEFT_S = 0.3

async def app(scope, receive, send):
    print("asked", flush=True)
    await asyncio.to_thread(time.sleep, 600)

listening = serving.listen("127.0.0.1", 0)
print(listening.getsockname()[1], flush=True)
serving.serve(app, listening, (), {"lifespan": "off", "ws": "none"})
"""


def test_a_server_ends_whatever_its_threads_are_at() -> None:
    words = [sys.executable, "-P", "-c", _SLEEPING]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout is not None
            with socket.create_connection(("127.0.0.1", int(server.stdout.readline()))) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                assert server.stdout.readline() == "asked\n"
                server.send_signal(signal.SIGTERM)
                assert server.wait(120) == 0
        finally:
            server.kill()
