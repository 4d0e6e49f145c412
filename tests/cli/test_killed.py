"""A run that is killed at any moment and started again loses nothing committed and asks next to nothing twice."""

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from judgebench.store.database import Database
from judgebench.store.transfer import check
from tests.cli.conftest import Invoke
from tests.fault_server import FaultServer, Reply, Request

CONCURRENCY = 8
KILLS = 10


def _stored(path: Path) -> set[tuple[str, int]]:
    import sqlite3

    with sqlite3.connect(path) as connection:
        return set(connection.execute("SELECT trial_key, revision FROM verdicts"))


def _slow(delay_s: float) -> Callable[[int, Request], Reply]:
    """Says A, some time after it was asked."""
    return lambda _, request: Reply.of({"data": []}) if request.method == "GET" else Reply.chat("A", delay_s=delay_s)


def _run(database: Path, server: FaultServer, *, concurrency: int) -> list[str]:
    """The command that judges everything."""
    command = [sys.executable, "-m", "judgebench", "--db", str(database), "run", "--benchmark", "bench"]
    command += ["--judge", "gpt", "--judge-url", server.url, "--baseline", "alpha"]
    return [*command, "--concurrency", str(concurrency)]


@pytest.mark.slow
def test_killed_ten_times_over(invoke: Invoke, outputs: Callable[..., Path], tmp_path: Path) -> None:
    for model in ("alpha", "beta", "gamma"):
        invoke("submit", outputs(model, 250), "--model", model, "--benchmark", "bench")

    database, rng, trials = tmp_path / "judgebench.db", random.Random(7), 250 * 2 * 2
    with FaultServer(_slow(0.02)) as server:
        command = [*_run(database, server, concurrency=CONCURRENCY), "--format", "json"]
        committed: set[tuple[str, int]] = set()
        for _ in range(KILLS):
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            before, deadline = len(server.requests), time.monotonic() + 20
            while len(server.requests) < before + rng.randrange(3, 60) and time.monotonic() < deadline:
                time.sleep(0.005)
            process.kill()
            process.wait()
            now = _stored(database)
            assert committed <= now
            committed = now
        last = subprocess.run(command, capture_output=True, text=True, check=True)
        asked = [request for request in server.requests if request.method == "POST"]
    report = json.loads(last.stdout)
    assert report["planned"] == report["ok"] == trials
    assert len(_stored(database)) == trials
    assert check(Database(str(database))).problems == ()
    assert len(asked) <= trials + KILLS * CONCURRENCY


@pytest.mark.parametrize("drain", [5.0, 0.2])
def test_a_signal_to_terminate_stores_what_was_answered(
    invoke: Invoke, outputs: Callable[..., Path], tmp_path: Path, drain: float
) -> None:
    for model in ("alpha", "beta"):
        invoke("submit", outputs(model, 60), "--model", model, "--benchmark", "bench")

    database = tmp_path / "judgebench.db"
    with FaultServer(_slow(0.8)) as server:
        command = _run(database, server, concurrency=30)
        process = subprocess.Popen([*command, "--drain", str(drain)], stderr=subprocess.PIPE, text=True)
        _await(lambda: len(server.requests) >= 50)  # 30 are answered, the next 30 under way
        before = len(_stored(database))
        process.terminate()
        message = process.communicate(timeout=20)[1]
        asked = sum(request.method == "POST" for request in server.requests)
    assert process.returncode == 130
    assert "questions in flight" in message
    assert "interrupted; the same command continues where it stopped" in message
    stored = len(_stored(database))
    assert stored == asked if drain > 1 else before <= stored < asked
    assert check(Database(str(database))).problems == ()


@pytest.mark.slow
def test_a_database_locked_for_longer_than_the_drain_loses_no_reply(
    invoke: Invoke, outputs: Callable[..., Path], tmp_path: Path
) -> None:
    import sqlite3

    for model in ("alpha", "beta"):
        invoke("submit", outputs(model, 30), "--model", model, "--benchmark", "bench")

    database = tmp_path / "judgebench.db"
    with FaultServer(_slow(0.2)) as server:
        command = _run(database, server, concurrency=4)
        process = subprocess.Popen([*command, "--drain", "0.5"], stderr=subprocess.DEVNULL)
        _await(lambda: len(server.requests) >= 10)
        with sqlite3.connect(database, isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            time.sleep(1.0)  # all places hold a reply that waits
            process.terminate()
            _await(lambda: database.with_name("judgebench.db.unstored").exists())
            process.kill()  # as whoever terminates does in the end
            process.wait()
            other.execute("ROLLBACK")
        subprocess.run(command, stderr=subprocess.DEVNULL, check=True)
        asked = sum(request.method == "POST" for request in server.requests)
    assert asked == len(_stored(database)) == 60
    assert not database.with_name("judgebench.db.unstored").exists()


def _await(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
