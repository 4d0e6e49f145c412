"""Runs on Ray as it is: a cluster of this machine, nodes and workers that are killed, and a driver that is.

What its processes hold in common is a token of their own, by which they are known here and killed.
"""

import json
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sized
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from judgebench import engine
from judgebench.engine.runner import RunTally
from judgebench.spec import Study, make
from judgebench.spec.workers import RayWorkers
from judgebench.store import schema as t
from judgebench.store.database import Database
from tests.fault_server import FaultServer, Reply, Request
from tests.filling import asked, stored

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install 'judgebench[ray]'"),
]
TOKEN = secrets.token_hex(32)
IN_FLIGHT = 16
KILLS = 10


@pytest.fixture(autouse=True, scope="module")
def _own_token() -> Iterator[None]:
    """Nothing is written into anybody's home, and no process is left."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", TOKEN)
        patch.setenv("RAY_worker_niceness", "0")
        patch.setenv("JUDGE_KEY", "sk-of-the-worker")
        yield
        for pid in ours(b""):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def ours(name: bytes) -> list[int]:
    """Processes of these tests' clusters whose command begins so."""
    pids = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (folder / "cmdline").read_bytes()
            if command.startswith(name) and TOKEN.encode() in (folder / "environ").read_bytes():
                pids.append(int(folder.name))
    return [pid for pid in pids if pid != os.getpid()]


def judge_of(delay_s: float, kills: Sized | None = None) -> Callable[[int, Request], Reply]:
    """Slower as long as there are kills to come."""

    def script(index: int, request: Request) -> Reply:
        if request.method == "GET":
            return Reply.of({"data": [{"id": "judge"}]})
        return Reply.chat("[[A]]", delay_s=delay_s if kills is None or len(kills) == KILLS else 0.5)

    return script


def questions(server: FaultServer) -> int:
    return sum(request.method == "POST" for request in list(server.requests))


@pytest.fixture
def bench(tmp_path: Path) -> Database:
    database = Database(str(tmp_path / "bench.db"), create=True)
    stored(database, asked(600), ["m1", "m2"])
    return database


def keys(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.execute(sa.select(t.verdicts.c.trial_key)).scalars())


def study(server: FaultServer, **more: Any) -> Study:
    judge = {"model": "judge", "url": server.url, "key_env": "JUDGE_KEY", "template": "pairwise/two-way"}
    judge |= {"price": "1000,1000", "ray": {"address": "local", "workers": 2}}
    fields = {"benchmark": "bench", "judge": judge, "all_pairs": True, "concurrency": IN_FLIGHT}
    return make(Study, fields | more, where="test")


class Cluster:
    """A head without room and two nodes with room for two workers each."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster as Simulated

        self._simulated = Simulated(initialize_head=True, head_node_args={"num_cpus": 0})
        self._nodes = [self._simulated.add_node(num_cpus=2) for _ in range(2)]
        self.address = self._simulated.address

    def lose_a_node(self, rng: random.Random) -> None:
        node = self._nodes.pop(rng.randrange(len(self._nodes)))
        self._simulated.remove_node(node, allow_graceful=False)
        self._nodes.append(self._simulated.add_node(num_cpus=2))

    def end(self) -> None:
        self._simulated.shutdown()


@pytest.fixture(scope="module")
def cluster(_own_token: None) -> Iterator[Cluster]:
    import ray

    simulated = Cluster()
    ray.init(address=simulated.address, log_to_driver=False, configure_logging=False)
    yield simulated
    ray.shutdown()
    simulated.end()


def test_ten_kills_of_workers_and_nodes_cost_no_trial(bench: Database, cluster: Cluster) -> None:
    rng, last = random.Random(20), 0
    kills: list[str] = []
    with FaultServer(judge_of(0.02, kills)) as server:

        def kill(tally: RunTally, calls: int) -> None:
            nonlocal last
            workers = ours(b"ray::Worker")
            if len(kills) == KILLS or calls - last < 30 or len(workers) < 2:
                return
            last = calls
            kills.append("node" if len(kills) in (3, 7) else "worker")
            if kills[-1] == "node":
                cluster.lose_a_node(rng)
            else:
                os.kill(rng.choice(workers), signal.SIGKILL)

        judge = study(server).judge.model_copy(update={"ray": RayWorkers(workers=3)})
        report = engine.run.run(bench, study(server, judge=judge), environment={}, on_progress=kill)
        trials = keys(bench)
        assert len(kills) == KILLS
        assert report.tally.planned == sum(report.tally.ended.values()) == len(set(trials)) == len(trials) == 1200
        assert not report.tally.ended.get("failed")
        assert 1200 <= questions(server) <= 1200 + KILLS * IN_FLIGHT
        assert {request.headers["authorization"] for request in server.requests} == {"Bearer sk-of-the-worker"}


def test_the_limit_on_cost_holds_while_workers_are_killed(bench: Database, cluster: Cluster) -> None:
    rng, kills = random.Random(1), []
    with FaultServer(judge_of(0.02)) as server:

        def kill(tally: RunTally, calls: int) -> None:
            workers = ours(b"ray::Worker")
            if len(kills) < 2 and calls > 40 * (len(kills) + 1) and len(workers) >= 2:
                kills.append(os.kill(rng.choice(workers), signal.SIGKILL))

        one = engine.run.run(bench, study(server, limit=1), environment={}).tally.cost_usd
        assert one is not None
        limit = 100 * one / 2
        tally = engine.run.run(bench, study(server, max_cost=limit), environment={}, on_progress=kill).tally
        assert tally.stopped_by == "max_cost"
        assert tally.cost_usd is not None
        assert limit <= tally.cost_usd <= limit + IN_FLIGHT * one / 2
        assert len(set(keys(bench))) == len(keys(bench)) == 2 + sum(tally.ended.values()) - 2


def command(database: Database, server: FaultServer, *more: str) -> list[str]:
    judge = ("--judge", "judge", "--judge-url", server.url, "--judge-key-env", "JUDGE_KEY")
    words = ("--db", database.name, "run", "--benchmark", "bench", *judge, "--all-pairs")
    return [sys.executable, "-m", "judgebench", *words, "--concurrency", str(IN_FLIGHT), "--ray", "local", *more]


def begun(words: list[str], server: FaultServer, after: int) -> "subprocess.Popen[str]":
    """The command, once it has asked so much more."""
    enough = questions(server) + after
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    )
    while process.poll() is None and questions(server) < enough:
        time.sleep(0.01)
    assert process.poll() is None
    return process


@pytest.mark.usefixtures("_own_token")
def test_a_driver_that_is_killed_goes_on_and_asks_no_more_than_was_in_flight_again(bench: Database) -> None:
    with FaultServer(judge_of(0.05)) as server:
        process = begun(command(bench, server), server, 200)
        process.kill()
        process.communicate()
        before = len(keys(bench))
        assert 0 < before < 1200
        ended = subprocess.run(command(bench, server, "--format", "json"), capture_output=True, text=True, check=True)
        assert json.loads(ended.stdout)["planned"] == 1200
        trials = keys(bench)
        assert len(trials) == len(set(trials)) == 1200
        assert questions(server) <= 1200 + IN_FLIGHT


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_is_in_flight_ends_and_is_stored(bench: Database, number: signal.Signals) -> None:
    """An interrupt goes to all processes of a terminal; workers must not end by it."""
    with FaultServer(judge_of(0.05)) as server:
        process = begun(command(bench, server, "--workers", "2"), server, 100)
        os.killpg(process.pid, number) if number is signal.SIGINT else process.send_signal(number)
        process.communicate(timeout=120)
        assert process.returncode == 130
        assert len(keys(bench)) == questions(server) < 1200
