"""The server, with as much done ahead as can be, see ``warmup``."""

import gc
import threading
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

# These take longer to import than any page takes to show. Altair looks at pandas wherever it finds it, so that pandas
# must be whole before a thread uses Altair.
_SLOW = (
    "pandas",
    "altair",
    "pyarrow.pandas_compat",
    "app.server",
    "judgebench.services.agreement",
    "judgebench.services.cards",
    "judgebench.services.pages",
)
_POLL_S = 0.02
_REST_S = 5.0  # in which whoever opened the app gets a page


def _import_all() -> None:
    """Import what is slow; nothing of it is garbage now or later, so garbage is not looked for in it.

    Streamlit looks for garbage after each run of a page, which would take longer than the page.
    """
    gc.disable()
    for module in _SLOW:
        import_module(module)
    gc.freeze()
    gc.enable()


def _read_ahead() -> None:
    runtime = import_module("streamlit.runtime")
    while not runtime.exists():
        time.sleep(_POLL_S)
    warmup = import_module("app.warmup")
    warmup.read()
    time.sleep(_REST_S)
    warmup.begin()


def _ask_nobody() -> None:
    """Streamlit asks an outside service for this machine's address, to print it and to compare origins with it. Nothing
    leaves the machine unasked here: who may ask for the app is said by name (``server.allowedHosts``)."""
    net_util: Any = import_module("streamlit.net_util")
    net_util.get_external_ip = lambda: None


def start(options: Mapping[str, Any], wrap: Callable[[Any], Any] = lambda app: app) -> None:
    """Serve the app until a signal comes. ``options``: Streamlit's, by name. ``wrap``: what else is served, as an ASGI
    application around the app's."""
    _import_all()
    _ask_nobody()
    threading.Thread(target=_read_ahead, name="reading ahead", daemon=True).start()
    import_module("app.server").run(options, wrap)
