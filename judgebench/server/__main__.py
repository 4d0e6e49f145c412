"""``python -m judgebench.server OPTIONS``: the API, alone or beside the app's pages; OPTIONS as JSON, see ``_Options``.

The database is named by JUDGEBENCH_DATABASE_URL, as it may hold a password. It ends when its standard input does.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

from judgebench.errors import DatabaseAway, JudgeBenchError
from judgebench.server.front import beside
from judgebench.server.routes import build
from judgebench.server.state import RATE, ServerLimits, ServerState
from judgebench.services.access import KNOWN_HOSTS, Policy, policy_of, proxy_identity
from judgebench.show.warned import tell_stderr, tell_warnings
from judgebench.store.database import Database
from judgebench.web import serving
from judgebench.web.proxy import Proxied
from judgebench.web.serving import end_with_parent, listen, shown

_LOADED = tuple(
    f"judgebench.{name}" for name in ("audits", "bias", "formats", "leaderboard", "services", "show", "stats")
)
_PATIENCE_S = 120  # with a database whose server does not answer yet
_LOOK_AGAIN_S = 0.5
_SWITCH_S = 0.001  # how soon a thread that computes lets the others go on; Python's own 5 ms add up


@dataclass(frozen=True, slots=True)
class _Options:
    host: str
    port: int | None
    hosts: tuple[str, ...]  # names under which it may be asked
    access: str = ""  # the file of access
    judge_hosts: tuple[str, ...] = ()
    rate: int = RATE
    pages: Mapping[str, Any] | None = None  # Streamlit's options; None: the API alone


def policy(access: str, judge_hosts: tuple[str, ...]) -> Policy:
    """Of whoever calls the API. Without a file nobody is known but by a token, and judges on this machine are asked
    only where they are named: who has a token need not have an account here. Raises InputError."""
    return policy_of(access, "") if access else Policy(False, {}, (*KNOWN_HOSTS, *judge_hosts), command="serve")


def main() -> None:
    end_with_parent()
    tell_warnings(tell_stderr)
    given = json.loads(sys.argv[1])
    options = _Options(**{**given, "hosts": tuple(given["hosts"]), "judge_hosts": tuple(given["judge_hosts"])})
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until it serves
    try:
        _load()
        _serve(options, _database(os.environ["JUDGEBENCH_DATABASE_URL"]))
    except JudgeBenchError as error:
        tell_stderr(str(error))
        sys.exit(2)


def _database(address: str) -> Database:
    """Once its server answers, which may be started at the same time. Raises DatabaseAway where it does not for long,
    and what else opening it raises at once."""
    until, told = time.monotonic() + _PATIENCE_S, False
    while True:
        try:
            return Database(address, create=True)
        except DatabaseAway as error:
            if time.monotonic() > until:
                raise
            if not told:
                tell_stderr(f"waiting for the database: {error}")
            told = True
        time.sleep(_LOOK_AGAIN_S)


def _load() -> None:
    """All that requests may need, so that none waits for it."""
    for package in map(import_module, _LOADED):
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            with suppress(ImportError):  # it needs an extra that is not installed
                import_module(module.name)


def _serve(options: _Options, database: Database) -> None:
    rights = partial(policy, options.access, options.judge_hosts)
    identity = proxy_identity(rights(), os.environ)
    hosts = tuple(host.strip("[]").lower() for host in options.hosts)
    limits = ServerLimits(rate=options.rate)
    api = build(ServerState(database, rights, hosts=hosts, identity=identity, limits=limits))
    sys.setswitchinterval(_SWITCH_S)
    if options.pages is not None:
        import_module("app.start").start(options.pages, lambda pages: beside(api, pages))
        return
    listening = listen(options.host, options.port)
    print(f"\n  JudgeBench's API is open at {shown(options.host, listening.getsockname()[1])}\n", flush=True)
    serving.serve(Proxied(api, identity), listening, rights().proxies, {"lifespan": "off", "ws": "none"})


if __name__ == "__main__":
    main()
