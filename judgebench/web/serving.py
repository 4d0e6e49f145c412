"""A server of an ASGI application, on a socket of this process."""

import errno
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from judgebench.errors import InputError
from judgebench.web.connections import IDLE_S, Requests

_FIRST_PORT, _PORTS = 8501, 100  # tried one after another where none is named
_SHUTDOWN_S = 5  # in which answers are finished
_LEFT_S = 2  # after it, in which those that are cut off are told so
_TAKEN = (errno.EADDRINUSE, errno.EACCES)


class _SignalledServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.last_resort = threading.Timer(_SHUTDOWN_S + _LEFT_S, os._exit, [0])
        self.last_resort.daemon = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """What threads still compute then is not waited for: what they have not stored, the database takes back."""
        self.last_resort.start()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """An end that was asked for is a good one."""
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, self.handle_exit)
        yield


def serve(app: ASGIApp, listening: socket.socket, proxies: Sequence[str], settings: Mapping[str, Any]) -> None:
    """Serve until a signal comes. ``proxies``: addresses of those in front, who alone are believed in where a request
    comes from. ``settings``: of uvicorn, beyond those that hold for every server of ours."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        use_colors=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        http=Requests,
        timeout_keep_alive=IDLE_S,
        timeout_graceful_shutdown=_SHUTDOWN_S,
        **settings,
    )
    server = _SignalledServer(config)
    server.run(sockets=[listening])
    server.last_resort.cancel()


def end_with_parent() -> None:
    """Have this process be terminated once whoever started it has ended, and holds the pipe at stdin no more: who is
    killed cannot say so, and a server that outlived it would keep its port from the next."""

    def follow() -> None:
        while os.read(sys.stdin.fileno(), 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=follow, name="following", daemon=True).start()


def listen(host: str, port: int | None) -> socket.socket:
    """Raises InputError where the port is taken, or all that are tried are, and for an address that is not this
    machine's."""
    for number in [port] if port is not None else range(_FIRST_PORT, _FIRST_PORT + _PORTS):
        try:
            if ":" in host:
                dual = host == "::" and socket.has_dualstack_ipv6()
                return socket.create_server((host, number), family=socket.AF_INET6, dualstack_ipv6=dual, backlog=2048)
            return socket.create_server((host, number), backlog=2048)
        except OSError as error:
            if error.errno not in _TAKEN:
                raise InputError(f"nothing can be served at {host}: {error}") from error
    taken = f"port {port} is taken" if port is not None else f"ports {_FIRST_PORT} to {_FIRST_PORT + _PORTS - 1} are"
    raise InputError(f"{taken}: name another by --port")


def shown(host: str, port: int, *, secure: bool = False) -> str:
    """The address as somebody on this machine would ask for it."""
    name = {"0.0.0.0": "localhost", "::": "localhost"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104  # shown, not bound
    return f"{'https' if secure else 'http'}://{name}:{port}"
