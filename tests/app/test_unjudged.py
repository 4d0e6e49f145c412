"""A benchmark on which nothing was judged: every page about verdicts says what is there, and what to do next."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from judgebench import services
from judgebench.formats.outputs import read_outputs
from judgebench.resources import folder
from judgebench.store.database import Database
from tests.app.test_particulars import opened, tables
from tests.app.test_screens import printed
from tests.kinds import KINDS

pytest.importorskip("streamlit", reason="the app needs the extra app")
_ABOUT_VERDICTS = ("leaderboard", "matrix", "battles", "bias", "judges", "model")
_FILES = sorted((folder("demo") / "outputs").glob("*.json"))
Stored = Callable[[int], Path]


@pytest.fixture
def stored(tmp_path: Path) -> Stored:
    """A database with outputs of so many models."""

    def store(models: int) -> Path:
        path = tmp_path / "outputs.db"
        with closing(Database(str(path), create=True)) as database:
            for file in _FILES[:models]:
                prepared = services.submissions.prepare(database, read_outputs(file), benchmark="demo", model=file.stem)
                services.submissions.save(database, prepared, audit=False)
        return path

    return store


@pytest.mark.parametrize("page", _ABOUT_VERDICTS)
def test_what_is_there_is_said_with_what_to_do_next(page: str, stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(page, stored(2), monkeypatch, model=_FILES[0].stem)
    assert "Nothing on demo was judged yet. It holds 45 instructions and outputs of 2 models to them." in printed(app)
    assert "for this choice" not in printed(app)
    assert 'href="runs?benchmark=demo"' in tables(app)
    assert 'href="submit?benchmark=demo"' in tables(app)
    assert 'href="vote' not in tables(app)  # pairs to vote on come from battles that a judge has judged
    assert "judgebench run --benchmark demo" in printed(app)


def test_one_model_alone_is_scored(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened("leaderboard", stored(1), monkeypatch)
    assert "outputs of 1 model to them" in printed(app)
    assert "template=pointwise" in tables(app)
    assert "--all-pairs" not in printed(app)


@pytest.mark.parametrize("page", _ABOUT_VERDICTS)
def test_where_something_was_judged_nothing_of_it_is_said(
    page: str, demo_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "was judged yet" not in printed(opened(page, demo_database, monkeypatch, model="demo-hasty"))


def test_a_judge_whose_trials_all_failed_has_a_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Database(str(tmp_path / "failed.db"), create=True)) as database:
        KINDS["failed pairwise"](database)
    app = opened("judges", tmp_path / "failed.db", monkeypatch)
    assert "has no card here" not in printed(app)
    assert "Trials without a verdict:" in printed(app)
    assert "36 unparsed: the reply is empty" in printed(app)
    assert "no trial has a verdict (36 unparsed)" in tables(app)
