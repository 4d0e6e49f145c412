"""What somebody with a token, or without one, tries on a server: it does not get further than it may, costs little, and
leaves no secret in what the server says or logs."""

import gzip
import io
import json
import logging
import resource
import socket
import threading
import zipfile
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
import zstandard

from judgebench.server import state as states
from judgebench.server.state import ServerLimits, ServerState
from judgebench.services.access import KNOWN_HOSTS, Policy, Role
from judgebench.services.tokens import create, revoke
from judgebench.store import schema
from judgebench.store.database import Database
from judgebench.store.transfer import check
from judgebench.web.bodies import BodyLimits
from tests.filling import judged
from tests.server.serving import JSON, JSONL, Answer, Api, serving
from tests.server.submitted import rows, submit

EVERYBODY = dict.fromkeys((Role.SUBMITTER,), ("@example.org",))
PATH = "/outputs?benchmark=bench&model=late"
STUDY = json.dumps({"benchmark": "bench", "judge": "scripted:coin", "all_pairs": True}).encode()


@pytest.fixture
def own(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    monkeypatch.setattr(states, "_KNOWN_S", 0.0)
    judged(database)
    policy = Policy(False, {}, KNOWN_HOSTS)
    with serving(database, ServerState(database, lambda: policy)) as running:
        yield running


def halting(body: bytes, came: threading.Event, go: threading.Event) -> Iterator[bytes]:
    """A body whose second half is sent once something has happened."""
    yield body[: len(body) // 2]
    came.set()
    go.wait(30)
    yield body[len(body) // 2 :]


def revoked(api: Api) -> None:
    revoke(api.database, "submitter")
    revoke(api.database, "admin")


def made_viewer(api: Api) -> None:
    tokens = schema.metadata.tables["api_tokens"]
    with api.database.write() as connection:
        connection.execute(sa.update(tokens).values(role="viewer"))


def given_another_benchmark(api: Api) -> None:
    tokens = schema.metadata.tables["api_tokens"]
    with api.database.write() as connection:
        connection.execute(sa.update(tokens).values(scopes='["other"]'))


@pytest.mark.slow
@pytest.mark.parametrize(("change", "status"), [(revoked, 401), (made_viewer, 403), (given_another_benchmark, 403)])
@pytest.mark.parametrize(
    ("path", "who", "body", "kind"), [(PATH, "submitter", rows("late", 0), JSONL), ("/runs", "admin", STUDY, JSON)]
)
def test_what_was_still_coming_when_its_token_lost_its_rights_is_not_done(
    own: Api, change: Callable[[Api], None], status: int, path: str, who: str, body: bytes, kind: dict[str, str]
) -> None:
    came, go = threading.Event(), threading.Event()
    before = check(own.database).rows

    def lose() -> None:
        came.wait(30)
        change(own)
        go.set()

    losing = threading.Thread(target=lose)
    losing.start()
    answer = own.ask("POST", path, who, halting(body, came, go), kind)
    losing.join(30)
    assert answer.status == status, answer.body
    assert {name: check(own.database).rows[name] for name in ("models", "outputs", "jobs")} == {
        name: before[name] for name in ("models", "outputs", "jobs")
    }


def test_a_key_opens_no_answer_of_another_token_or_role(own: Api) -> None:
    key = {"Idempotency-Key": "k"}
    first = submit(own, "zeta", headers=JSONL | key)
    assert first.status == 201
    create_other = create(own.database, "another", Role.SUBMITTER, benchmarks=("bench",)).secret
    for who in (create_other, "admin"):
        again = submit(own, "zeta", who=who, headers=JSONL | key)
        assert (again.status, "idempotent-replayed" in again.headers) == (200, False)
    assert submit(own, "zeta", who="viewer", headers=JSONL | key).status == 403
    assert own.ask("POST", "/runs", "submitter", STUDY, JSON | key).status == 403
    assert submit(own, "zeta", headers=JSONL | key, dry_run="true").status == 422
    revoke(own.database, "submitter")
    assert submit(own, "zeta", headers=JSONL | key).status == 401


def zipped(size: int) -> bytes:
    """A workbook that is small, and of which one part is large."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b" " * size)
        archive.writestr("[Content_Types].xml", b" " * size)
    return file.getvalue()


_HUGE = 512 << 20
_BOMBS: dict[str, tuple[Callable[[], bytes], dict[str, str]]] = {
    "gzip": (lambda: gzip.compress(b" " * _HUGE), JSONL | {"Content-Encoding": "gzip"}),
    "zstd": (lambda: zstandard.compress(b'{"instruction": "' + b"x" * _HUGE, 1), JSONL | {"Content-Encoding": "zstd"}),
    "xlsx": (
        lambda: zipped(_HUGE // 2),
        {"Content-Type": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("packed", _BOMBS)
def test_a_bomb_is_refused_before_it_is_whole(api: Api, packed: str) -> None:
    body, headers = _BOMBS[packed][0](), _BOMBS[packed][1]
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = api.ask("POST", PATH, "submitter", body, headers)
    assert answer.status == 422, answer.body
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - most < 300 << 10, "KiB"
    assert api.ask("GET", "/me", "viewer").status == 200


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_pages_of_other_origins_are_let_read_nothing(api: Api, method: str) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    for path in ("/health", "/benchmarks", "/openapi.json"):
        answer = api.ask(method, path, "viewer", headers=asked)
        assert [name for name in answer.headers if name.startswith("access-control")] == []
        assert "set-cookie" not in answer.headers
        assert answer.status == (200 if method == "GET" else 405)


_URLS = [
    "https://api.openai.com@169.254.169.254/v1",
    "https://api.openai.com:443@evil.example/v1",
    "https://evil.example#@api.openai.com/v1",
    "https://evil.example?@api.openai.com/v1",
    "https://evil.example\\@api.openai.com/v1",
    "https://api.openai.com.evil.example/v1",
    "https://evil.example/https://api.openai.com/v1",
    "https://api.openai.com:8443/v1",
    "http://[::ffff:127.0.0.1]/v1",
    "http://0x7f000001/v1",
    "http://127.1/v1",
    "http://0/v1",
    "http://localhost.:8000/v1",
    "https://api.openai\u3002com.evil.example/v1",
    "gopher://api.openai.com/v1",
    "//api.openai.com/v1",
    "unix:///var/run/docker.sock",
]


@pytest.mark.parametrize("url", _URLS)
@pytest.mark.parametrize("listed", [False, True])
def test_no_disguise_of_an_address_is_asked(api: Api, url: str, *, listed: bool) -> None:
    """Alone, or beside one that may be asked."""
    before = api.ask("GET", "/jobs", "admin").json
    given = ["http://judge.example.org:8000/v1", url] if listed else url
    study = {"benchmark": "bench", "all_pairs": True, "judge": {"model": "m", "name": "j", "url": given}}
    answer = api.ask("POST", "/runs", "admin", json.dumps(study).encode(), JSON)
    assert answer.status in (403, 422), answer.body
    assert api.ask("GET", "/jobs", "admin").json == before


def raw(api: Api, request: bytes) -> bytes:
    """What comes for these very bytes, until the server closes."""
    with socket.create_connection(("127.0.0.1", api.port), timeout=10) as connection:
        connection.sendall(request)
        parts = iter(lambda: connection.recv(1 << 16), b"")
        return b"".join(parts)


def test_a_request_is_hidden_in_no_other(api: Api) -> None:
    """Of two lengths, or a length and chunks, servers in a row may believe different ones."""
    hidden = (
        b"GET /api/v1/me HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer " + api.tokens["admin"].encode() + b"\r\n\r\n"
    )
    head = b"POST /api/v1/runs HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
    for lengths in (
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Content-Length: +5\r\n",
        b"Content-Length : 5\r\n",
    ):
        answered = raw(api, head + lengths + b"\r\n0\r\n\r\n" + hidden)
        assert answered.count(b"HTTP/1.1 ") == 1, answered
        assert b"token admin" not in answered


def test_two_tokens_in_a_request_are_one_caller_or_none(api: Api) -> None:
    line = "Authorization: Bearer {}\r\n"
    both = line.format(api.tokens["viewer"]) + line.format(api.tokens["admin"])
    head = "POST /api/v1/runs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
    answered = raw(api, f"{head}{both}Content-Length: {len(STUDY)}\r\n\r\n".encode() + STUDY)
    assert answered.split()[1] in (b"400", b"401", b"403")


@pytest.mark.parametrize("place", ["%EF%BC%91%00", "1%00", "1;x", "-1", "1e1", "/1", "0x1", "1%2F..%2F1"])
def test_a_job_is_named_by_its_number_alone(api: Api, place: str) -> None:
    assert api.ask("GET", f"/jobs/{place}", "viewer").status in (404, 422)


def test_neither_secrets_nor_bodies_stand_in_a_log_or_an_answer(
    database: Database,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of what is well, is refused, or fails in the server itself."""
    caplog.set_level(logging.DEBUG)
    judged(database)
    limits = ServerLimits(10_000, BodyLimits(1 << 20, 1.0, 3.0), BodyLimits(1 << 10, 1.0, 3.0))
    said: list[Answer] = []
    with serving(database, ServerState(database, lambda: Policy(False), limits=limits)) as api:
        secrets = [*api.tokens.values(), "jb_wrong-token-of-somebody", "the-key-that-stands-in-a-body"]
        body = json.dumps({"benchmark": "bench", "judge": {"model": "m", "key": secrets[-1]}}).encode()
        marked = rows(secrets[-1], 0)

        def ask() -> None:
            said.append(api.ask("GET", "/me", secrets[-2]))
            said.append(api.ask("GET", f"/me?token={api.tokens['admin']}", "viewer"))
            said.append(api.ask("POST", "/runs", "admin", body, JSON))
            said.append(api.ask("POST", "/runs", "admin", b"{" + body, JSON))
            said.append(api.ask("POST", PATH, "submitter", marked + b"{", JSONL))
            said.append(api.ask("POST", PATH, "submitter", marked, JSONL))

        ask()
        monkeypatch.setattr("judgebench.store.benchmarks.benchmark_id", lambda *_: 1 / 0)
        ask()
        said.append(api.ask("GET", "/leaderboard?benchmark=bench", "viewer"))
    assert said[-1].status == 500
    written = capfd.readouterr()
    heard = "".join([caplog.text, written.out, written.err, *(answer.body.decode() for answer in said)])
    assert [secret for secret in secrets if secret in heard] == []
