"""Serves the app: Streamlit's application behind the gate, on a socket of this process."""

import errno
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import streamlit as st
import uvicorn
from starlette.middleware import Middleware
from streamlit import cli_util, config
from streamlit.web import bootstrap

from app import auth
from app.connections import Requests, Sockets
from app.gate import Gate
from app.headers import Headers
from app.returns import Returns
from judgebench.services.pages import InputError

_FIRST_PORT, _PORTS = 8501, 100  # tried one after another where none is named
_MESSAGE_BYTES = 2 << 20  # from a page, of what was entered there; files come another way
_SHUTDOWN_S = 5
_TAKEN = (errno.EADDRINUSE, errno.EACCES)


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """An end that was asked for is a good one."""
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, self.handle_exit)
        yield


def serve(options: Mapping[str, Any]) -> None:
    """Serve until a signal comes. ``options``: Streamlit's, by name. Raises InputError for a port that is taken."""
    app = st.App(
        Path(__file__).with_name("main.py"), lifespan=_opened, middleware=[Middleware(Gate), Middleware(Returns)]
    )
    bootstrap.load_config_options(dict(options))
    host = config.get_option("server.address")
    listening = _listen(host, options.get("server.port"))
    port = listening.getsockname()[1]
    config.set_option("server.port", port)
    proxies = auth.policy().proxies
    _Server(
        uvicorn.Config(
            Headers(app),
            host,
            port,
            lifespan="on",  # what cannot start does not serve
            log_level="warning",
            access_log=False,
            use_colors=False,
            server_header=False,
            proxy_headers=bool(proxies),  # of others X-Forwarded-For and -Proto are not believed
            forwarded_allow_ips=list(proxies),
            http=Requests,
            ws=Sockets,
            ws_max_size=_MESSAGE_BYTES,
            ws_ping_interval=30,
            ws_ping_timeout=30,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=_SHUTDOWN_S,
            ssl_certfile=config.get_option("server.sslCertFile"),
            ssl_keyfile=config.get_option("server.sslKeyFile"),
        )
    ).run(sockets=[listening])


@asynccontextmanager
async def _opened(_: st.App) -> AsyncIterator[None]:
    host, port = config.get_option("server.address"), config.get_option("server.port")
    shown = {"0.0.0.0": "localhost", "::": "localhost"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104  # shown, not bound
    scheme = "https" if config.get_option("server.sslCertFile") else "http"
    address = f"{scheme}://{shown}:{port}"
    print(f"\n  JudgeBench is open at {address}\n", flush=True)
    if not config.get_option("server.headless"):
        cli_util.open_browser(address)
    yield


def _listen(host: str, port: int | None) -> socket.socket:
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


def run(options: Mapping[str, Any]) -> None:
    """``serve``, with what is wrong in a line; the process ends with the code of a wrong use."""
    try:
        serve(options)
    except InputError as error:
        print(f"judgebench: {error}", file=sys.stderr)
        sys.exit(2)
