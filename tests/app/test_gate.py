"""The gate before the routes of the server, over real connections: who may ask for what, and how much of it."""

import asyncio
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from unittest.mock import MagicMock

import pytest

pytest.importorskip("streamlit", reason="the app needs the extra app")

import aiohttp
import itsdangerous.timed
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.web.server.starlette.starlette_app import create_streamlit_routes

from app import gate
from app.limits import HELD_BYTES, SOCKETS, UPLOADS_A_MINUTE
from app.uploads import MAX_BYTES
from tests.app.people import ACCESS, SECRET, Answer, ask, ask_only, form, headers, login, visiting
from tests.app.serving import memory_mb, serving

METHODS = ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "POST")
PEOPLE = ("viewer", "voter", "submitter", "admin")
UPLOAD = "/_stcore/upload_file/11111111-2222-3333-4444-555555555555/file"
ROUTES = sorted({str(route.path) for route in create_streamlit_routes(MagicMock())})
AGENT = {"/_stcore/agent/interact", "/_stcore/agent/openapi.json", "/_stcore/agent/mcp"}


@pytest.fixture(scope="module")
def access(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("access") / "access.toml"
    path.write_text(ACCESS)
    return path


@pytest.fixture(scope="module")
def guarded(access: Path) -> Iterator[str]:
    """The address of a server at which people log in."""
    with serving(access.parent / "none.db", access, disconnectedSessionTTL=2) as address:
        yield address


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server for this machine only."""
    with serving(tmp_path_factory.mktemp("own") / "none.db", disconnectedSessionTTL=2) as address:
        yield address


def _known(address: str, name: str) -> dict[str, str]:
    return headers(address, f"{name}@example.org")


def _path(route: str) -> str:
    """An address that it serves."""
    return re.sub(r"\{[^}]*\}", "x", route) or "/"


def _upload(address: str, session: str, sender: dict[str, str], content: bytes = b"x", file: str = "f") -> Answer:
    body, kind = form(content)
    return ask(address, "PUT", f"/_stcore/upload_file/{session}/{file}", sender | kind, body)


def test_every_route_of_this_streamlit_is_named_or_closed() -> None:
    assert set(ROUTES) == set(gate._NEEDED) | AGENT


@pytest.mark.slow
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("method", METHODS)
def test_without_a_login_only_what_it_takes_to_log_in_is_served(guarded: str, route: str, method: str) -> None:
    status = ask_only(guarded, method, _path(route), headers(guarded), 50_000_000)
    open_to_all = gate._NEEDED.get(route) is gate.Role.NOBODY
    if not open_to_all:
        assert status in (401, 403)
    elif method not in ("GET", "HEAD", "OPTIONS"):
        assert status in (403, 405)


def test_without_a_login_the_page_to_log_in_is_shown(guarded: str) -> None:
    for path in ("/", "/battles", "/favicon.png", "/_stcore/health", "/_stcore/host-config"):
        assert ask(guarded, "GET", path, headers(guarded)).status == 200

    async def said() -> list[str]:
        async with visiting(guarded) as viewer:
            await viewer.open()
            assert not viewer.titles
            return viewer.said

    assert asyncio.run(said()) == ["Log in"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "path",
    [
        UPLOAD,
        "/" + UPLOAD,
        "/x/.." + UPLOAD,
        "/static/.." + UPLOAD,
        "/." + UPLOAD,
        UPLOAD.replace("/_stcore", "/%5Fstcore"),
        UPLOAD.replace("/upload", "%2Fupload"),
        UPLOAD.replace("/upload", "//upload"),
        UPLOAD.replace("/upload", "\\upload"),
        UPLOAD + "/",
        UPLOAD + "?x=/_stcore/health",
        UPLOAD + ";/_stcore/health",
        UPLOAD + "%00",
        UPLOAD.upper(),
        "/battles" + UPLOAD,
        "http://127.0.0.1" + UPLOAD,
        "/_stcore/metrics/",
        "//_stcore/metrics",
        "/%2e%2e/_stcore/metrics",
        "/_stcore/health/../metrics",
        "/media/../_stcore/metrics",
    ],
)
def test_no_spelling_of_a_path_leads_past_the_gate(guarded: str, path: str, method: str) -> None:
    """What is answered is a refusal, a redirect to where it is refused, or the front end's one document."""
    status = ask_only(guarded, method, path, headers(guarded), 50_000_000)
    assert status in ((200, 301, 400, 401, 403, 404) if method in ("GET", "HEAD") else (400, 401, 403, 405))
    if status == 200 and method == "GET":
        assert ask(guarded, method, path, headers(guarded)).body == ask(guarded, "GET", "/").body


@pytest.mark.parametrize("name", PEOPLE)
def test_roles_open_what_they_are_for(guarded: str, name: str) -> None:
    sender = _known(guarded, name)
    assert ask(guarded, "GET", "/media/none", sender).status == 404
    assert ask(guarded, "GET", "/_stcore/metrics", sender).status == (200 if name == "admin" else 403)
    # A session that is none is told so; others do not get that far.
    expected = 400 if name in ("submitter", "admin") else 403
    assert _upload(guarded, "none", sender).status == expected
    assert ask(guarded, "POST", "/_stcore/agent/interact", sender, b"{}").status == 403
    assert ask(guarded, "PUT", "/", sender, b"x").status == 405


@pytest.mark.parametrize(
    "forged",
    [
        "",
        "x",
        "a.b.c",
        "é",
        '"',
        "chunks-2",
        lambda address: login(address, "admin@example.org", secret="another secret of tests"),
        lambda address: login(address, "admin@example.org", secret=""),
        lambda address: login(address, "admin@example.org")[:-1],
        lambda address: "e30." + login(address, "admin@example.org").split(".", 1)[1],
        lambda address: login(address, "admin@example.org", origin="http://elsewhere.example"),
        lambda address: login(address, "admin@example.org", is_logged_in=False),
        lambda address: login(address, "admin@example.org", is_logged_in="yes"),
    ],
)
def test_a_forged_login_is_none(guarded: str, forged: object) -> None:
    cookie = forged(guarded) if callable(forged) else str(forged)
    sender = headers(guarded, cookie=cookie)
    sender["Cookie"] = sender["Cookie"].encode("utf-8").decode("latin-1")
    assert ask_only(guarded, "PUT", UPLOAD, sender, 50_000_000) == 401
    assert ask(guarded, "GET", "/_stcore/metrics", sender).status == 401


@pytest.mark.parametrize("claims", [{"email_verified": False}, {"email": None}, {"email": ["admin@example.org"]}])
def test_a_login_without_a_verified_address_has_no_role(guarded: str, claims: dict[str, object]) -> None:
    sender = headers(guarded, cookie=login(guarded, "admin@example.org", **claims))
    assert ask_only(guarded, "PUT", UPLOAD, sender, 50_000_000) == 403


def test_a_login_of_another_cookie_is_none(guarded: str) -> None:
    """What was signed for another purpose with the same key does not log anybody in."""
    payload = json.dumps({"email": "admin@example.org", "is_logged_in": True, "origin": guarded})
    signed = itsdangerous.URLSafeTimedSerializer(SECRET, salt="_streamlit_user_tokens").dumps(payload)
    assert ask(guarded, "GET", "/_stcore/metrics", headers(guarded, cookie=str(signed))).status == 401


def test_an_old_login_is_none(guarded: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = itsdangerous.timed.TimestampSigner.get_timestamp
    monkeypatch.setattr(itsdangerous.timed.TimestampSigner, "get_timestamp", lambda self: now(self) - 32 * 86400)
    cookie = login(guarded, "admin@example.org")
    monkeypatch.undo()
    assert ask(guarded, "GET", "/_stcore/metrics", headers(guarded, cookie=cookie)).status == 401


def test_who_is_taken_out_of_the_file_of_access_is_out(guarded: str, access: Path) -> None:
    sender = _known(guarded, "submitter")

    async def opens() -> list[bool]:
        async with visiting(guarded, "submitter@example.org") as viewer:
            await viewer.open()
            before = _upload(guarded, viewer.session, sender).status
            _rewrite(access, ACCESS.replace("@example.org", "@example.com"))
            after = _upload(guarded, viewer.session, sender).status
            await viewer.open()
            told = any("no role here" in said for said in viewer.said)
            _rewrite(access, "[auth")
            broken = _upload(guarded, viewer.session, sender).status
            _rewrite(access, None)
            gone = _upload(guarded, viewer.session, sender).status
            return [before == 204, after == 403, told, broken == 503, gone == 503]

    try:
        assert asyncio.run(opens()) == [True] * 5
    finally:
        access.write_text(ACCESS)
    # Streamlit notices in its own time that its secrets are back; until then nobody is known
    asyncio.run(_until(lambda: _upload(guarded, "none", sender).status == 400))


@pytest.mark.slow
@pytest.mark.parametrize(
    "host", ["evil.com", "127.0.0.1.evil.com", "localhost@evil.com", "", "[::1", "127.0.0.1:99999"]
)
@pytest.mark.parametrize("path", ["/", "/battles", "/_stcore/health", "/_stcore/metrics", UPLOAD, "/media/x", "/x"])
def test_other_names_for_the_server_are_refused(own: str, guarded: str, host: str, path: str) -> None:
    for address in (own, guarded):
        for method in ("GET", "PUT"):
            assert ask_only(address, method, path, headers(address) | {"Host": host}, 50_000_000) == 400


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.com",
        "null",
        "http://127.0.0.1:1",
        "http://localhost:1",
        "",
        "file://",
        "http://[::1",
        "http://[zz]",
    ],
)
def test_pages_of_other_origins_may_not_ask(own: str, guarded: str, origin: str) -> None:
    for address in (own, guarded):
        sender = _known(address, "admin") | {"Origin": origin}
        for path in ("/", UPLOAD, "/_stcore/metrics", "/_stcore/health"):
            assert ask_only(address, "PUT", path, sender, 50_000_000) == 403
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            asyncio.run(_open_with(address, Origin=origin))


async def _open_with(address: str, **more: str) -> None:
    async with visiting(address, **more):
        pass


def test_who_asks_by_another_name_opens_no_page(own: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError, match="400"):
        asyncio.run(_open_with(own, Host="evil.com"))


def test_a_direct_callers_word_on_where_it_comes_from_is_not_believed(guarded: str) -> None:
    assert asyncio.run(_opened(guarded, forwarded=True)) == SOCKETS


def test_pages_open_at_once_are_limited_for_each_machine_and_person(guarded: str) -> None:
    assert asyncio.run(_opened(guarded, mail="viewer@example.org")) == SOCKETS
    assert asyncio.run(_opened(guarded, mail="VIEWER@example.org", others="other@example.org")) == SOCKETS + 1


def test_pages_open_at_once_are_limited_on_ones_own_machine(own: str) -> None:
    assert asyncio.run(_opened(own)) == SOCKETS


async def _opened(address: str, mail: str | None = None, *, others: str | None = None, forwarded: bool = False) -> int:
    """How many of a few more than may be opened are."""
    open_ones = []
    try:
        for number in range(SOCKETS + 3):
            more = {"X-Forwarded-For": f"192.0.2.{number}", "X-Real-Ip": f"192.0.2.{number}"} if forwarded else {}
            page = visiting(address, others if others and number == SOCKETS else mail, **more)
            with suppress(aiohttp.WSServerHandshakeError):
                await page.__aenter__()
                open_ones.append(page)
        return len(open_ones)
    finally:
        for page in open_ones:
            await page.__aexit__(None, None, None)


@pytest.mark.slow
def test_a_proxy_that_is_named_is_believed(tmp_path: Path) -> None:
    path = tmp_path / "access.toml"
    path.write_text(ACCESS + '\n[proxy]\naddresses = ["127.0.0.1"]\n')
    with serving(tmp_path / "none.db", path) as address:
        assert asyncio.run(_opened(address, forwarded=True)) == SOCKETS + 3


def test_a_stranger_may_not_say_much(guarded: str) -> None:
    async def closed(mail: str | None, size: int) -> int | None:
        async with visiting(guarded, mail) as viewer:
            await viewer.open()
            long = BackMsg()
            long.rerun_script.query_string = "x" * size
            await viewer._socket.send_bytes(long.SerializeToString())
            async for message in viewer._socket:
                if message.type is aiohttp.WSMsgType.BINARY and b"script_finished" in message.data:
                    break
                await asyncio.sleep(0)
                if viewer._socket.closed:
                    break
                if size < 1 << 16:
                    return None
            return viewer._socket.close_code

    assert asyncio.run(closed(None, 100)) is None
    # a server that closes with bytes unread resets the connection, which may overtake its reason (1009)
    assert asyncio.run(closed(None, 1 << 17)) in {1009, 1006}
    assert asyncio.run(closed("viewer@example.org", 3 << 20)) in {1009, 1006}


def test_files_of_anothers_page_are_out_of_reach(guarded: str) -> None:
    async def tried() -> list[int]:
        async with visiting(guarded, "submitter@example.org") as viewer:
            await viewer.open()
            path = f"/_stcore/upload_file/{viewer.session}/f"
            others = [_upload(guarded, viewer.session, _known(guarded, name)).status for name in ("other", "admin")]
            return [*others, ask(guarded, "DELETE", path, _known(guarded, "other")).status]

    assert asyncio.run(tried()) == [403] * 3


@pytest.mark.slow
def test_an_upload_arrives_and_is_freed_when_its_page_is_gone(guarded: str) -> None:
    sender, admin = _known(guarded, "submitter"), _known(guarded, "admin")
    content = os.urandom(1 << 20) * 60

    async def held() -> float:
        async with visiting(guarded, "submitter@example.org") as viewer:
            await viewer.open()
            for file in ("one", "two", "three"):
                assert _upload(guarded, viewer.session, sender, content, file).status == 204
            await _until(lambda: _tracked(guarded, admin) == 3 * len(content))
            over = _upload(guarded, viewer.session, sender, content, "four")
            assert (over.status, b"192 MB" in over.body) == (413, True)
            in_chunks = ask(
                guarded,
                "PUT",
                f"/_stcore/upload_file/{viewer.session}/five",
                sender | form(b"")[1],
                iter([form(content)[0][:1000], *[content[: 1 << 20]] * 60]),
            )
            assert in_chunks.status == 413
            assert ask(guarded, "DELETE", f"/_stcore/upload_file/{viewer.session}/one", sender).status == 204
            await _until(lambda: _tracked(guarded, admin) == 2 * len(content))
            return memory_mb(guarded)

    before = memory_mb(guarded)
    assert 3 * len(content) < HELD_BYTES < 4 * len(content)
    assert asyncio.run(held()) - before > 100
    asyncio.run(_until(lambda: _tracked(guarded, admin) == 0))
    asyncio.run(_until(lambda: memory_mb(guarded) - before < 60))
    asyncio.run(_removed_after_a_visit(guarded, sender))


async def _removed_after_a_visit(address: str, sender: dict[str, str]) -> None:
    """What was held counts no longer."""
    async with visiting(address, "submitter@example.org") as viewer:
        await viewer.open()
        assert _upload(address, viewer.session, sender, b"x").status == 204


def _rewrite(path: Path, text: str | None) -> None:
    path.unlink() if text is None else path.write_text(text)


async def _until(holds: Callable[[], bool]) -> None:
    for _ in range(300):
        if holds():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("not within 30 s")


def _tracked(address: str, admin: dict[str, str]) -> int:
    """Bytes of uploads by Streamlit's own account, which it renews every few seconds."""
    text = ask(address, "GET", "/_stcore/metrics?families=cache_memory_bytes", admin).body.decode()
    lines = [line for line in text.splitlines() if 'cache_type="UploadedFileManager"' in line]
    return sum(int(float(line.split()[-1])) for line in lines)


@pytest.mark.parametrize("server", ["own", "guarded"])
def test_an_upload_that_is_too_long_is_cut_as_it_comes(server: str, request: pytest.FixtureRequest) -> None:
    address = request.getfixturevalue(server)
    sender = _known(address, "other")
    before = memory_mb(address)

    async def cut() -> tuple[int, int]:
        async with visiting(address, "other@example.org") as viewer:
            await viewer.open()
            path = f"/_stcore/upload_file/{viewer.session}/f"
            said = ask_only(address, "PUT", path, sender, MAX_BYTES + (2 << 20))
            parts = iter([form(b"")[0][:90], *[b"x" * (1 << 20)] * 200])
            return said, ask(address, "PUT", path, sender | form(b"")[1], parts).status

    assert asyncio.run(cut()) == (413, 413)
    assert memory_mb(address) - before < 60


@pytest.mark.parametrize("length", ["-1", "+5", "1e3", "٣", "5,5"])
def test_a_length_that_is_no_number_is_refused(guarded: str, length: str) -> None:
    sent = _known(guarded, "submitter") | {"Content-Length": length.encode().decode("latin-1")}
    assert ask(guarded, "PUT", UPLOAD, sent).status == 400


def test_other_requests_carry_no_files(guarded: str) -> None:
    sender = _known(guarded, "admin") | {"Content-Type": "text/plain"}
    answer = ask(guarded, "DELETE", UPLOAD, sender, b"x" * (1 << 20))
    assert answer.status in (204, 413)
    assert ask(guarded, "GET", "/_stcore/metrics", sender, b"x" * (1 << 20)).status in (200, 413)


def test_uploads_a_minute_are_limited(own: str) -> None:
    answers = [_upload(own, "none", headers(own)) for _ in range(UPLOADS_A_MINUTE + 1)]
    assert {answer.status for answer in answers[:-1]} <= {400, 429}
    assert answers[-1].status == 429
    assert 0 < int(answers[-1].headers["retry-after"]) <= 61
    assert b"within a minute" in answers[-1].body


@pytest.mark.parametrize("path", ["/", "/none", "/static/none", "/_stcore/health", "/_stcore/metrics", UPLOAD, "//x"])
def test_every_answer_says_what_a_browser_may_do_with_it(guarded: str, path: str) -> None:
    for method in ("GET", "PUT", "OPTIONS"):
        for sender in ({}, headers(guarded), _known(guarded, "admin"), {"Host": "evil.com"}):
            said = ask(guarded, method, path, sender).headers
            assert "frame-ancestors 'self'" in said["content-security-policy"]
            assert "unsafe-eval" not in said["content-security-policy"]
            assert said["x-frame-options"] == "SAMEORIGIN"
            assert said["x-content-type-options"] == "nosniff"
            assert said["referrer-policy"] == "same-origin"
            assert said["cross-origin-opener-policy"] == "same-origin"
            assert "server" not in said


@pytest.mark.slow
def test_a_copy_of_a_cookie_is_no_login_after_its_owner_has_logged_out(guarded: str) -> None:
    copy = headers(guarded, cookie=login(guarded, "admin@example.org", at=1))
    other = headers(guarded, cookie=login(guarded, "admin@example.org", at=2))
    assert ask(guarded, "GET", "/_stcore/metrics", copy).status == 200
    assert ask(guarded, "GET", "/auth/logout", copy).status < 400
    rewritten = copy["Cookie"][:-1] + chr(ord(copy["Cookie"][-1]) + 1)  # bits of the signature that say nothing
    for sent in (copy, copy | {"Cookie": rewritten}):
        assert ask(guarded, "GET", "/_stcore/metrics", sent).status == 401
    assert ask(guarded, "GET", "/", copy).status == 200
    assert ask(guarded, "GET", "/_stcore/metrics", other).status == 200

    async def opened() -> int:
        async with visiting(guarded, Cookie=copy["Cookie"]):
            return 101

    with pytest.raises(aiohttp.WSServerHandshakeError):
        asyncio.run(opened())
