"""Jobs live and die apart from whoever asked for them; workers take them, hand them back, and take over from others."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from judgebench import engine, services, store
from judgebench.errors import Conflict, InputError, UnknownName
from judgebench.records import JobState
from judgebench.services.jobs import Job
from judgebench.services.worker import AWAY, JobWorker, attached, outcome
from judgebench.spec import JudgeSpec, Study, make_generation
from judgebench.spec.connection import ServerConnection
from judgebench.store.database import Database
from tests import mixed
from tests.cli.killing import says_a
from tests.fault_server import FaultServer
from tests.filling import filled

COIN = JudgeSpec(model="scripted:coin")
WANTED = Study(benchmark="bench", judge=COIN, all_pairs=True)


@pytest.fixture
def address(tmp_path: Path) -> str:
    """On one engine: what differs between them is tested with the store's jobs."""
    path = str(tmp_path / "jobs.db")
    with closing(Database(path, create=True)) as database:
        filled(database, instructions=5, models=("alpha", "beta", "gamma"))
    return path


@pytest.fixture
def database(address: str) -> Iterator[Database]:
    with closing(Database(address, actor="ann")) as opened:
        yield opened


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer(says_a(0.05)) as started:
        yield started


def queued(database: Database, study: Study = WANTED) -> Job:
    return services.jobs.queue_run(database, study, engine.plan.estimate(database, study))


def by(server: FaultServer, **more: Any) -> Study:
    judge = JudgeSpec(model="gpt", url=server.url, name="slow", **more)
    return Study(benchmark="bench", judge=judge, all_pairs=True, concurrency=1)


def worked(address: str, **more: str) -> list[str]:
    """What a worker says that does all it can."""
    said: list[str] = []
    JobWorker(address, {**os.environ, **more}, at_once=4, tell=said.append).work(once=True)
    return said


@contextmanager
def working(address: str, *flags: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-m", "judgebench", "--db", address, "worker", *flags])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait(database: Database, job: Job, state: str, seconds: float = 60) -> Job:
    return until(lambda: services.jobs.job(database, job.id), lambda now: now.state == state, seconds)


def until(look: Callable[[], Any], is_so: Callable[[Any], bool], seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while not is_so(seen := look()):
        assert time.monotonic() < end, seen
        time.sleep(0.05)
    return seen


def asked(server: FaultServer) -> int:
    return sum(request.method == "POST" for request in server.requests)


def progress(database: Database, job: Job) -> services.jobs.RunProgress:
    found = services.jobs.job(database, job.id)
    return services.jobs.progress(found, services.benchmarks.runs(database), services.jobs.clock(database))


@pytest.mark.slow
def test_a_run_comes_to_its_end_under_the_name_of_who_asked_for_it(address: str, database: Database) -> None:
    job = queued(database)
    assert (job.state, job.actor, job.planned, job.answered) == ("queued", "ann", 30, 0)
    assert worked(address) == ["job 1 begun: run bench scripted:coin", "job 1 done"]
    done = services.jobs.job(database, job.id)
    assert (done.state, done.attempts, done.holder) == ("done", 1, None)
    assert progress(database, job).done == 30
    assert {(event.actor, event.action) for event in services.upkeep.events(database)} == {
        ("ann", "queued"),
        ("ann", "started"),
    }
    assert queued(database).answered == 30


@pytest.mark.slow
def test_what_is_asked_after_a_job_s_end_is_no_part_of_it(address: str, database: Database) -> None:
    """Neither of a run, nor of an audit: the same judge is asked about the same benchmark again."""
    for job in (queued(database), audited(database, limit=5)):
        worked(address)
        ended = services.jobs.job(database, job.id)
        own = services.benchmarks.runs(database)
        assert ended.finished_at is not None
        at = "2999-01-01T00:00:00+00:00"
        later = [replace(run, id=run.id + 100, started_at=at, cost_usd=1.0, job=None) for run in own]
        now = services.jobs.clock(database)
        assert services.jobs.progress(ended, [*own, *later], now) == services.jobs.progress(ended, own, now)
        assert services.jobs.calls_ended(ended, [*own, *later]) == services.jobs.calls_ended(ended, own)


@pytest.mark.slow
def test_runs_of_one_judge_at_the_same_time_are_told_apart(
    address: str, database: Database, server: FaultServer
) -> None:
    """Another job's and one from a terminal, each about other models, on the same benchmark."""
    pairs = [("alpha", "beta"), ("alpha", "gamma"), ("beta", "gamma")]
    one, other, own = (by(server).model_copy(update={"all_pairs": False, "pairs": (pair,)}) for pair in pairs)
    jobs = [queued(database, study) for study in (one, other)]
    worked(address)
    engine.run.run(database, own, environment={})
    runs = services.benchmarks.runs(database)
    assert sorted((run.job, sum(run.ended.values())) for run in runs if run.job) == [(1, 10), (2, 10)]
    unfinished = [replace(services.jobs.job(database, job.id), state=JobState.RUNNING) for job in jobs]
    assert [services.jobs.progress(job, runs, services.jobs.clock(database)).done for job in unfinished] == [10, 10]


@pytest.mark.slow
def test_a_limit_in_usd_holds_however_often_a_job_is_begun(address: str, database: Database) -> None:
    with FaultServer(says_a(0.2)) as server:
        free = by(server, price="1000,1000", settings={"max_tokens": 5})
        few = {"limit": 1, "pairs": (("alpha", "beta"),), "all_pairs": False}
        first = engine.run.run(database, free.model_copy(update=few), environment={})
        assert first.tally.cost_usd
        each = first.tally.cost_usd / first.calls
        job = queued(database, free.model_copy(update={"max_cost": 15.5 * each}))
        with working(address):
            until(lambda: progress(database, job).cost_usd or 0.0, lambda usd: usd > 2 * each)
            services.jobs.stop(database, job.id)
            wait(database, job, "stopped")
            services.jobs.resume(database, job.id)
            ended = until(lambda: services.jobs.job(database, job.id), lambda now: not now.is_open)
    assert (ended.state, (ended.report or {}).get("stopped_by")) == ("stopped", "max_cost")
    assert services.jobs.spent_usd(database, ended) == pytest.approx(16 * each)
    with pytest.raises(InputError, match=r"has spent .* of at most .* USD: begin anew"):
        services.jobs.resume(database, job.id)


@pytest.mark.slow
def test_a_run_says_at_its_end_what_its_judge_was_not_shown(tmp_path: Path) -> None:
    with closing(Database(str(tmp_path / "mixed.db"), create=True)) as database:
        mixed.filled(database)
        job = queued(database, WANTED.model_copy(update={"benchmark": mixed.BENCHMARK}))
        assert services.jobs.parts_not_shown(job) == {}
        worked(str(tmp_path / "mixed.db"))
        assert services.jobs.parts_not_shown(services.jobs.job(database, job.id)) == {"reasoning": 4}


@pytest.mark.slow
def test_an_audit_comes_to_its_end_and_its_calls_are_counted(address: str, database: Database) -> None:
    job = audited(database, limit=5)
    assert job.passed is None
    worked(address)
    done = services.jobs.job(database, job.id)
    assert done.passed is not None
    runs = services.benchmarks.runs(database)
    assert 0 < services.jobs.calls_ended(done, runs) <= job.planned
    assert services.jobs.document(done, runs)["at_most"]
    other = replace(done, id=77)  # of the same judge on the same benchmark
    assert services.jobs.calls_ended(other, runs) == 0
    assert [audit.kind for audit in services.audits.results.audits(database, "bench")] == ["null-models"]
    assert done.report is not None
    assert "entrants" not in done.report, "what it found is stored once"


@pytest.mark.slow
def test_an_audit_that_reaches_its_limit_is_stopped_and_says_so(address: str, database: Database) -> None:
    job = audited(database, limit=5, max_calls=4)
    assert job.planned == 4
    worked(address)
    stopped = services.jobs.job(database, job.id)
    assert (stopped.state, stopped.passed) == ("stopped", None)
    assert "max_calls" in stopped.message


def audited(database: Database, **more: Any) -> Job:
    chosen = {"benchmark": "bench", "judge": "scripted:coin", **more}
    audit = services.audits.registry.named("null-models")
    return services.jobs.queue_audit(
        database, "null-models", chosen, services.audits.estimates.estimate(database, audit.fill(chosen))
    )


@pytest.mark.slow
def test_outputs_are_collected_and_audited(address: str, database: Database) -> None:
    generation = make_generation(
        {"benchmark": "bench", "generator": {"model": "scripted:echo"}, "model": "echo"}, where="test"
    )
    estimate = engine.answer.estimate_answers(database, generation)
    job = services.jobs.queue_answer(database, generation, estimate)
    worked(address)
    done = services.jobs.job(database, job.id)
    assert (done.state, services.jobs.done(done, [])) == ("done", 5)
    assert [audit.kind for audit in services.audits.results.audits(database, "bench")] == ["submissions"]


@pytest.mark.slow
def test_a_job_whose_key_this_worker_lacks_waits_and_says_so(
    address: str, database: Database, server: FaultServer
) -> None:
    connection = ServerConnection(headers_env={"X-Team": "THE_TEAM"})
    job = queued(database, by(server, key_env="NO_SUCH_KEY", connection=connection))
    assert job.variables == ("NO_SUCH_KEY", "THE_TEAM")
    assert worked(address) == []
    waiting = services.jobs.job(database, job.id)
    assert (waiting.state, waiting.attempts) == ("queued", 0)
    assert "in whose environment NO_SUCH_KEY and THE_TEAM is set" in waiting.message
    worked(address, NO_SUCH_KEY="secret", THE_TEAM="blue")
    done = services.jobs.job(database, job.id)
    assert done.state == "done"
    assert "NO_SUCH_KEY" not in done.message
    assert {request.headers.get("authorization") for request in server.requests} == {"Bearer secret"}
    assert "secret" not in json.dumps([done.specification, done.report])


@pytest.mark.slow
def test_a_judge_that_does_not_answer_fails_the_job_which_says_so(address: str, database: Database) -> None:
    job = queued(
        database, Study(benchmark="bench", judge=JudgeSpec(model="m", url="http://127.0.0.1:9/v1"), all_pairs=True)
    )
    assert worked(address)[0].startswith("job 1 begun")
    failed = services.jobs.job(database, job.id)
    assert failed.state == "failed"
    assert "127.0.0.1:9" in failed.message


@pytest.mark.slow
def test_a_job_stops_when_it_is_told_and_goes_on_when_it_is_resumed(
    address: str, database: Database, server: FaultServer
) -> None:
    job = queued(database, by(server))
    with working(address):
        until(lambda: progress(database, job).done, lambda done: done > 3)
        assert services.jobs.stop(database, job.id).is_stopping
        stopped = wait(database, job, "stopped")
        before = progress(database, job).done
        assert 3 < before < 30
        assert (stopped.is_stopping, stopped.message) == (False, "")
        services.jobs.resume(database, job.id)
        wait(database, job, "done")
    assert progress(database, job).done == 30
    assert asked(server) == 30


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_that_is_told_to_end_hands_back_what_it_holds(
    address: str, database: Database, server: FaultServer, end: signal.Signals
) -> None:
    job = queued(database, by(server))
    with working(address) as worker:
        until(lambda: asked(server), lambda number: number > 5)
        worker.send_signal(end)
        assert worker.wait(30) == 0
    back = services.jobs.job(database, job.id)
    assert (back.state, back.attempts, back.message) == ("queued", 0, "")
    assert 5 < progress(database, job).done < 30
    worked(address)
    assert services.jobs.job(database, job.id).state == "done"
    assert asked(server) == 30


@pytest.mark.slow
def test_another_takes_over_what_a_killed_worker_held_and_the_old_process_ends(
    address: str, database: Database, server: FaultServer
) -> None:
    job = queued(database, by(server))
    with working(address) as worker:
        until(lambda: asked(server), lambda number: number > 5)
        worker.kill()
        worker.wait()
        assert services.jobs.job(database, job.id).state == "running"
        worked(address)
    done = services.jobs.job(database, job.id)
    assert (done.state, done.attempts, done.losses) == ("done", 2, 1)
    assert progress(database, job).done == 30
    assert asked(server) == 30, "what was in flight was stored by the process that had lost its worker"


@pytest.mark.slow
def test_a_worker_that_lost_its_lease_stops_asking(address: str, database: Database, server: FaultServer) -> None:
    job = queued(database, by(server))
    with working(address):
        until(lambda: asked(server), lambda number: number > 5)
        with database.write() as connection:  # as another does once the lease has run out
            store.jobs.take(connection, job.id, "elsewhere 1 1 x", 60)
        until(lambda: server.at_once, lambda number: number == 0)
        time.sleep(1.5)
        before = asked(server)
        time.sleep(1)
        assert asked(server) == before < 30
    assert services.jobs.job(database, job.id).holder == "elsewhere 1 1 x"


@pytest.mark.slow
def test_a_worker_waits_for_a_database_that_is_not_there_yet(tmp_path: Path, address: str) -> None:
    later = tmp_path / "later.db"
    with pytest.raises(InputError, match="there is no database"):
        worked(str(later))
    with attached(str(later), os.environ):
        time.sleep(1)
        os.rename(address, later)
        with closing(Database(str(later))) as database:
            wait(database, queued(database), "done")


def test_a_worker_that_waits_for_a_database_ends_in_time(tmp_path: Path) -> None:
    said: list[str] = []
    JobWorker(str(tmp_path / "none.db"), os.environ, at_once=1, tell=said.append).work(stop_after=0.1)
    assert ["waiting for the database" in line for line in said] == [True]


@pytest.mark.slow
def test_a_worker_takes_another_database_in_the_place_of_one_that_went(address: str, database: Database) -> None:
    moved = Path(f"{address}.moved")
    with attached(address, os.environ):
        wait(database, queued(database), "done")
        os.rename(address, moved)
        for suffix in ("-wal", "-shm"):
            if Path(f"{address}{suffix}").exists():
                os.rename(f"{address}{suffix}", f"{moved}{suffix}")
        time.sleep(1.5)
        with closing(Database(address, create=True)) as other:
            filled(other, instructions=2, models=("alpha", "beta"))
            assert wait(other, queued(other), "done").planned == 4


@pytest.mark.slow
def test_what_two_would_ask_is_asked_for_once(database: Database) -> None:
    job = queued(database)
    with pytest.raises(Conflict, match="as job 1: wait for it, or stop it: judgebench jobs stop 1"):
        queued(database, WANTED.model_copy(update={"models": ("alpha", "beta")}))
    with pytest.raises(Conflict, match="queued already"):
        services.jobs.resume(database, job.id)
    audit = audited(database)
    with pytest.raises(Conflict, match="this audit is going on already"):
        audited(database, max_calls=7)
    for open_job in (job, audit):
        assert services.jobs.stop(database, open_job.id).state == "stopped"
    part = WANTED.model_copy(update={"shard": (1, 2)})
    queued(database, Study.model_validate({**part.model_dump(), "shard": "1/2"}))
    queued(database, Study.model_validate({**part.model_dump(), "shard": "2/2"}))
    with pytest.raises(Conflict, match=r"as job (3|4)"):
        services.jobs.resume(database, job.id)


def test_of_a_benchmark_that_is_not_there_no_jobs_are_listed(database: Database) -> None:
    queued(database)
    assert len(services.jobs.jobs(database, benchmark="bench")) == 1
    with pytest.raises(UnknownName, match="unknown benchmark 'nobody'"):
        services.jobs.jobs(database, benchmark="nobody")


def test_what_only_this_process_can_ask_is_no_job(database: Database) -> None:
    judges = [
        JudgeSpec(model="m", url="http://127.0.0.1:9/v1", connection=ServerConnection(token=lambda: "t")),
        JudgeSpec(model="scripted:coin", ray={"address": "local"}),
    ]
    for judge in judges:
        with pytest.raises(InputError, match=r"of this process alone|run it there"):
            queued(database, Study(benchmark="bench", judge=judge, all_pairs=True))
    assert services.jobs.jobs(database) == []


def made(kind: str = "run") -> Job:
    about: dict[str, Any] = {
        **{"kind": kind, "benchmark": "b", "subject": "j", "specification": {}, "variables": (), "work_key": "k"},
        **{"planned": 1, "answered": 0, "cost_usd": None, "id": 1, "actor": "a", "after_run": 0, "losses": 0},
        **{"state": JobState.RUNNING, "is_stopping": False, "attempts": 1, "holder": "h 1", "expires_at": ""},
        **{"created_at": "", "started_at": "", "finished_at": None, "report": None, "message": ""},
    }
    return Job(**about)


@pytest.mark.parametrize(
    ("kind", "code", "report", "ways", "state", "message"),
    [
        ("run", 0, {"pending": 0}, {}, "done", "said"),
        ("run", 3, {"pending": 0, "failed": 2}, {}, "done", "said"),
        ("run", 3, {"pending": 2, "stopped_by": "max_cost"}, {}, "stopped", "said"),
        ("run", 0, {"pending": 9, "settled": True}, {}, "done", "said"),
        ("run", 130, {"pending": 2}, {"is_stopping": True}, "stopped", ""),
        ("run", -2, None, {"is_stopping": True}, "stopped", ""),
        ("run", 130, {"pending": 2}, {"is_ending": True}, "queued", ""),
        ("run", 130, {"pending": 2}, {}, "queued+", "its process was interrupted"),
        ("run", -9, None, {}, "queued+", "its process was ended by signal 9 (is memory short?)"),
        ("run", AWAY, None, {}, "queued", "said"),
        ("run", 2, None, {}, "failed", "said"),
        ("audit", 1, {"passed": False}, {}, "done", "said"),
        ("audit", 1, {"passed": False, "finished": False, "failures": ["max_calls"]}, {}, "stopped", "max_calls"),
        ("audit", 1, {"passed": False, "finished": False, "failures": []}, {}, "stopped", "said"),
        ("audit", 1, {"passed": False, "finished": False, "failures": "x"}, {}, "stopped", "said"),
        ("audit", 1, None, {}, "failed", "said"),
    ],
)
def test_how_a_process_ended_says_what_becomes_of_the_job(
    kind: str, code: int, report: Mapping[str, Any] | None, ways: dict[str, bool], state: str, message: str
) -> None:
    out = "" if report is None else json.dumps(report)
    how = {"is_stopping": False, "is_ending": False} | ways
    ended = outcome(made(kind), code, out, "more\njudgebench: said\nmore", **how)
    assert (ended.state + "+" * ended.counted, ended.message) == (state, message)


def test_an_error_that_nobody_meant_is_told_by_its_last_line() -> None:
    ended = outcome(made(), 1, "", "Traceback\nKeyError: 'x'\n", is_stopping=False, is_ending=False)
    assert (ended.state, ended.message) == ("failed", "KeyError: 'x'")
    waiting = outcome(made(), 0, '{"pending": 0}', "judgebench: waiting: 1 trial", is_stopping=False, is_ending=False)
    assert (waiting.state, waiting.message) == ("done", "")


def taken_by_one_that_goes(database: Database, job: Job) -> Job:
    with database.write() as connection:
        store.jobs.take(connection, job.id, "gone 1", 0)
        return store.jobs.job(connection, job.id)


@pytest.mark.slow
def test_machines_that_end_are_not_held_against_a_job_as_its_own_ends_are(database: Database, address: str) -> None:
    """Of the former 20 are borne, of the latter five, whatever there was of the others."""
    job = queued(database)
    worker = JobWorker(address, os.environ, at_once=1, tell=lambda _: None)
    for attempt in range(1, 5):
        for _ in range(4):  # the first of which finds it queued
            now = taken_by_one_that_goes(database, job)
        with database.write() as connection:
            worker._store(connection, now, outcome(now, -9, "", "", is_stopping=False, is_ending=False))
        back = services.jobs.job(database, job.id)
        assert (back.state, back.attempts - back.losses) == ("queued", attempt)
    assert back.losses == 12
    while taken_by_one_that_goes(database, job).losses < 18:
        pass
    assert worked(address)[-1] == "job 1 done", "the nineteenth loss"
    again = queued(database, WANTED.model_copy(update={"repeats": 2}))
    while (lost := taken_by_one_that_goes(database, again)).losses < 19:
        pass
    assert lost.state == "running"
    worked(address)
    failed = services.jobs.job(database, again.id)
    assert (failed.state, failed.message) == ("failed", "its worker ended before it did, 20 times; the last was gone 1")
    resumed = services.jobs.resume(database, again.id)
    assert (resumed.attempts, resumed.losses) == (0, 0)


@pytest.mark.slow
def test_a_job_that_ends_its_process_again_and_again_fails(database: Database, address: str) -> None:
    job = queued(database)
    worker = JobWorker(address, os.environ, at_once=1, tell=lambda _: None)
    for attempt in range(1, 6):
        with database.write() as connection:
            store.jobs.take(connection, job.id, "gone 1", 60)
            now = store.jobs.job(connection, job.id)
            worker._store(connection, now, outcome(now, -9, "", "", is_stopping=False, is_ending=False))
        assert services.jobs.job(database, job.id).state == ("queued" if attempt < 5 else "failed")
    assert "ended by signal 9 (is memory short?), 5 times" in services.jobs.job(database, job.id).message
    again = services.jobs.resume(database, job.id)
    assert (again.state, again.attempts) == ("queued", 0)
    assert replace(again, state=JobState.STOPPED).is_open is False
