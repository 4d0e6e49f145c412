"""Two processes with one study: each trial is asked once, both end well, and what a killed one held comes free."""

import json
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from judgebench.store import schema as t
from judgebench.store.database import Database
from judgebench.store.transfer import check
from tests.fault_server import FaultServer, Reply, Request
from tests.filling import asked, stored

CONCURRENCY = 8


def slow(delay_s: float) -> Callable[[int, Request], Reply]:
    """Says A, some time after it was asked."""
    return lambda _, request: Reply.of({"data": []}) if request.method == "GET" else Reply.chat("A", delay_s=delay_s)


def start(address: str, server: FaultServer, *more: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "judgebench", "--db", address, "run", "--benchmark", "bench", "--judge", "gpt"]
    command += ["--judge-url", server.url, "--baseline", "m1", "--concurrency", str(CONCURRENCY), "--format", "json"]
    return subprocess.Popen([*command, *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def questions(server: FaultServer) -> int:
    return sum(request.method == "POST" for request in server.requests)


def stored_once(address: str) -> int:
    """How many trials have a verdict, none of which was revised, in a database without a fault or a claim."""
    database = Database(address)
    found = check(database)
    assert (found.problems, found.notes, found.rows["claims"]) == ((), (), 0)
    with database.read() as connection:
        v = t.verdicts.c
        assert connection.scalar(sa.select(sa.func.max(v.revision))) == 0
        return connection.scalar(sa.select(sa.func.count(v.trial_key.distinct()))) or 0


@pytest.mark.slow
@pytest.mark.parametrize("runs", [2, 3])
def test_processes_with_one_study_pay_once(address: str, runs: int) -> None:
    stored(Database(address), asked(300), ["m1", "m2", "m3"])
    trials = 300 * 2 * 2
    with FaultServer(slow(0.05)) as server:
        processes = [start(address, server) for _ in range(runs)]
        reports = [json.loads(process.communicate()[0]) for process in processes]
        assert questions(server) == trials
    assert [process.returncode for process in processes] == runs * [0]
    assert [report["ok"] for report in reports] == runs * [trials]
    assert sum(report["calls"] for report in reports) == trials
    # The others' are less what they had stored before it began.
    assert all(report.get("by_others", 0) <= trials - report["calls"] for report in reports)
    assert stored_once(address) == trials


@pytest.mark.slow
def test_what_a_killed_process_was_asking_is_asked_by_the_other(address: str) -> None:
    stored(Database(address), asked(100), ["m1", "m2", "m3"])
    with FaultServer(slow(0.1)) as server:
        killed, other = start(address, server), start(address, server)
        deadline = time.monotonic() + 60
        while questions(server) < 150:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        killed.kill()
        killed.communicate()
        report, messages = json.loads(other.communicate()[0]), other.returncode
        assert 400 <= questions(server) <= 400 + CONCURRENCY
    assert messages == 0
    assert report["ok"] == 400
    assert stored_once(address) == 400
