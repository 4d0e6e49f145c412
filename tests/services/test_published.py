"""The service of published boards: whose verdicts count, what is refused, and what is said beside the numbers."""

from pathlib import Path
from typing import Any

import pytest

import judgebench
from judgebench import services
from judgebench.errors import InputError, StatisticsError, UnknownName
from judgebench.leaderboard import Choices, Controls
from judgebench.leaderboard.published.board import ScoringChoices
from judgebench.services.imports import ImportOptions, import_file
from judgebench.services.published import published_board, scoring
from judgebench.services.scope import Scope
from judgebench.store.database import Database
from tests.formats.writing import write_rows

UNAUDITED = ImportOptions(audit=False)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """Three models on nine instructions, judged by a coin."""
    database = Database(str(tmp_path / "x.db"), create=True)
    named = [(f"Write about {at}.", model) for at in range(9) for model in ("a", "b", "base")]
    rows = [{"instruction": asked, "model": model, "output": f"{model} on {asked}"} for asked, model in named]
    import_file(database, write_rows(tmp_path / "o.jsonl", rows), benchmark="x", options=UNAUDITED)
    judgebench.run(database, benchmark="x", judge="scripted:coin", baseline="base")
    return database


def board(database: Database, profile: str, scope: Scope | None = None, **choices: Any) -> Any:
    return published_board(database, "x", ScoringChoices(profile, **choices), scope=scope or Scope())


def test_numbers_say_whose_wording_and_judge_they_rest_on(database: Database) -> None:
    made = board(database, "alpaca-eval-1")
    assert (made.profile, made.baselines, made.judges) == ("alpaca-eval-1", {"": ("base",)}, ("scripted:coin",))
    assert any("this project's wording and not the benchmark's" in note for note in made.notes)
    assert any("the benchmark's judge is gpt-4; these verdicts are by scripted:coin" in note for note in made.notes)
    assert any("no null-model audit" in note for note in made.notes)
    assert made.coverage is not None
    assert (made.coverage.judges, made.coverage.instructions) == ({"scripted:coin": 36}, 9)


def test_what_the_verdicts_cannot_give_is_refused(database: Database) -> None:
    with pytest.raises(UnknownName, match="profile"):
        board(database, "arena")
    with pytest.raises(UnknownName, match="unknown model 'nobody'"):
        board(database, "alpaca-eval-1", Scope(), baseline="nobody")
    with pytest.raises(InputError, match="--judge"):
        board(database, "lmarena", Scope(people=True, judges=("scripted:coin",)))
    with pytest.raises(StatisticsError, match="nobody voted"):
        board(database, "lmarena", Scope(people=True))


def test_other_judges_than_the_one_with_most_count_when_named(database: Database) -> None:
    judgebench.run(database, benchmark="x", judge="scripted:always-first", baseline="base", limit=4)
    assert board(database, "alpaca-eval-1").judges == ("scripted:coin",)
    named = board(database, "alpaca-eval-1", Scope(judges=("scripted:always-first",)))
    assert named.judges == ("scripted:always-first",)
    assert {row.numbers["win_rate"].value for row in named.rows} == {50.0}


def test_flagged_models_are_left_out_and_named(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "y.db"), create=True)
    named = [(f"Write about {at}.", model) for at in range(9) for model in ("a", "b", "base", "same")]
    rows = [
        {"instruction": asked, "model": model, "output": "I am best." if model == "same" else f"{model} on {asked}"}
        for asked, model in named
    ]
    import_file(database, write_rows(tmp_path / "o.jsonl", rows), benchmark="x")
    judgebench.run(database, benchmark="x", judge="scripted:coin", baseline="base")
    assert board(database, "alpaca-eval-1").coverage.flagged == ("same",)
    assert {row.model for row in board(database, "alpaca-eval-1").rows} == {"a", "b"}
    wanted = board(database, "alpaca-eval-1", Scope(with_flagged=True))
    assert {row.model for row in wanted.rows} == {"a", "b", "same"}


def test_a_profile_leaves_open_only_baseline_seed_and_margin() -> None:
    plain = Choices(baseline="b", seed=3)
    assert scoring(plain, Controls(), "mt-bench") == ScoringChoices("mt-bench", "b", seed=3)
    assert scoring(plain, Controls(), "wildbench", -1).length_margin == -1
    more = ((Choices(method="elo"), Controls()), (Choices(level=0.9), Controls()), (Choices(), Controls(("length",))))
    for choices, controls in more:
        with pytest.raises(InputError, match="says how the benchmark ranks"):
            scoring(choices, controls, "mt-bench")
    with pytest.raises(InputError, match="is WildBench's"):
        scoring(plain, Controls(), "mt-bench", 500)
    with pytest.raises(InputError, match="belongs to a profile"):
        scoring(plain, Controls(), None, 500)


def test_services_are_reached_by_their_name() -> None:
    assert services.published.published_board is published_board
