"""Runs at once share their work: no trial is asked twice, and each run ends with all of them."""

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from judgebench import engine, store
from judgebench.engine import batches, claims, pending, runner
from judgebench.engine.claims import Claims, is_gone, this_process
from judgebench.engine.runner import RunTally
from judgebench.errors import Conflict, DatabaseBusy
from judgebench.records import Status
from judgebench.spec import Study, make, make_generation
from judgebench.store import schema as t
from judgebench.store.claims import Holder, claim
from judgebench.store.database import Database
from judgebench.store.transfer import check
from tests.engine.served import prefers_quality
from tests.fault_server import FaultServer, Reply, Request
from tests.filling import asked, stored, submitted

MODELS = ["m1", "m2", "m3"]
TRIALS = 6 * 40
ELSEWHERE = "elsewhere 7 5 another-boot:1"  # a process of a machine that is not this one


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending, "_LEAST", 8)
    monkeypatch.setattr(runner, "_WAITS_S", (0.02, 0.05))


def slowly(index: int, request: Request) -> Reply:
    return replace(prefers_quality(index, request), delay_s=0.01)


def study(server: FaultServer, **fields: Any) -> Study:
    judge = {"model": "judge", "url": server.url, "template": "pairwise/three-way"} | fields.pop("judge", {})
    design = {} if "design" in fields else {"all_pairs": True}
    return make(Study, {"benchmark": "bench", "judge": judge, "concurrency": 4} | design | fields, where="test")


def run(address: str, wanted: Study, watch: Callable[[RunTally, int], None] | None = None) -> Any:
    """As in a process of its own, which has the database open by itself."""
    database = Database(address)
    try:
        if wanted.design == "adaptive":
            return engine.adaptive.settle(database, wanted, environment={}, on_progress=watch)
        return engine.run.run(database, wanted, environment={}, on_progress=watch)
    finally:
        database.close()


def at_once(address: str, studies: Sequence[Study]) -> list[Any]:
    """The reports of runs that begin together."""
    with ThreadPoolExecutor(len(studies)) as pool:
        return list(pool.map(lambda wanted: run(address, wanted), studies))


def questions(server: FaultServer) -> int:
    return sum(request.method == "POST" for request in server.requests)


def claimed(database: Database) -> int:
    with database.read() as connection:
        table = t.metadata.tables["claims"]
        return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def claimed_elsewhere(database: Database, wanted: Study, count: int | None = None) -> int:
    """A run of the study on another machine, which has claimed its first ``count`` trials; None: all."""
    planned = engine.plan.plan(database, wanted)
    keys = [trial.key for trial in engine.plan.planned_trials(database, planned)]
    with database.write() as connection:
        run_id = engine.run.start_run(connection, planned, "run")
        claim(connection, Holder(run_id, ELSEWHERE), keys[:count], lease_s=60, is_gone=is_gone)
    return run_id


@pytest.mark.slow
@pytest.mark.parametrize("runs", [2, 3])
def test_runs_at_once_ask_each_trial_once(address: str, runs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(address)
    stored(database, asked(40), MODELS)
    asking: set[int] = set()
    all_began = threading.Barrier(runs)

    def claims_once_all_began(answers: engine.run.Judging) -> Claims:
        """A run that begins later finds what others have answered by then, and does not count it as theirs."""
        if id(answers) not in asking:
            asking.add(id(answers))
            all_began.wait(60)
        return Claims(answers._database, answers._run_id)

    monkeypatch.setattr(engine.run.Judging, "claims", claims_once_all_began)
    with FaultServer(slowly) as server:
        reports = at_once(address, runs * [study(server)])
        assert questions(server) == TRIALS == sum(report.calls for report in reports)
    assert [report.tally.ended for report in reports] == runs * [{Status.OK: TRIALS}]
    assert all(report.calls for report in reports)
    assert [report.calls + report.tally.by_others for report in reports] == runs * [TRIALS]
    with database.read() as connection:
        assert store.verdicts.newest_id(connection) == TRIALS
        by_run = sorted(sum(each.ended.values()) for each in store.runs.runs(connection))
    assert by_run == sorted(report.calls for report in reports)
    assert claimed(database) == 0
    assert check(database).problems == ()


@pytest.mark.slow
def test_a_run_of_another_judge_is_not_disturbed(address: str) -> None:
    database = Database(address)
    stored(database, asked(20), MODELS)
    with FaultServer(slowly) as server:
        others = [study(server, judge={"name": f"at {heat}", "settings": {"temperature": heat}}) for heat in (0.1, 0.2)]
        reports = at_once(address, others)
        assert questions(server) == 2 * 120
    assert [(report.calls, report.tally.by_others) for report in reports] == 2 * [(120, 0)]


@pytest.mark.slow
def test_runs_that_plan_some_of_the_same_trials_share_these(address: str) -> None:
    database = Database(address)
    stored(database, asked(40), MODELS)
    with FaultServer(slowly) as server:
        some, all_twice = at_once(address, [study(server, limit=10), study(server, repeats=2)])
        assert questions(server) == 2 * TRIALS
    assert some.tally.ended == {Status.OK: 60}
    assert all_twice.tally.ended == {Status.OK: 2 * TRIALS}


@pytest.mark.slow
def test_equal_trials_of_two_benchmarks_are_asked_once(address: str) -> None:
    database = Database(address)
    for benchmark in ("bench", "other"):
        text = lambda model, number: f"{number}: quality {model[1:]}"  # noqa: E731
        submitted(database, asked(20), MODELS, text, benchmark=benchmark)
    with FaultServer(slowly) as server:
        reports = at_once(address, [study(server), study(server, benchmark="other")])
        assert questions(server) == 120
    assert [report.tally.ended for report in reports] == 2 * [{Status.OK: 120}]
    assert sum(report.tally.taken_over for report in reports) == 120


def test_what_is_asked_again_is_asked_again_once(address: str) -> None:
    database = Database(address)
    stored(database, asked(20), ["m1", "m2"])

    def silent(index: int, request: Request) -> Reply:
        return Reply.of({"data": []}) if request.method == "GET" else Reply.chat("no verdict", delay_s=0.01)

    with FaultServer(silent) as server:
        run(address, study(server))
        again = study(server, redo=["unparsed"])
        reports = at_once(address, [again, again])
        assert questions(server) == 80
        assert run(address, again).calls == 40  # a run of its own asks them once more
    assert [report.tally.ended for report in reports] == 2 * [{Status.UNPARSED: 40}]


def test_what_failed_meanwhile_is_not_asked_again_until_the_next_run(address: str) -> None:
    database = Database(address)
    stored(database, asked(20), ["m1", "m2"])
    broken = threading.Event()
    broken.set()

    def script(index: int, request: Request) -> Reply:
        bad = broken.is_set() and request.method == "POST" and "What is 3?" in request.text
        return Reply.error(422, "cannot") if bad else slowly(index, request)

    with FaultServer(script) as server:
        reports = at_once(address, 2 * [study(server)])
        before = questions(server)
        broken.clear()
        assert run(address, study(server)).tally.ended == {Status.OK: 40}
    assert [report.tally.ended[Status.OK] for report in reports] == [38, 38]
    assert sum(report.calls for report in reports) == before


def test_adaptive_runs_share_their_rounds(address: str) -> None:
    database = Database(address)
    stored(database, asked(60), ["m1", "m2"])
    with FaultServer(slowly) as server:
        wanted = study(server, design="adaptive", better=["m1", "m2"], budget=120, error=0.01)
        one, other = at_once(address, [wanted, wanted])
        assert questions(server) == one.run.calls + other.run.calls == one.run.tally.planned
    assert one.settled
    assert (one.answer, one.run.tally.ended) == (other.answer, other.run.tally.ended)


def test_what_another_run_asks_is_waited_for_and_said(address: str) -> None:
    database = Database(address)
    stored(database, asked(4), ["m1", "m2"])
    with FaultServer(slowly) as server:
        wanted = study(server)
        run_id = claimed_elsewhere(database, wanted, 3)
        told: list[int] = []

        def watch(tally: RunTally, calls: int) -> None:
            if tally.awaited and not told:
                told.append(tally.awaited)
                with database.write() as connection:  # time passes
                    store.claims.renew(connection, Holder(run_id, ELSEWHERE), -1)

        report = run(address, wanted, watch)
    assert told == [3]
    assert (report.calls, report.tally.ended, report.tally.by_others) == (8, {Status.OK: 8}, 0)


def test_a_run_that_waits_for_another_stops_at_once(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_WAITS_S", (3600.0, 3600.0))
    database = Database(address)
    stored(database, asked(4), ["m1", "m2"])
    with FaultServer(slowly) as server:
        wanted = study(server)
        claimed_elsewhere(database, wanted)
        report = run(address, wanted, lambda tally, calls: tally.awaited > 0)
    assert (report.interrupted, report.calls, report.tally.pending) == (True, 0, 8)
    assert claimed(database) == 8  # the other's


@pytest.mark.slow
def test_a_run_that_its_limit_ends_leaves_the_rest_to_the_other(address: str) -> None:
    database = Database(address)
    stored(database, asked(40), MODELS)
    with FaultServer(slowly) as server:
        few, all_of_them = at_once(address, [study(server, max_calls=10), study(server)])
        assert questions(server) == TRIALS
    assert few.calls == 10
    assert all_of_them.tally.ended == {Status.OK: TRIALS}


def test_a_batch_leaves_out_what_a_run_is_asking(address: str, tmp_path: Any) -> None:
    database = Database(address)
    stored(database, asked(4), ["m1", "m2"])
    with FaultServer(prefers_quality) as server:
        wanted = study(server)
        claimed_elsewhere(database, wanted, 3)
        report = batches.export(database, wanted, tmp_path / "b.jsonl")
    assert (report.awaited, report.exported) == (3, 5)


def test_of_two_exports_at_once_one_has_each_trial(
    address: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(address)
    stored(database, asked(4), ["m1", "m2"])
    fsync, inner = os.fsync, []

    def overtaken(number: int) -> None:
        fsync(number)
        if not inner:  # the other looks the trials up, and is done, before the first has stored its own
            inner.append(True)
            inner.append(batches.export(database, wanted, tmp_path / "other.jsonl").exported)

    with FaultServer(prefers_quality) as server:
        wanted = study(server)
        monkeypatch.setattr(os, "fsync", overtaken)
        with pytest.raises(Conflict, match="8 of its 8 questions were exported by another"):
            batches.export(database, wanted, tmp_path / "b.jsonl")
        assert batches.export(database, wanted, tmp_path / "b.jsonl").awaited == 8
    assert inner == [True, 8]
    assert [path.name for path in tmp_path.glob("*.jsonl*")] == ["other.jsonl"]
    assert check(database).problems == ()


def test_a_locked_database_is_waited_for_when_claiming(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    stored(database, asked(10), ["m1", "m2"])
    take, tries = Claims.take, Counter[str]()

    def locked(self: Claims, *args: Any) -> pending.Taken:
        tries["all"] += 1
        if tries["all"] < 3:
            raise DatabaseBusy("locked")
        return take(self, *args)

    monkeypatch.setattr(Claims, "take", locked)
    with FaultServer(slowly) as server:
        report = engine.run.run(database, study(server), environment={})
    assert (report.calls, report.tally.ended) == (20, {Status.OK: 20})


def test_a_long_run_renews_its_claims(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    stored(database, asked(10), ["m1", "m2"])
    renewed: list[bool] = []
    monkeypatch.setattr(runner, "RENEW_S", 0.02)
    monkeypatch.setattr(Claims, "renew", lambda self: renewed.append(True))
    with FaultServer(slowly) as server:
        engine.run.run(database, study(server), environment={})
    assert renewed


@pytest.mark.slow
def test_a_run_that_stood_still_asks_nothing_of_what_another_has_asked(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "LEASE_S", 1.0)
    database = Database(address)
    stored(database, asked(40), MODELS)
    stood_still: list[int] = []

    def watch(tally: RunTally, calls: int) -> None:
        if calls and not stood_still:
            stood_still.append(calls)
            with database.write() as connection:  # time passes
                connection.execute(sa.update(t.metadata.tables["claims"]).values(expires_at=""))
            time.sleep(1.0)
            with ThreadPoolExecutor(1) as pool:
                pool.submit(run, address, study(server)).result()

    with FaultServer(slowly) as server:
        report = run(address, study(server), watch)
        assert questions(server) <= TRIALS + 4  # what it had in flight
    assert report.tally.ended == {Status.OK: TRIALS}
    assert report.calls <= stood_still[0] + 4
    assert claimed(database) == 0
    assert check(database).problems == ()


def test_a_run_learns_when_it_renews_that_others_have_taken_something(database: Database) -> None:
    stored(database, asked(4), ["m1", "m2"])
    with FaultServer(slowly) as server:
        planned = engine.plan.plan(database, study(server))
    with database.write() as connection:
        mine, theirs = (engine.run.start_run(connection, planned, "run") for _ in range(2))
    held = Claims(database, mine)
    assert held.lapsed  # nothing is held yet
    held.take(["a", "b"], (), 0)
    held.renew()
    assert not held.lapsed
    with database.write() as connection:
        store.claims.renew(connection, Holder(mine, this_process()), -1)  # time passes
        claim(connection, Holder(theirs, ELSEWHERE), ["b"], lease_s=60, is_gone=is_gone)
    held.renew()
    assert held.lapsed
    assert held.take(["a", "b"], (), 0).keys == {"a"}
    assert not held.lapsed


def test_a_run_with_nothing_to_ask_gives_back_what_killed_ones_held(database: Database) -> None:
    stored(database, asked(4), ["m1", "m2"])
    with FaultServer(slowly) as server:
        planned = engine.plan.plan(database, study(server))
        engine.run.run(database, study(server), environment={})
        with database.write() as connection:
            run_id = engine.run.start_run(connection, planned, "run")
            claim(connection, Holder(run_id, ELSEWHERE), ["k"], lease_s=-1, is_gone=is_gone)
        assert engine.run.run(database, study(server), environment={}).calls == 0
    assert claimed(database) == 0


def test_a_process_is_known_to_be_gone_on_its_own_machine_alone() -> None:
    assert not is_gone(this_process())
    command = [sys.executable, "-c", "from judgebench.engine.claims import this_process; print(this_process())"]
    ended = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    if claims._machine() is None:
        pytest.skip("this system does not tell one start of itself from another")
    assert is_gone(ended)
    host, pid, started, machine = ended.split()
    assert not is_gone(f"{host} {pid} {started} other-boot:1")
    assert is_gone(f"{host} {os.getpid()} 1 {machine}")  # its number was given to another
    for strange in ("", "host", "host x 1 " + machine, f"host {'9' * 30} 1 {machine}", f"host -1 1 {machine}"):
        assert not is_gone(strange)


def test_collections_at_once_ask_for_each_output_once(address: str) -> None:
    database = Database(address)
    stored(database, asked(40), ["m1"])

    def collect(server: FaultServer) -> Any:
        generator = {"model": "served", "url": server.url}
        fields = {"benchmark": "bench", "generator": generator, "model": "new", "concurrency": 4}
        other = Database(address)
        try:
            return engine.answer.answer(other, make_generation(fields, where="test"), environment={})
        finally:
            other.close()

    def reply(index: int, request: Request) -> Reply:
        return Reply.of({"data": []}) if request.method == "GET" else Reply.chat("Fine.", delay_s=0.01)

    with FaultServer(reply) as server:
        with ThreadPoolExecutor(2) as pool:
            reports = list(pool.map(collect, [server, server]))
        assert questions(server) == 40 == sum(report.calls for report in reports)
    assert [report.tally.ended for report in reports] == 2 * [{Status.OK: 40}]
    assert all(report.calls for report in reports)
    assert claimed(database) == 0


def test_of_many_that_begin_the_same_work_at_once_one_does_it(database: Database, address: str) -> None:
    begin, refused = threading.Barrier(4), threading.Semaphore(0)

    def work(number: int) -> bool:
        own = Database(address)  # as another process has it
        try:
            begin.wait()
            with claims.alone(own, "key", "this work"):
                assert all(refused.acquire(timeout=120) for _ in range(3))
                assert claims.is_claimed(own, "key")
            return True
        except Conflict:
            refused.release()
            return False
        finally:
            own.close()

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(work, range(4))) == [False, False, False, True]
    assert not claims.is_claimed(database, "key")


def test_work_that_goes_on_is_claimed_for_longer_than_a_lease(
    monkeypatch: pytest.MonkeyPatch, database: Database, address: str
) -> None:
    monkeypatch.setattr(claims, "LEASE_S", 0.3)
    monkeypatch.setattr(claims, "RENEW_S", 0.05)
    monkeypatch.setattr(claims, "is_gone", lambda holder: False)
    with closing(Database(address)) as other, claims.alone(database, "key", "this work"):
        time.sleep(0.7)
        assert claims.is_claimed(other, "key")
    with claims.alone(database, "key", "this work"):  # given back
        pass
