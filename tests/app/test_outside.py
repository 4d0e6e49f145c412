"""The app asks nobody outside for anything unless somebody wants it to."""

import os
import subprocess
import sys

import pytest

from judgebench.resources import folder


@pytest.mark.slow
def test_streamlit_asks_no_service_for_the_address_of_this_machine() -> None:
    code = """
import sys, types
asked = []
import requests
requests.get = lambda *a, **k: asked.append(a)
import app.server
app.server.run = lambda options, wrap: None
from app.start import start
start({})
from streamlit import net_util
assert net_util.get_external_ip() is None and not asked
from streamlit.web.server import server_util
assert not server_util.is_url_from_allowed_origins("http://elsewhere.example") and not asked
"""
    path = os.pathsep.join([str(folder("app").parent), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
