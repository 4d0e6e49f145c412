"""The app in a process of its own on a free port: for tests, measurements and the pictures of the docs."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path

from tests.server.started import NGINX, OPENSSL, behind_nginx, free_port, running

_LAUNCH = """
import importlib.util, sys
from judgebench.__main__ import main
from judgebench.cli import app
find = importlib.util.find_spec
importlib.util.find_spec = lambda name: find(name) or (name == "authlib" or None)  # only its redirects would need it
app._OPTIONS = {{**app._OPTIONS, **{options!r}}}
sys.argv = ["judgebench", *{words!r}]
main()
"""


class Door(StrEnum):
    """What a browser's requests come in by."""

    APP = "app"  # judgebench app
    SERVER = "server"  # judgebench serve, which has the REST API at the same port
    NGINX = "nginx"  # the same behind nginx, which speaks TLS, with the lines of docs/server.md

    @property
    def missing(self) -> str:
        """What keeps this machine from having it; empty where nothing does."""
        if self is Door.NGINX and (NGINX is None or OPENSSL is None):
            return "needs nginx and openssl: apt-get install nginx-light openssl"
        return ""


@contextmanager
def serving(
    database: Path | str,
    access: Path | None = None,
    *,
    door: Door = Door.APP,
    words: Sequence[str] = (),
    **options: object,
) -> Iterator[str]:
    """The address under which browsers ask for the app, while the block lasts. Raises TimeoutError when it does not
    come up, and RuntimeError when it ends by itself.

    ``access``: a file of access; ``{port}`` in it is the port of that address. ``words``: further options that the
    commands of all doors take. ``options``: Streamlit's of its server, in place of ours.
    """
    given = {f"server.{name}": value for name, value in options.items()}

    def command(port: int, allowed: Path | None) -> list[str]:
        start = ["app", "--headless"] if door is Door.APP else ["serve"]
        told = ["--access", str(allowed)] if allowed is not None else []
        line = ["--db", str(database), *start, "--port", str(port), *told, *words]
        return [sys.executable, "-c", _LAUNCH.format(options=given, words=line)]

    if door is not Door.NGINX:
        with listening(lambda port: command(port, access)) as address:
            yield address
        return
    with tempfile.TemporaryDirectory(prefix="nginx-") as name:
        folder, outside = Path(name), free_port()
        allowed = access and _behind(access, folder, outside)
        with (
            listening(lambda port: command(port, allowed)) as upstream,
            behind_nginx(folder, upstream, port=outside, tls=True) as address,
        ):
            yield address


def _behind(access: Path, folder: Path, port: int) -> Path:
    """The file of access as docs/server.md would have it behind a proxy: people log in at the proxy's address, and its
    word on where they are is taken."""
    text = access.read_text().replace("http://127.0.0.1:{port}", f"https://127.0.0.1:{port}")
    written = folder / access.name
    written.write_text(text + '\n[proxy]\naddresses = ["127.0.0.1"]\n')
    return written


@contextmanager
def listening(command: Callable[[int], Sequence[str]]) -> Iterator[str]:
    """The address of a Streamlit server that ``command`` starts on a port. Raises ``serving``'s errors."""
    with running(command, "_stcore/health") as address:
        yield address


def memory_mb(address: str) -> float:
    """Resident memory of the process that listens there, by Linux's own account."""
    status = (_process(address) / "status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def processor_s(address: str) -> float:
    """Seconds of the processor that the process that listens there has taken so far, all its threads together."""
    fields = (_process(address) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _process(address: str) -> Path:
    """Its folder in /proc. Raises ProcessLookupError where nobody listens there."""
    port = f"{int(address.rsplit(':', 1)[1]):04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()
    inode = next(line.split()[9] for line in lines if line.split()[1].endswith(":" + port) and line.split()[3] == "0A")
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if any(os.readlink(each) == f"socket:[{inode}]" for each in (process / "fd").iterdir()):
                return process
    raise ProcessLookupError(f"no process of ours listens at {address}")
