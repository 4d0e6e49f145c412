"""How far a job is, in words."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("streamlit", reason="the app needs the extra app")

from app import auth
from app.views import progress as page
from app.views.progress import told, words
from judgebench.records import JobState, Status
from judgebench.services.access import Role
from judgebench.services.benchmarks import RunSummary
from judgebench.services.jobs import progress
from tests.app.made import job

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
SECRET = "http://10.0.0.7:8000/v1 replied 500"


def run(number: int, began: datetime, ended: dict[Status, int], cost: float | None, job: int | None = 1) -> RunSummary:
    return RunSummary(number, "bench", "m", "run", began.isoformat(), None, ended, cost, job=job)


def test_rate_and_time_left_are_of_the_run_that_goes_on() -> None:
    before = run(7, BEGAN + timedelta(days=1), {Status.OK: 70}, 9.0, None)  # another's, whatever its clock said
    first = run(8, BEGAN, {Status.OK: 58, Status.FAILED: 2}, 0.5)
    second = run(9, BEGAN + timedelta(hours=1), {Status.OK: 40}, 0.25)
    beside = run(10, BEGAN, {Status.OK: 7}, 1.0, job=2)  # of the same judge at the same time
    runs = [before, first, second, beside]
    far = progress(job(answered=100), runs, BEGAN + timedelta(hours=1, seconds=20))
    assert (far.done, far.without_verdict, far.cost_usd) == (200, 2, 0.75)
    assert (far.a_second, far.left_s) == (2, 100)
    assert words(far) == "200 of 400 trials, 2 a second, 100 s left, 0.75 USD, 2 without a verdict"


def test_without_a_run_nothing_is_said_of_its_rate() -> None:
    assert words(progress(job(state=JobState.STOPPED), [], BEGAN)) == "0 of 400 trials"
    assert words(progress(job(state=JobState.QUEUED), [], BEGAN)) == "0 of 400 trials"


def test_while_nothing_was_answered_it_says_what_is_waited_for() -> None:
    starting = words(progress(job(), [], BEGAN))
    assert starting == "0 of 400 trials, nothing is asked yet: its process starts and reads what is to be asked"
    asked = progress(job(), [run(1, BEGAN, {}, None)], BEGAN + timedelta(seconds=12))
    assert words(asked) == "0 of 400 trials, the judge has not answered yet, 12 s after the start"


def test_what_a_process_said_is_told_to_admins_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = job(state=JobState.FAILED, message=SECRET)
    for role in Role:
        monkeypatch.setattr(auth, "person", lambda role=role: auth.Person("somebody", role))
        shown = told(failed)
        assert (shown == SECRET) is (role is Role.ADMIN)
        assert role is Role.ADMIN or shown == "It ended with an error, which admins can read."
        assert SECRET not in told(job(message=SECRET)) or role is Role.ADMIN
        assert told(job(state=JobState.QUEUED)) == "No worker has taken it yet."


def test_pages_read_messages_through_the_one_function_that_looks_at_the_role() -> None:
    app = Path(page.__file__).parents[1]
    assert [file.name for file in app.rglob("*.py") if "job.message" in file.read_text()] == ["progress.py"]
