"""``python -m app``: Streamlit's own command line, with as much done ahead as can be, see ``ahead``."""

import threading
import time
from importlib import import_module

import altair  # noqa: F401  # these take longer to import than any page takes to show
import pyarrow.pandas_compat  # noqa: F401
from streamlit import runtime
from streamlit.web.cli import main

from judgebench import queries, study  # noqa: F401

_POLL_S = 0.02


def _read_ahead() -> None:
    while not runtime.exists():
        time.sleep(_POLL_S)
    import_module("app.ahead").read()


threading.Thread(target=_read_ahead, name="reading ahead", daemon=True).start()
main(prog_name="streamlit")
