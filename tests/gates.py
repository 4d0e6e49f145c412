"""What stands between a client and its server: an authority for certificates, a proxy, a clerk for tokens."""

import asyncio
import base64
import shutil
import ssl
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.fault_server import Loopback

PASSWORD = "key-file-Pw7x"


class Authority:
    """A private authority, made by the program openssl: a server's certificate for 127.0.0.1, and a client's."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("openssl") is None:
            pytest.skip("certificates are made by the program openssl, which is not here")
        self._folder = folder
        self.ca = folder / "ca.pem"
        subject = ("-subj", "/CN=An authority of our own")
        key = ("-newkey", "rsa:2048", "-nodes", "-keyout", folder / "ca.key")
        extensions = (
            "-addext",
            "basicConstraints=critical,CA:TRUE",
            "-addext",
            "keyUsage=critical,keyCertSign,cRLSign",
        )
        self._openssl("req", "-x509", *key, "-out", self.ca, "-days", "30", *subject, *extensions)
        self.server_cert, self.server_key = self._issue("server", "subjectAltName=IP:127.0.0.1,DNS:localhost")
        self.client_cert, self.client_key = self._issue("client", "extendedKeyUsage=clientAuth")
        self.locked_key = folder / "locked.key"
        password = f"pass:{PASSWORD}"
        self._openssl("pkey", "-in", self.client_key, "-out", self.locked_key, "-aes256", "-passout", password)

    def server_tls(self, *, wants_client: bool = False) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.server_cert, self.server_key)
        if wants_client:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.ca)
        return context

    def _issue(self, name: str, extension: str) -> tuple[Path, Path]:
        cert, key, request, extensions = (self._folder / f"{name}.{end}" for end in ("pem", "key", "csr", "ext"))
        extensions.write_text(f"{extension}\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n")
        self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        signer = ("-CA", self.ca, "-CAkey", self._folder / "ca.key", "-CAcreateserial")
        self._openssl("x509", "-req", "-in", request, "-out", cert, "-days", "30", *signer, "-extfile", extensions)
        return cert, key

    def _openssl(self, *arguments: object) -> None:
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Proxy(Loopback):
    """An HTTP proxy: CONNECT, and requests with the whole address. ``login``: "USER:PASSWORD" it wants."""

    def __init__(self, login: str | None = None) -> None:
        super().__init__()
        self.tunnels: list[str] = []  # HOST:PORT of each CONNECT
        self.forwarded = 0  # requests
        self.turned_away = 0
        self._login = login

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await self._one(reader, writer):
                pass
        writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection may carry another request."""
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        method, address, version = first.split(" ")
        if self._login is not None and headers.get("proxy-authorization") != f"Basic {_base64(self._login)}":
            self.turned_away += 1
            writer.write(b"HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            return True
        if method == "CONNECT":
            self.tunnels.append(address)
            await _tunnel(address, reader, writer)
            return False
        self.forwarded += 1
        host, path = address.removeprefix("http://").split("/", 1)
        kept = [line for line in lines if not line.lower().startswith(("proxy-", "connection:"))]
        theirs, ours = await asyncio.open_connection(*host.split(":"))
        ours.write("\r\n".join([f"{method} /{path} {version}", *kept, "Connection: close", "", ""]).encode() + body)
        answer = await theirs.readuntil(b"\r\n\r\n")
        size = next(
            int(line.split(b":")[1]) for line in answer.split(b"\r\n") if line.lower().startswith(b"content-le")
        )
        writer.write(answer + await theirs.readexactly(size))
        await writer.drain()
        ours.close()
        return True


async def _tunnel(address: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    theirs, ours = await asyncio.open_connection(*address.split(":"))
    writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
    await asyncio.gather(_pour(reader, ours), _pour(theirs, writer))


async def _pour(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while chunk := await source.read(2**16):
            target.write(chunk)
            await target.drain()
        target.close()


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


class Clerk:
    """Hands out tokens, counted in a file: the command that prints one, and the test whether a server takes one.

    Each is good for so many answers, from when it was handed out until the next one is.
    """

    def __init__(self, folder: Path, answers: int) -> None:
        self._answers = answers
        self._count = folder / "handed_out"
        self._count.write_text("0")
        self._used: dict[str, int] = {}
        self._script = folder / "clerk.py"
        self._script.write_text(
            "import pathlib, sys\n"
            "count = pathlib.Path(sys.argv[1])\n"
            "number = int(count.read_text()) + 1\n"
            "count.write_text(str(number))\n"
            f"print('{self.token(0)[:-3]}%03d' % number)\n"
        )
        self.command = f"{sys.executable} {self._script} {self._count}"

    @staticmethod
    def token(number: int) -> str:
        return f"tok-Zq8Wv3Lm{'x' * 8}-{number:03d}"

    @property
    def handed_out(self) -> int:
        return int(self._count.read_text())

    def hand_out(self) -> str:
        number = self.handed_out + 1
        self._count.write_text(str(number))
        return self.token(number)

    def takes(self, header: str | None) -> bool:
        token = (header or "").removeprefix("Bearer ")
        if not self.handed_out or token != self.token(self.handed_out):
            return False
        self._used[token] = self._used.get(token, 0) + 1
        return self._used[token] <= self._answers


def anything_but(texts: list[str], *places: Any) -> None:
    """No place, a text or bytes, holds one of the texts."""
    for place in places:
        content = place if isinstance(place, bytes) else str(place).encode()
        for text in texts:
            assert text.encode() not in content
