"""judgebench serve: the REST API, beside the web app or alone."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from contextlib import ExitStack
from typing import Annotated, Any

import typer

from judgebench.cli.app import (
    AppAccess,
    AppHost,
    JudgeHosts,
    PublicHosts,
    Reveal,
    Serving,
    WithWorker,
    allowed_hosts,
    asked,
    page_environment,
    page_options,
    wait,
)
from judgebench.cli.options import AppPort, Questions
from judgebench.cli.session import Session
from judgebench.errors import MissingExtra


def serve(
    context: typer.Context,
    port: AppPort = None,
    host: AppHost = "127.0.0.1",
    api_only: Annotated[bool, typer.Option("--api-only", help="Without the web app; it needs no Streamlit.")] = False,
    access: AppAccess = None,
    judge_host: JudgeHosts = None,
    public_host: PublicHosts = None,
    rate: Annotated[int, typer.Option("--rate", min=1, help="Requests a minute and token.")] = 600,
    question: Questions = None,
    worker: WithWorker = True,
    reveal: Reveal = True,
) -> None:
    """Serve the REST API, beside the web app or alone.

    Scripts send a token, see 'judgebench tokens'. Addresses begin with /api/v1, whose openapi.json describes them.

    $ judgebench serve
    $ judgebench serve --api-only --port 8600
    $ judgebench serve --host 0.0.0.0 --access access.toml --public-host judge.example.org
    """
    for module in ("fastapi", "uvicorn"):
        if importlib.util.find_spec(module) is None:
            raise MissingExtra("the server needs FastAPI: pip install 'judgebench[server]'")
    session: Session = context.obj
    public = tuple(public_host or ())
    serving = Serving(port, True, host, access, tuple(judge_host or ()), asked(question), worker, reveal, public)
    if api_only:
        hosts = ["127.0.0.1", "localhost", host, *public]
        environment = {**os.environ, "JUDGEBENCH_DATABASE_URL": session.address}
    else:
        hosts = [*allowed_hosts(serving), *public]
        environment = page_environment(session.address, serving, "serve")
    options: dict[str, Any] = {
        **{"host": host, "port": port, "hosts": hosts, "rate": rate, "judge_hosts": serving.judge_hosts},
        "access": "" if access is None else str(access.resolve()),
        "pages": None if api_only else page_options(serving),
    }
    command = [sys.executable, "-P", "-m", "judgebench.server", json.dumps(options)]
    with ExitStack() as stack:
        if serving.worker:
            from judgebench.services.worker import attached

            stack.enter_context(attached(session.address, environment))
        code = wait(subprocess.Popen(command, env=environment, stdin=subprocess.PIPE))  # noqa: S603  # ours
    raise typer.Exit(code)
