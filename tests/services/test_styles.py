"""Length and style beside the field: means of the outputs themselves."""

from contextlib import closing
from pathlib import Path

import pytest

from judgebench import services
from judgebench.errors import UnknownName
from judgebench.store.database import Database
from tests import kinds

styles = services.styles.styles


def test_means_are_those_of_the_outputs(tmp_path: Path) -> None:
    with closing(Database(str(tmp_path / "j.db"), create=True)) as database:
        kinds.KINDS["pairwise"](database)
        board = services.leaderboards.leaderboard(database, "bench")
        lengths = services.leaderboards.beside(database, "bench", board, controlled=False).tallies
        for model in kinds.MODELS:
            length, *marks = styles(database, "bench", model)
            assert length.mean.value == pytest.approx(lengths[model].length)
            lower, upper = length.mean.ends
            assert lower < (length.mean.value or 0) < upper
            assert (length.models, length.field) == (3, pytest.approx(lengths["m2"].length))
            assert length.place == 4 - int(model[1])  # the texts of m3 are the longest
            assert [(line.feature, line.mean.value) for line in marks] == [
                (feature, 0.0) for feature in ("headers", "lists", "bold", "code")
            ]
        with pytest.raises(UnknownName, match="m9"):
            styles(database, "bench", "m9")


def test_a_mark_that_no_output_has_is_not_known_to_be_in_none(tmp_path: Path) -> None:
    with closing(Database(str(tmp_path / "j.db"), create=True)) as database:
        kinds.KINDS["pairwise"](database)
        length, *marks = styles(database, "bench", "m1")
        assert length.mean.lower is not None
        for line in marks:
            assert (line.mean.value, line.mean.lower, line.mean.upper) == (0.0, None, None)
            assert "never varied" in line.mean.reason


def test_a_profile_has_them_and_its_relatives(tmp_path: Path) -> None:
    with closing(Database(str(tmp_path / "j.db"), create=True)) as database:
        kinds.KINDS["pairwise"](database)
        profile = services.profiles.profile(database, "bench", "m1")
        assert profile.style == styles(database, "bench", "m1")
        assert profile.relatives.others == ()
