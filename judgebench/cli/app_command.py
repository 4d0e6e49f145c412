"""Starts the web app: Streamlit in a process of its own, on this machine only. It does not know what the app shows."""

import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Mapping

from judgebench.errors import MissingExtra
from judgebench.resources import folder

_UPLOAD_MB = 64

# Options rather than a file, so that a file in the working folder cannot change them.
_OPTIONS: Mapping[str, str | int | bool] = {
    "server.address": "127.0.0.1",
    "server.enableXsrfProtection": True,
    "server.enableCORS": True,
    "server.enableStaticServing": False,
    "server.fileWatcherType": "none",
    "server.maxUploadSize": _UPLOAD_MB,
    "server.showEmailPrompt": False,
    "browser.gatherUsageStats": False,
    "client.toolbarMode": "viewer",
    "client.showErrorDetails": "none",
    "client.showErrorLinks": False,
    "client.disableDataExport": True,  # the built-in CSV holds formulas as they are; pages offer their own
    "runner.magicEnabled": False,
    "theme.light.primaryColor": "#0b6aa8",
    "theme.dark.primaryColor": "#56b4e9",
}


def launch(database: str, *, port: int | None, headless: bool) -> int:
    """Serve the app on the database until it is stopped by Ctrl-C or a signal; returns its exit code.

    ``port`` None takes the first free one from 8501 on. ``headless`` opens no browser.
    Raises MissingExtra where Streamlit is not installed.
    """
    if importlib.util.find_spec("streamlit") is None:
        raise MissingExtra("the app needs Streamlit: pip install 'judgebench[app]'")
    app = folder("app")
    options = {**_OPTIONS, "server.headless": headless} | ({} if port is None else {"server.port": port})
    flags = [f"--{key}={str(value).lower() if isinstance(value, bool) else value}" for key, value in options.items()]
    hosts = ["--server.allowedHosts=127.0.0.1", "--server.allowedHosts=localhost"]  # against DNS rebinding
    path = os.pathsep.join([str(app.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path, "JUDGEBENCH_DATABASE_URL": database}
    # -P: the working folder's files must not be imported in place of the app's.
    command = [sys.executable, "-P", "-m", "app", "run", str(app / "main.py"), *flags, *hosts]
    return _wait(subprocess.Popen(command, env=environment))  # noqa: S603  # the words are ours


def _wait(server: subprocess.Popen[bytes]) -> int:
    """Ctrl-C reaches the server by itself; a termination of this process is passed on to it."""
    before = signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    try:
        while True:
            try:
                return server.wait()
            except KeyboardInterrupt:
                server.terminate()
    finally:
        signal.signal(signal.SIGTERM, before)
