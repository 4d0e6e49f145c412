"""People who come to the app: what they send to be known, as Streamlit signs and reads it, and what they ask of it."""

import http.client
import json
import socket
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from streamlit.web.server.starlette.starlette_app_utils import create_signed_value, generate_xsrf_token_string

from tests.app.viewer import Viewer

SECRET = "a secret of tests, long enough"
ACCESS = f"""
[auth]
redirect_uri = "http://127.0.0.1:{{port}}/oauth2callback"
cookie_secret = "{SECRET}"
client_id = "judgebench"
client_secret = "of no use"
server_metadata_url = "http://127.0.0.1:9/.well-known/openid-configuration"

[roles]
viewer = ["@example.org"]
voter = ["voter@example.org"]
submitter = ["submitter@example.org", "other@example.org"]
admin = ["admin@example.org"]
"""
_XSRF = generate_xsrf_token_string()


@dataclass(frozen=True)
class Answer:
    """What the server said to one request."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes


def login(address: str, mail: str, *, secret: str = SECRET, **claims: object) -> str:
    """The value of the cookie that a login leaves behind."""
    payload = {"email": mail, "is_logged_in": True, "origin": address, "provider": "default", **claims}
    return create_signed_value(secret, "_streamlit_user", json.dumps(payload)).decode()


def headers(address: str, mail: str | None = None, *, cookie: str | None = None) -> dict[str, str]:
    """What a browser sends with a request of a page: of somebody who has logged in, or with a cookie of any value."""
    value = login(address, mail) if mail is not None else cookie
    cookies = [f"_streamlit_xsrf={_XSRF}", *([] if value is None else [f"_streamlit_user={value}"])]
    return {"Cookie": "; ".join(cookies), "Origin": address, "X-Xsrftoken": _XSRF}


@asynccontextmanager
async def visiting(address: str, mail: str | None = None, **more: str) -> AsyncIterator[Viewer]:
    async with Viewer.visiting(address, headers(address, mail) | more, ("streamlit", _XSRF)) as viewer:
        yield viewer


def ask(
    address: str,
    method: str,
    path: str,
    sent: Mapping[str, str] | None = None,
    body: bytes | Iterable[bytes] | None = None,
) -> Answer:
    """One request, with a path as it is written; an iterable body is sent in chunks, without its length."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    try:
        with suppress(BrokenPipeError, ConnectionResetError):  # the server has heard enough, and said why
            connection.request(method, path, body, dict(sent or {}), encode_chunked=not isinstance(body, bytes | None))
        response = connection.getresponse()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
    finally:
        connection.close()


def ask_only(address: str, method: str, path: str, sent: Mapping[str, str], length: int) -> int:
    """The status that the server gives to the head of a request, none of whose ``length`` bytes is ever sent."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
    if "Host" not in sent:
        lines.append(f"Host: {urlsplit(address).netloc}")
    lines.append(f"Content-Length: {length}")
    place = urlsplit(address)
    with socket.create_connection((place.hostname, place.port), timeout=120) as connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        answer = b""
        while b"\r\n" not in answer:
            part = connection.recv(4096)
            if not part:
                return 0
            answer += part
    return int(answer.split()[1])


def form(content: bytes, name: str = "a.csv") -> tuple[bytes, dict[str, str]]:
    """A file as browsers upload it, and the header that says so."""
    edge = "edge-of-tests"
    head = f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
    return head + content + f"\r\n--{edge}--\r\n".encode(), {"Content-Type": f"multipart/form-data; boundary={edge}"}
