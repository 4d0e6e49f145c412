"""The API on a socket of this machine, and requests as anybody could write them."""

import http.client
import json
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import uvicorn

from judgebench.server.routes import build
from judgebench.server.state import ServerState
from judgebench.services.access import Role
from judgebench.services.tokens import create
from judgebench.store.database import Database
from judgebench.web.connections import Requests
from judgebench.web.proxy import Proxied
from judgebench.web.serving import listen

JSON = {"Content-Type": "application/json"}
JSONL = {"Content-Type": "application/jsonl"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Api:
    """A running server, its database, and a token of each role."""

    port: int
    database: Database
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self,
        method: str,
        path: str,
        who: str | None = None,
        body: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """``who``: a role, or a token; an iterable body is sent in chunks, without its length."""
        sent = dict(headers or {})
        if who is not None:
            sent.setdefault("Authorization", f"Bearer {self.tokens.get(who, who)}")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            with suppress(BrokenPipeError, ConnectionResetError):  # the server has heard enough, and said why
                whole = path if path.startswith("//") else f"/api/v1{path}"
                connection.request(method, whole, body, sent, encode_chunked=not isinstance(body, bytes | None))
            response = connection.getresponse()
            given = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, given, response.read())
        finally:
            connection.close()


@contextmanager
def serving(database: Database, state: ServerState) -> Iterator[Api]:
    """The API while the block lasts, in a thread of this process, with a token of each role."""
    listening = listen("127.0.0.1", 0)
    config = uvicorn.Config(
        Proxied(build(state), state.identity), http=Requests, ws="none", lifespan="off", log_level="critical"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    api = Api(listening.getsockname()[1], database)
    for role in (Role.VIEWER, Role.SUBMITTER, Role.ADMIN):
        api.tokens[role.name.lower()] = create(database, role.name.lower(), role).secret
    try:
        while not server.started:
            time.sleep(0.01)
        yield api
    finally:
        server.should_exit = server.force_exit = True
        thread.join(10)
        listening.close()
