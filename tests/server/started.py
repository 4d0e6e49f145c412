"""``judgebench serve`` in processes of its own, alone or behind nginx."""

import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

NGINX = shutil.which("nginx") or ("/usr/sbin/nginx" if Path("/usr/sbin/nginx").exists() else None)
OPENSSL = shutil.which("openssl")
_START_S = 300  # on a busy machine; waiting ends as soon as it answers
_END_S = 60
_PORTS = 5  # tried, of which another program may take one before the server does
_LAST_BYTES = 4000  # of what a server said
_TAKEN = ("is taken: name another by --port", "already in use", "is not available")  # ours, Streamlit's


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def started(database: str | Path, *options: str, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """The server's address while the block lasts. Raises as ``running``."""
    words = [sys.executable, "-P", "-m", "judgebench", "--db", str(database), "serve", "--no-worker", *options]
    with running(lambda port: [*words, "--port", str(port)], "api/v1/health", environment) as address:
        yield address


@contextmanager
def running(
    command: Callable[[int], Sequence[str]], path: str, environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """The address of a server that ``command`` starts on a port, once it answers at ``path``, while the block lasts.

    Raises TimeoutError where it does not come up, and RuntimeError with its last words where it ends by itself, but for
    a port that another program took meanwhile.
    """
    for _ in range(_PORTS):
        port = free_port()
        with tempfile.TemporaryFile() as said:
            # Its standard input stays open: some servers end when whoever started them has.
            server = subprocess.Popen(
                command(port),
                env={**os.environ, **(environment or {})},
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=said,
            )
            try:
                wait_for(f"http://127.0.0.1:{port}/{path}", server)
            except RuntimeError as error:
                said.seek(0)
                words = said.read()[-_LAST_BYTES:].decode(errors="replace")
                if any(taken in words for taken in _TAKEN):
                    continue
                raise RuntimeError(f"{error}: {words}") from None
            try:
                yield f"http://127.0.0.1:{port}"
            except Exception as error:  # any failure of a test goes on, with the words of its server
                said.seek(0)
                error.add_note(f"the server said: {said.read()[-_LAST_BYTES:].decode(errors='replace')}")
                raise
            finally:
                server.terminate()
                server.wait(_END_S)
            return
    raise RuntimeError(f"{_PORTS} ports were taken by other programs")


@contextmanager
def behind_nginx(
    folder: Path, upstream: str, headers: Mapping[str, str] | None = None, *, port: int | None = None, tls: bool = False
) -> Iterator[str]:
    """The address of nginx in front of a server, with the lines of docs/server.md.

    ``headers``: what it says of who has logged in, else nothing. ``tls``: with a certificate that nobody vouches for.
    """
    port = port or free_port()
    (folder / "nginx.conf").write_text(_configuration(folder, upstream, headers or {}, port, tls=tls))
    if tls:
        _certify(folder)
    proxy = subprocess.Popen([str(NGINX), "-p", str(folder), "-c", str(folder / "nginx.conf")])
    address = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    try:
        wait_for(f"{address}/api/v1/health")
        yield address
    finally:
        proxy.terminate()
        proxy.wait(_END_S)


def _configuration(folder: Path, upstream: str, headers: Mapping[str, str], port: int, *, tls: bool) -> str:
    page = (Path(__file__).parents[2] / "docs" / "server.md").read_text(encoding="utf-8")
    lines = page.split("```nginx\n")[1].split("```")[0]
    lines = lines.replace("http://127.0.0.1:8501", upstream).replace("/etc/ssl", str(folder))
    lines = lines.replace("listen 443 ssl;", f"listen 127.0.0.1:{port}{' ssl' if tls else ''};")
    left_out = ("proxy_set_header X-Forwarded-Email", "proxy_set_header X-Proxy-Secret", *(() if tls else ("ssl_",)))
    kept = [line for line in lines.splitlines() if not line.strip().startswith(left_out)]
    given = "".join(f'    proxy_set_header {name} "{value}";\n' for name, value in headers.items())
    body = "\n".join(kept).replace("proxy_buffering off;", f"proxy_buffering off;\n{given}")
    temporary = "".join(
        f"  {kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"daemon off;\nworker_processes 1;\npid {folder}/pid;\nerror_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{\n  access_log off;\n{temporary}{body}\n}}\n"
    )


def _certify(folder: Path) -> None:
    files = ["-keyout", str(folder / "judge.key"), "-out", str(folder / "judge.crt")]
    about = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run([str(OPENSSL), "req", *kind, *files, *about], check=True, capture_output=True)


def wait_for(address: str, server: "subprocess.Popen[bytes] | None" = None) -> None:
    """Raises TimeoutError, and RuntimeError where ``server`` has ended."""
    end, unproved = time.monotonic() + _START_S, ssl._create_unverified_context()  # our own, on loopback
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(address, timeout=2, context=unproved):
                return
        except OSError:
            if server is not None and server.poll() is not None:
                raise RuntimeError(f"the server at {address} ended with {server.returncode}") from None
            time.sleep(0.1)
    raise TimeoutError(f"nobody answered at {address} within {_START_S} s")
