"""Serves the app: Streamlit's application behind the gate, on a socket of this process."""

import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.types import ASGIApp
from streamlit import cli_util, config
from streamlit.web import bootstrap

from app import auth
from app.connections import Sockets
from app.gate import Gate
from app.headers import Headers
from app.returns import Returns
from judgebench.services import access
from judgebench.services.pages import InputError
from judgebench.show.warned import tell_stderr
from judgebench.web import serving
from judgebench.web.proxy import Proxied
from judgebench.web.serving import listen, shown

_MESSAGE_BYTES = 2 << 20  # from a page, of what was entered there; files come another way


def serve(options: Mapping[str, Any], wrap: Callable[[ASGIApp], ASGIApp]) -> None:
    """Serve until a signal comes. ``options``: Streamlit's, by name. ``wrap``: what else is served at the port.

    Raises InputError for a port that is taken.
    """
    app = st.App(
        Path(__file__).with_name("main.py"), lifespan=_opened, middleware=[Middleware(Gate), Middleware(Returns)]
    )
    bootstrap.load_config_options(dict(options))
    host = config.get_option("server.address")
    listening = listen(host, options.get("server.port"))
    port = listening.getsockname()[1]
    config.set_option("server.port", port)
    policy = auth.policy()
    identity = access.proxy_identity(policy, os.environ)
    auth.trust(identity)
    serving.serve(
        Proxied(Headers(wrap(app)), identity),
        listening,
        policy.proxies,
        {
            "lifespan": "on",  # what cannot start does not serve
            "ws": Sockets,
            "ws_max_size": _MESSAGE_BYTES,
            "ws_ping_interval": 30,
            "ws_ping_timeout": 30,
            "ws_per_message_deflate": False,
            "ssl_certfile": config.get_option("server.sslCertFile"),
            "ssl_keyfile": config.get_option("server.sslKeyFile"),
        },
    )


@asynccontextmanager
async def _opened(_: st.App) -> AsyncIterator[None]:
    host, port = config.get_option("server.address"), config.get_option("server.port")
    address = shown(host, port, secure=bool(config.get_option("server.sslCertFile")))
    print(f"\n  JudgeBench is open at {address}\n", flush=True)
    if not config.get_option("server.headless"):
        cli_util.open_browser(address)
    yield


def run(options: Mapping[str, Any], wrap: Callable[[ASGIApp], ASGIApp] = lambda app: app) -> None:
    """``serve``, with what is wrong in a line; the process ends with the code of a wrong use."""
    try:
        serve(options, wrap)
    except InputError as error:
        tell_stderr(str(error))
        sys.exit(2)
