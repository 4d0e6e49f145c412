"""How far a job is, in words."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("streamlit", reason="the app needs the extra app")

from app import jobs
from app.views.progress import words
from judgebench.records import Status
from judgebench.services.benchmarks import RunSummary
from judgebench.spec import JudgeSpec, Study

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
STUDY = Study(benchmark="bench", judge=JudgeSpec(model="m"), all_pairs=True)


def run(began: datetime, ended: dict[Status, int], cost: float | None) -> RunSummary:
    return RunSummary(1, "bench", "m", "run", began.isoformat(), None, ended, cost)


def test_rate_and_time_left_are_of_the_run_that_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    job = jobs.Job(Path("folder"), STUDY, "m", planned=400, answered=100, created_at=BEGAN.isoformat())
    monkeypatch.setattr(jobs, "state", lambda _: jobs.State.RUNNING)
    before = run(BEGAN - timedelta(days=1), {Status.OK: 70}, 9.0)  # another's
    first = run(BEGAN, {Status.OK: 58, Status.FAILED: 2}, 0.5)
    second = run(BEGAN + timedelta(hours=1), {Status.OK: 40}, 0.25)
    progress = jobs.progress(job, [before, first, second], now=BEGAN + timedelta(hours=1, seconds=20))
    assert (progress.done, progress.without_verdict, progress.cost_usd) == (200, 2, 0.75)
    assert (progress.a_second, progress.left_s) == (2, 100)
    assert words(progress) == "200 of 400 trials, 2 a second, 100 s left, 0.75 USD, 2 without a verdict"


def test_without_a_run_nothing_is_said_of_its_rate() -> None:
    job = jobs.Job(Path("none"), STUDY, "m", planned=400, answered=0, created_at=BEGAN.isoformat())
    assert words(jobs.progress(job, [])) == "0 of 400 trials"


def test_while_nothing_was_answered_it_says_what_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    job = jobs.Job(Path("folder"), STUDY, "m", planned=400, answered=0, created_at=BEGAN.isoformat())
    monkeypatch.setattr(jobs, "state", lambda _: jobs.State.RUNNING)
    starting = words(jobs.progress(job, []))
    assert starting == "0 of 400 trials, nothing is asked yet: its process starts and reads what is to be asked"
    asked = jobs.progress(job, [run(BEGAN, {}, None)], now=BEGAN + timedelta(seconds=12))
    assert words(asked) == "0 of 400 trials, the judge has not answered yet, 12 s after the start"
