"""A run that is killed at any moment and started again loses nothing committed and asks next to nothing twice."""

import json
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from judgebench.store.database import Database
from judgebench.store.transfer import check
from tests import postgres
from tests.cli.killing import killed, killed_parts, run, says_a, submit
from tests.fault_server import FaultServer, Reply


@pytest.mark.slow
def test_killed_ten_times_over(address: str, tmp_path: Path) -> None:
    account = killed(address, 10, seed=7, folder=tmp_path)
    assert account.passed, account


@pytest.mark.slow
def test_parts_of_a_study_killed_again_and_again_lose_nothing(postgres_server: str, tmp_path: Path) -> None:
    account = killed_parts(postgres.fresh(postgres_server), 4, 10, seed=5, folder=tmp_path)
    assert account.passed, account


def _stored(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM verdicts").fetchone()[0])


def _asked(server: FaultServer) -> int:
    return sum(request.method == "POST" for request in server.requests)


def _kept(database: Path) -> int:
    """Replies that wait in the file beside the database."""
    path = database.with_name("judgebench.db.unstored")
    return len(path.read_text().splitlines()) if path.exists() else 0


@pytest.mark.slow
@pytest.mark.parametrize("stops", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_an_interrupt_says_what_it_waits_for_and_a_second_one_stops_at_once(tmp_path: Path, stops: int) -> None:
    database = str(tmp_path / "judgebench.db")
    submit(database, ("alpha", "beta"), 10, tmp_path)
    answers = says_a(0)
    with FaultServer(
        lambda n, request: answers(n, request) if n < 6 else Reply.chat("A", delay_s=3 if stops == 1 else 600)
    ) as server:
        process = subprocess.Popen(run(database, server, concurrency=4), stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        _await(lambda: len(server.requests) >= 10)
        process.send_signal(signal.SIGINT)
        said = ""
        while "in flight, to be stored; once more stops at once" not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        if stops == 2:
            process.send_signal(signal.SIGINT)
        said += process.communicate(timeout=120)[1]
    assert process.returncode == 130
    assert stops == 2 or "interrupted; the same command continues where it stopped" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("drain", [5.0, pytest.param(0.2, marks=pytest.mark.slow)])
def test_a_signal_to_terminate_stores_what_was_answered(tmp_path: Path, drain: float) -> None:
    database = tmp_path / "judgebench.db"
    submit(str(database), ("alpha", "beta"), 60, tmp_path)
    with FaultServer(says_a(0.8)) as server:
        command = run(str(database), server, concurrency=30)
        process = subprocess.Popen([*command, "--drain", str(drain)], stderr=subprocess.PIPE, text=True)
        _await(lambda: len(server.requests) >= 50)  # 30 are answered, the next 30 under way
        before = _stored(database)
        process.terminate()
        message = process.communicate(timeout=120)[1]
        asked = _asked(server)
    assert process.returncode == 130
    assert "in flight, to be stored" in message
    assert "interrupted; the same command continues where it stopped" in message
    stored = _stored(database)
    assert stored == asked if drain > 1 else before <= stored < asked
    assert check(Database(str(database))).problems == ()


@pytest.mark.slow
def test_a_database_locked_for_longer_than_the_drain_loses_no_reply(tmp_path: Path) -> None:
    database = tmp_path / "judgebench.db"
    submit(str(database), ("alpha", "beta"), 30, tmp_path)
    with FaultServer(says_a(0.2)) as server:
        command = run(str(database), server, concurrency=4)
        process = subprocess.Popen([*command, "--drain", "0.5"], stderr=subprocess.DEVNULL)
        _await(lambda: len(server.requests) >= 10)
        with sqlite3.connect(database, isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            time.sleep(1.0)
            _await(lambda: server.at_once == 0)  # all places hold a reply that waits
            process.terminate()
            _await(lambda: _kept(database) == _asked(server) - _stored(database))
            process.kill()  # as whoever terminates does in the end
            process.wait()
            other.execute("ROLLBACK")
        subprocess.run(command, stderr=subprocess.DEVNULL, check=True)
        asked = _asked(server)
    assert asked == _stored(database) == 60
    assert not database.with_name("judgebench.db.unstored").exists()


def _await(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.slow
def test_a_run_outlives_a_restart_of_its_database_s_server(tmp_path: Path) -> None:
    with postgres.restartable() as (address, restart):
        trials = 2 * submit(address, ("alpha", "beta"), 200, tmp_path)
        with FaultServer(says_a(0.05)) as server:
            process = subprocess.Popen(
                [*run(address, server, concurrency=8), "--format", "json"], stdout=subprocess.PIPE, text=True
            )
            for requests in (60, 200):
                _await(lambda so_many=requests: _asked(server) >= so_many)
                restart()
            out = process.communicate(timeout=200)[0]
            asked = _asked(server)
        assert process.returncode == 0
        assert json.loads(out)["planned"] == trials
        with closing(Database(address)) as database, database.read() as connection:
            assert connection.scalar(sa.text("SELECT count(*) FROM verdicts WHERE status = 'ok'")) == trials
        assert asked == trials
