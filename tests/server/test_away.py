"""While the database is away or held by others, a server answers that it is to be asked again, and goes on once it is
back; one that is started meanwhile waits for it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

pytest.importorskip("httpx2", reason="the client needs the extra client")

import judgebench
from judgebench import remote
from judgebench.server.state import ServerState
from judgebench.services.access import KNOWN_HOSTS, Policy
from judgebench.store import database as opening
from judgebench.store.database import Database
from tests.filling import judged
from tests.postgres import Door
from tests.server.serving import JSON, JSONL, Answer, Api, serving
from tests.server.started import free_port, wait_for
from tests.server.submitted import rows

STUDY = json.dumps({"benchmark": "bench", "judge": "scripted:coin", "all_pairs": True}).encode()


@pytest.fixture
def door(postgres_server: str, tmp_path: Path) -> Door:
    return Door(postgres_server, tmp_path)


@pytest.fixture
def api(door: Door) -> Iterator[Api]:
    door.open()
    with closing(Database(door.address, create=True)) as database:
        judged(database)
        policy = Policy(False, {}, KNOWN_HOSTS)
        with serving(database, ServerState(database, lambda: policy)) as running:
            yield running


def everything(api: Api) -> list[Answer]:
    """What reads, submits, queues and stops."""
    key = {"Idempotency-Key": "k"}
    return [
        *(api.ask("GET", path, "viewer") for path in ("/benchmarks", "/leaderboard?benchmark=bench", "/jobs", "/me")),
        api.ask("POST", "/outputs?benchmark=bench&model=m", "submitter", rows("m", 0), JSONL | key),
        api.ask("POST", "/runs", "admin", STUDY, JSON | key),
        api.ask("DELETE", "/jobs/1", "admin"),
        api.ask("GET", "/health"),
    ]


def test_while_the_database_is_away_it_is_said_when_to_ask_again(api: Api, door: Door) -> None:
    door.shut()
    for answer in everything(api):
        assert answer.status == 503, answer.body
        assert answer.headers["retry-after"] == "1"
        assert answer.json == {"error": "the database cannot be used now", "kind": "DatabaseAway"}
    door.open()
    assert [answer.status for answer in everything(api)] == [200] * 4 + [201, 202, 200, 200]


def test_a_client_waits_for_a_database_that_was_away(
    api: Api, door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what it sent is done once."""
    file = tmp_path / "outputs.jsonl"
    file.write_bytes(rows("m", 0))
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 6:  # more often than who was never answered is asked
            door.open()

    monkeypatch.setattr(remote.time, "sleep", pause)
    with judgebench.connect(api.url, token=api.tokens["submitter"]) as server:
        assert server.me()["role"] == "submitter"
        door.shut()
        answer = server.submit(file, model="m", benchmark="bench")
    assert (answer["stored"], pauses) == (1, [1.0] * 6)


def test_while_another_process_holds_the_database_it_is_said_when_to_ask_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pragmas = ("busy_timeout=200", *opening._SQLITE_PRAGMAS[1:])
    monkeypatch.setattr(opening, "_SQLITE_PRAGMAS", pragmas)
    path = str(tmp_path / "judgebench.db")
    with closing(Database(path, create=True)) as database, closing(Database(path)) as other:
        judged(database)
        with serving(database, ServerState(database, lambda: Policy(False))) as api:
            with other.write():
                answer = api.ask("POST", "/outputs?benchmark=bench&model=m", "submitter", rows("m", 0), JSONL)
                assert (answer.status, answer.headers["retry-after"]) == (503, "1")
                assert api.ask("GET", "/benchmarks", "viewer").status == 200
            assert api.ask("POST", "/outputs?benchmark=bench&model=m", "submitter", rows("m", 0), JSONL).status == 201


@pytest.mark.slow
@pytest.mark.parametrize("alone", [True, False])
def test_a_server_that_is_started_before_its_database_waits_for_it(door: Door, *, alone: bool) -> None:
    port = free_port()
    words = ["serve", "--no-worker", "--port", str(port), *(["--api-only"] if alone else [])]
    command = [sys.executable, "-P", "-m", "judgebench", "--db", door.address, *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process, ThreadPoolExecutor(1) as threads:
        try:
            assert process.stderr is not None
            said = threads.submit(process.stderr.readline).result(120)
            assert said.startswith("judgebench: waiting for the database")
            door.open()
            wait_for(f"http://127.0.0.1:{port}/api/v1/health")
        finally:
            process.terminate()
    assert process.returncode == 0
