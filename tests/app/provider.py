"""An identity provider of OpenID Connect on loopback: it lets in everybody, as whoever the test says."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.app.json_handler import JsonHandler

_KEY = b"the key of a provider that exists in tests only"


class Provider(ThreadingHTTPServer):
    """``claims``: what the next login says of who logs in."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.claims: dict[str, Any] = {}
        self.nonces: dict[str, str] = {}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def providing() -> Iterator[Provider]:
    server = Provider()
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


class _Handler(JsonHandler):
    server: Provider

    def do_GET(self) -> None:
        address, place = self.server.address, urlsplit(self.path)
        if place.path == "/authorize":
            asked = {name: values[0] for name, values in parse_qs(place.query).items()}
            code = f"code{len(self.server.nonces)}"
            self.server.nonces[code] = asked["nonce"]
            self.send_response(302)
            self.send_header(
                "Location", f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"
            )
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif place.path == "/keys":
            self.reply({"keys": [{"kty": "oct", "kid": "1", "k": _text(_KEY)}]})
        else:
            self.reply(
                {
                    "issuer": address,
                    "authorization_endpoint": f"{address}/authorize",
                    "token_endpoint": f"{address}/token",
                    "jwks_uri": f"{address}/keys",
                    "id_token_signing_alg_values_supported": ["HS256"],
                }
            )

    def do_POST(self) -> None:
        sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        now = int(time.time())
        claims = {"iss": self.server.address, "aud": "judgebench", "sub": "1", "iat": now, "exp": now + 600}
        claims |= {"nonce": self.server.nonces[sent["code"][0]], **self.server.claims}
        signed = f"{_text(json.dumps({'alg': 'HS256', 'kid': '1'}).encode())}.{_text(json.dumps(claims).encode())}"
        digest = hmac.digest(_KEY, signed.encode(), hashlib.sha256)
        self.reply({"access_token": "x", "token_type": "Bearer", "id_token": f"{signed}.{_text(digest)}"})


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
