"""Runs whose judge is in other processes that are killed: each trial one verdict, and limits hold."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from judgebench import engine
from judgebench.clients.retry import RetryingClient, RetryPolicy
from judgebench.clients.workers import Opener, WorkerClient
from judgebench.engine.run import RunReport
from judgebench.errors import InputError, JudgeError
from judgebench.spec import Study, make
from judgebench.spec.workers import RayWorkers
from judgebench.store import schema as t
from judgebench.store.database import Database
from tests.far import Far, far
from tests.fault_server import FaultServer, Reply, Request
from tests.filling import asked, stored

IN_FLIGHT = 8


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch) -> "Fleet":
    # Both may be down at once, again and again, while others' questions kill them: with as few attempts as usual a
    # question now and then meets none that is up.
    policy = RetryPolicy(attempts=60, first_wait_s=0.01, max_wait_s=0.05)
    monkeypatch.setattr(
        engine.judges, "RetryingClient", lambda client, *_, throttle: RetryingClient(client, policy, throttle=throttle)
    )
    monkeypatch.setattr("judgebench.clients.pool._FIRST_REST_S", 0.01)
    fleet = Fleet()
    monkeypatch.setattr(engine.judges, "open_workers", fleet.open)
    return fleet


class Fleet:
    """As many workers as were asked for, of which ``kills`` are killed, one after every so many questions of all."""

    def __init__(self) -> None:
        self.kills, self.every, self.down_s = 0, 15, 0.02
        self.are_lost = False  # for ever
        self.workers: list[Far] = []
        self.concurrency = 0

    def open(
        self, workers: RayWorkers, openers: Mapping[str, Opener], *, is_foreign: bool, concurrency: int
    ) -> dict[str, WorkerClient]:
        self.concurrency = concurrency
        down_s = None if self.are_lost else self.down_s
        addresses = list(openers)
        pairs = [
            far(openers[addresses[number % len(addresses)]], is_foreign=is_foreign, down_s=down_s)
            for number in range(workers.workers or 1)
        ]
        self.workers += [remote for _, remote in pairs]
        for remote in self.workers:
            remote.on_question = self._kill
        return {f"worker {number}": client for number, (client, _) in enumerate(pairs)}

    def _kill(self, remote: Far) -> None:
        if self.kills and self.questions % self.every == 0:
            self.kills -= 1
            remote.kill()

    @property
    def questions(self) -> int:
        return sum(remote.questions for remote in self.workers)

    @property
    def lost(self) -> int:
        return sum(remote.lost for remote in self.workers)


@pytest.fixture
def bench(database: Database) -> Database:
    stored(database, asked(100), ["m1", "m2"])
    return database


def study(judge: Mapping[str, Any], **more: Any) -> Study:
    judge = {"template": "pairwise/two-way", "ray": {"workers": 2}, **judge}
    fields = {"benchmark": "bench", "judge": judge, "all_pairs": True, "concurrency": IN_FLIGHT}
    return make(Study, fields | more, where="test")


def run(database: Database, wanted: Study) -> RunReport:
    return engine.run.run(database, wanted, environment={})


def keys(database: Database) -> Sequence[str]:
    with database.read() as connection:
        return connection.execute(sa.select(t.verdicts.c.trial_key)).scalars().all()


def test_ten_kills_cost_no_trial_and_no_more_than_what_was_in_flight(bench: Database, fleet: Fleet) -> None:
    fleet.kills = 10
    report = run(bench, study({"model": "scripted:coin"}))
    trials = keys(bench)
    assert report.tally.planned == sum(report.tally.ended.values()) == 200
    assert not report.tally.ended.get("failed")
    assert len(trials) == len(set(trials)) == 200
    assert fleet.kills == 0
    assert 200 <= fleet.questions <= 200 + fleet.lost
    assert fleet.lost <= 10 * IN_FLIGHT


def priced(index: int, request: Request) -> Reply:
    return Reply.of({"data": [{"id": "judge"}]}) if request.method == "GET" else Reply.chat("[[A]]")


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer(priced) as serving:
        yield serving


def test_the_limit_on_cost_holds_and_the_same_command_goes_on(
    bench: Database, fleet: Fleet, server: FaultServer
) -> None:
    fleet.kills = 3
    judge = {"model": "judge", "url": server.url, "price": "1000,1000"}
    one = run(bench, study(judge, limit=1)).tally.cost_usd
    assert one is not None
    cost = one / 2
    first = run(bench, study(judge, max_cost=50 * cost))
    assert first.tally.stopped_by == "max_cost"
    assert first.tally.cost_usd is not None
    assert 50 * cost <= first.tally.cost_usd <= (50 + IN_FLIGHT) * cost
    rest = run(bench, study(judge))
    assert rest.tally.pending == 0
    trials = keys(bench)
    assert len(trials) == len(set(trials)) == 200
    answered = sum(request.method == "POST" for request in server.requests)
    assert answered <= 200 + fleet.lost


def test_the_limit_on_calls_counts_those_whose_answer_was_lost(
    bench: Database, fleet: Fleet, server: FaultServer
) -> None:
    fleet.kills = 2
    report = run(bench, study({"model": "judge", "url": server.url}, max_calls=60))
    assert report.tally.stopped_by == "max_calls"
    assert report.calls == 60
    assert sum(request.method == "POST" for request in server.requests) <= 60


@pytest.mark.slow
def test_workers_that_are_all_lost_end_the_run(bench: Database, fleet: Fleet) -> None:
    fleet.kills, fleet.are_lost = 2, True
    with pytest.raises(JudgeError, match=r"times in a row, last: the actor is restarting \(asked"):
        run(bench, study({"model": "scripted:coin"}, max_failures=5))
    assert 0 < len(set(keys(bench))) < 200
    fleet.are_lost = False
    assert run(bench, study({"model": "scripted:coin"})).tally.pending == 0


def test_one_worker_that_is_lost_leaves_the_work_to_the_other(bench: Database, fleet: Fleet) -> None:
    fleet.kills, fleet.are_lost = 1, True
    report = run(bench, study({"model": "scripted:coin"}))
    assert report.tally.pending == 0
    assert not report.tally.ended.get("failed")
    [told] = [change for change in report.changed if "left out" in change]
    assert told.startswith("worker ")


def test_a_variable_that_a_worker_lacks_is_named_and_nothing_is_asked(
    bench: Database, fleet: Fleet, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    wanted = study({"model": "judge", "url": server.url, "key_env": "NO_SUCH_KEY"})
    with pytest.raises(InputError, match="NO_SUCH_KEY is not set in Ray's workers"):
        engine.run.run(bench, wanted, environment={"NO_SUCH_KEY": "sk-of-the-driver"})
    assert not server.requests
    assert not keys(bench)


def test_a_worker_sends_the_key_of_its_own_environment(
    bench: Database, fleet: Fleet, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUDGE_KEY", "sk-of-the-worker")
    run(bench, study({"model": "judge", "url": server.url, "key_env": "JUDGE_KEY"}, limit=2))
    assert {request.headers["authorization"] for request in server.requests} == {"Bearer sk-of-the-worker"}
    assert not any(b"sk-of-the-worker" in sent for remote in fleet.workers for sent in remote.sent)


def test_two_addresses_are_asked_by_a_worker_each(bench: Database, fleet: Fleet) -> None:
    with FaultServer(priced) as one, FaultServer(priced) as other:
        report = run(bench, study({"model": "judge", "url": [one.url, other.url]}))
        assert report.tally.pending == 0
        assert min(len(server.requests) for server in (one, other)) > 20


def test_a_judge_that_runs_in_workers_is_the_same_judge(bench: Database, fleet: Fleet) -> None:
    here = run(bench, study({"model": "scripted:coin", "ray": None}, limit=10))
    there = run(bench, study({"model": "scripted:coin"}, limit=10))
    assert here.judge == there.judge
    assert there.calls == 0
    assert there.other_models == ()
    with bench.read() as connection:
        specifications = connection.execute(sa.select(t.runs.c.specification)).scalars().all()
    assert "ray" not in str(specifications)
