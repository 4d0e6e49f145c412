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


@pytest.mark.slow
def test_killed_ten_times_over(invoke: Invoke, outputs: Callable[..., Path], tmp_path: Path) -> None:
    for model in ("alpha", "beta", "gamma"):
        invoke("submit", outputs(model, 250), "--model", model, "--benchmark", "bench")

    def script(index: int, request: Request) -> Reply:
        return Reply.of({"data": []}) if request.method == "GET" else Reply.chat("A", delay_s=0.02)

    database, rng, trials = tmp_path / "judgebench.db", random.Random(7), 250 * 2 * 2
    with FaultServer(script) as server:
        command = [sys.executable, "-m", "judgebench", "--db", str(database), "run", "--benchmark", "bench"]
        command += ["--judge", "gpt", "--judge-url", server.url, "--baseline", "alpha", "--format", "json"]
        command += ["--concurrency", str(CONCURRENCY)]
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
