"""Every fault of a server, end to end: each trial ends in its own status, none lost or stored twice, no key shown."""

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from judgebench import engine
from judgebench.clients import openai
from judgebench.clients.http import Timeouts
from judgebench.clients.retry import RetryingClient, RetryPolicy
from judgebench.spec import Study, make
from judgebench.store import schema as t
from judgebench.store.database import Database
from tests.fault_server import FaultServer, Reply, Request, gzip_bomb
from tests.filling import asked, stored

KEY = "sk-fault-0123456789-abcdef"
ONCE = {  # faults that pass: the question is asked again, and its answer counts
    "429": Reply.error(429, f"slow down {KEY}"),
    "429 with Retry-After": Reply.error(429, headers={"Retry-After": "0.01"}),
    "500": Reply.error(500, f"oops {KEY}"),
    "reset in the body": Reply.chat("[[A]]", reset_after=40),
    "stall": Reply(stall=True),
    "slow drip": Reply.chat("[[A]]", drip_s=0.05),
    "HTML with 200": Reply(body=f"<html>{KEY}</html>".encode()),
    "empty choices": Reply.of({"choices": []}),
    "null content": Reply.chat(None),
    "1 GB gzip body": Reply(stream=gzip_bomb(1024), headers={"Content-Encoding": "gzip"}),
}
ENDS = {  # replies that end their question, and in what
    "wrong model": (Reply.chat("[[A]]", model="other"), "ok"),
    "length stop": (Reply.chat("because", choice={"finish_reason": "length"}), "truncated"),
    "content filter": (Reply.chat(None, choice={"finish_reason": "content_filter"}), "refused"),
    "redirect to another host": (Reply(307, headers={"Location": "http://127.0.0.1:9/steal"}), "failed"),
    "too long": (Reply.error(400, f"context length exceeded {KEY}"), "failed"),
    "response_format ignored": (Reply.chat("no JSON here, and no verdict"), "unparsed"),
}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = RetryPolicy(deadline_s=30, first_wait_s=0.01, max_wait_s=0.02, max_retry_after_s=0.05)
    monkeypatch.setattr(engine.judges, "RetryingClient", lambda inner, **more: RetryingClient(inner, policy, **more))
    monkeypatch.setattr(openai, "Timeouts", lambda: Timeouts(total_s=1.0))


@pytest.fixture
def one(tmp_path: Path) -> Database:
    database = Database(str(tmp_path / "faults.db"), create=True)
    stored(database, asked(3), ["m1", "m2"])
    return database


def _run(database: Database, server: FaultServer, template: str) -> engine.run.RunReport:
    judge = {"model": "judge", "url": server.url, "key_env": "KEY", "template": template}
    wanted = make(Study, {"benchmark": "bench", "judge": judge, "all_pairs": True}, where="test")
    return engine.run.run(database, wanted, environment={"KEY": KEY})


def _check(database: Database, report: engine.run.RunReport, tmp_path: Path) -> list[str]:
    """The statuses stored, after what must hold of every run."""
    v = t.verdicts.c
    with database.read() as connection:
        rows = connection.execute(sa.select(v.trial_key, v.status, v.detail)).all()
    assert report.tally.planned == sum(report.tally.ended.values()) == len({row.trial_key for row in rows}) == len(rows)
    assert KEY not in json.dumps([row.detail for row in rows])
    assert not any(KEY.encode() in path.read_bytes() for path in tmp_path.iterdir())
    return sorted({row.status for row in rows})


@pytest.mark.slow
@pytest.mark.parametrize("fault", ONCE)
def test_a_fault_that_passes_costs_no_trial(one: Database, tmp_path: Path, fault: str) -> None:
    failed = []

    def script(index: int, request: Request) -> Reply:
        if request.method == "GET":
            return Reply.of({"data": []})
        if not failed:
            failed.append(index)
            return ONCE[fault]
        return Reply.chat("[[A]]")

    with FaultServer(script) as server:
        report = _run(one, server, "pairwise/three-way")
    assert _check(one, report, tmp_path) == ["ok"]
    assert report.calls == report.tally.planned + 1


@pytest.mark.parametrize("kind", ENDS)
def test_a_reply_that_is_no_verdict_ends_in_its_own_status(one: Database, tmp_path: Path, kind: str) -> None:
    reply, status = ENDS[kind]
    template = "pairwise/json-verdict" if kind == "response_format ignored" else "pairwise/three-way"
    with FaultServer(lambda _, request: Reply.of({"data": []}) if request.method == "GET" else reply) as server:
        report = _run(one, server, template)
        assert all(request.headers["authorization"] == f"Bearer {KEY}" for request in server.requests)
    assert _check(one, report, tmp_path) == [status]
    assert report.calls == report.tally.planned
    assert report.other_models == (("other",) if kind == "wrong model" else ())
