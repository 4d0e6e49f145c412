"""New models on the Submit page: which jobs are theirs, and where links lead."""

from contextlib import closing
from pathlib import Path

import pytest

pytest.importorskip("streamlit", reason="the app needs the extra app")

from app.views.placing import is_about, is_unfinished, leaderboard_link
from judgebench import services
from judgebench.records import JobState
from judgebench.services.jobs import Job
from judgebench.services.placement import PlacementPlan
from judgebench.show.coverage import sentences
from judgebench.spec import JudgeSpec, Study
from judgebench.store.database import Database
from tests.app import made
from tests.app.test_screens import opened, printed

COIN = JudgeSpec(model="scripted:coin")
PLAN = PlacementPlan("bench", ("new",), (), ("coin", "a&b"), (), None, ("alpha",), 3)


def job(**fields: object) -> Job:
    study = Study.model_validate({"benchmark": "bench", "judge": COIN, **fields})
    asked = {"study": study.model_dump(mode="json", exclude_defaults=True)}
    state = JobState.STOPPED
    return made.job(benchmark=study.benchmark, subject="coin", specification=asked, planned=10, state=state)


def test_a_job_is_about_the_models_that_it_places() -> None:
    assert is_about(job(pairs=(("new", "alpha"),)), PLAN)
    assert is_about(job(models=("new",)), PLAN)
    assert not is_about(job(pairs=(("alpha", "beta"),)), PLAN)
    assert not is_about(job(benchmark="other", models=("new",)), PLAN)


def test_the_link_names_judges_and_models_whatever_they_are_called() -> None:
    assert leaderboard_link(PLAN) == "leaderboard?benchmark=bench&judges=coin&judges=a%26b&new=new"


def test_ranks_are_so_far_until_all_was_asked() -> None:
    assert is_unfinished([job(pairs=(("new", "alpha"),))], [])  # stopped, or never begun
    assert not is_unfinished([], [])


def test_what_counts_stands_above_the_board(monkeypatch: pytest.MonkeyPatch, demo_database: Path) -> None:
    with closing(Database(str(demo_database))) as database:
        told = sentences(services.leaderboards.leaderboard(database, "demo").coverage, "app: nothing")
    app = opened("submit", monkeypatch, demo_database)
    app.multiselect(key="new").set_value(["demo-hasty"]).run()
    assert not app.exception
    assert told
    assert all(sentence in printed(app) for sentence in told)
    assert "judged so far" not in printed(app)
