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
from contextlib import nullcontext
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

AppHost = Annotated[str, typer.Option("--host", help="Address to listen at; others than this machine's need --access.")]
AppAccess = Annotated[
    Path | None, typer.Option("--access", help="A TOML file that says how people log in and who may do what.")
]
JudgeHosts = Annotated[
    list[str] | None,
    typer.Option("--judge-host", help="A further server that may be asked from the web; may be repeated."),
]
WithWorker = Annotated[
    bool, typer.Option("--worker/--no-worker", help="Do here what is queued; else workers elsewhere do.")
]
PublicHosts = Annotated[
    list[str] | None,
    typer.Option("--public-host", help="A further name under which it is asked, as by a proxy; may be repeated."),
]
Reveal = Annotated[bool, typer.Option("--reveal/--no-reveal", help="Tell voters who wrote what once they have voted.")]
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
    "theme.light.primaryColor": "#095a90",  # 5.3:1 on its own tint, which what is chosen has under the pointer
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
    worker: bool = True  # do what is queued in a process beside it
    reveal: bool = True  # voters may be told, after a vote, who wrote what and what judges said
    public_hosts: tuple[str, ...] = ()  # further names under which it may be asked, such as a proxy's


def launch(database: str, serving: Serving) -> int:
    """Serve the app on the database until it is stopped by Ctrl-C or a signal; returns its exit code.

    Raises MissingExtra where Streamlit, or for logging in Authlib, is not installed, and InputError for a host that
    others can reach without a file of access, and for such a file that cannot be used.
    """
    from judgebench.services.worker import attached

    options = page_options(serving)
    environment = page_environment(database, serving)
    # -P: the working folder's files must not be imported in place of the app's.
    command = [sys.executable, "-P", "-m", "app", json.dumps(options)]
    with attached(database, os.environ) if serving.worker else nullcontext():
        return wait(subprocess.Popen(command, env=environment, stdin=subprocess.PIPE))  # noqa: S603  # the words are ours


def page_options(serving: Serving) -> dict[str, Any]:
    """Streamlit's options, by name. Raises as ``launch``."""
    if importlib.util.find_spec("streamlit") is None:
        raise MissingExtra("the app needs Streamlit: pip install 'judgebench[app]'")
    hosts = [*allowed_hosts(serving), *serving.public_hosts]
    app = folder("app")
    return {
        **_OPTIONS,
        "server.address": serving.host,
        "server.headless": serving.headless,
        "server.allowedHosts": hosts,  # against DNS rebinding
        # Nothing is read from the working folder: neither secrets nor who may log in. The app's folder holds none.
        "secrets.files": [str(app / "secrets.toml" if serving.access is None else serving.access.resolve())],
    } | ({} if serving.port is None else {"server.port": serving.port})


def page_environment(database: str, serving: Serving, command: str = "app") -> dict[str, str]:
    """Of a process that serves the app's pages, which the command has started."""
    app = folder("app")
    path = os.pathsep.join([str(app.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {
        **os.environ,
        "PYTHONPATH": path,
        "JUDGEBENCH_DATABASE_URL": database,
        "JUDGEBENCH_ACCESS": "" if serving.access is None else str(serving.access.resolve()),
        "JUDGEBENCH_JUDGE_HOSTS": ",".join(serving.judge_hosts),
        "JUDGEBENCH_COMMAND": command,
        "JUDGEBENCH_QUESTIONS": "\n".join(serving.questions),
        "JUDGEBENCH_REVEAL": "yes" if serving.reveal else "no",
    }


def allowed_hosts(serving: Serving) -> list[str]:
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
    try:
        document = tomllib.loads(serving.access.read_text())
        if "auth" not in document and "user_header" in document.get("proxy", {}):
            return [*hosts, serving.host]  # people log in at the proxy
        redirect = document["auth"]["redirect_uri"]
        if importlib.util.find_spec("authlib") is None:
            raise MissingExtra("logging in needs Authlib: pip install 'streamlit[auth]'")
        return [*hosts, str(urlsplit(redirect).hostname)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{serving.access}: needs a table [auth] with a redirect_uri: {error}") from error


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def asked(questions: list[str] | None) -> tuple[str, ...]:
    """Of voters, besides which output is better. Raises InputError for what is no question's name."""
    for name in questions or ():
        check_question(name)
    return tuple(questions or ())


def wait(server: subprocess.Popen[bytes]) -> int:
    """Ctrl-C reaches the server by itself; a termination of this process is passed on to it, and by the pipe at its
    stdin it learns that this process was killed."""
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
    host: AppHost = "127.0.0.1",
    access: AppAccess = None,
    judge_host: JudgeHosts = None,
    public_host: PublicHosts = None,
    question: Questions = None,
    worker: WithWorker = True,
    reveal: Reveal = True,
) -> None:
    """Open the web app on the database.

    $ judgebench app
    $ judgebench app --question accuracy --question style --no-reveal
    $ judgebench app --port 8600 --headless
    $ judgebench app --host 0.0.0.0 --access access.toml --public-host judge.example.org --no-worker
    """
    session: Session = context.obj
    serving = Serving(
        port, headless, host, access, tuple(judge_host or ()), asked(question), worker, reveal, tuple(public_host or ())
    )
    raise typer.Exit(launch(session.address, serving))
