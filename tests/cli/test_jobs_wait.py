"""``jobs wait``: until jobs have ended, with the exit code of the command that does the same work."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from judgebench import services
from judgebench.cli import waiting
from judgebench.cli.session import INTERRUPTED
from judgebench.store.database import Database
from tests.cli.conftest import Invoke
from tests.cli.test_remote import working
from tests.cli.test_remote_waiting import STARTED
from tests.fault_server import FaultServer, Reply
from tests.services.killable import until

QUEUED = ("run", "--benchmark", "bench", "--all-pairs", "--queue", "--format", "json")
_RUN = {"kind": "run", "planned": 4, "done": 4}


def queue(invoke: Invoke, *words: str) -> str:
    queued = invoke(*QUEUED, *words)
    assert queued.code == 0, queued.err
    return str(queued.json["job"])


@pytest.mark.parametrize(
    ("job", "code"),
    [
        (_RUN | {"state": "done", "report": {"planned": 4, "ok": 3, "tie": 1}}, 0),
        (_RUN | {"state": "done", "report": {"planned": 4, "ok": 3, "failed": 1}}, 3),
        (_RUN | {"state": "done", "progress": {"without_verdict": 0}}, 0),  # as whoever is no admin is told of it
        (_RUN | {"state": "done", "progress": {"without_verdict": 1}}, 3),
        (_RUN | {"state": "stopped", "done": 1, "report": {"planned": 4, "ok": 1, "stopped_by": "max_cost"}}, 3),
        (_RUN | {"state": "stopped", "done": 1, "report": {"planned": 4, "ok": 1}}, INTERRUPTED),
        (_RUN | {"state": "stopped", "done": 0, "report": None}, INTERRUPTED),
        (_RUN | {"state": "failed", "report": None}, 2),
        ({"kind": "audit", "state": "done", "passed": True, "report": {"passed": True}}, 0),
        ({"kind": "audit", "state": "done", "passed": False, "report": {"passed": False}}, 1),
        ({"kind": "audit", "state": "stopped", "passed": None, "report": {"failures": ["max_calls"]}}, 1),
        (_RUN | {"kind": "answer", "state": "done", "report": {"planned": 4, "ok": 4, "pending": 0}}, 0),
        (_RUN | {"kind": "answer", "state": "done", "report": {"planned": 4, "ok": 3, "failed": 1}}, 3),
    ],
)
def test_a_job_has_the_exit_code_of_the_command_that_does_the_same(job: Mapping[str, Any], code: int) -> None:
    assert waiting.exit_code(job) == code


def test_jobs_that_have_ended_are_told_at_once(submitted: Invoke) -> None:
    first, second = (queue(submitted, "--judge", judge) for judge in ("scripted:coin", "scripted:always-first"))
    submitted("jobs", "stop", first, second)
    waited = submitted("jobs", "wait", first, second)
    assert (waited.code, waited.out) == (INTERRUPTED, f"job {first}: stopped\njob {second}: stopped\n")
    assert f"judgebench jobs resume {first} {second} continues" in waited.err.replace("\n", " ")
    listed = submitted("jobs", "wait", first, "--format", "json").json
    assert [(job["id"], job["state"], job["progress"]["done"]) for job in listed] == [(int(first), "stopped", 0)]
    assert (submitted("jobs", "wait").code, submitted("jobs", "wait").out) == (0, "")  # nothing is open
    assert submitted("jobs", "wait", "77").code == 2


@pytest.mark.slow
def test_it_waits_for_what_a_worker_does(submitted: Invoke, tmp_path: Path) -> None:
    good = queue(submitted, "--judge", "scripted:coin")
    with FaultServer(lambda number, _: Reply.chat("A" if number % 2 else "nothing of the kind")) as server:
        bad = queue(submitted, "--judge", "mumbles", "--judge-url", server.url)
        with working(tmp_path):
            waited = submitted("jobs", "wait")
            assert waited.code == 3, waited.err
            assert [line.partition(":")[0] for line in waited.out.splitlines()] == [f"job {bad}", f"job {good}"]
            assert f"job {good}: done\n" in waited.out
    assert submitted("jobs", "wait", good).code == 0
    assert submitted("jobs", "wait", good, bad).code == 3


@pytest.mark.slow
def test_ctrl_c_ends_the_waiting_and_not_the_work(submitted: Invoke, tmp_path: Path) -> None:
    go_on = threading.Event()
    with FaultServer(lambda _, __: Reply.chat("A", until=go_on.is_set)) as server:
        number = queue(submitted, "--judge", "slow", "--judge-url", server.url)
        with working(tmp_path), closing(Database(str(tmp_path / "judgebench.db"))) as database:
            command = [sys.executable, "-P", "-c", STARTED, "jobs", "wait", number]
            process = subprocess.Popen(
                command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
            )
            assert process.stderr is not None
            assert process.stderr.readline() == f"waiting for job {number}\n".encode()
            until(lambda: services.jobs.job(database, int(number)).state == "running" and len(server.requests) > 0)
            assert process.poll() is None
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
            assert (process.returncode, out) == (INTERRUPTED, b"")
            told = " ".join(err.decode().split())
            assert f"interrupted; the work goes on: judgebench jobs stop {number} ends it" in told
            assert "Traceback" not in told
            assert services.jobs.job(database, int(number)).is_open
            go_on.set()
            assert submitted("jobs", "wait", number).code == 0
    assert json.loads(submitted("jobs", "show", number, "--format", "json").out)["state"] == "done"


def test_a_waiting_script_outlives_a_database_that_is_away_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    from judgebench.errors import DatabaseAway

    answers: list[Any] = [
        _RUN | {"id": 1, "state": "queued", "message": "waits for a key"},
        DatabaseAway("away"),
        _RUN | {"id": 1, "state": "done"},
    ]

    def read(number: int) -> Mapping[str, Any]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)

    monkeypatch.setattr(waiting.time, "sleep", lambda _: None)
    assert [job["state"] for job in waiting.ended(read, [1])] == ["done"]
    answers.append(DatabaseAway("away"))
    with pytest.raises(DatabaseAway):
        waiting.ended(read, [1])
