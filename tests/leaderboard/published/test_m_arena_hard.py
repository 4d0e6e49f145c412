"""m-ArenaHard: win rates by language, and their mean."""

import numpy as np
import pytest

from judgebench.leaderboard.profiles import PROFILES
from judgebench.leaderboard.published.board import ScorerInput, ScoringChoices
from judgebench.leaderboard.published.m_arena_hard import score
from judgebench.records import Instruction
from tests.leaderboard.published.test_wildbench import compared

CHOICES = ScoringChoices("m-arena-hard", baseline="base")


def evidence(categories: tuple[str | None, ...], languages: dict[str, str]) -> ScorerInput:
    rows = [(at, "m", "base", preference, 1, 1) for at, preference in enumerate((1.0, 0.0, 0.5, 1.0, 1.0, 1.0))]
    keys = [f"q{at}" for at in range(6)]
    asked = {key: Instruction((key,), category) for key, category in zip(keys, categories, strict=True)}
    return ScorerInput(
        PROFILES["m-arena-hard"], asked, languages, verdicts=compared([*rows, (0, "o", "base", 0.0, 1, 1)])
    )


def test_the_mean_is_over_languages_and_not_over_instructions() -> None:
    board = score(evidence(("de", "de", "de", "de", "fr", "fr"), {}), CHOICES)
    numbers = next(row for row in board.rows if row.model == "m").numbers
    assert numbers["language.de"].value == pytest.approx(62.5)
    assert numbers["language.fr"].value == pytest.approx(100)
    average = numbers["average"]
    assert average.value == pytest.approx(np.mean([62.5, 100]))
    assert average.lower is not None
    assert average.upper is not None
    assert 0 <= average.lower < average.value < average.upper <= 100
    assert any("not judged in every language" in note and note.endswith(": o") for note in board.notes)


def test_languages_are_guessed_where_instructions_have_no_category() -> None:
    guessed = {f"q{at}": "German" if at < 4 else "French" for at in range(6)}
    board = score(evidence((None,) * 6, guessed), CHOICES)
    assert [column.name for column in board.columns] == ["average", "language.French", "language.German"]
    assert any("guessed" in note for note in board.notes)
