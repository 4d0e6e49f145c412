"""Whoever waits for a server is shown how far it is, told what was paid of what ended early, and may go away."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the server needs the extra server")
pytest.importorskip("httpx2", reason="the client needs the extra client")

from judgebench import services
from judgebench.cli.session import INTERRUPTED
from judgebench.server.state import ServerState
from judgebench.services.access import Policy
from judgebench.spec import JudgeSpec
from judgebench.store.database import Database
from tests.cli.conftest import Invoke, Result
from tests.cli.killing import says_a, submit
from tests.cli.test_remote import working
from tests.fault_server import FaultServer, Reply, Request
from tests.server.serving import Api, serving
from tests.services.killable import until

pytestmark = pytest.mark.slow
JUDGES = ("quick", "slow")
QUESTIONS = 40
PLACE = ("place", "--model", "beta", "--benchmark", "bench", "--judge", "quick", "--judge", "slow", "--yes")


class Judges:
    """One answers at once, the other slowly, or not at all."""

    def __init__(self) -> None:
        self.refuses = False

    def __call__(self, number: int, request: Request) -> Reply:
        if self.refuses and request.method == "POST" and request.json["model"] == "slow":
            return Reply.error(401, "no such key")
        is_slow = request.method == "POST" and request.json["model"] == "slow"
        return says_a(0.3 if is_slow else 0.0)(number, request)


@pytest.fixture
def judges() -> Iterator[tuple[FaultServer, Judges]]:
    script = Judges()
    with FaultServer(script) as server:
        yield server, script


@pytest.fixture
def api(judges: tuple[FaultServer, Judges], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """A server on a database with a board by the quick judge, and the variable that holds a token of the role admin."""
    path, server = str(tmp_path / "judgebench.db"), judges[0]
    submit(path, ("alpha", "beta", "gamma"), QUESTIONS, tmp_path)
    with closing(Database(path)) as database:
        for name in JUDGES:
            spec = JudgeSpec(model=name, name=name, url=server.url, price="1000,1000", settings={"max_tokens": 5})
            services.judges.add_judge(database, spec)
        policy = Policy(False, {}, (f"127.0.0.1:{server.port}",))
        with serving(database, ServerState(database, lambda: policy)) as running:
            monkeypatch.setenv("JUDGEBENCH_TOKEN", running.tokens["admin"])
            yield running


@contextmanager
def meanwhile(is_time: Callable[[], bool], act: Callable[[], object]) -> Iterator[None]:
    """``act`` once ``is_time``, while the block goes on."""
    with ThreadPoolExecutor(1) as threads:
        done = threads.submit(lambda: (until(is_time), act()))
        yield
        done.result(300)


def stop(database: Database, subject: str) -> None:
    [job] = [job for job in services.jobs.jobs(database) if job.subject == subject and job.is_open]
    services.jobs.stop(database, job.id)


def answers(database: Database, judge: str) -> int:
    return sum(sum(run.ended.values()) for run in services.benchmarks.runs(database) if run.judge == judge)


def board(invoke: Invoke) -> None:
    run = ("run", "--benchmark", "bench", "--judge", "quick", "--models", "alpha,gamma", "--all-pairs", "--limit", "20")
    assert invoke(*run, "--max-cost", "9").code == 0


def test_what_was_asked_and_paid_is_told_of_a_placement_that_is_stopped(
    api: Api, invoke: Invoke, tmp_path: Path
) -> None:
    board(invoke)
    at = ("--server", api.url)
    is_time = lambda: answers(api.database, "slow") >= 3  # noqa: E731
    with working(tmp_path), meanwhile(is_time, lambda: stop(api.database, "slow")):
        ended = invoke(*at, *PLACE)
    assert ended.code == INTERRUPTED, ended.err
    assert "beta: rank " in ended.out  # by what there is, as on a database
    told = ended.err.replace("\n", " ")
    assert re.search(r"job \d+, judge 'quick': done; 80 of 80 trials have ended, 80 calls, [0-9.]+ USD", told)
    assert re.search(r"job \d+, judge 'slow': stopped; \d+ of 80 trials have ended, \d+ calls, [0-9.]+ USD", told)
    [number] = re.findall(rf"judgebench --server {api.url} jobs resume (\d+) continues where it stopped", told)
    assert "the same command continues where it stopped" in told
    assert invoke(*at, "jobs", "resume", number).out == f"job {number}: queued\n"
    with working(tmp_path):
        until(lambda: not any(job.is_open for job in services.jobs.jobs(api.database)))
        again = invoke(*at, *PLACE)
    assert (again.code, "Nothing is left to ask" in again.err) == (0, True), again.err


def test_a_placement_of_which_a_job_fails_tells_what_was_paid_and_ends_as_here(
    api: Api, invoke: Invoke, judges: tuple[FaultServer, Judges], tmp_path: Path
) -> None:
    board(invoke)

    def refuse() -> None:
        judges[1].refuses = True

    with working(tmp_path), meanwhile(lambda: answers(api.database, "slow") >= 3, refuse):
        ended = invoke("--server", api.url, *PLACE)
    here = invoke(*PLACE)
    assert (ended.code, here.code) == (2, 2), ended.err
    told = ended.err.replace("\n", " ")
    assert re.search(r"job \d+, judge 'quick': done; 80 of 80 trials have ended, 80 calls, [0-9.]+ USD", told)
    assert re.search(r"job \d+, judge 'slow': failed; \d+ of 80 trials have ended, [0-9.]+ USD", told)
    assert "has failed: " in told
    assert "no such key" in told
    assert "no such key" in here.err


def test_a_run_that_is_stopped_at_the_server_ends_as_one_that_is_interrupted_here(
    api: Api, invoke: Invoke, tmp_path: Path
) -> None:
    run = ("--server", api.url, "run", "--benchmark", "bench", "--judge", "slow", "--all-pairs")
    with working(tmp_path), meanwhile(lambda: answers(api.database, "slow") >= 3, lambda: stop(api.database, "slow")):
        ended = invoke(*run)
    assert ended.code == INTERRUPTED, ended.err
    assert re.search(r"slow: 240 planned, \d+ ok, \d+ pending; \d+ calls, [0-9.]+ USD", ended.out)
    assert "jobs resume 1 continues" in ended.err.replace("\n", " ")

    def queued() -> bool:
        return any(job.is_open for job in services.jobs.jobs(api.database))

    with meanwhile(queued, lambda: stop(api.database, "slow")):
        ended = invoke(*run)
    assert (ended.code, ended.out) == (INTERRUPTED, "")  # nobody took it


STARTED = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from judgebench.cli.main import main; main()"
)


def interrupted(api: Api, folder: Path, *words: str, once: Callable[[], bool]) -> Result:
    """A command in a process of its own, as a terminal starts one, that gets Ctrl-C at its time."""
    command = [sys.executable, "-P", "-c", STARTED, "--server", api.url, *words]
    process = subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        until(once)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    finally:
        process.kill()
    return Result(process.returncode, out, err)


def test_ctrl_c_leaves_the_work_to_the_server_and_says_how_it_is_stopped(
    api: Api, invoke: Invoke, tmp_path: Path
) -> None:
    board(invoke)
    outputs = tmp_path / "delta.csv"
    outputs.write_text("instruction,output\n" + "".join(f"Question {n}?,delta on {n}\n" for n in range(QUESTIONS)))
    audit = ("audit", "null-models", "--benchmark", "bench", "--judge", "slow", "--max-calls", "50")
    rank = ("submit", str(outputs), "--model", "delta", "--benchmark", "bench", "--rank", "--judge", "slow", "--yes")
    run = ("run", "--benchmark", "bench", "--judge", "slow", "--all-pairs", "--limit", "9")
    for words in (audit, run, rank, PLACE):
        before = {job.id for job in services.jobs.jobs(api.database)}
        with working(tmp_path):
            ended = interrupted(api, tmp_path, *words, once=lambda before=before: begun(api, before))
            assert ended.code == INTERRUPTED, (words, ended.err)
            assert "Traceback" not in ended.err
            numbers = [job for job in services.jobs.jobs(api.database) if job.id not in before]
            assert all(job.is_open for job in numbers if job.subject == "slow"), "it goes on"
            [listed] = re.findall(r"jobs stop ([\d ]+) ends it", ended.err.replace("\n", " "))
            assert {*map(int, listed.split())} == {job.id for job in numbers}
            assert invoke("--server", api.url, "jobs", "stop", *listed.split()).code == 0
            until(lambda: not any(job.is_open for job in services.jobs.jobs(api.database)))


def test_a_job_of_a_server_is_waited_for_as_one_of_a_database(api: Api, invoke: Invoke, tmp_path: Path) -> None:
    at, run = ("--server", api.url), ("run", "--benchmark", "bench", "--judge", "slow", "--all-pairs", "--limit", "4")
    number = str(invoke(*at, *run, "--queue", "--format", "json").json["job"])
    with working(tmp_path):
        running = lambda: answers(api.database, "slow") > 0  # noqa: E731
        left = interrupted(api, tmp_path, "jobs", "wait", number, once=running)
        assert (left.code, left.out) == (INTERRUPTED, "")
        assert f"jobs stop {number} ends it" in left.err.replace("\n", " ")
        ended = invoke(*at, "jobs", "wait", number)
    assert (ended.code, ended.out) == (0, f"job {number}: done\n"), ended.err
    sides = ("--model", "alpha", "--opponent", "beta")
    audit = ("audit", "robustness", "--benchmark", "bench", "--judge", "quick", *sides, "--limit", "4")
    queued = invoke(*at, *audit, "--queue", "--format", "json")
    assert queued.code == 0, queued.err
    number = str(queued.json["job"])
    with working(tmp_path):
        assert invoke(*at, "jobs", "wait", number).code == 1  # a judge that always says A notices nothing
    assert invoke("jobs", "wait", number, "--format", "json").json[0]["passed"] is False


def begun(api: Api, before: set[int]) -> bool:
    """Whether a job that was not there before has begun, and whoever asked for it has been told its number."""
    new = [job for job in services.jobs.jobs(api.database) if job.id not in before]
    return any(job.state == "running" and job.subject == "slow" for job in new)


def test_how_far_it_is_is_shown_on_a_terminal(api: Api, tmp_path: Path) -> None:
    """On one line of stderr, which is drawn again and again."""
    pty = pytest.importorskip("pty")
    mine, theirs = pty.openpty()
    words = ("run", "--benchmark", "bench", "--judge", "slow", "--models", "alpha,beta", "--all-pairs", "--limit", "3")
    command = [sys.executable, "-P", "-m", "judgebench", "--server", api.url, *words]
    with working(tmp_path), ThreadPoolExecutor(1) as threads:
        environment = {**os.environ, "COLUMNS": "150", "TERM": "xterm"}
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=theirs)
        os.close(theirs)
        shown = threads.submit(read_all, mine).result(300)
        assert process.wait(60) == 0
    assert "judging" in shown
    assert "6/6" in shown
    assert "USD" in shown


def read_all(terminal: int) -> str:
    chunks = []
    while True:
        try:
            chunk = os.read(terminal, 1 << 16)
        except OSError:  # whoever wrote to it has ended
            break
        if not chunk:
            break
        chunks.append(chunk)
    os.close(terminal)
    return b"".join(chunks).decode(errors="replace")
