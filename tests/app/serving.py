"""The app in a process of its own on a free port: for tests, measurements and the pictures of the docs."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_LAUNCH = """
import importlib.util, pathlib, sys
from judgebench.cli import app
find = importlib.util.find_spec
importlib.util.find_spec = lambda name: find(name) or (name == "authlib" or None)  # only its redirects would need it
app._OPTIONS = {{**app._OPTIONS, **{options!r}}}
access = {access!r}
serving = app.Serving(port={port}, headless=True, access=access and pathlib.Path(access))
sys.exit(app.launch({database!r}, serving))
"""
_START_S = 90


@contextmanager
def serving(database: Path, access: Path | None = None, **options: object) -> Iterator[str]:
    """The app's address while the block lasts. Raises TimeoutError when it does not come up.

    ``options``: Streamlit's of its server, in place of ours.
    """
    given = {
        "database": str(database),
        "access": access and str(access),
        "options": {f"server.{name}": value for name, value in options.items()},
    }
    with listening(lambda port: [sys.executable, "-c", _LAUNCH.format(port=port, **given)]) as address:
        yield address


@contextmanager
def listening(command: Callable[[int], Sequence[str]]) -> Iterator[str]:
    """The address of a Streamlit server that ``command`` starts on a port. Raises TimeoutError as ``serving`` does."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = int(taken.getsockname()[1])
    server = subprocess.Popen(command(port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


def memory_mb(address: str) -> float:
    """Resident memory of the process that listens there, by Linux's own account."""
    port = f"{int(address.rsplit(':', 1)[1]):04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()
    inode = next(line.split()[9] for line in lines if line.split()[1].endswith(":" + port) and line.split()[3] == "0A")
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if any(os.readlink(each) == f"socket:[{inode}]" for each in (process / "fd").iterdir()):
                status = (process / "status").read_text()
                return int(status.split("VmRSS:")[1].split()[0]) / 1024
    return float("nan")


def _wait(address: str) -> None:
    end = time.monotonic() + _START_S
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(f"the app did not answer at {address} within {_START_S} s")
