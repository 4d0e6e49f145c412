"""A job is one worker's at a time, until it gives it back, does not renew it, or is gone."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import judgebench
from judgebench import services, store
from judgebench.errors import Conflict, DatabaseError, InputError, UnknownName
from judgebench.records import JobState
from judgebench.store import claims, jobs, repeats
from judgebench.store import schema as t
from judgebench.store.database import Database
from judgebench.store.transfer import check
from tests.filling import filled, judging

STUDY = {"benchmark": "bench", "judge": {"model": "m", "name": "judge"}, "models": ["alpha", "beta"]}


@pytest.fixture
def bench(database: Database) -> Database:
    filled(database)
    judging(database)
    return database


def add(database: Database, key: str = "k", actor: str = "ann", **more: Any) -> int:
    about: dict[str, Any] = {"kind": "run", "benchmark": "bench", "subject": "judge", "specification": {"study": STUDY}}
    about |= {"variables": (), "work_key": key, "planned": 1, "answered": 0, "cost_usd": None}
    with database.write() as connection:
        return jobs.add(connection, jobs.Request(**about | more), actor)


def is_gone(process: str) -> bool:
    return process == "gone"


def take(database: Database, holder: str, lease_s: float = 60) -> int | None:
    """As a worker does: look, and take the first in the same transaction."""
    with database.write() as connection:
        due = jobs.due(connection, is_gone)
        if not due:
            return None
        jobs.take(connection, due[0].id, holder, lease_s)
        return due[0].id


def job(database: Database, number: int) -> jobs.Job:
    with database.read() as connection:
        return jobs.job(connection, number)


def test_of_many_workers_one_gets_a_job(bench: Database) -> None:
    numbers = [add(bench, str(number)) for number in range(3)]

    def work(holder: int) -> list[int]:
        with closing(Database(bench.url.render_as_string(hide_password=False))) as database:
            return [number for _ in range(4) if (number := take(database, f"host {holder}")) is not None]

    with ThreadPoolExecutor(4) as threads:
        taken = list(threads.map(work, range(4)))
    assert sorted(number for mine in taken for number in mine) == numbers


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_who_asked_for_jobs_take_turns(bench: Database, at_once: int) -> None:
    """However many one has queued, and whether theirs are older."""
    many = [add(bench, f"a{number}") for number in range(6)]
    few = [add(bench, f"b{number}", "bob") for number in range(2)]
    one = add(bench, "c", "cat")
    taken: list[int] = []
    while len(taken) < 3:
        together = [number for _ in range(at_once) if (number := take(bench, "worker")) is not None]
        for number in together:
            with bench.write() as connection:
                jobs.end(connection, number, JobState.DONE, "", {"pending": 0})
        taken += together
    assert {many[0], few[0], one} <= set(taken)


def test_workers_see_all_turns_ahead(bench: Database) -> None:
    many = [add(bench, f"a{number}") for number in range(3)]
    few = [add(bench, f"b{number}", "bob") for number in range(2)]
    with bench.read() as connection:
        assert [job.id for job in jobs.due(connection, is_gone)] == [many[0], few[0], many[1], few[1], many[2]]
    take(bench, "worker")
    with bench.read() as connection:
        assert [job.id for job in jobs.due(connection, is_gone)] == [few[0], few[1], many[1], many[2]]


def test_who_stops_and_resumes_has_no_more_turns(bench: Database) -> None:
    stopped = add(bench, "a")
    others = [add(bench, f"b{number}", "bob") for number in range(2)]
    taken = []
    for _ in range(4):
        number = take(bench, "worker") or 0
        taken.append(number)
        time.sleep(0.01)
        with bench.write() as connection:
            jobs.end(connection, number, JobState.STOPPED, "")
            if number == stopped:
                jobs.queue_again(connection, number, "a")
    assert taken == [stopped, others[0], stopped, others[1]]


def test_a_resumed_job_does_not_go_before_others(bench: Database) -> None:
    stopped = add(bench, "a")
    take(bench, "worker")
    with bench.write() as connection:
        jobs.end(connection, stopped, JobState.STOPPED, "")
    other = add(bench, "b", "bob")
    with bench.write() as connection:
        jobs.queue_again(connection, stopped, "a")
    assert [take(bench, "worker"), take(bench, "worker")] == [other, stopped]


def test_a_lease_is_held_while_it_is_renewed_and_another_s_once_it_is_not(bench: Database) -> None:
    number = add(bench)
    assert take(bench, "one", lease_s=0.3) == number
    with bench.write() as connection:
        jobs.renew(connection, "one", 60)
    time.sleep(0.4)
    assert take(bench, "other") is None
    with bench.write() as connection:
        jobs.renew(connection, "one", 0.1)
    time.sleep(0.2)
    with bench.read() as connection:
        assert jobs.left(connection) == 1
    assert "1 job is left by workers that were killed" in " ".join(check(bench).notes)
    assert take(bench, "other") == number
    with bench.read() as connection:
        assert (jobs.held(connection, "one"), jobs.held(connection, "other")) == ({}, {number: False})
    assert (job(bench, number).attempts, job(bench, number).losses) == (2, 1)


@pytest.mark.parametrize("hours", [-1, 1])
def test_machines_whose_clocks_differ_agree_on_leases(
    bench: Database, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    """By the clock of PostgreSQL's server; SQLite's file is of one machine."""
    if bench.is_sqlite:
        pytest.skip("one machine has one clock")

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Shifted":
            return super().now(tz) + timedelta(hours=hours)

    one, other = claims.Holder(None, "one"), claims.Holder(None, "other")
    number = add(bench)
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(claims, "datetime", Shifted)
        assert take(bench, "one") == number
        with bench.write() as connection:
            assert claims.claim(connection, one, ["k"], lease_s=60, is_gone=is_gone) == {"k"}
            assert repeats.begin(connection, "ann", "key", "d", "one", lease_s=60, is_over=is_gone) is None
    for _ in range(2):  # here, and where the clock is another
        assert take(bench, "other") is None
        with bench.write() as connection:
            jobs.renew(connection, "one", 60)
            assert claims.claim(connection, other, ["k"], lease_s=60, is_gone=is_gone) == set()
            assert repeats.begin(connection, "ann", "key", "d", "other", lease_s=60, is_over=is_gone) is not None
        monkeypatch.setattr(claims, "datetime", Shifted)


def test_what_a_worker_held_that_is_gone_is_free_at_once(bench: Database) -> None:
    number = add(bench)
    assert take(bench, "gone") == number
    assert take(bench, "other") == number


def test_of_equal_work_one_is_open_at_a_time(bench: Database) -> None:
    number = add(bench)
    with pytest.raises(DatabaseError, match="refused a row"):
        add(bench)
    with bench.write() as connection:
        jobs.end(connection, number, JobState.STOPPED, "")
    again = add(bench)
    with bench.write() as connection:
        jobs.end(connection, again, JobState.DONE, "", {"pending": 0})
        jobs.queue_again(connection, number, "k")
    assert [(one.id, one.state) for one in services.jobs.jobs(bench)] == [(again, "done"), (number, "queued")]
    assert job(bench, again).report == {"pending": 0}


def test_a_job_that_is_handed_back_goes_on(bench: Database) -> None:
    number = add(bench)
    take(bench, "one")
    with bench.write() as connection:
        jobs.say(connection, number, "waiting")
        jobs.ask_to_stop(connection, number)
        assert jobs.held(connection, "one") == {number: True}
        jobs.hand_back(connection, number, "", counted=False)
    back = job(bench, number)
    assert (back.state, back.attempts, back.holder, back.is_stopping, back.message) == ("queued", 0, None, False, "")
    assert back.started_at is not None
    with pytest.raises(UnknownName, match="job"):
        job(bench, 99)


def test_nothing_is_left_of_a_job_when_what_it_is_about_is_deleted(bench: Database) -> None:
    audit = {"audit": "robustness", "settings": {"benchmark": "bench", "judge": "judge", "model": "beta"}}
    numbers = [add(bench, "a"), add(bench, "b", kind="audit", specification=audit)]
    numbers.append(add(bench, "c", kind="answer", subject="beta", specification={"generation": {"model": "beta"}}))
    with pytest.raises(Conflict, match="judgebench jobs stop 1, 2, 3"):
        judgebench.delete(bench, what="model", name="beta", yes=True)
    with pytest.raises(Conflict, match="judgebench jobs stop 1, 2"):
        judgebench.rename(bench, what="judge", name="judge", new="umpire", yes=True)
    for number in numbers:
        services.jobs.stop(bench, number)
    assert judgebench.delete(bench, what="judge", name="judge", yes=True).rows["jobs"] == 2
    assert judgebench.delete(bench, what="model", name="beta", yes=True).rows["jobs"] == 1
    assert services.jobs.jobs(bench) == []


def test_stopped_jobs_follow_a_name(bench: Database) -> None:
    audit = {"audit": "robustness", "settings": {"benchmark": "bench", "judge": "judge", "model": ["beta"]}}
    answer = {"generation": {"benchmark": "bench", "model": "beta", "generator": {"model": "beta"}}, "audit": True}
    numbers = [add(bench, "a"), add(bench, "b", kind="audit", specification=audit)]
    numbers.append(add(bench, "c", kind="answer", subject="beta", specification=answer))
    for number in numbers:
        services.jobs.stop(bench, number)
    for what, old, new in (("benchmark", "bench", "b2"), ("judge", "judge", "umpire"), ("model", "beta", "zeta")):
        judgebench.rename(bench, what=what, name=old, new=new, yes=True)  # type: ignore[arg-type]  # one of the kinds
    run, audited, answered = (job(bench, number) for number in numbers)
    assert (run.benchmark, run.subject, audited.subject, answered.subject) == ("b2", "umpire", "umpire", "zeta")
    judge = {"model": "m", "name": "umpire"}
    assert run.specification["study"] == {"benchmark": "b2", "judge": judge, "models": ["alpha", "zeta"]}
    assert audited.specification["settings"] == {"benchmark": "b2", "judge": "umpire", "model": ["zeta"]}
    assert answered.specification["generation"] == {"benchmark": "b2", "model": "zeta", "generator": {"model": "beta"}}


@pytest.mark.parametrize("way", ["copy", "backup"])
def test_in_a_copy_nobody_goes_on_by_themselves(bench: Database, tmp_path: Path, way: str) -> None:
    study = STUDY | {"judge": {"model": "scripted:coin"}, "all_pairs": True}  # that a worker could do
    numbers = [add(bench, "a", specification={"study": study}), add(bench, "b")]
    take(bench, "one")
    target = tmp_path / "copied.db"
    if way == "copy":
        services.upkeep.copy(bench, str(target))
    else:
        services.upkeep.backup(bench, target)
    with closing(Database(str(target))) as copied:
        found = services.jobs.jobs(copied)
        assert {(one.state, one.message) for one in found} == {
            ("stopped", "it was open where this copy was made: resume it to go on here")
        }
        assert check(copied).problems == ()
        newest = services.upkeep.events(copied)[0]
        assert (newest.action, newest.kind, newest.name) == ("stopped", "database", "copied.db")
        assert newest.details == {"jobs": 2}
        assert services.jobs.resume(copied, numbers[0]).state == "queued"
    assert [one.state for one in services.jobs.jobs(bench)] == ["queued", "running"]


def test_no_cost_without_an_end_is_stored_and_one_that_is_is_not_known(bench: Database) -> None:
    with pytest.raises(InputError, match="no finite number"):
        add(bench, cost_usd=float("inf"))
    number = add(bench, cost_usd=1.5)
    with bench.write() as connection:
        report = {"cost_usd": float("inf"), "calls": 3}
        jobs.end(connection, number, JobState.DONE, "", report)
        connection.execute(sa.update(t.jobs).values(cost_usd=float("inf")))
    stored = job(bench, number)
    assert (stored.cost_usd, stored.report) == (None, {"cost_usd": None, "calls": 3})


def test_a_failure_has_a_reason(bench: Database) -> None:
    number = add(bench)
    with pytest.raises(DatabaseError, match="refused a row"), bench.write() as connection:
        jobs.end(connection, number, JobState.FAILED, "")


def test_a_database_without_jobs_is_upgraded(bench: Database) -> None:
    with bench.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(t.jobs)) == 0
        assert store.jobs.due(connection, lambda _: False) == []
