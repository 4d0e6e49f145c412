"""Whatever is wrong with a request, it gets the status that says so and one sentence, and leaves nothing behind."""

import gzip
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa

from judgebench.services.access import Role
from judgebench.services.tokens import create, revoke
from judgebench.store import schema
from judgebench.store.transfer import check
from tests.factories import instruction
from tests.server.serving import JSON, JSONL, Api

ROWS = json.dumps({"instruction": instruction(0).text, "output": "delta"}).encode() + b"\n"
TO_BENCH = "/outputs?benchmark=bench&model=delta"


@dataclass(frozen=True)
class Bad:
    """A request, the status it gets, and words of the sentence."""

    name: str
    status: int
    words: str
    path: str = TO_BENCH
    who: str | None = "submitter"
    method: str = "POST"
    body: Any = ROWS
    headers: dict[str, str] = field(default_factory=lambda: dict(JSONL))


def run(judge: Any, **more: Any) -> dict[str, Any]:
    """Of a request that starts a run by this judge."""
    body = json.dumps({"benchmark": "bench", "judge": judge, "all_pairs": True, **more}).encode()
    return {"path": "/runs", "who": "admin", "body": body, "headers": dict(JSON)}


def reading(path: str, who: str | None = "viewer") -> dict[str, Any]:
    return {"path": path, "who": who, "method": "GET", "body": None, "headers": {}}


def slow() -> Iterator[bytes]:
    yield ROWS
    time.sleep(2)
    yield ROWS


def dripping() -> Iterator[bytes]:
    for _ in range(12):
        yield b" "
        time.sleep(0.5)


METADATA = {"model": "m", "url": "http://169.254.169.254/latest"}
BAD = [
    Bad("no token", 401, "send a token", who=None),
    Bad("no token, reading", 401, "send a token", **reading("/leaderboard?benchmark=bench", None)),
    Bad("another scheme", 401, "send a token", who=None, headers={**JSONL, "Authorization": "Basic YTpi"}),
    Bad("an empty token", 401, "send a token", who=None, headers={**JSONL, "Authorization": "Bearer "}),
    Bad("an unknown token", 401, "not known", who="jb_" + "x" * 43),
    Bad("a token that is too long", 401, "send a token", who="jb_" + "x" * 1000),
    Bad("an expired token", 401, "has expired", who="expired"),
    Bad("a revoked token", 401, "was revoked", who="revoked"),
    Bad("a session's cookie", 401, "send a token", who=None, headers={**JSONL, "Cookie": "_streamlit_user=x"}),
    Bad("a name in a header", 401, "send a token", who=None, headers={**JSONL, "X-Forwarded-Email": "a@b.org"}),
    Bad("a viewer submits", 403, "needs the role submitter", who="viewer"),
    Bad("a viewer starts a run", 403, "needs the role admin", **{**run("scripted:coin"), "who": "viewer"}),
    Bad("a submitter starts a run", 403, "needs the role admin", **{**run("scripted:coin"), "who": "submitter"}),
    Bad("a viewer stops a job", 404, "unknown job", path="/jobs/1", who="viewer", method="DELETE", body=None),
    Bad("another benchmark's token", 403, "not for benchmark 'bench'", who="scoped"),
    Bad("another benchmark's token reads", 403, "not for benchmark", **reading("/battles?benchmark=bench", "scoped")),
    Bad("another's labels", 403, "not for", **reading("/leaderboard?benchmark=own&labels_of=bench", "scoped")),
    Bad("all cards by a scoped token", 403, "name one", **reading("/card?judge=j", "scoped")),
    Bad("a benchmark that is not there", 404, "unknown benchmark", **reading("/leaderboard?benchmark=nobody")),
    Bad("a mistyped parameter", 422, "no parameter 'metod'", **reading("/leaderboard?benchmark=bench&metod=elo")),
    Bad("a mistyped method", 404, "unknown method", **reading("/leaderboard?benchmark=bench&method=eloo")),
    Bad("too many resamples", 422, "resamples", **reading("/leaderboard?benchmark=bench&resamples=99999999")),
    Bad("too many rows", 422, "limit", **reading("/battles?benchmark=bench&limit=100000")),
    Bad("a path into the server", 404, "nothing at this address", **reading("//api/v1/../../etc/passwd")),
    Bad("a coded path", 404, "nothing at this address", **reading("/%2e%2e/%2e%2e/etc/passwd")),
    Bad("a job that is a path", 404, "nothing at this address", **reading("/jobs/..%2f1")),
    Bad("a job that is no number", 422, "number", **reading("/jobs/one")),
    Bad("no such address", 404, "nothing at this address", **reading("/outputs.db")),
    Bad("not asked that way", 405, "not asked that way", method="PUT"),
    Bad("another name of the server", 400, "under that name", headers={**JSONL, "Host": "evil.example"}),
    Bad("no type", 415, "Content-Type", headers={}),
    Bad("a form", 415, "Content-Type", headers={"Content-Type": "multipart/form-data; boundary=x"}),
    Bad("an unknown packing", 415, "gzip", headers={**JSONL, "Content-Encoding": "br"}),
    Bad("packing that breaks off", 422, "your file", body=gzip.compress(ROWS)[:-9],
        headers={**JSONL, "Content-Encoding": "gzip"}),
    Bad("too long, as it says", 413, "longer than", body=b"x" * (2 << 20)),
    Bad("too long, in chunks", 413, "longer than", body=lambda: iter([b"x" * (1 << 18)] * 8)),
    Bad("a body that falls silent", 408, "took too long", body=slow),
    Bad("a body that drips", 408, "took too long", body=dripping),
    Bad("no JSON in a row", 422, "line 2", body=ROWS + b"{nonsense\n"),
    Bad("no output in a row", 422, "output", body=ROWS + b'{"instruction": "Question 1?"}\n'),
    Bad("an output that is a number", 422, "line 1", body=b'{"instruction": "Question 0?", "output": 7}\n'),
    Bad("an empty file", 422, "your file", body=b""),
    Bad("a name that cannot be one", 422, "model", path="/outputs?benchmark=bench&model=%00"),
    Bad("other outputs of a model", 409, "alpha", path="/outputs?benchmark=bench&model=alpha"),
    Bad("somebody else's model", 403, "exists already", path="/outputs?benchmark=bench&model=beta&family=greek",
        body=ROWS.replace(b"delta", b"beta says 0")),
    Bad("instructions for others' benchmark", 403, "exists already", path=f"{TO_BENCH}&extend=true",
        body=b'{"instruction": "New?", "output": "x"}\n'),
    Bad("a mistyped benchmark", 422, "did you mean", path="/outputs?benchmark=benhc&model=delta"),
    Bad("a judge in the cloud's metadata", 403, "not on the list", **run(METADATA)),
    Bad("a judge on this machine", 403, "not on the list", **run({"model": "m", "url": "http://127.0.0.1:8000/v1"})),
    Bad("a judge at a disguised address", 403, "not on the list", **run({"model": "m", "url": "http://2130706433/v1"})),
    Bad("a judge that is a file", 403, "plain http", **run({"model": "m", "url": "file:///etc/passwd"})),
    Bad("a file of addresses", 403, "", **run({"model": "m", "url": "@/etc/passwd"})),
    Bad("another secret of the server", 403, "may not be read",
        **run({"model": "m", "url": "https://api.openai.com/v1", "key_env": "DATABASE_PASSWORD"})),
    Bad("the server's own secret", 403, "may not be read",
        **run({"model": "m", "url": "https://api.openai.com/v1", "key_env": "JUDGEBENCH_TOKEN"})),
    Bad("a key in clear", 403, "by https",
        **run({"model": "m", "url": "http://api.openai.com:22/v1", "key_env": "OPENAI_API_KEY"})),
    Bad("a judge with a zero byte", 422, "zero byte",
        **run({"model": "m\0", "url": "https://api.openai.com/v1", "key_env": "OPENAI_API_KEY"})),
    Bad("a template of the server's files", 403, "no file", **run({"model": "m", "template": "/etc/passwd"})),
    Bad("a template above", 403, "no file", **run({"model": "m", "template": "../../secret.v1.md"})),
    Bad("code that would be loaded", 403, "terminal only", **run({"model": "python:os:system"})),
    Bad("a program that would be started", 403, "terminal only", **run({"model": "vllm:/etc"})),
    Bad("a way around", 422, "unknown field", **run({"model": "m", "connection": {"proxy": "http://10.0.0.1"}})),
    Bad("flags of a program", 422, "unknown field", **run({"model": "vllm:x", "vllm": "--trust-remote-code"})),
    Bad("an unknown field", 422, "unknown field", **run("scripted:coin", shard="1/2")),
    Bad("a wrong field", 422, "repeats", **run("scripted:coin", repeats=-1)),
    Bad("a study that is no object", 422, "JSON object", **{**run("x"), "body": b"[]"}),
    Bad("a study that is no JSON", 422, "not JSON", **{**run("x"), "body": b"{"}),
    Bad("a field given twice", 422, "twice", **{**run("x"), "body": b'{"benchmark": "bench", "benchmark": "b"}'}),
    Bad("no number", 422, "no number", **{**run("x"), "body": b'{"benchmark": "bench", "max_cost": NaN}'}),
    Bad("nested without an end", 422, "nested", **{**run("x"), "body": b"[" * 100_000}),
    Bad("a limit without an end", 422, "no number",
        **{**run("x"), "body": b'{"benchmark": "bench", "judge": "scripted:coin", "max_cost": 1e999}'}),
    Bad("a number that no machine counts to", 422, "limit", **run("scripted:coin", limit=10**30)),
    Bad("a model that is no text", 422, "model", **run({"model": {"a": 1}})),
    Bad("a list for a model", 422, "model", **run({"model": ["scripted:coin"]})),
    Bad("a study as a form", 415, "application/json", **{**run("x"), "headers": {"Content-Type": "text/plain"}}),
    Bad("a length that is none", 400, "length", headers={**JSONL, "Content-Length": "-1"}),
]  # fmt: skip


@pytest.fixture(scope="module")
def tokens(api: Api) -> Api:
    """With tokens that are not good for it."""
    api.tokens["revoked"] = create(api.database, "revoked", Role.ADMIN).secret
    revoke(api.database, "revoked")
    api.tokens["expired"] = create(api.database, "expired", Role.ADMIN).secret
    table = schema.metadata.tables["api_tokens"]
    with api.database.write() as connection:
        gone = sa.update(table).where(table.c.name == "expired").values(expires_at="2026-01-01T00:00:00+00:00")
        connection.execute(gone)
        connection.execute(sa.text("INSERT INTO benchmarks (name, created_at) VALUES ('own', '2026-01-01')"))
    api.tokens["scoped"] = create(api.database, "scoped", Role.ADMIN, benchmarks=("own",)).secret
    return api


@pytest.mark.slow
@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_a_bad_request_gets_its_status_and_leaves_nothing(tokens: Api, bad: Bad) -> None:
    before = check(tokens.database).rows
    body = bad.body() if callable(bad.body) else bad.body
    answer = tokens.ask(bad.method, bad.path, bad.who, body, bad.headers)
    assert answer.status == bad.status, answer.body
    if answer.headers.get("content-type") == "application/json":
        assert bad.words in answer.json["error"]
        assert "\n" not in answer.json["error"].strip()
        assert "Traceback" not in answer.json["error"]
    assert check(tokens.database).rows == before


def test_there_are_as_many_as_are_promised() -> None:
    assert len(BAD) >= 45
    assert len({bad.name for bad in BAD}) == len(BAD)


def test_a_viewer_s_token_starts_nothing(tokens: Api) -> None:
    before = check(tokens.database).rows
    schema_ = tokens.ask("GET", "/openapi.json").json
    changing = [
        (method.upper(), path.removeprefix("/api/v1").replace("{number}", "1"))
        for path, methods in schema_["paths"].items()
        for method in methods
        if method != "get"
    ]
    assert {path for _, path in changing} == {
        "/outputs",
        "/runs",
        "/audits",
        "/placements",
        "/jobs/1",
        "/jobs/1/resume",
    }
    for method, path in changing:
        audit = {"audit": "submissions", "settings": {"benchmark": "bench"}}
        study = {"benchmark": "bench", "judge": "scripted:coin", "all_pairs": True}
        document = json.dumps(audit if "audit" in path else study).encode()
        body, headers = (ROWS, JSONL) if path == "/outputs" else (document, JSON)
        query = "?benchmark=bench&model=new" if path == "/outputs" else ""
        assert tokens.ask(method, path + query, "viewer", body, headers).status in (403, 404), path
    assert check(tokens.database).rows == before


def test_trying_tokens_is_slowed_down(api: Api) -> None:
    answers = [api.ask("GET", "/me", f"jb_{number}") for number in range(61)]
    assert answers[-1].status == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert api.ask("GET", "/me", "viewer").status == 200, "behind the same address, others have good tokens"
