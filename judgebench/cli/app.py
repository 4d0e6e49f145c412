"""Starts the web app: Streamlit in a process of its own, on this machine only unless a file says who may do what.

It does not know what the app shows, nor what roles mean: see ``app.auth``.
"""

import importlib.util
import ipaddress
import json
import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from judgebench.cli.options import AppPort, Questions
from judgebench.cli.session import Session
from judgebench.errors import InputError, MissingExtra
from judgebench.records import check_question
from judgebench.resources import folder

_UPLOAD_MB = 64
# Options rather than a file, so that a file in the working folder cannot change them.
_OPTIONS: Mapping[str, Any] = {
    "global.developmentMode": False,
    "server.enableXsrfProtection": True,
    "server.xsrfCookieSameSite": "lax",
    "server.enableCORS": True,
    "server.corsAllowedOrigins": [],
    "server.trustedUserHeaders": "{}",  # nobody's word on who they are is taken but the identity provider's
    "server.enableAgentApi": False,
    "server.scriptHealthCheckEnabled": False,
    "server.enableWebsocketCompression": False,
    "server.maxWidgetStateSize": 2,  # MB
    "server.enableStaticServing": False,
    "server.fileWatcherType": "none",
    "server.maxUploadSize": _UPLOAD_MB,
    "server.showEmailPrompt": False,
    "browser.gatherUsageStats": False,
    "client.allowedOrigins": [],  # of pages that may frame these
    "client.toolbarMode": "viewer",
    "client.showErrorDetails": "none",
    "client.showErrorLinks": False,
    "client.disableDataExport": True,  # the built-in CSV holds formulas as they are; pages offer their own
    "runner.magicEnabled": False,
    "theme.light.primaryColor": "#0b6aa8",
    "theme.dark.primaryColor": "#56b4e9",
}


@dataclass(frozen=True, slots=True)
class Serving:
    """Where the app listens and to whom. ``access``: a TOML file with [auth], [roles] and [judges], see docs/app.md."""

    port: int | None = None  # None: the first free one from 8501 on
    headless: bool = False  # opens no browser
    host: str = "127.0.0.1"
    access: Path | None = None
    judge_hosts: tuple[str, ...] = ()  # further servers that may be asked from the web, HOST or HOST:PORT
    questions: tuple[str, ...] = ()  # that voters are asked about a pair, besides which output is better
    reveal: bool = True  # voters may be told, after a vote, who wrote what and what judges said


def launch(database: str, serving: Serving) -> int:
    """Serve the app on the database until it is stopped by Ctrl-C or a signal; returns its exit code.

    Raises MissingExtra where Streamlit, or for logging in Authlib, is not installed, and InputError for a host that
    others can reach without a file of access, and for such a file that cannot be used.
    """
    if importlib.util.find_spec("streamlit") is None:
        raise MissingExtra("the app needs Streamlit: pip install 'judgebench[app]'")
    hosts = _allowed_hosts(serving)
    app = folder("app")
    options = {
        **_OPTIONS,
        "server.address": serving.host,
        "server.headless": serving.headless,
        "server.allowedHosts": hosts,  # against DNS rebinding
        # Nothing is read from the working folder: neither secrets nor who may log in. The app's folder holds none.
        "secrets.files": [str(app / "secrets.toml" if serving.access is None else serving.access.resolve())],
    } | ({} if serving.port is None else {"server.port": serving.port})
    path = os.pathsep.join([str(app.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {
        **os.environ,
        "PYTHONPATH": path,
        "JUDGEBENCH_DATABASE_URL": database,
        "JUDGEBENCH_ACCESS": "" if serving.access is None else str(serving.access.resolve()),
        "JUDGEBENCH_JUDGE_HOSTS": ",".join(serving.judge_hosts),
        "JUDGEBENCH_QUESTIONS": "\n".join(serving.questions),
        "JUDGEBENCH_REVEAL": "yes" if serving.reveal else "no",
    }
    # -P: the working folder's files must not be imported in place of the app's.
    command = [sys.executable, "-P", "-m", "app", json.dumps(options)]
    return _wait(subprocess.Popen(command, env=environment))  # noqa: S603  # the words are ours


def _allowed_hosts(serving: Serving) -> list[str]:
    """The names under which browsers may ask for the app."""
    hosts = ["127.0.0.1", "localhost"]
    if serving.access is None:
        if not _is_loopback(serving.host):
            raise InputError(
                f"{serving.host} can be reached by others: say who may do what by --access FILE, see docs/app.md"
            )
        return [*hosts, serving.host]
    if serving.access.resolve().suffix != ".toml":
        raise InputError(f"{serving.access}: a file of access must be named .toml, else Streamlit does not read it")
    if importlib.util.find_spec("authlib") is None:
        raise MissingExtra("logging in needs Authlib: pip install 'streamlit[auth]'")
    try:
        redirect = tomllib.loads(serving.access.read_text())["auth"]["redirect_uri"]
        return [*hosts, str(urlsplit(redirect).hostname)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{serving.access}: needs a table [auth] with a redirect_uri: {error}") from error


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


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


def app(
    context: typer.Context,
    port: AppPort = None,
    headless: Annotated[bool, typer.Option("--headless", help="Do not open a browser.")] = False,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen at; others than this machine's need --access.")
    ] = "127.0.0.1",
    access: Annotated[
        Path | None, typer.Option("--access", help="A TOML file that says how people log in and who may do what.")
    ] = None,
    judge_host: Annotated[
        list[str] | None,
        typer.Option("--judge-host", help="A further server that may be asked from the web; may be repeated."),
    ] = None,
    question: Questions = None,
    reveal: Annotated[
        bool, typer.Option("--reveal/--no-reveal", help="Tell voters who wrote what once they have voted.")
    ] = True,
) -> None:
    """Open the web app on the database.

    $ judgebench app
    $ judgebench app --question accuracy --question style --no-reveal
    $ judgebench app --port 8600 --headless
    $ judgebench app --host 0.0.0.0 --access access.toml
    """
    session: Session = context.obj
    questions = tuple(question or ())
    for name in questions:
        check_question(name)
    serving = Serving(port, headless, host, access, tuple(judge_host or ()), questions, reveal)
    raise typer.Exit(launch(session.address, serving))
