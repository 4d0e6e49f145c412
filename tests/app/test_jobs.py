"""Jobs live and die apart from whoever started them; their state is told from outside, without process ids."""

import os
import signal
import time
from contextlib import closing
from pathlib import Path

import pytest

from app import jobs
from app.jobs import State
from judgebench import engine, services
from judgebench.errors import InputError
from judgebench.services.audits.registry import AUDITS
from judgebench.spec import JudgeSpec, Study
from judgebench.store.database import Database
from tests import mixed
from tests.filling import filled

pytestmark = pytest.mark.slow

WANTED = Study(benchmark="bench", judge=JudgeSpec(model="scripted:coin"), all_pairs=True)
SILENT = Study(
    benchmark="bench", judge=JudgeSpec(model="m", url="http://127.0.0.1:9/v1", key_env="NO_SUCH_KEY"), all_pairs=True
)


@pytest.fixture
def address(tmp_path: Path) -> str:
    path = str(tmp_path / "jobs.db")
    database = Database(path, create=True)
    filled(database, instructions=5, models=("alpha", "beta", "gamma"))
    database.close()
    return path


def create(address: str, wanted: Study = WANTED) -> jobs.Job:
    database = Database(address)
    estimate = engine.plan.estimate(database, wanted)
    database.close()
    return jobs.create(address, wanted, estimate)


def wait(job: jobs.Job, wanted: State) -> None:
    end = time.monotonic() + 30
    while jobs.state(job) is not wanted:
        assert time.monotonic() < end, (jobs.state(job), jobs.message(job))
        time.sleep(0.05)


def done(address: str, job: jobs.Job) -> int:
    database = Database(address)
    progress = jobs.progress(job, services.benchmarks.runs(database))
    database.close()
    return progress.done


def test_a_job_runs_to_its_end_and_is_found_again(address: str) -> None:
    job = create(address)
    assert jobs.state(job) is State.STOPPED
    jobs.start(address, job)
    wait(job, State.DONE)
    assert done(address, job) == job.planned == 30
    assert jobs.all_jobs(address) == [job]
    again = create(address)
    assert again.answered == done(address, again) == 30


def test_a_job_that_has_ended_says_what_its_judge_was_not_shown(tmp_path: Path) -> None:
    address = str(tmp_path / "mixed.db")
    database = Database(address, create=True)
    mixed.filled(database)
    database.close()
    job = create(address, WANTED.model_copy(update={"benchmark": mixed.BENCHMARK}))
    assert jobs.parts_not_shown(job) == {}
    jobs.start(address, job)
    wait(job, State.DONE)
    assert jobs.parts_not_shown(job) == {"reasoning": 4}


def test_a_job_that_cannot_begin_says_why(address: str) -> None:
    job = create(address, SILENT)
    jobs.start(address, job, {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(jobs.__file__).parents[1])})
    wait(job, State.STOPPED)
    end = time.monotonic() + 20
    while not jobs.message(job) and time.monotonic() < end:
        time.sleep(0.05)
    assert "NO_SUCH_KEY is not set" in jobs.message(job)
    assert done(address, job) == 0


def test_a_running_job_is_not_started_twice_and_stops_and_resumes(address: str, slow_judge: str) -> None:
    wanted = Study(
        benchmark="bench", judge=JudgeSpec(model="m", url=slow_judge, name="slow"), all_pairs=True, concurrency=1
    )
    job = create(address, wanted)
    jobs.start(address, job)
    assert jobs.state(job) is State.RUNNING
    with pytest.raises(InputError, match="going on already"):
        jobs.start(address, job)
    while not done(address, job) > 0:
        time.sleep(0.05)
    jobs.stop(job)
    wait(job, State.STOPPED)
    before = done(address, job)
    assert 0 < before < job.planned
    jobs.start(address, job)
    wait(job, State.DONE)
    assert done(address, job) == job.planned


def test_a_killed_job_is_stopped_and_resumable(address: str, slow_judge: str) -> None:
    wanted = Study(benchmark="bench", judge=JudgeSpec(model="m", url=slow_judge, name="slow"), all_pairs=True)
    job = create(address, wanted)
    jobs.start(address, job)
    os.kill(int((job.folder / "lock").read_text()), signal.SIGKILL)
    wait(job, State.STOPPED)
    jobs.start(address, job)
    wait(job, State.DONE)


def audit_job(address: str, **settings: object) -> jobs.AuditJob:
    audit = AUDITS["null-models"]
    chosen = {"benchmark": "bench", "judge": "scripted:coin", "limit": 5, **settings}
    with closing(Database(address)) as database:
        estimate = services.audits.estimates.estimate(database, audit.fill(chosen))
    return jobs.create_audit(address, audit, chosen, estimate)


def test_an_audit_runs_to_its_end_and_its_calls_are_counted(address: str) -> None:
    job = audit_job(address)
    assert jobs.has_passed(job) is None
    jobs.start(address, job)
    wait(job, State.DONE)
    assert jobs.has_passed(job) is not None
    with closing(Database(address)) as database:
        assert 0 < jobs.calls_ended(job, services.benchmarks.runs(database)) <= job.planned
        assert [audit.kind for audit in services.audits.results.audits(database, "bench")] == ["null-models"]
    assert jobs.all_audits(address) == [job]
    assert jobs.all_jobs(address) == []


def test_an_audit_that_reaches_its_limit_is_stopped_and_says_so(address: str) -> None:
    job = audit_job(address, max_calls=4)
    assert job.planned == 4
    jobs.start(address, job)
    wait(job, State.RUNNING)
    wait(job, State.STOPPED)
    assert "max_calls" in jobs.message(job)
    assert jobs.has_passed(job) is None


def test_settings_as_flags() -> None:
    settings = {"benchmark": "--evil", "model": ("a", "b"), "max_cost": None, "defences": True, "round_trip": False}
    assert list(jobs.audit_flags(settings)) == ["--benchmark=--evil", "--model=a", "--model=b", "--defences"]


def test_other_folders_are_no_jobs(address: str) -> None:
    home = create(address).folder.parent
    (home / "stray").mkdir()
    (home / "broken").mkdir()
    (home / "broken" / "study.yaml").write_text('{"benchmark": 3}')
    (home / "broken" / "job.json").write_text('{"judge": "x"}')
    assert len(jobs.all_jobs(address)) == 1
